/* stackalloc.h - memory for goroutine stacks.
 *
 * Sizes are powers of two from 2 KiB. Up to 32 KiB they come from a P's cache, which is filled
 * from spans of 32 KiB shared by stacks of one size; larger ones are spans of their own.
 * Contents are undefined. g0 context with a P. stack_hooks.alloc and .free. */
#ifndef GORT_HEAP_STACKALLOC_H
#define GORT_HEAP_STACKALLOC_H

#include <stddef.h>
#include <stdint.h>

struct p;

/* Lower end of [lo, lo + size), 0: no memory. */
uintptr_t stack_mem_alloc(size_t size);
/* Exactly what stack_mem_alloc gave. */
void stack_mem_free(uintptr_t lo, size_t size);

/* The collector has marked: memory of stacks that were freed meanwhile may be the heap's again. On
 * g0, no locks; the world may run. */
void stack_marking_done(void);

void stack_cache_init(struct p *p);
void stack_cache_flush(struct p *p);

#endif
