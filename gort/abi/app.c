/* app.c - see app.h. */
#include "gort/abi/app.h"
#include <stddef.h>

const struct app_facts *app;
int vec_use_xsave;
unsigned vec_area_size = 512; /* FXSAVE's */

static uintptr_t text_lo, text_hi;

bool app_is_text(uintptr_t pc) { return pc - text_lo < text_hi - text_lo; }

void app_text_set(uintptr_t lo, uintptr_t hi)
{
    text_lo = lo;
    text_hi = hi;
}
