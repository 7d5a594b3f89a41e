/* cgtrace.h - stacks of C goroutines as text. Crash context: no locks, no allocation. */
#ifndef GORT_OBSERVE_CGTRACE_H
#define GORT_OBSERVE_CGTRACE_H

#include "gort/observe/traceback.h"

/* The function that contains pc, of the kernel or of a C app; NULL if unknown. */
const char *cg_symbol(uintptr_t pc, uintptr_t *offset);
/* The frames of a stopped goroutine, by their chain of frame pointers, and who created it. */
void cg_traceback(const struct traceback_out *o, const struct g *gp);

#endif
