/* mem.h - memory of the operating system layer.
 *
 * File contents live in single 4 KiB frames (os_page_*), so that a big file needs no
 * contiguous memory. Everything else is small objects of power-of-two classes, cut from
 * frames and kept on free lists; larger ones get a contiguous block of frames. */
#ifndef GORT_OS_MEM_H
#define GORT_OS_MEM_H

#include <stddef.h>
#include <stdint.h>

#define OS_PAGE 4096ul

/* Zeroed memory, 16-aligned; NULL if there is none. Any lock below RANK_PERSISTENT held. */
void *os_alloc(size_t n);
void os_free(void *p, size_t n); /* n as at os_alloc; p may be NULL */

void *os_page_alloc(void);       /* 4 KiB, zeroed, page-aligned; NULL if there is none */
void os_page_free(void *page);
uint64_t os_pages_used(void);    /* by os_page_alloc, now */

#endif
