/* mcentral.c - spans of one class between the heap and the Ps: mcentral.h. */
#include "gort/heap/mcentral.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "kernel/check.h"

#define SWEEP_TRIES 100 /* spans looked at before a fresh one is taken instead */

void mcentral_init(struct mcentral *c, unsigned spc)
{
    lock_init(&c->lock, "mcentral", RANK_MCENTRAL);
    c->spanclass = (uint8_t)spc;
}

static unsigned swept_index(void)
{
    return __atomic_load_n(&mheap.sweep_gen, __ATOMIC_RELAXED) / 2 % 2;
}

static struct mspan *pop(struct mcentral *c, struct mspan_list *l)
{
    if (!__atomic_load_n(&l->first, __ATOMIC_RELAXED))
        return NULL;
    lock(&c->lock);
    struct mspan *s = mspan_list_pop(l);
    unlock(&c->lock);
    return s;
}

void mcentral_push_swept(struct mcentral *c, struct mspan *s)
{
    struct mspan_list *l = s->alloc_count < s->nelems ? c->partial : c->full;

    lock(&c->lock);
    mspan_list_push(&l[swept_index()], s);
    unlock(&c->lock);
}

/* Claims a span of the unswept lists and sweeps it without giving it to anybody: true if it
 * has room then. A span that somebody else is sweeping is theirs. */
static bool try_sweep(struct mcentral *c, struct mspan *s)
{
    if (!sweep_claim(s))
        return false;
    sweep_span(s, true);
    if (s->alloc_count < s->nelems)
        return true;
    mcentral_push_swept(c, s);
    return false;
}

static struct mspan *take_swept_or_sweep(struct mcentral *c)
{
    unsigned swept = swept_index();
    struct mspan *s = pop(c, &c->partial[swept]);

    if (s || !sweep_pending())
        return s;
    for (int i = 0; i < SWEEP_TRIES; i++) {
        s = pop(c, &c->partial[!swept]);
        if (!s)
            s = pop(c, &c->full[!swept]);
        if (!s || try_sweep(c, s))
            return s;
    }
    return NULL;
}

struct mspan *mcentral_cache(struct mcentral *c)
{
    struct mspan *s = take_swept_or_sweep(c);

    if (!s)
        s = mheap_alloc(class_pages[c->spanclass / 2], c->spanclass);
    if (!s)
        return NULL;
    unsigned i = mspan_next_free(s);
    CHECK(i < s->nelems && s->alloc_count < s->nelems, "span %#lx of class %u has %u of %u taken",
          s->base, c->spanclass, s->alloc_count, s->nelems);
    return s;
}

void mcentral_uncache(struct mcentral *c, struct mspan *s)
{
    uint32_t gen = __atomic_load_n(&mheap.sweep_gen, __ATOMIC_RELAXED);

    if (s->sweep_gen == gen + 1) {
        /* Cached before the cycle's sweep began: it is unswept, and nobody else has it. */
        s->sweep_gen = gen - 1;
        sweep_span(s, false);
        return;
    }
    __atomic_store_n(&s->sweep_gen, gen, __ATOMIC_RELEASE);
    mcentral_push_swept(c, s);
}

struct mspan *mcentral_pop_unswept(struct mcentral *c)
{
    unsigned swept = swept_index();
    struct mspan *s = pop(c, &c->full[!swept]);

    return s ? s : pop(c, &c->partial[!swept]);
}

/* Which list it is on follows from what mcentral_push_swept decided a cycle ago: nobody has
 * allocated from it since. */
void mcentral_unlist(struct mcentral *c, struct mspan *s)
{
    struct mspan_list *l = s->alloc_count < s->nelems ? c->partial : c->full;

    lock(&c->lock);
    if (s->listed)
        mspan_list_remove(&l[!swept_index()], s);
    unlock(&c->lock);
}
