/* init.c - the file tree at boot, and what the kernel calls later. */
#include <string.h>
#include "gort/os/epoll.h"
#include "gort/os/file.h"
#include "gort/os/flock.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/notify.h"
#include "gort/os/fs/pipe.h"
#include "gort/os/mem.h"
#include "gort/os/mmap.h"
#include "gort/os/netpoll.h"
#include "gort/os/os.h"
#include "gort/os/pending.h"
#include "gort/os/stdio.h"
#include "gort/load/bundle.h"
#include "gort/load/refuse.h"
#include "kernel/print.h"
#include "rt_frames.h"

static const struct bundle *boot; /* [const after boot] */

static size_t dirname_len(const char *name, size_t len)
{
    while (len > 0 && name[len - 1] != '/')
        len--;
    return len;
}

/* ---- hard links of the archive: the inode that an ino number has become ---------------- */

enum { LINK_BUCKETS = 256 };
struct archived { struct archived *next; uint32_t ino; struct inode *inode; };
static struct archived *archived[LINK_BUCKETS];

static struct inode *archived_find(uint32_t ino)
{
    for (struct archived *a = archived[ino % LINK_BUCKETS]; a; a = a->next)
        if (a->ino == ino)
            return a->inode;
    return NULL;
}

static void archived_add(uint32_t ino, struct inode *n)
{
    struct archived *a = os_alloc(sizeof *a);

    BOOT_MEMORY(a, "the file tree");
    *a = (struct archived){archived[ino % LINK_BUCKETS], ino, n};
    archived[ino % LINK_BUCKETS] = a;
}

static void archived_drop(void)
{
    for (int i = 0; i < LINK_BUCKETS; i++)
        for (struct archived *a = archived[i], *next; a; a = next) {
            next = a->next;
            os_free(a, sizeof *a);
        }
}

/* ---- the tree ------------------------------------------------------------------------ */

static struct inode *entry_inode(const struct bundle_file *f)
{
    struct inode *n = inode_new(f->mode);

    BOOT_MEMORY(n, f->name);
    if (inode_is(n, L_S_IFREG)) {
        data_init(&n->data, f->data, (int64_t)f->size);
    } else if (inode_is(n, L_S_IFLNK)) {
        if (f->size == 0 || f->size >= L_PATH_MAX || memchr(f->data, 0, f->size))
            boot_refuse("damaged bundle: /%s is a symbolic link to a name of %llu bytes",
                        f->name, (unsigned long long)f->size);
        n->link.len = (uint32_t)f->size;
        n->link.target = os_alloc(f->size + 1);
        BOOT_MEMORY(n->link.target, f->name);
        memcpy(n->link.target, f->data, f->size);
    }
    return n;
}

static void entry_attributes(struct inode *n, const struct bundle_file *f)
{
    n->uid = f->uid;
    n->gid = f->gid;
    n->atime = n->mtime = n->ctime = n->btime = (struct ltime){f->mtime, 0};
}

static void entry_add(const struct bundle_file *f)
{
    size_t dlen = dirname_len(f->name, f->name_len);
    struct inode *dir = vfs_mkdirs(f->name, dlen), *n;

    if (!dir)
        boot_refuse("the bundle has a file in the place of a directory of /%s", f->name);
    if ((f->mode & L_S_IFMT) == L_S_IFDIR) {
        n = vfs_mkdirs(f->name, f->name_len);
        if (!n)
            boot_refuse("the bundle has a file in the place of the directory /%s", f->name);
        n->mode = f->mode;
        entry_attributes(n, f);
        return;
    }
    n = f->nlink > 1 ? archived_find(f->ino) : NULL;
    if (n) {
        inode_get(n);
        /* cpio has the contents at the last of several links */
        if (f->size && inode_is(n, L_S_IFREG))
            data_init(&n->data, f->data, (int64_t)f->size);
    } else {
        n = entry_inode(f);
        entry_attributes(n, f);
        if (f->nlink > 1)
            archived_add(f->ino, n);
    }
    lock(&vfs.lock);
    int err = dentry_add(dir, f->name + dlen, f->name_len - dlen, n);
    unlock(&vfs.lock);
    BOOT_MEMORY(!err, f->name);
    inode_put(n);
}

static void app_file(const struct bundle *b)
{
    struct bundle_file f = {.name = "init", .name_len = 4, .data = b->init, .size = b->init_size,
                            .mode = L_S_IFREG | 0755, .mtime = b->init_mtime, .nlink = 1};

    entry_add(&f);
}

static void tree_build(const struct bundle *b)
{
    struct bundle_iter it = {0};
    struct bundle_file f;

    app_file(b);
    while (bundle_next(&it, &f))
        entry_add(&f);
    archived_drop();
    struct inode *tmp = vfs_mkdirs("tmp", 3);
    if (!tmp)
        boot_refuse("/tmp is not a directory in the bundle");
    tmp->mode = L_S_IFDIR | 01777;
}

const char os_hosts[] = "127.0.0.1 localhost gort\n::1 localhost\n";

/* Files that every Linux system has; the bundle's own are kept. */
static void etc_files(void)
{
    static const struct { const char *path, *text; } files[] = {
        {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                        "nobody:x:65534:65534:nobody:/:/bin/false\n"},
        {"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
        {"/etc/hosts", os_hosts},
        {"/etc/os-release", "NAME=gort\nID=gort\nPRETTY_NAME=gort\n"},
    };
    struct open_result r;

    vfs_mkdirs("usr/bin", 7); /* empty, so that a search of PATH finds no program */
    vfs_mkdirs("root", 4);
    if (!vfs_mkdirs("etc", 3))
        return; /* the bundle names the working directory */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (vfs_open(NULL, files[i].path, L_O_CREAT | L_O_EXCL | L_O_WRONLY, 0644, &r))
            continue;
        data_init(&r.inode->data, files[i].text, (int64_t)strlen(files[i].text));
        inode_put(r.inode);
    }
}

static void descriptors_open(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct file *f = stdio_open(fd, fd ? L_O_WRONLY : 0, NULL);
        BOOT_MEMORY(f && fd_install(f, false, 0) == fd, "descriptors");
    }
}

/* file.c and those below it know nothing of what waits for a file or locks it. */
static void last_put(struct file *f)
{
    if (f->pds)
        poll_file_closed(f);
    if (__atomic_load_n(&f->epitems, __ATOMIC_ACQUIRE))
        epoll_file_closed(f);
    flock_file_gone(f);
    if (!(f->flags & L_O_PATH))
        notify_file(f->inode, file_writes(f) ? NOTIFY_CLOSE_WRITE : NOTIFY_CLOSE_NOWRITE);
}

void os_init(const struct bundle *b)
{
    boot = b;
    file_gone = last_put;
    inode_fifo_free = pipe_free;
    user_fault = mmap_fault;
    vfs_init();
    tree_build(b);
    etc_files();
    dev_init();
    proc_init(b);
    struct inode *cwd = vfs_mkdirs(b->cwd, strlen(b->cwd));
    if (!cwd)
        boot_refuse("the working directory %s is no directory in the bundle", b->cwd);
    inode_get(cwd);
    inode_put(vfs.cwd);
    vfs.cwd = cwd;
    stdio_init();
    pending_init();
    crashout_init();
    descriptors_open();
    boot_log("file tree: %llu inodes", (unsigned long long)vfs.inodes);
}

void os_poll(void)
{
    stdio_poll();
    calls_run();
}

void rt_os_strings(struct os_strings_frame *f)
{
    if (f->which == 2) {
        size_t words;
        f->first = (void *)(uintptr_t)procself_auxv(&words);
        f->bytes = (int64_t)(words * sizeof(uint64_t));
        f->count = (int64_t)words;
        return;
    }
    const struct bundle_strings *l = f->which ? &boot->env : &boot->args;

    f->first = (void *)(uintptr_t)l->first;
    f->bytes = (int64_t)l->bytes;
    f->count = (int64_t)l->count;
}
