/* mark.h - greying, scanning, roots: between gc.c and the markers. */
#ifndef GORT_GC_MARK_H
#define GORT_GC_MARK_H

#include "gort/g.h"
#include "gort/gc/work.h"

/* World stopped: prepares the list of root jobs for a cycle. Returns bytes of roots. */
uint64_t mark_roots_prepare(void);
/* Takes one root job and does it. False: none is left to take. The calling goroutine is not
 * G_RUNNING: it may have to wait for others that scan its own stack. May change this M's P. */
bool mark_root_next(void);
/* All of marking at once, from the roots on. World stopped. */
void mark_all_stopped(void);
/* Are all jobs taken? (Those who took them may be still at it.) */
bool mark_roots_taken(void);

/* The object that a pointer leads to becomes grey, unless it is none. */
void mark_ptr(struct gcw *w, uintptr_t v);
/* As mark_ptr, for a word that may be no pointer at all: what leads to a free object is left
 * alone. */
void mark_conservative(struct gcw *w, uintptr_t v);
/* Set by check.c: words that may be no pointers say nothing about what must be marked. */
extern bool mark_precise_only; /* [stw] */
/* Blackens up to n queued objects; returns how many: fewer means that w's buffer is empty. */
unsigned mark_queued(struct gcw *w, unsigned n);

/* scanstack.c: all that goroutine gp refers to. The caller owns the stack. */
void mark_stack(struct gcw *w, struct g *gp);

#endif
