/* memfd.h - seals: what nobody may do to a file of memfd_create(2) any more. */
#ifndef GORT_OS_FS_MEMFD_H
#define GORT_OS_FS_MEMFD_H

#include "gort/os/fs/vfs.h"

enum { SEAL_SEAL = 1, SEAL_SHRINK = 2, SEAL_GROW = 4, SEAL_WRITE = 8, SEAL_FUTURE_WRITE = 16,
       SEAL_ALL = 31 };

/* fcntl's F_ADD_SEALS and F_GET_SEALS: 0 or the seals, or a negative error. */
int64_t seals_add(struct file *f, uint32_t seals);
int64_t seals_get(const struct file *f);
/* May a file of `size` bytes be written up to `end`? 0 or -L_EPERM. */
int seals_allow_write(const struct inode *n, int64_t end, int64_t size);
/* May a file of `old` bytes become `size` bytes long? 0 or -L_EPERM. */
int seals_allow_size(const struct inode *n, int64_t size, int64_t old);

#endif
