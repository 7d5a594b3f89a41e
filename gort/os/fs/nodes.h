/* nodes.h - the synthetic trees /dev and /proc. */
#ifndef GORT_OS_FS_NODES_H
#define GORT_OS_FS_NODES_H

#include "gort/os/fs/outbuf.h"
#include "gort/os/fs/vfs.h"
#include "kernel/check.h"

struct bundle;

void dev_init(void);
void proc_init(const struct bundle *b);
/* Called by proc_init: procself_init makes /proc/1 and its threads, procsys_init what describes the
 * machine, and /sys. */
void procself_init(struct inode *self);
/* What /proc/self/auxv has, pairs of words up to the one of zeroes. */
const uint64_t *procself_auxv(size_t *words);
void procsys_init(void);
bool node_is_console(const struct inode *n);
bool node_is_random(const struct inode *n);
/* n bytes of random_bytes to the program's memory: how many, -L_EFAULT or -L_EIO. */
int64_t random_to_user(void *buf, size_t n);
/* procmaps.c. procmaps_size: bytes of address space that the program has. */
struct bundle;
void procmaps_init(const struct bundle *b);
void maps_text(struct outbuf *o);
void smaps_text(struct outbuf *o);
void smaps_rollup_text(struct outbuf *o);
uint64_t procmaps_size(void);
/* The program's code: [*lo, *hi). */
void procmaps_text(uint64_t *lo, uint64_t *hi);

#endif
