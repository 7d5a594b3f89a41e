/* mbitmap.c - pointer masks of types, written into spans and read back: mbitmap.h. */
#include "gort/heap/mbitmap.h"
#include "gort/heap/mheap.h"

/* The Go side (reflection) builds masks too and marks a slot with this address meanwhile;
 * malloc.c learns it from the program. */
const void *type_mask_in_progress;

/* ---- masks ------------------------------------------------------------------------------- */

static void mask_or(uint8_t *mask, size_t at, const uint8_t *src, size_t bits)
{
    for (size_t i = 0; i < bits; i++)
        if (src[i / 8] >> i % 8 & 1)
            mask[(at + i) / 8] |= (uint8_t)(1u << (at + i) % 8);
}

/* Recursion is at most 64 deep: only the largest field can be more than half of its struct,
 * and that one is done in the loop. */
static void mask_build(const struct go_type *t, uint8_t *mask, size_t at)
{
    while (t->tflag & TFLAG_GCMASK_ON_DEMAND) {
        const struct go_type *next = NULL;
        size_t next_at = at;

        if (t->kind == KIND_ARRAY) {
            const struct go_array_type *a = (const struct go_array_type *)t;
            next = a->elem; /* the last element's turn comes below */
            next_at = at + (a->len - 1) * (a->elem->size / 8);
            for (size_t i = 0; i + 1 < a->len; i++)
                mask_build(a->elem, mask, at + i * (a->elem->size / 8));
        } else {
            const struct go_struct_type *s = (const struct go_struct_type *)t;
            CHECK(t->kind == KIND_STRUCT, "mask on demand for a type of kind %u", t->kind);
            const struct go_struct_field *fields = s->fields.ptr;
            for (int64_t i = 0; i < s->fields.len; i++) {
                const struct go_struct_field *f = &fields[i];
                if (f->typ->ptr_bytes == 0)
                    continue;
                if (f->typ->size > t->size / 2) {
                    next = f->typ;
                    next_at = at + f->offset / 8;
                } else {
                    mask_build(f->typ, mask, at + f->offset / 8);
                }
            }
        }
        if (!next)
            return;
        t = next;
        at = next_at;
    }
    mask_or(mask, at, t->gcdata, t->ptr_bytes / 8);
}

static const uint8_t *mask_on_demand(const struct go_type *t)
{
    const uint8_t **slot = (const uint8_t **)t->gcdata;
    const uint8_t *have = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

    if (have && have != type_mask_in_progress)
        return have;
    uint8_t *mask = persistent_alloc((t->ptr_bytes / 8 + 63) / 64 * 8, 8, &mheap.meta_other);
    mask_build(t, mask, 0);
    /* Whoever is first wins; the other's copy says the same. */
    if (!have && !__atomic_compare_exchange_n(slot, &have, mask, false, __ATOMIC_ACQ_REL,
                                              __ATOMIC_ACQUIRE) && have != type_mask_in_progress)
        return have;
    return mask;
}

const uint8_t *type_mask(const struct go_type *t)
{
    return t->tflag & TFLAG_GCMASK_ON_DEMAND ? mask_on_demand(t) : t->gcdata;
}

/* ---- bits at the end of a span ----------------------------------------------------------- */

size_t span_bits_write(struct mspan *s, uintptr_t x, size_t size, const struct go_type *t)
{
    const uint64_t one = *(const uint64_t *)type_mask(t);
    size_t words = t->size / 8, scan = t->ptr_bytes;
    uint64_t all = one;

    if (words == 1)
        all = size == 512 ? ~0ull : (1ull << size / 8) - 1;
    else
        for (size_t at = t->size; at < size; at += t->size) {
            all |= one << at / 8;
            scan += t->size;
        }
    span_bits_store(s, x - s->base, all);
    return words == 1 ? size : scan;
}

/* ---- walking ----------------------------------------------------------------------------- */

bool ptrs_next_group(struct ptrs *p)
{
    const struct go_type *t = p->t;

    if (!t)
        return false;
    if (p->off >= t->ptr_bytes) {
        p->elem += t->size;
        p->off = 0;
    }
    p->addr = p->elem + p->off;
    if (p->addr >= p->end)
        return false;
    size_t left = (t->ptr_bytes - p->off) / 8;
    p->bits = *(const uint64_t *)(p->mask + p->off / 64);
    if (left < 64)
        p->bits &= (1ull << left) - 1;
    p->off += 512;
    return true;
}

void ptrs_of_type(struct ptrs *p, const struct go_type *t, uintptr_t start, uintptr_t lo,
                  uintptr_t hi)
{
    uintptr_t index = (lo - start) / t->size, off = (lo - start) % t->size;

    *p = (struct ptrs){ .end = hi, .t = t, .mask = type_mask(t) };
    p->elem = start + index * t->size;
    p->off = off & ~511ul;
    if (off == 0)
        return;
    if (ptrs_next_group(p) && lo > p->addr)
        p->bits &= ~0ull << (lo - p->addr) / 8;
}

void ptrs_of_object(struct ptrs *p, const struct mspan *s, uintptr_t base, uintptr_t lo,
                    uintptr_t hi)
{
    uintptr_t end = base + s->elemsize;

    hi = hi < end ? hi : end;
    *p = (struct ptrs){ .end = hi };
    if (mspan_noscan(s) || lo >= hi)
        return;
    if (mspan_has_bits(s)) {
        p->addr = base;
        p->bits = span_bits_read(s, base);
        if (lo > base)
            p->bits &= ~0ull << (lo - base) / 8;
        return;
    }
    const struct go_type *t = mspan_type(s, base);
    if (!mspan_is_large(s)) {
        base += MALLOC_HEADER;
        lo = lo > base ? lo : base;
    }
    if (t && lo < hi)
        ptrs_of_type(p, t, base, lo, hi);
}
