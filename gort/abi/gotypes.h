/* gotypes.h - Go's basic values as C sees them (layouts: the language's ABI). */
#ifndef GORT_ABI_GOTYPES_H
#define GORT_ABI_GOTYPES_H

#include <stdint.h>

struct gostring { const char *ptr; int64_t len; };
struct goslice  { void *ptr; int64_t len, cap; };
struct goeface  { void *type; void *data; };

#endif
