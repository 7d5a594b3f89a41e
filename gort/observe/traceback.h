/* traceback.h - goroutines and their stacks as text, in Go's format:
 *
 *   goroutine 1 [chan receive, 3 minutes, locked to thread]:
 *   main.f(0x1, {0x2, 0x3}, ...)
 *           /src/main.go:12 +0x1d
 *   created by main.main in goroutine 1
 *           /src/main.go:7 +0x2a
 *
 * No locks, no allocation, reads only stacks and tables: works while crashing. `runtime`:
 * frames of package runtime and positions (fp=, sp=, pc=) are shown too, and the system's
 * goroutines (GOTRACEBACK=system). */
#ifndef GORT_OBSERVE_TRACEBACK_H
#define GORT_OBSERVE_TRACEBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/stack/symtab.h"

struct g;

/* Where the text goes. */
struct traceback_out {
    void (*write)(void *arg, const char *s, size_t n);
    void *arg;
    bool runtime;
};

/* To the console's error channel. gp with its header, from (pc, sp); a pc of 0 with the sp of
 * a return address is the call of a nil function. */
void traceback_g(const struct g *gp, uintptr_t pc, uintptr_t sp, bool runtime);
/* Every goroutine but `me` and dead ones, a blank line before each. */
void traceback_others(const struct g *me, bool runtime);

/* As traceback_g and traceback_others, to any output. */
void traceback_print_g(const struct traceback_out *o, const struct g *gp, uintptr_t pc,
                       uintptr_t sp);
void traceback_print_others(const struct traceback_out *o, const struct g *me);
/* The end of a header's bracket, with the goroutine's labels in it or behind it if
 * GODEBUG=tracebacklabels=1: as the program's release line has them. */
void traceback_labels(const struct traceback_out *o, const struct g *gp);
#endif
