/* ring.c - see ring.h. */
#include "gort/sock/ring.h"
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/memory.h"

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

/* What a ring of that size counts for. */
static size_t counted(size_t size) { return size > SOCK_MEMORY_FREE ? size : 0; }

static void *memory_get(const struct ring *r, size_t size)
{
    size_t more = counted(size) - counted(r->size);

    if (more && !sock_memory_take(SOCK_MEMORY_STREAMS, more, counted(r->size)))
        return NULL;
    void *mem = os_alloc(size);
    if (!mem)
        sock_memory_give(SOCK_MEMORY_STREAMS, more);
    return mem;
}

/* Makes the ring as large as it may be, up to what `need` bytes in all take. */
static void grow(struct ring *r, size_t need)
{
    size_t size = r->size ? r->size : RING_MIN, used = ring_used(r);

    while (size < need)
        size *= 2;
    struct ring bigger = *r;
    for (bigger.mem = NULL; !bigger.mem && size > r->size && size >= RING_MIN; size /= 2) {
        bigger.size = (uint32_t)size;
        bigger.mem = memory_get(r, size);
    }
    if (!bigger.mem)
        return;
    size_t off = r->size ? r->tail & (r->size - 1) : 0;
    size_t part = r->size - off < used ? r->size - off : used;
    if (used) {
        put_part(&bigger, r->tail, NULL, r->mem + off, part);
        put_part(&bigger, r->tail + part, NULL, r->mem, used - part);
    }
    os_free(r->mem, r->size);
    *r = bigger;
}

size_t ring_ready(struct ring *r, size_t n)
{
    size_t used = ring_used(r);

    if (used + n > r->size)
        grow(r, used + n);
    if (used + n <= r->size)
        return n;
    r->tight = r->size;
    return r->size - used;
}

int ring_put_bytes(struct ring *r, struct vec *v, const void *from, size_t n)
{
    if (!n)
        return 0;
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
    if ((r->size > RING_LARGE && r->peak <= r->size / 8) ||
        (counted(r->size) && sock_memory_short()))
        ring_free(r);
    r->peak = 0;
    r->tight = 0;
}

void ring_free(struct ring *r)
{
    os_free(r->mem, r->size);
    sock_memory_give(SOCK_MEMORY_STREAMS, counted(r->size));
    r->mem = NULL;
    r->size = 0;
    r->head = r->tail;
}
