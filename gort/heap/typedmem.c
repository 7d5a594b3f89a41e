/* typedmem.c - typed copies, see typedmem.h. */
#include "gort/heap/typedmem.h"
#include <string.h>
#include "gort/gc/gc.h"
#include "gort/heap/mbitmap.h"

/* Shades the pointers in the value of type t at addr. */
static void shade_value(const struct go_type *t, const void *addr)
{
    struct ptrs it;
    uintptr_t start = (uintptr_t)addr, slot;

    ptrs_of_type(&it, t, start, start, start + t->size);
    while ((slot = ptrs_next(&it)))
        gc_shade(*(void **)slot);
}

void typed_move_any(const void *type, void *dst, const void *src)
{
    const struct go_type *t = type;
    uint64_t *d = dst;
    const uint64_t *s = src;

    if (t->ptr_bytes == 0 || dst == src) {
        memmove(dst, src, t->size);
        return;
    }
    if (gc.barrier) {
        shade_value(t, dst);
        shade_value(t, src);
    }
    /* Values with pointers are whole words; two of them do not overlap. */
    for (size_t i = 0; i < t->size / sizeof *d; i++)
        __atomic_store_n(&d[i], s[i], __ATOMIC_RELAXED);
}

void typed_clear_any(const void *type, void *dst)
{
    const struct go_type *t = type;
    uint64_t *d = dst;

    if (t->ptr_bytes == 0) {
        memset(dst, 0, t->size);
        return;
    }
    if (gc.barrier)
        shade_value(t, dst);
    for (size_t i = 0; i < t->size / sizeof *d; i++)
        __atomic_store_n(&d[i], 0, __ATOMIC_RELAXED);
}
