/* mbitmap.h - where the pointers of an object are.
 *
 *   no pointers            span class says so: nothing is kept
 *   <= 512 bytes           one bit per word at the end of the object's 8 KiB span
 *   <= 32 KiB              a type word before the object (the object is one or more values
 *                          of the type, then zeros)
 *   larger                 the type in the span: mspan.large_type
 *
 * Type masks are the compiler's: one bit per word of a type's pointer prefix. */
#ifndef GORT_HEAP_MBITMAP_H
#define GORT_HEAP_MBITMAP_H

#include "gort/abi/goabi.h"
#include "gort/heap/mspan.h"
#include "kernel/check.h"

/* The mask of t, which has pointers; built on first use for very large types. g0 context. */
const uint8_t *type_mask(const struct go_type *t);

static inline uint64_t *span_bits(const struct mspan *s)
{
    return (uint64_t *)(s->base + GO_PAGE_SIZE - SPAN_BITS_BYTES);
}
/* A store of the bits of the object that is `off` bytes from the span's base: one or two words.
 * Other bits of those words belong to objects of the same span, and only its owner writes. */
static inline void span_bits_store(struct mspan *s, uintptr_t off, uint64_t bits)
{
    uint64_t *w = span_bits(s) + off / 512;
    unsigned n = s->elemsize32 / 8, shift = off / 8 % 64;

    w[0] = (w[0] & ~(s->ones << shift)) | bits << shift;
    if (__builtin_expect(shift + n > 64, 0))
        w[1] = (w[1] & ~(s->ones >> (64 - shift))) | bits >> (64 - shift);
}
/* Records that [x, x + size) of a span with bits holds values of t. Returns the bytes from x
 * within which the pointers are. The object is not reachable yet. */
size_t span_bits_write(struct mspan *s, uintptr_t x, size_t size, const struct go_type *t);
/* The bits of the object at x, one per word from bit 0. */
static inline uint64_t span_bits_read(const struct mspan *s, uintptr_t x)
{
    size_t at = (x - s->base) / 8;
    const uint64_t *w = span_bits(s) + at / 64;
    unsigned n = s->elemsize32 / 8, shift = at % 64;
    uint64_t v = w[0] >> shift;

    if (shift + n > 64)
        v |= w[1] << (64 - shift);
    return v & (~0ull >> (64 - n));
}

/* The type of the object in the slot at base, of a span without bits; NULL: not set up yet. */
static inline const struct go_type *mspan_type(const struct mspan *s, uintptr_t base)
{
    return mspan_is_large(s) ? __atomic_load_n(&s->large_type, __ATOMIC_ACQUIRE)
                             : __atomic_load_n((const struct go_type *const *)base,
                                               __ATOMIC_ACQUIRE);
}

/* The pointer slots of a range, in order of address. */
struct ptrs {
    uint64_t bits;            /* slots from addr on that are still to come */
    uintptr_t addr, end;
    const struct go_type *t;   /* NULL: bits is all there is */
    const uint8_t *mask;
    uintptr_t elem;           /* value that addr is in */
    uintptr_t off;            /* next group of 64 words of it */
};

/* Slots of [lo, hi) within the object of s that starts at base (its slot's first byte). */
void ptrs_of_object(struct ptrs *p, const struct mspan *s, uintptr_t base, uintptr_t lo,
                    uintptr_t hi);
/* Slots of [lo, hi), which holds values of t from `start` on. */
void ptrs_of_type(struct ptrs *p, const struct go_type *t, uintptr_t start, uintptr_t lo,
                  uintptr_t hi);
bool ptrs_next_group(struct ptrs *p);
/* Address of the next slot, 0 at the end. */
static inline uintptr_t ptrs_next(struct ptrs *p)
{
    while (p->bits == 0)
        if (!ptrs_next_group(p))
            return 0;
    uintptr_t a = p->addr + 8 * (uintptr_t)__builtin_ctzll(p->bits);
    p->bits &= p->bits - 1;
    return a < p->end ? a : 0;
}

#endif
