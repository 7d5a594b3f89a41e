/* ring.h - a queue of bytes: a ring whose memory follows its use.
 *
 *        tail                 head
 *   [.....|||||||||||||||||||||........]   size: a power of two, 0 until the first byte
 *
 * A full ring doubles, up to cap and to what memory.h lets it have. When it becomes empty and a
 * small ring would have held all bytes since it was last empty, a large one is freed: an idle
 * connection keeps a kilobyte for each direction that was used. So is any but the smallest when
 * memory is short. */
#ifndef GORT_SOCK_RING_H
#define GORT_SOCK_RING_H

#include "gort/sock/vec.h"

struct ring {
    char *mem;
    uint32_t size, cap;
    uint32_t tight;         /* more than so many bytes were refused, until it is empty; 0: none */
    uint32_t peak;          /* most bytes since it was empty */
    uint64_t head, tail;    /* bytes ever put in, taken out */
};

static inline size_t ring_used(const struct ring *r) { return (size_t)(r->head - r->tail); }
static inline size_t ring_cap(const struct ring *r) { return r->tight ? r->tight : r->cap; }
static inline size_t ring_room(const struct ring *r)
{
    return ring_used(r) < ring_cap(r) ? ring_cap(r) - ring_used(r) : 0;
}
/* Is a third of it free? Writers of a stream are woken then. */
static inline bool ring_is_writable(const struct ring *r)
{
    return ring_room(r) >= ring_cap(r) / 3;
}

/* Makes room for n <= ring_room bytes, or for as many as there is memory for. Returns how many may
 * be appended. */
size_t ring_ready(struct ring *r, size_t n);
/* Appends n bytes, for which ring_ready has made room, from v, or from `from` if v is NULL. 0, or
 * -L_EFAULT with nothing appended. */
int ring_put_bytes(struct ring *r, struct vec *v, const void *from, size_t n);
/* Copies n bytes, `skip` bytes after the tail, without taking them; skip + n <= ring_used. */
int ring_copy(const struct ring *r, size_t skip, struct vec *v, void *to, size_t n);
void ring_drop(struct ring *r, size_t n);
void ring_free(struct ring *r);

#endif
