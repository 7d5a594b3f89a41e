/* paging.h - page tables of the one address space (4 levels). Callers hold the VM lock,
 * except for pt_find. Nothing here flushes TLBs except where it says so. */
#ifndef ARCH_PAGING_H
#define ARCH_PAGING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PTE_P   (1ull << 0)
#define PTE_W   (1ull << 1)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_A   (1ull << 5)
#define PTE_D   (1ull << 6)
#define PTE_PS  (1ull << 7)
#define PTE_NONE (1ull << 9) /* ours: a leaf that keeps its frame but allows no access; P is 0 */
#define PTE_NX  (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

/* Sizes of a leaf at level 1, 2, 3. */
#define LEVEL_SIZE(l) (4096ull << (9 * ((l) - 1)))

extern uint64_t pt_root;                 /* physical address of the PML4 */
/* Whoever manages frames (mm/) sets these before the first pt_map. */
extern uint64_t (*pt_alloc_frame)(void); /* a frame for a table, 0 = none */
extern uint64_t (*pt_split_frame)(void); /* a frame for the table of a page that is split */
extern void (*pt_free_frame)(uint64_t pa);

/* Maps with the largest pages that alignment and max_level allow. 0, -ENOMEM or -EEXIST,
 * then nothing of the range that was free before stays mapped. */
int pt_map(uintptr_t va, uint64_t pa, uint64_t size, uint64_t flags, unsigned max_level);
/* The leaf slot for a page of the given level, tables made as needed; NULL: out of memory or
 * a larger page is in the way. For level 2, an empty table in the way is removed (and the
 * TLBs flushed). */
uint64_t *pt_slot(uintptr_t va, unsigned level);
/* The slot of the leaf that maps va, after splitting it until it is within [va, end):
 * NULL with *next = address behind the hole if nothing is mapped, NULL with *next = va if
 * there is no frame to split with. */
uint64_t *pt_leaf_within(uintptr_t va, uintptr_t end, unsigned *level, uintptr_t *next);
/* Frees the page table that covers the 2 MiB around va if it is empty; returns its frame
 * (free it after the shootdown) or 0. */
uint64_t pt_prune(uintptr_t va);

/* Finds the leaf that maps va in the tables that this CPU uses (until mm_init, the loader's): its
 * value, level in *level; 0 if there is none. Any context. */
uint64_t pt_find(uintptr_t va, unsigned *level);
/* Is the page of va < end mapped, be it without access? And the first address behind it for which
 * that is not known to be so too: as far as the same page table tells, looking no further than end.
 * Any context. */
bool pt_run(uintptr_t va, uintptr_t end, uintptr_t *next);
/* Is the byte mapped (and writable)? Any context, no locks. */
bool pt_is_mapped(uintptr_t va, bool write);

/* Flushes [va, va+size) on all CPUs. g0 context, interrupts on. (tlb.c) */
void tlb_shootdown(uintptr_t va, size_t size);

#endif
