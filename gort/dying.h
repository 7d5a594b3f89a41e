/* dying.h - how C ends what the program does: a panic of one goroutine, or a fatal error of all. */
#ifndef GORT_DYING_H
#define GORT_DYING_H

#include <stdarg.h>
#include <stdbool.h>

struct g;

enum gate_panic {
    GATE_PANIC_PLAIN_ERROR,   /* plainError(msg): "send on closed channel" ... */
    GATE_PANIC_ERROR_STRING,  /* errorString(msg): "makechan: ..." -> runtime error: */
    GATE_THROW,               /* "fatal error: " msg, runtime frames shown */
    GATE_FATAL,               /* "fatal error: " msg, user's fault: throwTypeUser */
};
/* gp, the calling goroutine, goes on in the overlay's Go code `gort_raise` as if that had been
 * called from its gate, and panics there. g0, no locks. */
_Noreturn void gate_panic(struct g *gp, enum gate_panic kind, const char *msg);

/* "fatal error: ..." from C without a Go caller to blame: all goroutines, the runtime's frames
 * among them, exit status 2. g0, any locks. */
_Noreturn void rt_throw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As rt_throw, for what is the program's fault: the report leaves the runtime's frames out. */
_Noreturn void rt_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the report and ends the machine. [const after boot] */
extern void (*dying_report)(bool runtime, const char *fmt, va_list ap);

#endif
