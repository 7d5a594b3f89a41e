/* signal.h - signals as far as os/signal and kill(getpid()) need them.
 *
 * A signal that os/signal wants goes to the goroutine in signal_recv; an ignored one is lost;
 * any other does what it does to a Go program on Linux. A program that it ends exits with status
 * 128 + number. */
#ifndef GORT_OS_SIGNAL_H
#define GORT_OS_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/os/linux.h"

/* g0, no locks above RANK_FILE. */
void signal_raise(unsigned sig);

/* Sets, a bit for each signal as in a sigset_t, of signals that are lost (SIG_IGN) and of those
 * that have a handler. Any locks below RANK_NOTIFY. */
void signal_sets(uint64_t *lost, uint64_t *caught);

/* sigaction(2): SIGNAL_LOOK changes nothing. True: the signal was lost until now. A handler of the
 * program's is on the books only: what os/signal wants goes there. */
enum signal_action { SIGNAL_LOOK, SIGNAL_DEFAULT, SIGNAL_LOSE, SIGNAL_CATCH };
bool signal_action(unsigned sig, enum signal_action action);

#endif
