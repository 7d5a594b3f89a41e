/* hooks.h - the calls that go up. */
#ifndef GORT_HOOKS_H
#define GORT_HOOKS_H

/* Rooms of gort/ call what lies below them by name (gort/README.md has the order). Where a lower
 * room needs a higher one it calls through a pointer of its own, and this function sets them all.
 * Boot, before anything else of the runtime. */
void hooks_install(void);

#endif
