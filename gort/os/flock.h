/* flock.h - locks on files: flock(2), and ranges by fcntl(2).
 *
 *   kind      owner                 conflicts with             ends
 *   flock     open file             other open files' flocks   LOCK_UN, last close
 *   OFD       open file             ranges of all others       F_UNLCK, last close
 *   POSIX     the (one) process     ranges of OFD locks        F_UNLCK, any close of the file
 *
 * Two POSIX locks never conflict, all being of one process, so a wait for one can be part of no
 * circle that fcntl would have to refuse with EDEADLK (as on Linux, OFD locks are not searched for
 * circles). A wait is a system call that blocks (wait.h): each release makes all waiting calls look
 * again. */
#ifndef GORT_OS_FLOCK_H
#define GORT_OS_FLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct file;
struct inode;
struct filelock;

enum { L_F_RDLCK, L_F_WRLCK, L_F_UNLCK };

struct l_flock { int16_t type, whence; int32_t pad; int64_t start, len; int32_t pid, pad2; };
_Static_assert(sizeof(struct l_flock) == 32, "struct flock");

/* The handlers' parts: results as of the calls, SYS_BLOCK included. */
int64_t flock_whole(struct call *c, struct file *f, uint32_t how);
int64_t flock_range_set(struct call *c, struct file *f, uint64_t arg, bool ofd, bool wait);
int64_t flock_range_get(struct call *c, struct file *f, uint64_t arg, bool ofd);

/* A descriptor of n is closed: the POSIX locks on n go, even if other descriptors are left. No
 * locks held. */
void flock_closed(struct inode *n);
/* The last reference to f is gone: drops the locks that belong to f. */
void flock_file_gone(struct file *f);

#endif
