/* typedmem.h - copying and clearing values of Go types from C, with write barriers.
 *
 * The destination may be in the heap or on any goroutine's stack that stands still. While the
 * collector marks, what the destination held and what it gets are shaded. Words are moved
 * whole, since the collector may be reading them. g0 context, locks may be held. */
#ifndef GORT_TYPEDMEM_H
#define GORT_TYPEDMEM_H

/* *dst = *src. `type` is a struct go_type. */
void typed_move(const void *type, void *dst, const void *src);
/* *dst = zero value */
void typed_clear(const void *type, void *dst);

#endif
