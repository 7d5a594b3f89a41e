/* final.h - what is attached to objects: finalizers, cleanups, weak pointers.
 *
 * A special hangs at the span of its object, sorted by offset and kind, and lives in memory
 * that the collector does not manage; what it refers to is a root for as long as it hangs
 * there (specials_mark). When a sweep finds the object unmarked:
 *
 *   finalizer   the object is marked after all and queued with its record: it dies at the
 *               next cycle if the finalizer did not save it
 *   weak        the handle is cleared
 *   profile     counted as freed (mprof.h)
 *   cleanup     queued without the object; not while a finalizer goes before it
 *
 * The queue is served by one goroutine in Go (overlay/mfinal.go). */
#ifndef GORT_GC_FINAL_H
#define GORT_GC_FINAL_H

#include "gort/heap/mspan.h"

enum special_kind { SPECIAL_FINALIZER = 1, SPECIAL_WEAK = 2, SPECIAL_CLEANUP = 3,
                    SPECIAL_PROFILE = 4 };

struct special {
    struct special *next;    /* [span.special_lock] or a free list */
    uintptr_t offset;        /* of the pointer in its span */
    uint64_t id;             /* cleanups: what Stop names */
    void *ref;               /* root: finalizer's record, cleanup's closure, weak handle. Not
                                one: the profile's bucket */
    uint8_t kind;
};

struct mprof_bucket;
/* p, an object's base, has been sampled for the memory profile. */
void special_add_profile(uintptr_t p, struct mprof_bucket *b);

/* Sweeping, before the marks are used. May set marks. */
void specials_sweep(struct mspan *s);
/* Roots: shades what the specials of s refer to, and what the objects with finalizers refer
 * to (the objects themselves stay white). The span is in use and swept. */
void specials_mark(struct mspan *s);
/* Roots: shades what is queued. */
void finq_mark(void);
/* The world is stopped: fn for all that is queued; p is NULL for a cleanup. */
void finq_each(void (*fn)(void *p, void *ref));
/* Wakes the goroutine that serves the queue if there is something for it. g0, no locks held. */
void finq_wake(void);

#endif
