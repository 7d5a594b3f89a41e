/* file.h - open files and the table of descriptors.
 *
 *   fd -> table slot -> struct file (position, flags) -> inode, and the stream behind it
 *
 * A struct file lives while a descriptor or a call holds it. Its position is not locked: as
 * POSIX wants it, calls that share a file and race are the program's affair (Go's os.File
 * serialises them). */
#ifndef GORT_OS_FILE_H
#define GORT_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/wait.h"

struct pkt;

struct file_ops {
    /* Streams: bytes moved, 0 = end of input, or a negative error, -L_EAGAIN if not ready. buf is
     * the program's (user.h): short, or -L_EFAULT, where it cannot be touched. */
    int64_t (*read)(struct file *f, void *buf, size_t n);
    int64_t (*write)(struct file *f, const void *buf, size_t n);
    /* As read and write, of several buffers that are one message, or one piece of a stream, behind
     * the first `skip` bytes; NULL: they are read or written one by one. */
    int64_t (*vector)(struct file *f, const struct l_iovec *iov, size_t n, uint64_t skip,
                      bool write);
    /* As read, into kernel memory, but the bytes stay in the stream; NULL: not possible. */
    int64_t (*peek)(struct file *f, void *buf, size_t n);
    /* Without copying: give takes a packet's pieces (drivers/net.h), whose bytes may still change,
     * all of them if room has said that there is some. more: other bytes follow at once. 0, or an
     * error as of write, and the pieces are still the caller's. room: -L_ENOTSUP: not this
     * stream, and not now. NULL: not possible. */
    int64_t (*room)(struct file *f);
    int64_t (*give)(struct file *f, struct pkt *pieces, bool more);
    /* At most `most` bytes of a stream, as pieces that the caller owns; NULL: *err is what read
     * would return, or -L_ENOTSUP. With room. */
    struct pkt *(*take)(struct file *f, size_t most, int64_t *err);
    /* which of L_POLL* hold now; NULL: cannot be polled */
    unsigned (*poll)(struct file *f);
    struct waitq *(*queue)(struct file *f, bool write);
    /* ioctl(2) requests that sys_ioctl does not know itself; NULL: there are none. */
    int64_t (*ioctl)(struct call *c, struct file *f, uint64_t request, uint64_t arg);
    void (*release)(struct file *f);
    const char *anon;   /* in /proc/self/fd: "anon_inode:" and this; NULL: as the inode says */
    /* For how long a call may wait, in ns; 0: for ever. NULL: for ever. */
    int64_t (*patience)(struct file *f, bool write);
    /* Do queues hold f, too (SCM_RIGHTS)? NULL: no. */
    bool (*in_flight)(struct file *f);
    bool messages;      /* what one call moves is one message, however long: by `vector` alone */
    bool whole_writes;  /* a blocking write goes on until all is written; else one call is all */
};

struct file {
    uint32_t refs;               /* [atomic] */
    uint32_t flags;              /* [atomic] L_O_* as fcntl(F_GETFL) shows them */
    int64_t  pos;                /* [atomic] */
    struct inode *inode;         /* [const] referenced */
    const struct file_ops *ops;  /* [const] NULL: regular file, directory, text */
    union {
        void *priv;              /* [const] of ops */
        struct { char *text; uint32_t text_len, text_cap; } gen; /* [const] of /proc files */
    };
    struct poll_desc *pds;       /* [netpoll's lock] */
    struct epitem *epitems;      /* [epoll's lock] */
};

/* A new open file for n, of which it takes a reference; NULL: no memory. */
struct file *file_new(struct inode *n, uint32_t flags, const struct file_ops *ops, void *priv);
/* A new open file of an inode without a name, which is made too (pipe, eventfd). */
struct file *file_new_anon(uint32_t mode, uint32_t flags, const struct file_ops *ops, void *priv);
void file_get(struct file *f);
/* Takes a reference. False: the last one is gone. The caller must know that f is not freed yet. */
bool file_try_get(struct file *f);
void file_put(struct file *f); /* no vfs.lock held */
/* Called when the last reference to f is gone, before f goes: ends what waits for f, and the locks
 * that belong to it. No locks held. [const, set by os_init] */
extern void (*file_gone)(struct file *f);

/* A descriptor of a file in flight is closed: its reference is gone. No locks held. [const, set at
 * boot] */
extern void (*file_flies_on)(void);

static inline bool file_nonblock(const struct file *f)
{
    return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & L_O_NONBLOCK;
}
static inline bool file_reads(const struct file *f)
{
    return (f->flags & L_O_ACCMODE) != L_O_WRONLY && !(f->flags & L_O_PATH);
}
static inline bool file_writes(const struct file *f)
{
    return (f->flags & L_O_ACCMODE) != 0 && !(f->flags & L_O_PATH);
}

/* What holds now of L_POLL*, for poll(2) and its relatives. No locks. */
unsigned file_poll(struct file *f);

/* Positional I/O on anything seekable; pos -1: the file's own position, which moves. buf as in
 * file_ops.read. */
int64_t file_read(struct file *f, void *buf, size_t n, int64_t pos);
int64_t file_write(struct file *f, const void *buf, size_t n, int64_t pos);

/* Writes what needs no waiting: bytes, or an error; -L_EAGAIN: a stream has no room. */
int64_t file_push(struct file *f, const void *buf, size_t n);

/* ---- descriptors -------------------------------------------------------------------- */
#define FD_MAX 65536u

/* The open file of fd, with a reference; NULL: -L_EBADF. */
struct file *fd_get(int64_t fd);
/* Puts f (its reference goes to the table) at the lowest free fd >= min. fd, or -L_EMFILE and
 * f is put. */
int64_t fd_install(struct file *f, bool cloexec, int64_t min);
/* dup3: at exactly fd; closes what was there. fd, -L_EBADF, -L_ENOMEM: then f is put. */
int64_t fd_replace(struct file *f, bool cloexec, int64_t fd);
int fd_close(int64_t fd);
int fd_cloexec(int64_t fd, int set); /* set 0 or 1; -1 reads: 0, 1 or -L_EBADF */
/* The inode of fd, referenced, and its operations' `anon`; NULL: fd is not open. vfs.lock may be
 * held, where a file may not be put. */
struct inode *fd_inode(int64_t fd, const char **anon);
/* The lowest open fd >= *fd: for /proc/self/fd. */
bool fd_next(int64_t *fd);
extern uint64_t fd_limit; /* [atomic] RLIMIT_NOFILE's soft limit, <= FD_MAX */

#endif
