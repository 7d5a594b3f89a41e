/* typedmem.h - copying and clearing values of Go types from C, with write barriers.
 *
 * The destination may be in the heap or on any goroutine's stack that stands still. While the
 * collector marks, what the destination held and what it gets are shaded. Words are moved
 * whole, since the collector may be reading them. g0 context, locks may be held. */
#ifndef GORT_HEAP_TYPEDMEM_H
#define GORT_HEAP_TYPEDMEM_H

#include "gort/gc/gc.h"
#include "gort/abi/goabi.h"

/* Any type. `type` is a struct go_type. */
void typed_move_any(const void *type, void *dst, const void *src);
void typed_clear_any(const void *type, void *dst);

/* Is a value of the type one word whose store needs no write barrier just now? */
static inline bool typed_is_word(const void *type)
{
    const struct go_type *t = type;

    return t->size == sizeof(uint64_t) && (t->ptr_bytes == 0 || !gc.barrier);
}

/* *dst = *src. `type` is a struct go_type. */
static inline void typed_move(const void *type, void *dst, const void *src)
{
    if (typed_is_word(type))
        __atomic_store_n((uint64_t *)dst, *(const uint64_t *)src, __ATOMIC_RELAXED);
    else
        typed_move_any(type, dst, src);
}

/* *dst = zero value */
static inline void typed_clear(const void *type, void *dst)
{
    if (typed_is_word(type))
        __atomic_store_n((uint64_t *)dst, 0, __ATOMIC_RELAXED);
    else
        typed_clear_any(type, dst);
}

#endif
