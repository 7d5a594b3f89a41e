/* signal.h - signals as far as os/signal and kill(getpid()) need them.
 *
 * A signal that os/signal wants goes to the goroutine in signal_recv; an ignored one is lost;
 * any other does what it does to a Go program on Linux. A program that it ends exits with status
 * 128 + number. */
#ifndef GORT_OS_SIGNAL_H
#define GORT_OS_SIGNAL_H

#include <stdint.h>
#include "gort/os/linux.h"

/* g0, no locks above RANK_FILE. */
void signal_raise(unsigned sig);

#endif
