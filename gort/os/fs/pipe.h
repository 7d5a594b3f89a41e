/* pipe.h - pipes, named ones too, and eventfds.
 *
 * A pipe is a ring of up to 64 KiB whose pages are allocated when they are first filled.
 * Writes of up to PIPE_BUF bytes are atomic. A named pipe's open waits for the other end. */
#ifndef GORT_OS_FS_PIPE_H
#define GORT_OS_FS_PIPE_H

#include "gort/os/wait.h"

struct file;
struct inode;
struct pipe;

void pipe_free(struct pipe *p);
/* Two open files with one reference each. 0 or -L_ENOMEM. */
int pipe_open_pair(struct file *out[2], uint32_t flags);
/* Opens a named pipe for the call c: 0 with *out, SYS_BLOCK, or an error. */
int64_t fifo_open(struct call *c, struct inode *n, uint32_t flags, struct file **out);
bool pipe_is(const struct file *f);
/* Bytes that a read would get now; -1 if f is no pipe. */
int64_t pipe_readable(struct file *f);

int64_t eventfd_open(uint64_t initial, uint32_t flags, struct file **out);

#endif
