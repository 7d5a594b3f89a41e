/* vfs.h - the file tree: inodes, names, and the walk from one to the other.
 *
 *   dentry (in directory D, name) -> inode -> contents (data.h) | children | target | device
 *
 * One lock, vfs.lock, guards the shape of the tree and all metadata; contents of regular files
 * have a lock each, taken under it or alone. An inode lives while `refs` is not 0: each name, open
 * file and mapping counts, and the working directory. The program is uid 0: permission bits are
 * kept and reported, and only refuse what they refuse to root. */
#ifndef GORT_OS_FS_VFS_H
#define GORT_OS_FS_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/os/fs/data.h"
#include "gort/os/linux.h"

struct file;
struct pipe;
struct inode;
struct outbuf;
struct filelock;

struct ltime { int64_t sec; uint32_t nsec; };

struct dentry {
    struct inode  *dir;         /* [vfs.lock] where the name is */
    struct inode  *inode;       /* [vfs.lock] what it names */
    struct dentry *hash_next;   /* [vfs.lock] */
    struct dentry *prev, *next; /* [vfs.lock] of the directory, rising cookie */
    uint64_t cookie;            /* [const] readdir position behind this name: never reused */
    uint32_t hash, name_len;    /* [const] */
    char     name[];            /* [const] NUL-terminated */
};

/* What a node of /proc or /dev is made of. */
struct node_ops {
    /* Regular nodes: writes the contents at the time of opening. */
    void (*text)(struct outbuf *out);
    /* Symbolic links: the target into buf, its length; the walk may jump to *inode instead. */
    int64_t (*target)(struct inode *n, char *buf, size_t cap, struct inode **jump);
    /* Directories whose names are not dentries: the inode (referenced) of a name, or NULL. */
    struct inode *(*lookup)(const char *name, size_t len);
    /* Such directories: the name behind readdir position *pos; moves *pos on. False: no more. */
    bool (*list)(uint64_t *pos, char *name, uint64_t *ino, uint8_t *type);
    /* Devices whose open files have operations of their own: a new one, or the error. */
    int64_t (*open)(struct inode *n, uint32_t flags, struct file **out);
    /* Devices whose reads and writes need no state of their own. */
    int64_t (*read)(void *buf, size_t n);
    int64_t (*write)(const void *buf, size_t n);
};

struct inode {
    /* [atomic] open files, mappings, working directory, and one for each name */
    uint32_t refs;
    uint32_t nlink;             /* [vfs.lock] */
    uint32_t mode, uid, gid;    /* [vfs.lock] */
    bool     synthetic : 1;     /* [const] of /proc or /dev: not removable */
    bool     memfd : 1;         /* [const] of memfd_create */
    uint8_t  seals;             /* [vfs.lock] of memfd.h */
    uint16_t thread;            /* [const] a file of /proc/self/task: whose, else 0 */
    uint64_t ino;               /* [const] */
    /* [vfs.lock]; those of data are set by its writers */
    struct ltime atime, mtime, ctime, btime;
    struct dentry *named;       /* [vfs.lock] one of its names, or NULL: for paths */
    struct filelock *locks;     /* [the lock of flock.c] */
    struct watch *watches;      /* [the lock of notify.c] */
    const struct node_ops *ops; /* [const] or NULL */
    union {                     /* not there in inodes of sockets and such: inode_new */
        struct filedata data;   /* S_IFREG */
        struct {                /* S_IFDIR, [vfs.lock] */
            struct dentry *first, *last;
            struct dentry *reader;  /* near where it was read last, or NULL */
            struct inode *parent;
            uint64_t next_cookie;
            uint32_t count;
        } dir;
        struct { char *target; uint32_t len; } link; /* S_IFLNK */
        struct pipe *fifo;      /* S_IFIFO */
        struct {
            uintptr_t extra;    /* of ops */
            uint64_t rdev;      /* [const] S_IFCHR */
        };
    };
};

static inline bool inode_is(const struct inode *n, uint32_t type)
{
    return (n->mode & L_S_IFMT) == type;
}

struct vfs {
    struct lock lock;
    struct inode *root;         /* [const] */
    struct inode *cwd;          /* [vfs.lock] */
    uint32_t umask;             /* [vfs.lock] */
    uint64_t inodes;            /* [atomic] alive */
};
extern struct vfs vfs;

void vfs_init(void);
struct ltime vfs_now(void);

/* ---- inodes (inode.c) -------------------------------------------------------------- */
/* A new inode without a name, one reference held; NULL when memory is out. If mode says that it is
 * a socket, or no type at all (eventfd and its like), it ends before its union. */
struct inode *inode_new(uint32_t mode);
void inode_get(struct inode *n);
/* Frees the pipe of a named pipe's inode. [const, set by os_init] */
extern void (*inode_fifo_free)(struct pipe *p);
void inode_put(struct inode *n);          /* no vfs.lock held */
void inode_put_locked(struct inode *n);   /* vfs.lock held */
int64_t inode_size(struct inode *n);
void inode_stat(struct inode *n, struct l_stat *st); /* takes the lock */
/* Its path, or "(unreachable)"; NUL-terminated. Its length; 0: it does not fit. [vfs.lock] */
size_t inode_path_locked(struct inode *n, char *buf, size_t cap);

/* ---- names (dentry.c), vfs.lock held ------------------------------------------------ */
struct dentry *dentry_find(struct inode *dir, const char *name, size_t len);
/* 0, or -L_ENOSPC. Does not touch times. */
int dentry_add(struct inode *dir, const char *name, size_t len, struct inode *n);
void dentry_remove(struct dentry *d);
void dir_touch(struct inode *dir);        /* mtime and ctime become now */

/* ---- walking (walk.c), vfs.lock held ------------------------------------------------ */
enum walk_flags {
    WALK_FOLLOW = 1,      /* a symbolic link at the end is followed */
    WALK_EMPTY = 2,       /* "" means the start itself */
    WALK_PARENT = 4,      /* the last component is to be made or removed: a '/' behind it is the
                             caller's to judge and makes no link followed */
};
enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk {
    struct inode *dir;    /* directory of the last component */
    struct inode *inode;  /* what the path names, or NULL if only that is missing */
    struct dentry *dentry;/* the name, or NULL (".", "/", or not there) */
    const char *name;     /* last component: valid until walk_end */
    size_t name_len;
    enum walk_last last;
    bool slash;           /* the path ends in '/' */
    /* private: walk.c */
    struct inode *held;   /* reference of a synthetic inode */
    int depth;            /* links in whose targets the walk is */
    struct walk_rest { const char *p; struct inode *link; char *buf; } rest[L_LINK_MAX + 1];
};
/* 0 if all but the last component exist, else a negative error. Call walk_end in any case. */
int walk(struct inode *start, const char *path, unsigned flags, struct walk *w);
void walk_end(struct walk *w);
/* walk that demands existence: the inode, referenced, in *out. Takes the lock. */
int vfs_lookup(struct inode *start, const char *path, unsigned flags, struct inode **out);

/* ---- operations (ops.c): they take the lock; `at` NULL = working directory ------------- */
struct open_result { struct inode *inode; bool created; };
int vfs_open(struct inode *at, const char *path, uint32_t flags, uint32_t mode,
             struct open_result *out);     /* inode referenced */
int vfs_mknod(struct inode *at, const char *path, uint32_t mode, const char *target);
int vfs_link(struct inode *oldat, const char *old, struct inode *newat, const char *new,
             unsigned flags);
int vfs_unlink(struct inode *at, const char *path, bool rmdir);
int vfs_rename(struct inode *oldat, const char *old, struct inode *newat, const char *new,
               unsigned flags);
int64_t vfs_readlink(struct inode *at, const char *path, char *buf, size_t cap);
int vfs_chmod(struct inode *n, uint32_t mode);
int vfs_chown(struct inode *n, uint32_t uid, uint32_t gid);
int vfs_utimens(struct inode *n, const struct l_timespec times[2]); /* NULL: now */
int vfs_truncate(struct inode *n, int64_t size);
/* access(2) for root; `mode`: 4 read, 2 write, 1 execute. */
int vfs_access(struct inode *n, unsigned mode);
/* Fills buf with l_dirents from *pos on. Bytes, 0 at the end, -L_EINVAL if buf is too small. */
int64_t vfs_getdents(struct inode *dir, uint64_t *pos, void *buf, size_t cap);
/* Makes a directory and missing parents. Boot. */
struct inode *vfs_mkdirs(const char *path, size_t len);
/* A node of /proc or /dev below `dir`. Boot. */
struct inode *vfs_synthetic(struct inode *dir, const char *name, uint32_t mode,
                            const struct node_ops *ops);

#endif
