/* work.c - buffers of grey objects: work.h. */
#include "gort/gc/work.h"
#include "gort/g.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/mp.h"

#define CHUNK_PAGES 4 /* workbufs come from spans of 32 KiB */

static struct lock work_lock = LOCK_INIT("workbuf", RANK_WORKBUF);
static struct workbuf *full, *empty;   /* [work_lock, full: atomic look] */
static struct mspan_list chunks;       /* [work_lock] */

void gcw_init(struct p *p) { p->gcw = persistent_alloc(sizeof *p->gcw, 64, &mheap.meta_other); }

bool work_available(void) { return __atomic_load_n(&full, __ATOMIC_ACQUIRE) != NULL; }

static void more_locked(void)
{
    struct mspan *s = mheap_alloc_manual(CHUNK_PAGES, &mheap.manual);

    if (!s)
        return;
    mspan_list_push(&chunks, s);
    uintptr_t end = s->base + CHUNK_PAGES * GO_PAGE_SIZE;
    for (uintptr_t at = s->base; at + sizeof(struct workbuf) <= end; at += sizeof(struct workbuf)) {
        struct workbuf *b = (struct workbuf *)at;
        b->n = 0;
        b->next = empty;
        empty = b;
    }
}

static struct workbuf *take_empty(void)
{
    lock(&work_lock);
    if (!empty)
        more_locked();
    struct workbuf *b = empty;
    if (b)
        empty = b->next;
    unlock(&work_lock);
    if (!b) /* marking cannot go on and cannot be given up */
        malloc_out_of_memory(sizeof *b);
    b->next = NULL;
    b->n = 0;
    return b;
}

static void give(struct workbuf *b)
{
    lock(&work_lock);
    if (b->n) {
        b->next = full;
        __atomic_store_n(&full, b, __ATOMIC_RELEASE);
    } else {
        b->next = empty;
        empty = b;
    }
    unlock(&work_lock);
}

static struct workbuf *take_full(void)
{
    if (!work_available())
        return NULL;
    lock(&work_lock);
    struct workbuf *b = full;
    if (b)
        __atomic_store_n(&full, b->next, __ATOMIC_RELEASE);
    unlock(&work_lock);
    return b;
}

void gcw_put_slow(struct gcw *w, uintptr_t obj)
{
    if (!w->w1) {
        w->w1 = take_empty();
        w->w2 = take_empty();
    }
    if (w->w1->n == WORKBUF_ENTRIES) {
        struct workbuf *b = w->w1;
        w->w1 = w->w2;
        w->w2 = b;
        if (w->w1->n == WORKBUF_ENTRIES) {
            give(w->w1);
            w->w1 = take_empty();
        }
    }
    w->w1->obj[w->w1->n++] = obj;
}

uintptr_t gcw_get_slow(struct gcw *w)
{
    if (!w->w1) {
        w->w1 = take_empty();
        w->w2 = take_empty();
    }
    if (w->w1->n == 0) {
        struct workbuf *b = w->w1;
        w->w1 = w->w2;
        w->w2 = b;
        if (w->w1->n == 0) {
            b = take_full();
            if (!b)
                return 0;
            give(w->w1);
            w->w1 = b;
        }
    }
    return w->w1->obj[--w->w1->n];
}

bool gcw_empty(const struct gcw *w) { return !w->w1 || (w->w1->n == 0 && w->w2->n == 0); }

void gcw_dispose(struct gcw *w)
{
    if (!w->w1)
        return;
    give(w->w1);
    give(w->w2);
    w->w1 = w->w2 = NULL;
}

void gcw_balance(struct gcw *w)
{
    if (!w->w1 || work_available())
        return;
    if (w->w2->n > 0) {
        give(w->w2);
        w->w2 = take_empty();
    } else if (w->w1->n > 8) {
        struct workbuf *b = take_empty();
        b->n = w->w1->n / 2;
        w->w1->n -= b->n;
        __builtin_memcpy(b->obj, w->w1->obj + w->w1->n, b->n * sizeof b->obj[0]);
        give(b);
    }
}

void work_release(void)
{
    lock(&work_lock);
    CHECK(!full, "grey objects are left at the end of a cycle%s", "");
    struct mspan_list mine = chunks;
    chunks = (struct mspan_list){ 0 };
    empty = NULL;
    unlock(&work_lock);
    for (struct mspan *s; (s = mspan_list_pop(&mine)) != NULL;)
        mheap_free_manual(s, &mheap.manual);
}
