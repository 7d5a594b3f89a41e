/* walk.c - from a path to an inode, as path_resolution(7) has it. */
#include <string.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/mem.h"

/* What is left to walk: w->rest[0] of the path itself, and on top of it that of each link in whose
 * target the walk is. A target is read where it lies; the link is held meanwhile, since w->name may
 * point into it until walk_end.
 *
 *      a/link/b/c    link -> x/y        at x:   rest[1] "/y"     rest[0] "/b/c"
 */
static void push(struct walk *w, const char *target, struct inode *link, char *buf)
{
    w->rest[++w->depth] = (struct walk_rest){target, link, buf};
}

static void pop(struct walk *w)
{
    const struct walk_rest *r = &w->rest[w->depth--];

    if (r->link)
        inode_put_locked(r->link);
    os_free(r->buf, L_PATH_MAX);
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

/* Is there another component, in the innermost target or further out? */
static bool more(const struct walk *w)
{
    for (int i = w->depth; i >= 0; i--)
        if (*skip_slashes(w->rest[i].p))
            return true;
    return false;
}

/* Is anything left of the path? After the last component that can only be slashes. */
static bool any_rest(const struct walk *w)
{
    for (int i = w->depth; i >= 0; i--)
        if (*w->rest[i].p)
            return true;
    return false;
}

/* Follows a link of /proc, whose target is made when it is needed. *jump, if set, is the inode
 * (referenced) at which the walk goes on instead of a path. */
static int enter_synthetic(struct walk *w, struct inode *link, struct inode **jump)
{
    char *buf = os_alloc(L_PATH_MAX);
    int64_t len = buf ? link->ops->target(link, buf, L_PATH_MAX - 1, jump) : -L_ENOMEM;

    if (len > 0 && !*jump) {
        buf[len] = 0;
        push(w, buf, NULL, buf);
        return 0;
    }
    if (buf)
        os_free(buf, L_PATH_MAX);
    return len < 0 ? (int)len : *jump ? 0 : -L_ENOENT;
}

/* w->inode is a link that the walk follows. 1: it leads to an inode without a path, which is now
 * w->inode; 0: its target is what is left to walk first; else an error. */
static int enter(struct walk *w)
{
    struct inode *link = w->inode, *jump = NULL;
    int err = 0;

    if (link->ops) {
        err = enter_synthetic(w, link, &jump);
    } else if (link->link.len == 0 || link->link.len >= L_PATH_MAX) {
        err = link->link.len ? -L_ENAMETOOLONG : -L_ENOENT;
    } else {
        inode_get(link);
        push(w, link->link.target, link, NULL);
    }
    if (err)
        return err;
    if (jump) {
        hold(w, jump);
        w->inode = jump;
        w->dentry = NULL;
        return 1;
    }
    if (*w->rest[w->depth].p == '/')
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
static bool component(struct walk *w)
{
    while (w->depth > 0 && !*skip_slashes(w->rest[w->depth].p))
        pop(w);
    const char *p = skip_slashes(w->rest[w->depth].p);
    if (!*p)
        return false;
    w->name = p;
    while (*p && *p != '/')
        p++;
    w->rest[w->depth].p = p;
    w->name_len = (size_t)(p - w->name);
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

/* w->name in w->dir becomes w->inode, or NULL if it is not there. */
static int find(struct walk *w)
{
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
    return 0;
}

/* The path is at its end. */
static int finish(const struct walk *w, unsigned flags)
{
    bool no_dir = w->inode && !inode_is(w->inode, L_S_IFDIR);

    return no_dir && w->slash && !(flags & WALK_PARENT) ? -L_ENOTDIR : 0;
}

static int resolve(struct walk *w, unsigned flags)
{
    for (unsigned links = 0; component(w);) { /* "/" has no component */
        int err = find(w);
        if (err)
            return err;
        bool end = !more(w);
        w->slash = end && any_rest(w);
        if (w->inode && inode_is(w->inode, L_S_IFLNK) && (!end || follows(w, flags))) {
            err = ++links > L_LINK_MAX ? -L_ELOOP : enter(w);
            if (err < 0)
                return err;
            if (err == 0 && more(w))
                continue;
            if (err == 0) { /* the walk ended in the root directory */
                w->inode = w->dir;
                w->last = LAST_ROOT;
                w->dentry = NULL;
                return 0;
            }
        }
        if (end)
            return finish(w, flags);
        if (!w->inode)
            return -L_ENOENT;
        w->dir = w->inode;
    }
    return 0;
}

int walk(struct inode *start, const char *path, unsigned flags, struct walk *w)
{
    memset(w, 0, offsetof(struct walk, rest));
    w->rest[0] = (struct walk_rest){path, NULL, NULL};
    w->dir = *path == '/' ? vfs.root : start ? start : vfs.cwd;
    w->inode = w->dir;
    w->last = *path == '/' ? LAST_ROOT : LAST_DOT;
    if (!*path)
        return flags & WALK_EMPTY ? 0 : -L_ENOENT;
    return resolve(w, flags);
}

void walk_end(struct walk *w)
{
    while (w->depth > 0)
        pop(w);
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
