/* stdio.h - standard input, output and error as files.
 *
 * Input: the receive interrupt asks for os_poll, which moves what the UART has queued into a
 * ring here, so that Ctrl-C is seen even if nobody reads. */
#ifndef GORT_OS_STDIO_H
#define GORT_OS_STDIO_H

#include "gort/os/file.h"

void stdio_init(void);
void stdio_poll(void); /* g0, no locks */
/* An open file on a channel of drivers/console.h: 1 = stdout, 2 = stderr, 0 = stdin; -1 = all,
 * for /dev/tty. */
struct file *stdio_open(int channel, uint32_t flags, struct inode *n);
int64_t stdio_pending(struct file *f); /* bytes that a read would get; -1: f is no console */

#endif
