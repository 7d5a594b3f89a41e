/* leak.h - goroutines that can never go on: leak.c has the essay. */
#ifndef GORT_GC_LEAK_H
#define GORT_GC_LEAK_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct gcw;

/* World stopped, before roots are marked: this cycle, which marks with the world stopped, looks
 * for leaks. main_too: goroutine 1 in select{} counts as one. */
void leak_request(bool main_too);
bool leak_requested(void);
/* World stopped. Is gp's stack not to be marked yet? Asked once for every goroutine. */
bool leak_hides(struct g *gp);
/* World stopped, all else is marked: decides, and marks what was hidden. */
void leak_settle(struct gcw *w);
/* How many the last such cycle found. */
uint64_t leak_count(void);
/* Was gp found, and has not waited for anything else since? */
bool g_has_leaked(const struct g *gp);

#endif
