/* mspan.c - one span: its bitmaps and its free objects. */
#include "gort/heap/mspan.h"
#include <string.h>
#include "kernel/check.h"

/* ---- lists ---------------------------------------------------------------------------------- */

void mspan_list_push(struct mspan_list *l, struct mspan *s)
{
    s->prev = NULL;
    s->next = l->first;
    if (l->first)
        l->first->prev = s;
    else
        l->last = s;
    l->first = s;
    l->count++;
    s->listed = true;
}

void mspan_list_remove(struct mspan_list *l, struct mspan *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        l->first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        l->last = s->prev;
    s->next = s->prev = NULL;
    s->listed = false;
    l->count--;
}

struct mspan *mspan_list_pop(struct mspan_list *l)
{
    struct mspan *s = l->first;

    if (s)
        mspan_list_remove(l, s);
    return s;
}

/* ---- bitmaps ----------------------------------------------------------------------------- */

static const uint8_t kind_words[MSPAN_BITS_KINDS] = { 1, 2, 4, 8, 16 };

unsigned mspan_bits_words(unsigned nelems)
{
    for (unsigned k = 0; k < MSPAN_BITS_KINDS; k++)
        if (nelems <= kind_words[k] * 64u)
            return kind_words[k];
    PANIC("a span of %u objects", nelems);
}

unsigned mspan_bits_kind(unsigned words) { return (unsigned)__builtin_ctz(words); }

/* Sets all pointer bits of a span of 8-byte objects: with pointers, an object of 8 bytes can
 * only be one. Others start with none. */
static void init_pointer_bits(const struct mspan *s)
{
    uintptr_t bits = s->base + s->npages * GO_PAGE_SIZE - SPAN_BITS_BYTES;

    if (s->elemsize == 8)
        memset((void *)bits, 0xff, SPAN_BITS_BYTES);
    else if (s->needzero)
        memset((void *)bits, 0, SPAN_BITS_BYTES);
}

void mspan_init(struct mspan *s, uintptr_t base, size_t npages, unsigned spc, bool needzero)
{
    unsigned c = spc / 2;

    s->base = base;
    s->npages = npages;
    s->spanclass = (uint8_t)spc;
    s->needzero = needzero;
    s->lazy = false;
    s->touched = 0;
    s->large_type = NULL;
    s->specials = NULL;
    s->alloc_count = s->cached_count = 0;
    s->free_index = s->scan_index = 0;
    s->sample_at = MSPAN_NO_SAMPLE;
    s->elemsize = c ? class_size[c] : npages * GO_PAGE_SIZE;
    s->elemsize32 = s->elemsize >> 32 ? 0 : (uint32_t)s->elemsize;
    s->ones = ~0ull >> (s->elemsize < 512 ? 64 - s->elemsize / 8 : 0);
    s->nelems = c ? sizeclass_nelems(spc) : 1;
    s->magic = c ? class_magic[c] : 0;
    s->limit = base + s->elemsize * s->nelems;
    CHECK(s->nelems <= s->bits_words * 64, "bitmap of %u words for %u objects", s->bits_words,
          s->nelems);
    s->alloc = s->bits;
    s->gcmark = s->bits + s->bits_words;
    memset(s->bits, 0, 2 * s->bits_words * sizeof s->bits[0]);
    mspan_fill_tail(s);
    s->alloc_cache = ~s->alloc[0];
    if (c && !mspan_noscan(s) && mspan_has_bits(s))
        init_pointer_bits(s);
}

/* ---- free objects ------------------------------------------------------------------------ */

void mspan_fill_tail(struct mspan *s)
{
    unsigned used = s->nelems % 64, words = (s->nelems + 63) / 64;

    if (used)
        s->alloc[words - 1] |= ~0ull << used;
    for (unsigned i = words; i < s->bits_words; i++)
        s->alloc[i] = ~0ull;
}

unsigned mspan_next_free(struct mspan *s)
{
    while (s->alloc_cache == 0) {
        /* At a multiple of 64 the cache may be that of the word before: look (again). */
        unsigned at = (s->free_index + 63) & ~63u;
        if (s->sample_at < at)
            return s->nelems;
        if (at >= s->nelems) {
            s->free_index = s->nelems;
            return s->nelems;
        }
        s->alloc_cache = ~s->alloc[at / 64];
        bool sample = s->sample_at - at < 64;
        if (sample)
            s->alloc_cache &= (1ull << (s->sample_at - at)) - 1;
        s->free_index = s->alloc_cache || sample ? at : at + 64;
        if (sample && !s->alloc_cache)
            return s->nelems;
    }
    unsigned skip = (unsigned)__builtin_ctzll(s->alloc_cache);
    s->alloc_cache >>= skip;
    s->free_index += skip;
    return s->free_index;
}

void mspan_sample_at(struct mspan *s, unsigned i)
{
    s->sample_at = i;
    if (i - s->free_index < 64)
        s->alloc_cache &= (1ull << (i - s->free_index)) - 1;
}

/* Objects below free_index are taken, those from there on are as the last sweep left them. */
void mspan_unsample(struct mspan *s)
{
    if (s->sample_at == MSPAN_NO_SAMPLE)
        return;
    s->sample_at = MSPAN_NO_SAMPLE;
    s->alloc_cache = s->free_index < s->nelems ? ~s->alloc[s->free_index / 64] >> s->free_index % 64
                                               : 0;
}
