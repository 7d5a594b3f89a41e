#include "mm/buddy.h"
#include <string.h>

enum { BUDDY_NONE = 0, BUDDY_USED = 1, BUDDY_FREE = 0x80 };

void buddy_init(struct buddy *b, uint8_t *state, struct buddy_link *link, uint32_t frames)
{
    b->state = state;
    b->link = link;
    b->frames = frames;
    b->free_frames = b->total_frames = b->most_used = 0;
    for (int o = 0; o < BUDDY_ORDERS; o++)
        b->head[o] = BUDDY_NIL;
}

static void list_push(struct buddy *b, uint32_t f, unsigned order)
{
    uint32_t old = b->head[order];

    b->link[f] = (struct buddy_link){ old, BUDDY_NIL };
    if (old != BUDDY_NIL)
        b->link[old].prev = f;
    b->head[order] = f;
    b->state[f] = (uint8_t)(BUDDY_FREE | order);
}

static void list_remove(struct buddy *b, uint32_t f, unsigned order)
{
    struct buddy_link l = b->link[f];

    if (l.prev != BUDDY_NIL)
        b->link[l.prev].next = l.next;
    else
        b->head[order] = l.next;
    if (l.next != BUDDY_NIL)
        b->link[l.next].prev = l.prev;
    b->state[f] = BUDDY_USED;
}

static void free_block(struct buddy *b, uint32_t f, unsigned order)
{
    b->free_frames += 1ull << order;
    while (order + 1 < BUDDY_ORDERS) {
        uint32_t other = f ^ (1u << order);
        if (other >= b->frames || b->state[other] != (BUDDY_FREE | order))
            break;
        list_remove(b, other, order);
        f &= ~(1u << order);
        order++;
    }
    list_push(b, f, order);
}

void buddy_add(struct buddy *b, uint32_t first, uint32_t count)
{
    memset(b->state + first, BUDDY_USED, count);
    b->total_frames += count;
    while (count) {
        unsigned order = 0;
        while (order + 1 < BUDDY_ORDERS && !(first & ((2u << order) - 1)) &&
               2u << order <= count)
            order++;
        free_block(b, first, order);
        first += 1u << order;
        count -= 1u << order;
    }
}

uint32_t buddy_alloc(struct buddy *b, unsigned order)
{
    unsigned o = order;

    while (o < BUDDY_ORDERS && b->head[o] == BUDDY_NIL)
        o++;
    if (o >= BUDDY_ORDERS)
        return BUDDY_NIL;
    uint32_t f = b->head[o];
    list_remove(b, f, o);
    while (o > order) {
        o--;
        list_push(b, f + (1u << o), o);
    }
    b->free_frames -= 1ull << order;
    if (b->total_frames - b->free_frames > b->most_used)
        b->most_used = b->total_frames - b->free_frames;
    return f;
}

bool buddy_free(struct buddy *b, uint32_t frame, unsigned order)
{
    if (order >= BUDDY_ORDERS || frame & ((1u << order) - 1) || frame >= b->frames ||
        b->frames - frame < 1u << order || b->state[frame] != BUDDY_USED)
        return false;
    for (unsigned o = order; o < BUDDY_ORDERS; o++) /* inside a free block? */
        if (b->state[frame & ~((1u << o) - 1)] == (BUDDY_FREE | o))
            return false;
    for (unsigned o = 0; o < order; o++) /* a free block at the upper half's start? */
        if (b->state[frame + (1u << o)] & BUDDY_FREE)
            return false;
    free_block(b, frame, order);
    return true;
}

int buddy_largest(const struct buddy *b)
{
    for (int o = BUDDY_ORDERS - 1; o >= 0; o--)
        if (b->head[o] != BUDDY_NIL)
            return o;
    return -1;
}
