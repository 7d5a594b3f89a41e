/* raise.c - from C into a Go panic, and into the end of the program: dying.h. */
#include <stdarg.h>
#include <string.h>
#include "gort/abi/app.h"
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/sched/mp.h"

_Noreturn void g_switch_args(struct g *gp, uintptr_t a, uintptr_t b, uintptr_t c);

void (*dying_report)(bool runtime, const char *fmt, va_list ap);

void gate_panic(struct g *gp, enum gate_panic kind, const char *msg)
{
    CHECK(cpu_self()->curg == gp, "gate_panic for goroutine %lu, which is not calling", gp->goid);
    gp->sched.pc = app->raise;
    g_switch_args(gp, kind, (uintptr_t)msg, strlen(msg));
}

static _Noreturn void die(bool runtime, const char *fmt, va_list ap)
{
    if (dying_report)
        dying_report(runtime, fmt, ap);
    kernel_panic(__FILE__, __LINE__, "fatal error before there is a runtime: %s", fmt);
}

void rt_throw(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(true, fmt, ap);
}

void rt_fatal(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(false, fmt, ap);
}
