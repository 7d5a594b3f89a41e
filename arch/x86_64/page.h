/* page.h - pages, and the direct map: all RAM at DIRECT_MAP_BASE. */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include <stdint.h>
#include "boot/boot_info.h"

#define PAGE_SIZE      4096ul
#define HUGE_PAGE_SIZE (2ul << 20)

/* Physical memory through the direct map. Any context. */
#ifdef GORT_HOST_TEST
void *phys_to_virt(uint64_t pa);
uint64_t direct_to_phys(const void *va);
#else
static inline void *phys_to_virt(uint64_t pa) { return (void *)(pa + DIRECT_MAP_BASE); }
/* The inverse; va lies in the direct map. */
static inline uint64_t direct_to_phys(const void *va) { return (uintptr_t)va - DIRECT_MAP_BASE; }
#endif

#endif
