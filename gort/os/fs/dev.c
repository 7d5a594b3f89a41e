/* dev.c - /dev: null, zero, full, random, urandom, tty, console, ptmx, pts, fd, stdin, stdout,
 * stderr. */
#include <string.h>
#include "gort/os/stdio.h"
#include "gort/load/refuse.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/pty.h"
#include "gort/os/user.h"
#include "kernel/random.h"

static int64_t null_read(void *buf, size_t n) { (void)buf; (void)n; return 0; }
static int64_t null_write(const void *buf, size_t n) { (void)buf; return (int64_t)n; }
static int64_t full_write(const void *buf, size_t n) { (void)buf; (void)n; return -L_ENOSPC; }

static int64_t zero_read(void *buf, size_t n)
{
    size_t left = user_clear(buf, n);

    return left && left == n ? -L_EFAULT : (int64_t)(n - left);
}

int64_t random_to_user(void *buf, size_t n)
{
    uint8_t piece[256];
    size_t done = 0, left = 0;

    while (done < n && !left) {
        size_t part = n - done < sizeof piece ? n - done : sizeof piece;
        if (random_bytes(piece, part))
            return done ? (int64_t)done : -L_EIO;
        left = user_copy((uint8_t *)buf + done, piece, part);
        done += part - left;
    }
    return left && !done ? -L_EFAULT : (int64_t)done;
}

static const struct node_ops null_ops = {.read = null_read, .write = null_write};
static const struct node_ops zero_ops = {.read = zero_read, .write = null_write};
static const struct node_ops full_ops = {.read = zero_read, .write = full_write};
static const struct node_ops random_ops = {.read = random_to_user, .write = null_write};
static const struct node_ops console_ops; /* by its address: is a node the console? */
static const struct node_ops ptmx_ops = {.open = pty_open_master};

bool node_is_console(const struct inode *n) { return n->ops == &console_ops; }

bool node_is_random(const struct inode *n) { return n->ops == &random_ops; }

/* The controlling terminal; as long as there is none, the console. */
static int64_t tty_open(struct inode *n, uint32_t flags, struct file **out)
{
    int64_t err = pty_open_controlling(n, flags, out);

    if (err != -L_ENXIO)
        return err;
    *out = stdio_open(-1, flags, n);
    return *out ? 0 : -L_ENOMEM;
}

static const struct node_ops tty_ops = {.open = tty_open};

static void device(struct inode *dir, const char *name, unsigned major, unsigned minor,
                   const struct node_ops *ops)
{
    struct inode *n = vfs_synthetic(dir, name, L_S_IFCHR | 0666, ops);

    *(uint64_t *)(uintptr_t)&n->rdev = major << 8 | minor;
}

static void link_to(const char *path, const char *target)
{
    if (vfs_mknod(NULL, path, 0, target))
        boot_refuse("cannot make %s: the bundle has a file of that name", path);
}

void dev_init(void)
{
    struct inode *dir = vfs_mkdirs("dev", 3);

    if (!dir)
        boot_refuse("/dev is not a directory in the bundle");
    device(dir, "null", 1, 3, &null_ops);
    device(dir, "zero", 1, 5, &zero_ops);
    device(dir, "full", 1, 7, &full_ops);
    device(dir, "random", 1, 8, &random_ops);
    device(dir, "urandom", 1, 9, &random_ops);
    device(dir, "tty", 5, 0, &tty_ops);
    device(dir, "console", 5, 1, &console_ops);
    device(dir, "ptmx", 5, 2, &ptmx_ops);
    struct inode *pts = vfs_mkdirs("dev/pts", 7);
    if (!pts)
        boot_refuse("/dev/pts is not a directory in the bundle");
    pts->synthetic = true;
    device(pts, "ptmx", 5, 2, &ptmx_ops);
    pty_init(pts);
    struct inode *shm = vfs_mkdirs("dev/shm", 7);
    if (shm)
        shm->mode = L_S_IFDIR | 01777;
    link_to("/dev/fd", "/proc/self/fd");
    link_to("/dev/stdin", "/proc/self/fd/0");
    link_to("/dev/stdout", "/proc/self/fd/1");
    link_to("/dev/stderr", "/proc/self/fd/2");
}
