/* notify.h - inotify(7): what happens to files, told to those who watch them.
 *
 *   write(2) -> notify_file(inode) -> watches of its directory, with its name, and its own
 *            -> event on the queue of each inotify descriptor -> read(2)
 *
 * A watch belongs to a descriptor and hangs on an inode, of which it holds no reference: when
 * the last one goes, the watch ends with DELETE_SELF and IGNORED. While nobody watches anything, a
 * call costs a look at one counter.
 *
 * A file's events go to the directory of its first name, or of the one it was last moved to, as
 * long as it has that name. Events of an open file without a name reach only its own watches.
 *
 * Locks: vfs.lock (names) < the lock of notify.c (RANK_FILE: watches and queues). */
#ifndef GORT_OS_FS_NOTIFY_H
#define GORT_OS_FS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inode;

enum {
    NOTIFY_ACCESS = 0x1, NOTIFY_MODIFY = 0x2, NOTIFY_ATTRIB = 0x4, NOTIFY_CLOSE_WRITE = 0x8,
    NOTIFY_CLOSE_NOWRITE = 0x10, NOTIFY_OPEN = 0x20, NOTIFY_MOVED_FROM = 0x40,
    NOTIFY_MOVED_TO = 0x80, NOTIFY_CREATE = 0x100, NOTIFY_DELETE = 0x200,
    NOTIFY_DELETE_SELF = 0x400, NOTIFY_MOVE_SELF = 0x800,
};

extern uint32_t notify_watches; /* [atomic] how many there are */

static inline bool notify_on(void)
{
    return __builtin_expect(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED) != 0, 0);
}

/* `mask` has happened to n itself. vfs.lock not held. */
void notify_file(struct inode *n, uint32_t mask);
/* As notify_file, for n's own watches alone. */
void notify_self(struct inode *n, uint32_t mask);
/* `mask` has happened to a name of n in dir. cookie: notify_cookie's of a rename, or 0. */
void notify_name(struct inode *dir, const char *name, size_t len, const struct inode *n,
                 uint32_t mask, uint32_t cookie);
uint32_t notify_cookie(void);
/* n is freed: its watches end. */
void notify_gone(struct inode *n);

#endif
