/* buddy.h - the page-frame allocator's pure part: a binary buddy over frame numbers.
 *
 * It never touches the frames themselves: links live in an array beside the RAM, so a stray
 * write to a freed frame cannot corrupt the allocator, and free RAM is never brought in by
 * the host. state[f] of the first frame of a free block is FREE | order; of every other
 * frame BUDDY_USED (allocated or inside a free block) or BUDDY_NONE (not RAM of ours).
 * Allocated blocks have no order of their own: they may be freed in pieces.
 * The caller serialises. */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDDY_ORDERS 19         /* 4 KiB .. 1 GiB */
#define BUDDY_NIL    UINT32_MAX

struct buddy_link { uint32_t next, prev; };

struct buddy {
    uint8_t *state;             /* [frames] */
    struct buddy_link *link;    /* [frames], of heads of free blocks; else `next` is the owner's */
    uint32_t frames;
    uint32_t head[BUDDY_ORDERS];
    uint64_t free_frames, total_frames, most_used; /* frames; most_used: at any time since boot */
};

/* state must be `frames` zero bytes, link room for as many. */
void buddy_init(struct buddy *b, uint8_t *state, struct buddy_link *link, uint32_t frames);
/* Hands [first, first+count) to the allocator. */
void buddy_add(struct buddy *b, uint32_t first, uint32_t count);
/* First frame of a block, BUDDY_NIL if there is none. */
uint32_t buddy_alloc(struct buddy *b, unsigned order);
/* False (and nothing done) if the block is not wholly allocated RAM: a double free. Only
 * the block's first frame and the heads of enclosing free blocks are looked at. */
bool buddy_free(struct buddy *b, uint32_t frame, unsigned order);
/* Order of the largest free block, -1 if there is none. */
int buddy_largest(const struct buddy *b);

#endif
