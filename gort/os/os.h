/* os.h - what a program sees as its operating system: the boundary to kernel and scheduler.
 *
 *   Go: syscall.Syscall6 -> gate syscall6 -> call_start (dispatch.c) -> wait.c -> sys_*.c
 *   C:  os_syscall, on a C goroutine, the same way
 *
 *   vfs.h   tree: inode.c dentry.c walk.c ops.c readdir.c; contents: data.c
 *   file.h  open files and descriptors; pipe.c eventfd.c stdio.c dev.c proc.c behind them
 *   netpoll.h  package internal/poll's wait for readiness and deadlines
 *   signal.h   os/signal */
#ifndef GORT_OS_OS_H
#define GORT_OS_OS_H

#include <stddef.h>
#include <stdint.h>

struct bundle;

/* Builds the file tree from the bundle, opens descriptors 0, 1 and 2. Boot context, before the
 * app starts; memory and the heap of gort/os work. */
void os_init(const struct bundle *b);
extern const char os_hosts[]; /* what os_init writes into /etc/hosts */
/* The program has ended: its output files (outputs.c) go to the host, the machine stops. g0, no
 * locks. */
_Noreturn void os_exit(int status);
/* From now on the program's last report also goes to debug.SetCrashOutput's file. Boot. */
void crashout_init(void);
/* The scheduler's answer to CPU_PENDING_POLL: takes console input, wakes readers, delivers
 * Ctrl-C. g0, no locks. */
void os_poll(void);
/* The power button was pressed: SIGTERM to the program. g0, no locks. */
void os_power_button(void);
/* Go's runtime catches signals: before a Go program runs. */
void os_signals_of_go(void);

#endif
