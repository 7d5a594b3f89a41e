/* ring.h - a queue of bytes: a ring whose memory follows its use.
 *
 *        tail                 head
 *   [.....|||||||||||||||||||||........]   size: a power of two, 0 until the first byte
 *
 * A full ring doubles, up to cap. When it becomes empty and a small ring would have held all bytes
 * since it was last empty, a large one is freed: an idle connection keeps a kilobyte for each
 * direction that was used. */
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

/* Appends n <= ring_room bytes from v, or from `from` if v is NULL. 0, or -L_ENOBUFS or -L_EFAULT
 * with nothing appended. */
int ring_put_bytes(struct ring *r, struct vec *v, const void *from, size_t n);
/* Copies n bytes, `skip` bytes after the tail, without taking them; skip + n <= ring_used. */
int ring_copy(const struct ring *r, size_t skip, struct vec *v, void *to, size_t n);
void ring_drop(struct ring *r, size_t n);
void ring_free(struct ring *r);

#endif
