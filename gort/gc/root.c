/* root.c - data and bss of the program's modules: root.h. */
#include "gort/gc/root.h"
#include "gort/abi/goabi.h"
#include "gort/heap/mheap.h"
#include "gort/stack/symtab.h"
#include "kernel/check.h"

#define MAX_SEGMENTS 16

static struct gc_segment segments[MAX_SEGMENTS]; /* [const after boot] */
static unsigned nsegments;

/* ---- GC programs --------------------------------------------------------------------------------
 * The linker writes them, and Go's mbitmap.go reads them, in this form:
 *
 *   00000000              end
 *   0nnnnnnn bytes...     n bits, from ceil(n / 8) bytes
 *   1nnnnnnn c            the last n bits, c times more; c is a varint, and so is n (behind the
 *                         instruction) if its 7 bits are 0
 */
static size_t varint(const uint8_t **p)
{
    size_t v = 0;

    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t b = *(*p)++;
        v |= (size_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            break;
    }
    return v;
}

static void put_bit(uint8_t *bits, size_t i, unsigned v)
{
    bits[i / 8] = (uint8_t)((bits[i / 8] & ~(1u << i % 8)) | v << i % 8);
}

/* Expands a GC program (cmd/link and reflectdata write them) into one bit per word. Returns
 * the number of bits, which is at most `cap`; a broken program ends early. */
static size_t program_run(const uint8_t *p, uint8_t *bits, size_t cap)
{
    size_t at = 0;

    for (uint8_t op; (op = *p++) != 0;) {
        size_t n = op & 0x7f;
        if (!(op & 0x80)) {
            for (size_t i = 0; i < n && at < cap; i++)
                put_bit(bits, at++, p[i / 8] >> i % 8 & 1);
            p += (n + 7) / 8;
            continue;
        }
        if (n == 0)
            n = varint(&p);
        size_t total = n * varint(&p);
        if (n > at || total > cap - at)
            return at;
        for (size_t i = 0; i < total; i++, at++)
            put_bit(bits, at, bits[(at - n) / 8] >> (at - n) % 8 & 1);
    }
    return at;
}

/* ---- segments ---------------------------------------------------------------------------- */

static void add_segment(uintptr_t lo, uintptr_t hi, uintptr_t prog)
{
    size_t words = (hi - lo) / 8;

    if (words == 0)
        return;
    CHECK(nsegments < MAX_SEGMENTS, "more than %u segments of globals", nsegments);
    uint8_t *mask = persistent_alloc((words + 63) / 64 * 8, 8, &mheap.meta_other);
    program_run((const uint8_t *)prog, mask, words);
    segments[nsegments++] = (struct gc_segment){ lo, hi, mask };
}

/* Programs describe [data, edata) and [bss, ebss): variables without pointers are elsewhere. */
void gc_roots_init(void)
{
    for (const struct moduledata *md = symtab_first(); md; md = *moduledata_next(md)) {
        add_segment(md->data, md->edata, md->gcdata);
        add_segment(md->bss, md->ebss, md->gcbss);
    }
}

bool gc_segment_get(unsigned i, struct gc_segment *out)
{
    if (i >= nsegments)
        return false;
    *out = segments[i];
    return true;
}

bool gc_segment_of(uintptr_t addr, struct gc_segment *out)
{
    for (unsigned i = 0; gc_segment_get(i, out); i++)
        if (addr >= out->lo && addr < out->hi)
            return true;
    return false;
}

void gc_segment_slots(const struct gc_segment *s, uintptr_t lo, uintptr_t hi,
                      void (*fn)(uintptr_t slot, void *arg), void *arg)
{
    hi = hi < s->hi ? hi : s->hi;
    for (uintptr_t a = lo; a + 8 <= hi; a += 8) {
        size_t i = (a - s->lo) / 8;
        if (s->mask[i / 8] == 0 && i % 8 == 0)
            a += 56; /* the loop adds the last word */
        else if (s->mask[i / 8] >> i % 8 & 1)
            fn(a, arg);
    }
}
