/* walk.c - from a path to an inode, as path_resolution(7) has it. */
#include <string.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/mem.h"

/* What is left to walk: the innermost link's target first, then what follows the link. Each
 * link's target is joined with the rest of the path into a new buffer. */
struct rest {
    const char *p;
    char *buf;     /* owns p, or NULL */
};

static void rest_drop(struct rest *r)
{
    os_free(r->buf, 2 * L_PATH_MAX);
    r->buf = NULL;
}

static void hold(struct walk *w, struct inode *n)
{
    if (w->held)
        inode_put_locked(w->held);
    w->held = n;
}

/* Child of w->dir by name, into w->inode and w->dentry. */
static void step(struct walk *w)
{
    struct inode *dir = w->dir;

    w->dentry = NULL;
    w->inode = NULL;
    if (dir->ops && dir->ops->lookup) {
        w->inode = dir->ops->lookup(w->name, w->name_len);
        if (w->inode)
            hold(w, w->inode);
    } else {
        w->dentry = dentry_find(dir, w->name, w->name_len);
        w->inode = w->dentry ? w->dentry->inode : NULL;
    }
}

static const char *skip_slashes(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

/* Replaces the link that w->inode is by its target: rest becomes "target/rest". */
static int expand(struct walk *w, struct rest *r)
{
    struct inode *link = w->inode, *jump = NULL;
    char *buf = os_alloc_last(2 * L_PATH_MAX);
    int64_t len;

    if (!buf)
        return -L_ENOMEM;
    if (link->ops) {
        len = link->ops->target(link, buf, L_PATH_MAX, &jump);
    } else {
        len = link->link.len < L_PATH_MAX ? (int64_t)link->link.len : -L_ENAMETOOLONG;
        if (len > 0)
            memcpy(buf, link->link.target, (size_t)len);
    }
    size_t tail = strlen(r->p);
    int err = len < 0 ? (int)len : tail >= L_PATH_MAX ? -L_ENAMETOOLONG : 0;

    if (len == 0 && !jump)
        err = -L_ENOENT;
    if (err) {
        os_free(buf, 2 * L_PATH_MAX);
        return err;
    }
    if (jump) {
        hold(w, jump);
        w->inode = jump;
        os_free(buf, 2 * L_PATH_MAX);
        return 1;
    }
    memcpy(buf + len, r->p, tail + 1);
    rest_drop(r);
    r->buf = buf;
    r->p = buf;
    if (*r->p == '/')
        w->dir = vfs.root;
    return 0;
}

static struct inode *parent_of(struct inode *dir)
{
    if (dir->ops && dir->ops->lookup)
        return dir->named ? dir->named->dir : vfs.root;
    return dir->dir.parent;
}

/* The next component becomes w->name; false at the end of the path. */
static bool component(struct walk *w, struct rest *r)
{
    r->p = skip_slashes(r->p);
    if (!*r->p)
        return false;
    w->name = r->p;
    while (*r->p && *r->p != '/')
        r->p++;
    w->name_len = (size_t)(r->p - w->name);
    w->last = LAST_NAME;
    if (w->name[0] == '.' && w->name_len == 1)
        w->last = LAST_DOT;
    else if (w->name_len == 2 && w->name[0] == '.' && w->name[1] == '.')
        w->last = LAST_DOTDOT;
    return true;
}

/* Is the link at the end of the path followed? */
static bool follows(const struct walk *w, unsigned flags)
{
    if (flags & WALK_PARENT)
        return !w->slash && flags & WALK_FOLLOW;
    return w->slash || flags & WALK_FOLLOW;
}

static int resolve(struct walk *w, struct rest *r, unsigned flags)
{
    unsigned links = 0;

    for (;;) {
        if (!component(w, r))
            return 0; /* only for "/" and for targets like "/" */
        if (!inode_is(w->dir, L_S_IFDIR))
            return -L_ENOTDIR;
        if (w->name_len > L_NAME_MAX)
            return -L_ENAMETOOLONG;
        if (w->last == LAST_NAME) {
            step(w);
        } else {
            w->inode = w->last == LAST_DOT ? w->dir : parent_of(w->dir);
            w->dentry = NULL;
        }
        bool end = !*skip_slashes(r->p);
        w->slash = end && *r->p == '/';
        if (w->inode && inode_is(w->inode, L_S_IFLNK) && (!end || follows(w, flags))) {
            if (++links > L_LINK_MAX)
                return -L_ELOOP;
            int err = expand(w, r);
            if (err < 0)
                return err;
            if (err == 0) {
                if (!*skip_slashes(r->p)) { /* the target is the root directory */
                    w->inode = w->dir;
                    w->last = LAST_ROOT;
                    w->dentry = NULL;
                    return 0;
                }
                continue;
            }
            w->dentry = NULL;
        }
        if (end)
            return w->inode && w->slash && !(flags & WALK_PARENT) &&
                           !inode_is(w->inode, L_S_IFDIR)
                       ? -L_ENOTDIR
                       : 0;
        if (!w->inode)
            return -L_ENOENT;
        w->dir = w->inode;
    }
}

int walk(struct inode *start, const char *path, unsigned flags, struct walk *w)
{
    struct rest r = {.p = path};

    memset(w, 0, sizeof *w);
    w->dir = *path == '/' ? vfs.root : start ? start : vfs.cwd;
    w->inode = w->dir;
    w->last = *path == '/' ? LAST_ROOT : LAST_DOT;
    if (!*path)
        return flags & WALK_EMPTY ? 0 : -L_ENOENT;
    int err = resolve(w, &r, flags);
    w->buf = r.buf;
    return err;
}

void walk_end(struct walk *w)
{
    os_free(w->buf, 2 * L_PATH_MAX);
    w->buf = NULL;
    hold(w, NULL);
}

int vfs_lookup(struct inode *start, const char *path, unsigned flags, struct inode **out)
{
    struct walk w;

    lock(&vfs.lock);
    int err = walk(start, path, flags, &w);
    if (!err && !w.inode)
        err = -L_ENOENT;
    if (!err) {
        inode_get(w.inode);
        *out = w.inode;
    }
    walk_end(&w);
    unlock(&vfs.lock);
    return err;
}
