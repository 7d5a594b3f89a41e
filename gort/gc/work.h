/* work.h - queues of grey objects.
 *
 *   P's gcw: two buffers   <-- whole buffers -->   full list, empty list
 *
 * A P puts and gets without locks; two buffers instead of one, so that a P at a boundary does
 * not run to the lists at each step. What is queued is the address of an object's slot, or
 * of a part of a large one. */
#ifndef GORT_GC_WORK_H
#define GORT_GC_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKBUF_ENTRIES 253 /* 2 KiB a buffer */

struct workbuf {
    struct workbuf *next;   /* [work_lock] */
    uint64_t n;
    uintptr_t obj[WORKBUF_ENTRIES];
};

struct gcw {
    struct workbuf *w1, *w2;    /* [owner] or both NULL */
    uint64_t bytes_marked;      /* [owner] since the last gcw_count */
    uint64_t scan_work;         /* [owner] bytes scanned; */
    uint64_t scan_stack, scan_globals; /* [owner] those of them that are no heap */
};

struct p;
void gcw_init(struct p *p);
void gcw_put_slow(struct gcw *w, uintptr_t obj);
uintptr_t gcw_get_slow(struct gcw *w);
static inline void gcw_put(struct gcw *w, uintptr_t obj)
{
    struct workbuf *b = w->w1;

    if (__builtin_expect(b && b->n < WORKBUF_ENTRIES, 1))
        b->obj[b->n++] = obj;
    else
        gcw_put_slow(w, obj);
}
/* 0: nothing here and nothing on the full list. */
static inline uintptr_t gcw_get(struct gcw *w)
{
    struct workbuf *b = w->w1;

    return __builtin_expect(b && b->n, 1) ? b->obj[--b->n] : gcw_get_slow(w);
}
bool gcw_empty(const struct gcw *w);
/* Hands everything to the full list. */
void gcw_dispose(struct gcw *w);
/* If others look for work and there is more than a little here, gives them half. */
void gcw_balance(struct gcw *w);
bool work_available(void);      /* is there a full buffer? */
/* The cycle is over, all is empty: gives the memory back. */
void work_release(void);

#endif
