// sources: gort/os/fs/inode.c gort/os/fs/dentry.c gort/os/fs/walk.c gort/os/fs/ops.c
// sources: gort/os/fs/readdir.c gort/os/fs/data.c gort/os/mem.c gort/os/file.c
// sources: gort/os/fd.c gort/os/flock.c gort/os/fs/pipe.c
// flags: -Wno-unused-function
/* The file tree against Linux: the same random operations on it and on a temporary directory
 * of the host, results and errors compared, the whole trees compared now and then. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#undef st_atime
#undef st_mtime
#undef st_ctime
#include "gort/os/file.h"
#include "gort/os/flock.h"
#include "gort/os/fs/pipe.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/mem.h"
#include "gort/os/mmap.h"
#include "fake_os.h"

/* There are no mappings in this test. */
int mmap_truncate(struct inode *n, int64_t size) { return data_truncate(&n->data, size); }

enum { FDS = 6, ROUNDS = 60000 };
#define BASE "base/d1/d2/d3/d4"

static int host_fd[FDS];
static struct file *our_fd[FDS];
static char what[2048]; /* the operation, for the report */

static int host_err(long r) { return r < 0 ? -errno : (int)r; }

static const char *name(void)
{
    static const char *const names[] = {"a", "b", "c", "dir", ".", "..", "a/", "dir/", "b/../a"};

    return names[rnd(10) ? rnd(4) : rnd(9)];
}

static void path(char *buf)
{
    strcpy(buf, name());
    for (uint64_t n = rnd(3); n > 0; n--) {
        strcat(buf, rnd(12) ? "/" : "//");
        strcat(buf, name());
    }
    if (!rnd(60))
        buf[0] = 0;
}

static bool agree(int host, int ours)
{
    if (host == ours)
        return true;
    printf("FAIL %s: Linux %d, here %d\n", what, host, ours);
    failures++;
    return false;
}

/* ---- single operations ----------------------------------------------------------------- */

static void op_open(void)
{
    static const int bits[] = {O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW};
    char p[200];
    int flags = (int)rnd(3), slot = (int)rnd(FDS);
    struct open_result res;

    path(p);
    for (size_t i = 0; i < 6; i++)
        if (rnd(i == 0 ? 2 : 6) == 0)
            flags |= bits[i];
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
        flags &= ~O_DIRECTORY; /* kernels differ */
    snprintf(what, sizeof what, "open(%s, %#x)", p, flags);
    int h = open(p, flags, 0640);
    int hr = h < 0 ? -errno : 0;
    int ours = vfs_open(NULL, p, (uint32_t)flags, 0640, &res);
    if (!agree(hr, ours) || hr)
        return;
    if (host_fd[slot] >= 0)
        close(host_fd[slot]);
    if (our_fd[slot])
        file_put(our_fd[slot]);
    host_fd[slot] = h;
    our_fd[slot] = file_new(res.inode, (uint32_t)flags, NULL, NULL);
    inode_put(res.inode);
}

static void op_name(void)
{
    char p[200];
    int h, o;

    path(p);
    switch (rnd(4)) {
    case 0:
        snprintf(what, sizeof what, "mkdir(%s)", p);
        h = host_err(mkdir(p, 0751));
        o = vfs_mknod(NULL, p, L_S_IFDIR | 0751, NULL);
        break;
    case 1:
        snprintf(what, sizeof what, "rmdir(%s)", p);
        h = host_err(rmdir(p));
        o = vfs_unlink(NULL, p, true);
        break;
    case 2:
        snprintf(what, sizeof what, "unlink(%s)", p);
        h = host_err(unlink(p));
        o = vfs_unlink(NULL, p, false);
        break;
    default:
        snprintf(what, sizeof what, "mkfifo(%s)", p);
        h = host_err(mkfifo(p, 0600));
        o = vfs_mknod(NULL, p, L_S_IFIFO | 0600, NULL);
        if (h == 0) { /* opening it would wait */
            unlink(p);
            vfs_unlink(NULL, p, false);
        }
    }
    agree(h, o);
}

static void op_two(void)
{
    char p[200], q[200];
    int h, o;

    path(p);
    path(q);
    switch (rnd(4)) {
    case 0:
        snprintf(what, sizeof what, "link(%s, %s)", p, q);
        h = host_err(link(p, q));
        o = vfs_link(NULL, p, NULL, q, 0);
        break;
    case 1:
        snprintf(what, sizeof what, "symlink(%s, %s)", p, q);
        h = host_err(symlink(p, q));
        o = vfs_mknod(NULL, q, 0, p);
        break;
    case 2:
        snprintf(what, sizeof what, "renameat2(%s, %s, NOREPLACE)", p, q);
        h = host_err(renameat2(AT_FDCWD, p, AT_FDCWD, q, RENAME_NOREPLACE));
        o = vfs_rename(NULL, p, NULL, q, L_RENAME_NOREPLACE);
        break;
    default:
        snprintf(what, sizeof what, "rename(%s, %s)", p, q);
        h = host_err(rename(p, q));
        o = vfs_rename(NULL, p, NULL, q, 0);
    }
    agree(h, o);
}

static void stat_agree(const struct stat *h, const struct l_stat *o)
{
    bool reg = S_ISREG(h->st_mode) || S_ISLNK(h->st_mode);
    char where[sizeof what];

    strcpy(where, what);
    snprintf(what, sizeof what, "%.900s mode", where);
    agree((int)h->st_mode, (int)o->mode);
    snprintf(what, sizeof what, "%.900s nlink", where);
    if (!S_ISDIR(h->st_mode))
        agree((int)h->st_nlink, (int)o->nlink);
    snprintf(what, sizeof what, "%.900s size", where);
    if (reg)
        agree((int)h->st_size, (int)o->size);
}

static void op_look(void)
{
    char p[200], hb[256], ob[256];
    struct stat st;
    struct l_stat ost;
    struct inode *n;
    bool follow = rnd(2);

    path(p);
    if (rnd(2)) {
        size_t cap = rnd(5) ? sizeof hb : 3;
        snprintf(what, sizeof what, "readlink(%s)", p);
        int h = host_err(readlink(p, hb, cap));
        int o = (int)vfs_readlink(NULL, p, ob, cap);
        if (!*p)
            o = -ENOENT; /* readlinkat("") is for O_PATH descriptors */
        if (agree(h, o) && h > 0)
            agree(0, memcmp(hb, ob, (size_t)h) != 0);
        return;
    }
    snprintf(what, sizeof what, "%s(%s)", follow ? "stat" : "lstat", p);
    int h = host_err(follow ? stat(p, &st) : lstat(p, &st));
    int o = vfs_lookup(NULL, p, follow ? WALK_FOLLOW : 0, &n);
    if (agree(h, o) && !h) {
        inode_stat(n, &ost);
        inode_put(n);
        stat_agree(&st, &ost);
    } else if (!o) {
        inode_put(n);
    }
}

static void op_attr(void)
{
    char p[200];
    struct inode *n;
    uint32_t mode = (uint32_t)rnd(01000);
    int64_t size = (int64_t)rnd(20000);
    bool cut = rnd(2);

    path(p);
    snprintf(what, sizeof what, cut ? "truncate(%s, %d)" : "chmod(%s, %o)", p,
             cut ? (int)size : (int)mode);
    int h = host_err(cut ? truncate(p, size) : chmod(p, mode));
    int o = vfs_lookup(NULL, p, WALK_FOLLOW, &n);
    if (!o) {
        o = cut ? vfs_truncate(n, size) : vfs_chmod(n, mode);
        inode_put(n);
    }
    agree(h, o);
}

static void op_file(void)
{
    static char buf[9000], back[9000];
    int i = (int)rnd(FDS), h, o;
    size_t n = rnd(sizeof buf);
    int64_t pos = rnd(3) ? -1 : (int64_t)rnd(30000);
    struct stat st;
    struct l_stat ost;

    if (!our_fd[i])
        return;
    struct file *f = our_fd[i];
    snprintf(what, sizeof what, "on descriptor %d: n %zu pos %d", i, n, (int)pos);
    switch (rnd(4)) {
    case 0:
        memset(buf, 'a' + (int)rnd(26), n);
        h = host_err(pos < 0 ? write(host_fd[i], buf, n) : pwrite(host_fd[i], buf, n, pos));
        o = file_writes(f) ? (int)file_write(f, buf, n, pos) : -EBADF;
        agree(h, o);
        break;
    case 1:
        h = host_err(pos < 0 ? read(host_fd[i], buf, n) : pread(host_fd[i], buf, n, pos));
        o = file_reads(f) ? (int)file_read(f, back, n, pos) : -EBADF;
        if (agree(h, o) && h > 0)
            agree(0, memcmp(buf, back, (size_t)h) != 0);
        break;
    case 2:
        fstat(host_fd[i], &st);
        inode_stat(f->inode, &ost);
        stat_agree(&st, &ost);
        break;
    default:
        close(host_fd[i]);
        file_put(f);
        host_fd[i] = -1;
        our_fd[i] = NULL;
    }
}

/* ---- whole trees ----------------------------------------------------------------------- */

struct listing { char names[64][32]; int n; };

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void list_ours(struct inode *dir, struct listing *l)
{
    char buf[200];
    uint64_t pos = 0;
    int64_t got;

    l->n = 0;
    while ((got = vfs_getdents(dir, &pos, buf, sizeof buf)) > 0)
        for (int64_t at = 0; at < got;) {
            struct l_dirent *d = (void *)(buf + at);
            snprintf(l->names[l->n++], 32, "%s %d", d->name, d->type);
            at += d->reclen;
        }
    qsort(l->names, (size_t)l->n, 32, by_name);
}

static void list_host(const char *p, struct listing *l)
{
    DIR *d = opendir(p);
    struct dirent *e;

    l->n = 0;
    while (d && (e = readdir(d)))
        snprintf(l->names[l->n++], 32, "%.20s %d", e->d_name, e->d_type);
    if (d)
        closedir(d);
    qsort(l->names, (size_t)l->n, 32, by_name);
}

static void compare_tree(const char *p, int depth)
{
    struct listing h, o;
    struct inode *n;

    snprintf(what, sizeof what, "directory %s", p);
    if (vfs_lookup(NULL, p, 0, &n)) {
        agree(0, -ENOENT);
        return;
    }
    list_host(p, &h);
    list_ours(n, &o);
    inode_put(n);
    if (!agree(h.n, o.n))
        return;
    for (int i = 0; i < h.n; i++) {
        char sub[1200], *space = strrchr(h.names[i], ' ');
        snprintf(what, sizeof what, "%s: %s and %s", p, h.names[i], o.names[i]);
        agree(0, strcmp(h.names[i], o.names[i]));
        bool dir = atoi(space + 1) == DT_DIR && h.names[i][0] != '.';
        *space = 0;
        snprintf(sub, sizeof sub, "%s/%s", p, h.names[i]);
        if (dir && depth < 12)
            compare_tree(sub, depth + 1);
    }
}

static void random_operations(void)
{
    char before[sizeof what];

    for (int i = 0; i < ROUNDS && failures < 5; i++) {
        static void (*const ops[])(void) = {op_open, op_open, op_name, op_two, op_two,
                                            op_look, op_attr, op_file, op_file, op_file};
        ops[rnd(10)]();
        if (i % 500 == 0) {
            strcpy(before, what);
            compare_tree(".", 0);
        }
    }
    compare_tree(".", 0);
    check(failures == 0, "60000 random operations as on Linux");
}

/* Removes all that is left, so that the test can check for leaks. */
static void remove_ours(const char *p)
{
    struct listing l;
    struct inode *n;

    if (vfs_lookup(NULL, p, 0, &n))
        return;
    list_ours(n, &l);
    inode_put(n);
    for (int i = 0; i < l.n; i++) {
        char sub[2000], *space = strrchr(l.names[i], ' ');
        bool dir = atoi(space + 1) == DT_DIR;
        *space = 0;
        if (!strcmp(l.names[i], ".") || !strcmp(l.names[i], ".."))
            continue;
        snprintf(sub, sizeof sub, "%s/%s", p, l.names[i]);
        if (dir)
            remove_ours(sub);
        vfs_unlink(NULL, sub, dir);
    }
}

static void test_long_names(void)
{
    char p[5000];

    memset(p, 'x', sizeof p);
    p[256] = 0;
    check(vfs_mknod(NULL, p, L_S_IFDIR | 0755, NULL) == -ENAMETOOLONG, "a name of 256 bytes");
    p[255] = 0;
    check(vfs_mknod(NULL, p, L_S_IFDIR | 0755, NULL) == 0, "a name of 255 bytes");
    check(vfs_unlink(NULL, p, true) == 0, "and its removal");
}

static void test_removed_directory(void)
{
    struct inode *old = vfs.cwd, *d;
    struct open_result res;
    uint64_t pos = 0;
    char buf[100];

    vfs_mknod(NULL, "gone", L_S_IFDIR | 0755, NULL);
    vfs_lookup(NULL, "gone", 0, &d);
    check(vfs_unlink(NULL, "gone", true) == 0, "rmdir of a directory in use");
    vfs.cwd = d;
    check(vfs_open(NULL, "f", L_O_CREAT | L_O_RDWR, 0644, &res) == -ENOENT, "no file in it");
    check(vfs_mknod(NULL, "f", L_S_IFDIR | 0755, NULL) == -ENOENT, "no directory in it");
    check(vfs_getdents(d, &pos, buf, sizeof buf) == -ENOENT, "no list of it");
    vfs.cwd = old;
    inode_put(d);
}

static void test_path(void)
{
    struct inode *n;
    char buf[100];

    vfs_lookup(NULL, ".", 0, &n);
    lock(&vfs.lock);
    size_t len = inode_path_locked(n, buf, sizeof buf);
    unlock(&vfs.lock);
    check(len == strlen("/" BASE) && !strcmp(buf, "/" BASE), "path of the working directory");
    lock(&vfs.lock);
    inode_path_locked(vfs.root, buf, sizeof buf);
    unlock(&vfs.lock);
    check(!strcmp(buf, "/"), "path of the root");
    inode_put(n);
}

static void host_enter(char *dir)
{
    char sub[300];
    static const char *const parts[] = {"base", "d1", "d2", "d3", "d4"};

    CHECK(mkdtemp(dir) && chdir(dir) == 0, "mkdtemp %s: %s", dir, strerror(errno));
    for (int i = 0; i < 5; i++)
        CHECK(mkdir(parts[i], 0755) == 0 && chdir(parts[i]) == 0, "mkdir %s", parts[i]);
    (void)sub;
}

int main(void)
{
    file_gone = flock_file_gone;
    inode_fifo_free = pipe_free;
    char dir[64] = "/dev/shm/gort-vfs-XXXXXX", command[100];
    struct inode *root_dir;

    if (geteuid() != 0) {
        printf("ok not root: Linux would refuse other things\n");
        return 0;
    }
    if (access("/dev/shm", W_OK))
        strcpy(dir, "/tmp/gort-vfs-XXXXXX");
    umask(022);
    vfs_init();
    root_dir = vfs_mkdirs(BASE, strlen(BASE));
    inode_get(root_dir);
    inode_put(vfs.cwd);
    vfs.cwd = root_dir;
    for (int i = 0; i < FDS; i++)
        host_fd[i] = -1;
    host_enter(dir);
    test_long_names();
    test_removed_directory();
    test_path();
    random_operations();
    for (int i = 0; i < FDS; i++)
        if (our_fd[i])
            file_put(our_fd[i]);
    remove_ours("../../../../../base/d1/d2/d3/d4");
    remove_ours("/");
    inode_put(vfs.cwd);
    while (data_reap(1000))
        ;
    check(vfs.inodes == 1 && os_pages_used() == 0, "nothing is left when all is removed");
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return failures != 0 || system(command) != 0;
}
