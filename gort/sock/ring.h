/* ring.h - bytes on their way: a ring that is there only as far as it is used.
 *
 *        tail                 head
 *   [.....|||||||||||||||||||||........]   size: a power of two, 0 until the first byte
 *
 * It doubles up to cap when it is full, and a large one goes when a small one would have done since
 * it was last empty: an idle connection keeps a kilobyte in each direction that was used. */
#ifndef GORT_SOCK_RING_H
#define GORT_SOCK_RING_H

#include "gort/sock/vec.h"

struct ring {
    char *mem;
    uint32_t size, cap;
    uint32_t peak;          /* most bytes since it was empty */
    uint64_t head, tail;    /* bytes ever put in, taken out */
};

static inline size_t ring_used(const struct ring *r) { return (size_t)(r->head - r->tail); }
static inline size_t ring_room(const struct ring *r)
{
    return ring_used(r) < r->cap ? r->cap - ring_used(r) : 0;
}

/* Puts n <= ring_room bytes in, from v, or from `from` if v is NULL. 0, -L_ENOBUFS, -L_EFAULT; then
 * nothing has been put in. */
int ring_put_bytes(struct ring *r, struct vec *v, const void *from, size_t n);
/* Copies n <= ring_used bytes from `skip` behind the tail on. */
int ring_copy(const struct ring *r, size_t skip, struct vec *v, void *to, size_t n);
void ring_drop(struct ring *r, size_t n);
void ring_free(struct ring *r);

#endif
