/* sizeclass.h - the 68 sizes of small objects, and span classes.
 *
 * The tables come from GOROOT: growslice rounds capacities up with them, so a program can
 * see them. Class 0 is "large". A span class is a size class times two, plus one when the
 * objects hold no pointers. Pure: host tests. */
#ifndef GORT_HEAP_SIZECLASS_H
#define GORT_HEAP_SIZECLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GO_PAGE_SIZE        8192ul
#define NUM_CLASSES         68
#define NUM_SPAN_CLASSES    (2 * NUM_CLASSES)
#define SMALL_MAX           32768ul  /* largest small object */
#define MALLOC_HEADER       8ul      /* type word before objects with pointers > 512 bytes */
#define HEADER_MIN          512ul    /* objects with pointers up to this have bits in the span */
#define TINY_SIZE           16ul     /* block that the tiny allocator shares out */
#define TINY_SPAN_CLASS     5        /* 16 bytes, noscan */
#define SPAN_BITS_BYTES     128ul    /* one bit per word of an 8 KiB span */

extern uint16_t class_size[NUM_CLASSES];   /* [const] bytes per object */
extern uint8_t  class_pages[NUM_CLASSES];  /* [const] 8 KiB pages per span */
extern uint32_t class_magic[NUM_CLASSES];  /* [const] n / size == n * magic >> 32, n < span */
/* [const] class of a size up to 32768, by (size + 7) / 8: one look-up for every size. */
extern uint8_t  class_by8[SMALL_MAX / 8 + 1];

void sizeclass_init(void);

static inline unsigned sizeclass_of(size_t size) { return class_by8[(size + 7) >> 3]; }
static inline unsigned span_class(unsigned sizeclass, bool noscan)
{
    return sizeclass * 2 + noscan;
}
static inline bool span_class_noscan(unsigned spc) { return spc & 1; }

/* Objects of a span of this class: pointer bits at its end take room. */
unsigned sizeclass_nelems(unsigned spc);

#endif
