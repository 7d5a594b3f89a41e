/* data.h - the contents of a regular file.
 *
 *   page index -> radix tree of 512-slot nodes -> 4 KiB page
 *                 empty slot: the bundle's bytes if below base_size, else a hole (zeros)
 *
 * A file of the bundle is read in place; a write copies the page that it touches. Bytes
 * between size and the end of the last page are zero, unless a mapping writes there: growing
 * such a file clears them first. All functions take the lock themselves and give it up between
 * chunks of 64 KiB, so that a large copy does not keep others waiting; each chunk is atomic. */
#ifndef GORT_OS_FS_DATA_H
#define GORT_OS_FS_DATA_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/lock.h"

struct filedata {
    struct lock lock;         /* RANK_FILE */
    int64_t  size;            /* [lock] */
    const uint8_t *base;      /* [const] the bundle's bytes */
    int64_t  base_size;       /* [lock] how many of them still count: truncation lowers it */
    void   **root;            /* [lock] */
    unsigned height;          /* [lock] levels of nodes: 0 = no root */
    uint64_t pages;           /* [atomic] in the tree, and cut off but not freed yet */
    bool     written_behind;  /* [lock] mapped writable: bytes behind the end may not be zero */
};

#define DATA_MAX INT64_MAX    /* as Linux's tmpfs */

void data_init(struct filedata *d, const void *base, int64_t n);
void data_free(struct filedata *d);
int64_t data_size(struct filedata *d);
uint64_t data_blocks(struct filedata *d); /* 512-byte blocks in use */
/* buf of the next two may be the program's: it is touched by user_copy alone. Bytes that cannot
 * be copied end the call: short, or -L_EFAULT if they are the first.
 * Bytes read, 0 at or behind the end. off >= 0. */
int64_t data_read(struct filedata *d, void *buf, uint64_t n, int64_t off);
/* Writes at off, or at the end if *off is negative: then *off is where that was. Bytes
 * written, short or -L_ENOSPC when memory is out, -L_EFBIG behind DATA_MAX. */
int64_t data_write(struct filedata *d, const void *buf, uint64_t n, int64_t *off);
/* The page that holds offset off (a multiple of 4 KiB), for a mapping: what is written there
 * belongs to the file, until the page is cut off. 0, -L_ENXIO behind the end, -L_ENOSPC. */
int data_share(struct filedata *d, int64_t off, bool write, void **page);
/* Where the bytes from off on are: as many of n as lie together, 0 at or behind the end. They stay
 * there until *page, a reference to their page, is given to os_page_free; NULL: for good. What is
 * written to them meanwhile is seen, unless they are the bundle's or a hole's. What is cut off
 * stays as it was. -L_ENOTSUP: not in RAM that the direct map covers. */
int64_t data_show(struct filedata *d, int64_t off, int64_t n, const uint8_t **bytes, void **page);
int data_truncate(struct filedata *d, int64_t size);
/* Could the pages of [off, off+n) be had? */
bool data_can_allocate(struct filedata *d, int64_t off, int64_t n);
/* Makes the pages of [off, off+n), some dozens, present. *made < 0: becomes the offset of the first
 * page that was not there. 0 or -L_ENOSPC. */
int data_allocate(struct filedata *d, int64_t off, int64_t n, int64_t *made);
void data_grow(struct filedata *d, int64_t size); /* at least to that size */
/* Gives back those pages of [off, off+n) that hold only zeros: nobody can tell. Not mapped. */
void data_drop_zeros(struct filedata *d, int64_t off, int64_t n);
/* Truncating, punching and removing a file cut its pages off; this frees `budget` of those.
 * False: there are none, or other CPUs are at the last of them. Locks below RANK_GRAVES. */
bool data_reap(unsigned budget);
int data_punch(struct filedata *d, int64_t off, int64_t n); /* zeros; frees whole pages */
/* The first offset >= off that is data (or hole), as lseek(2) has it; or -L_ENXIO. */
int64_t data_seek(struct filedata *d, int64_t off, bool hole);

#endif
