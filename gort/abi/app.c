/* app.c - see app.h. */
#include "gort/abi/app.h"
#include <stddef.h>
#include <string.h>

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

/* A version ends like "go1.26.8 X:nogreenteagc,simd". */
bool app_has_experiment(const char *name)
{
    const struct gostring *v = app->go_version;
    int64_t n = (int64_t)strlen(name);

    for (int64_t i = 1; i + n <= v->len; i++)
        if ((v->ptr[i - 1] == ':' || v->ptr[i - 1] == ',') && memcmp(v->ptr + i, name, n) == 0 &&
            (i + n == v->len || v->ptr[i + n] == ','))
            return true;
    return false;
}
