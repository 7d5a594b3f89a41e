/* dying.h - what the last report of a program is made of. */
#ifndef GORT_OBSERVE_DYING_H
#define GORT_OBSERVE_DYING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* "fatal error: ...", the goroutines (with the runtime's frames if `runtime`), exit status 2. The
 * hook dying_report of gort/dying.h. g0, any locks. */
_Noreturn void dying_print(bool runtime, const char *fmt, va_list ap);
/* "what", where the CPU was, all goroutines with the runtime's frames, exit status 2: as Go ends
 * for a signal such as SIGQUIT. g0. */
_Noreturn void rt_signal_death(const char *what);

/* Does this CPU print the program's last report? Any context. */
bool dying_here(void);
/* Ends the machine, and does not return; locks that this CPU holds are no obstacle. [const after
 * boot] */
extern void (*dying_end)(int status);

#endif
