/* stack.h - goroutine stacks: memory, growth and shrinking by copying.
 *
 *      hi  +--------------------+
 *          | frames             |
 *          +--------------------+  <- sched.sp
 *          | unused             |
 *          +--------------------+  <- stackguard0 = lo + STACK_GUARD
 *          | room for nosplit   |
 *      lo  +--------------------+
 *
 * Sizes are powers of two from STACK_MIN. A prologue that would pass the guard calls
 * morestack; the kernel's morestack_enter saves the position in gp->sched and calls
 * rt_newstack on g0, which moves the goroutine to a stack of twice the size. Moving is
 * exact: every word that points into the old stack is known from the compiler's maps or is
 * listed in stack.c (stack_copy). Only the goroutine itself, stopped, and waiting sudogs
 * point into a stack; C must not keep such pointers elsewhere across a park. */
#ifndef GORT_STACK_STACK_H
#define GORT_STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/g.h"

/* What this room needs of those above it: gort/hooks.c sets it. */
struct stack_hooks {
    /* The memory of stacks: `size` is a power of two >= STACK_MIN; the result is aligned to
     * min(size, 8 KiB), contents undefined; 0 = out of memory. g0, a P held, no lock of rank
     * >= RANK_STACKPOOL. */
    uintptr_t (*alloc)(size_t size);
    void (*free)(uintptr_t lo, size_t size);
    /* gp, which is running, is at a prologue and finds no memory for its stack: it waits for a
     * collection and begins again there, with wanted_memory set. Returns at once if nobody could
     * collect yet. g0, no locks. */
    void (*wait_for_memory)(struct g *gp);
    void (*out_of_memory)(size_t wanted) __attribute__((noreturn));
};
extern struct stack_hooks stack_hooks; /* [const after boot] */
/* Called for each free stack whose memory goes back to the heap. */
void stack_untag(uintptr_t lo);

/* A stack of `size` bytes (rounded up to a power of two); {0, 0}: no memory. */
struct stack stack_alloc(size_t size);
void stack_free(struct stack s);

/* From morestack_enter, on g0: gp is running and stopped in a prologue (gp->sched). Handles a
 * preemption request, or grows; where there is no memory gp waits for a collection, once. Returns
 * if gp is to go on at once. */
void rt_newstack(struct g *gp);

/* Moves gp to a stack of `newsize` bytes. The caller owns the stack (gp's own gate, or
 * G_SCAN) and stack_movable(gp) holds. False: no memory. Throws on broken maps. */
bool stack_copy(struct g *gp, size_t newsize);
/* May gp's stack be moved? Not while a frame without maps is on it (async preemption), nor in
 * a system call (G_SYSCALL), nor that of a C goroutine. */
bool stack_movable(const struct g *gp);
/* Halves the stack if less than a quarter is used. The caller owns the stack, as for
 * stack_copy; nothing happens where it cannot be moved. Returns whether it has moved. */
bool stack_shrink(struct g *gp);
/* For the boot option stackmove: moves gp to another stack of that size if it may be moved. The
 * caller owns the stack, as for stack_copy. Returns whether it has moved. */
bool stack_move(struct g *gp);

/* Statistics [atomic]. */
struct stack_stats { uint64_t grown, shrunk, copied_bytes, inuse_bytes; };
extern struct stack_stats stack_stats;

#endif
