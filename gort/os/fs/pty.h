/* pty.h - pseudo terminals: /dev/ptmx and /dev/pts, pty(7).
 *
 *   open("/dev/ptmx") -> master --- struct pty --- slaves <- open("/dev/pts/N"), TIOCGPTPEER
 *                                 line discipline
 *
 * The terminal and its name are there until the master is closed; then its slaves are hung up: they
 * read nothing and fail to write. Its number is free when they are closed too. While no slave is
 * open but one has been, the master reads what is left, then gets -L_EIO.
 *
 * The process is a session of its own. A terminal becomes its controlling one by TIOCSCTTY, never
 * by being opened: so it is with a Go program that a shell has started, too. Then keys raise
 * signals, a change of size SIGWINCH, and the end of the master SIGHUP.
 *
 * Locks: vfs.lock (names) < ptys.lock, pty.lock (RANK_FILE, one at a time). */
#ifndef GORT_OS_FS_PTY_H
#define GORT_OS_FS_PTY_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/os/file.h"
#include "gort/os/fs/ldisc.h"

struct l_winsize { uint16_t rows, columns, x, y; };

/* Never freed: a timer that fires late still finds a struct pty, and looks at `when`. */
struct pty {
    struct lock lock;
    uint32_t refs;           /* [atomic] open files */
    unsigned index;          /* [const while in use], as are the next three */
    uint64_t serial;         /* no other terminal had it: for inodes that outlive theirs */
    struct ldisc *l;         /* [lock] what it points to */
    struct inode *node;      /* of its name; referenced */
    bool locked;             /* [lock] TIOCSPTLCK: no slave may be opened */
    bool hung;               /* [lock] the master is closed */
    bool alone;              /* [lock] the last slave has been closed */
    bool exclusive;          /* [lock] TIOCEXCL, which does not stop root */
    unsigned slaves;         /* [lock] open files */
    struct l_winsize size;   /* [lock] */
    uint32_t ispeed, ospeed; /* [lock] what TCSETS2 has set, with BOTHER */
    struct waitq in_rq, in_wq, out_rq, out_wq; /* in: slaves read, the master writes */
    void *timer;             /* [const] of VTIME */
    int64_t when;            /* [lock] when it goes off; 0: nobody waits for it */
    bool due;                /* [lock] the timer has gone off */
    struct pty *next;        /* [ptys.lock] in the pool */
};

struct inode;
/* Boot: names of terminals go into the directory /dev/pts. */
void pty_init(struct inode *pts);
/* Opens /dev/ptmx, whose inode is n. 0, -L_ENOMEM, -L_ENOSPC. */
int64_t pty_open_master(struct inode *n, uint32_t flags, struct file **out);
/* Opens the controlling terminal as /dev/tty, whose inode is n; -L_ENXIO: there is none. */
int64_t pty_open_controlling(struct inode *n, uint32_t flags, struct file **out);
/* The number of the terminal whose slave's inode n is, or -1. */
int pty_of_inode(const struct inode *n);

/* ---- for ptyctl.c ------------------------------------------------------------------------- */
int64_t pty_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg);
bool pty_is_master(const struct file *f);
/* One more slave of p, by an open file of its inode. 0, -L_EIO, -L_ENOMEM. */
int64_t pty_open_slave(struct pty *p, struct inode *n, uint32_t flags, struct file **out);
/* Wakes whoever waits for any change of p. */
void pty_changed(struct pty *p);
/* Raises the signals of the set if p is the controlling terminal. No locks. */
void pty_signal(struct pty *p, uint64_t signals);
bool pty_is_controlling(const struct pty *p);
/* Makes p the controlling terminal. 0, or -L_EPERM: another one is. */
int64_t pty_control(struct pty *p);
/* p stops being the controlling terminal. False: it was not. */
bool pty_release_control(struct pty *p);

#endif
