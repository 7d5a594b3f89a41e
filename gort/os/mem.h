/* mem.h - memory of the operating system layer.
 *
 * File contents live in single 4 KiB frames (os_page_*), so that a big file needs no
 * contiguous memory. Everything else is small objects of some twenty sizes, cut from
 * frames and kept on free lists; larger ones get a contiguous block of frames. */
#ifndef GORT_OS_MEM_H
#define GORT_OS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_PAGE 4096ul

/* Zeroed memory, 16-aligned; NULL if no more is left than what is kept for others. Three degrees:
 *
 *   os_alloc_file   the file tree: leaves some memory for heap, stacks and os_alloc, so that a
 *                   program whose files are full can say so
 *   os_alloc        pipes, open files, pollers: leaves what is kept for the kernel (mm_kept)
 *   os_alloc_last   leaves nothing: for what a call needs to run at all. Not for what a program
 *                   may have as many of as it likes, but for calls that wait: each has a goroutine
 *
 * Any lock below RANK_PERSISTENT held. */
void *os_alloc_file(size_t n);
void *os_alloc(size_t n);
void *os_alloc_last(size_t n);
void os_free(void *p, size_t n); /* n as given to os_alloc; p may be NULL */

void *os_page_alloc(void);       /* 4 KiB, zeroed, page-aligned; leaves what os_alloc_file does */
/* Pages are counted references: os_page_alloc gives one, os_page_share another, and the page lives
 * until os_page_free has been called for each. */
void os_page_share(void *page);
void os_page_free(void *page);   /* locks below RANK_FRAMES */
bool os_can_have(uint64_t bytes); /* is there about so much for the file tree? */
uint64_t os_pages_used(void);    /* by os_page_alloc, now */

#endif
