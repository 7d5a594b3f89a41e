/* dying.h - what the last report of a program is made of. */
#ifndef GORT_OBSERVE_DYING_H
#define GORT_OBSERVE_DYING_H

#include <stdarg.h>
#include <stdbool.h>

/* "fatal error: ...", the goroutines (with the runtime's frames if `runtime`), exit status 2. The
 * hook dying_report of gort/dying.h. g0, any locks. */
_Noreturn void dying_print(bool runtime, const char *fmt, va_list ap);
/* "what", where the CPU was, all goroutines with the runtime's frames, exit status 2: as Go ends
 * for a signal such as SIGQUIT. g0. */
_Noreturn void rt_signal_death(const char *what);

#endif
