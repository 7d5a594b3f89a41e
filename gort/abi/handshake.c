/* handshake.c - see handshake.h. */
#include "gort/abi/handshake.h"
#include "arch/x86_64/arch.h"
#include "gort/abi/goabi.h"
#include "gort/load/refuse.h"
#include "rt_frames.h"

void handshake_check(const struct app_table *t)
{
    if (!t || t->magic != APPTAB_MAGIC || t->version != APPTAB_VERSION)
        boot_refuse(OTHER_GORT);
    if (*t->abi != RT_ABI_VERSION)
        boot_refuse("the program was built for another runtime interface; build it again with this "
                    "gort");
    const struct gostring *v = t->facts.go_version;
    go_line = go_line_of(v->ptr, v->len);
    if (!go_line)
        boot_refuse("the program was built by %s; gort runs programs of " GO_LINES_TEXT,
                    v->len > 0 && v->len < 40 ? v->ptr : "an unknown Go");
    unsigned level = (unsigned)*t->goamd64;
    if (level >= 4 && !cpu_features.avx512)
        boot_refuse("the program was built with GOAMD64=v4, this CPU has no AVX-512");
    if (level >= 3 && !cpu_features.avx2)
        boot_refuse("the program was built with GOAMD64=v3, this CPU has no AVX2");
}
