/* ring.c - see ring.h. */
#include "gort/sock/ring.h"
#include <string.h>
#include "gort/os/mem.h"

enum { RING_MIN = 1024, RING_LARGE = 16384 };

static int put_part(struct ring *r, uint64_t at, struct vec *v, const char *from, size_t n)
{
    size_t off = at & (r->size - 1), part = r->size - off;

    if (part > n)
        part = n;
    if (from) {
        memcpy(r->mem + off, from, part);
        memcpy(r->mem, from + part, n - part);
        return 0;
    }
    int err = vec_from(v, r->mem + off, part);
    return err || part == n ? err : vec_from(v, r->mem, n - part);
}

/* Makes the ring large enough for `need` bytes in all. False: no memory. */
static bool grow(struct ring *r, size_t need)
{
    size_t size = r->size ? r->size : RING_MIN, used = ring_used(r);

    while (size < need)
        size *= 2;
    if (size == r->size)
        return true;
    struct ring bigger = *r;
    bigger.size = (uint32_t)size;
    bigger.mem = os_alloc(size);
    if (!bigger.mem)
        return false;
    size_t off = r->size ? r->tail & (r->size - 1) : 0;
    size_t part = r->size - off < used ? r->size - off : used;
    if (used) {
        put_part(&bigger, r->tail, NULL, r->mem + off, part);
        put_part(&bigger, r->tail + part, NULL, r->mem, used - part);
    }
    os_free(r->mem, r->size);
    *r = bigger;
    return true;
}

int ring_put_bytes(struct ring *r, struct vec *v, const void *from, size_t n)
{
    if (!n)
        return 0;
    if (!grow(r, ring_used(r) + n))
        return -L_ENOBUFS;
    int err = put_part(r, r->head, v, from, n);
    if (err)
        return err;
    r->head += n;
    if (ring_used(r) > r->peak)
        r->peak = (uint32_t)ring_used(r);
    return 0;
}

int ring_copy(const struct ring *r, size_t skip, struct vec *v, void *to, size_t n)
{
    if (!n)
        return 0;
    size_t off = (r->tail + skip) & (r->size - 1), part = r->size - off;

    if (part > n)
        part = n;
    if (to) {
        memcpy(to, r->mem + off, part);
        memcpy((char *)to + part, r->mem, n - part);
        return 0;
    }
    int err = vec_to(v, r->mem + off, part);
    return err || part == n ? err : vec_to(v, r->mem, n - part);
}

void ring_drop(struct ring *r, size_t n)
{
    r->tail += n;
    if (r->head != r->tail)
        return;
    if (r->size > RING_LARGE && r->peak <= r->size / 8)
        ring_free(r);
    r->peak = 0;
}

void ring_free(struct ring *r)
{
    os_free(r->mem, r->size);
    r->mem = NULL;
    r->size = 0;
    r->head = r->tail;
}
