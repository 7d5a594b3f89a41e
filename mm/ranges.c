#include "mm/ranges.h"

static void fix(struct range_node *n)
{
    uintptr_t m = n->hi - n->lo;

    if (n->left && n->left->max > m)
        m = n->left->max;
    if (n->right && n->right->max > m)
        m = n->right->max;
    n->max = m;
}

static uint32_t next_prio(struct range_set *s)
{
    s->seed = s->seed * 1664525u + 1013904223u;
    return s->seed ^ s->seed >> 15;
}

static struct range_node *node_get(struct range_set *s)
{
    struct range_node *n = s->spare;

    if (!n)
        return s->node_new();
    s->spare = n->left;
    return n;
}

static void node_put(struct range_set *s, struct range_node *n)
{
    n->left = s->spare;
    s->spare = n;
}

/* Everything below `at` to *l, the rest to *r. */
static void split(struct range_node *t, uintptr_t at, struct range_node **l,
                  struct range_node **r)
{
    if (!t) {
        *l = *r = NULL;
    } else if (t->lo < at) {
        split(t->right, at, &t->right, r);
        *l = t;
        fix(t);
    } else {
        split(t->left, at, l, &t->left);
        *r = t;
        fix(t);
    }
}

static struct range_node *join(struct range_node *l, struct range_node *r)
{
    if (!l || !r)
        return l ? l : r;
    if (l->prio > r->prio) {
        l->right = join(l->right, r);
        fix(l);
        return l;
    }
    r->left = join(l, r->left);
    fix(r);
    return r;
}

static struct range_node *rightmost(struct range_node *t)
{
    while (t && t->right)
        t = t->right;
    return t;
}

static struct range_node *leftmost(struct range_node *t)
{
    while (t && t->left)
        t = t->left;
    return t;
}

/* The node with lo == at leaves the tree. */
static struct range_node *unlink_at(struct range_node **root, uintptr_t at)
{
    struct range_node *l, *m, *r;

    split(*root, at, &l, &r);
    split(r, at + 1, &m, &r);
    *root = join(l, r);
    return m;
}

static void link_node(struct range_set *s, struct range_node *n, uintptr_t lo, uintptr_t hi)
{
    struct range_node *l, *r;

    *n = (struct range_node){ lo, hi, hi - lo, next_prio(s), NULL, NULL };
    split(s->root, lo, &l, &r);
    s->root = join(join(l, n), r);
}

bool ranges_add(struct range_set *s, uintptr_t lo, uintptr_t hi)
{
    struct range_node *l, *r, *n = node_get(s);

    if (!n)
        return false;
    split(s->root, lo, &l, &r);
    struct range_node *before = rightmost(l), *after = leftmost(r);
    bool ok = lo < hi && (!before || before->hi <= lo) && (!after || after->lo >= hi);
    bool merge_l = ok && before && before->hi == lo, merge_r = ok && after && after->lo == hi;
    s->root = join(l, r);
    if (!ok) {
        node_put(s, n);
        return false;
    }
    if (merge_l) {
        lo = before->lo;
        node_put(s, unlink_at(&s->root, lo));
    }
    if (merge_r) {
        uintptr_t end = after->hi;
        node_put(s, unlink_at(&s->root, hi));
        hi = end;
    }
    link_node(s, n, lo, hi);
    return true;
}

bool ranges_take_at(struct range_set *s, uintptr_t lo, uintptr_t size)
{
    struct range_node *l, *r, *n, *extra;
    uintptr_t hi = lo + size, b, e;

    if (!size || hi < lo)
        return false;
    split(s->root, lo + 1, &l, &r);
    n = rightmost(l);
    s->root = join(l, r);
    if (!n || n->hi < hi)
        return false;
    b = n->lo;
    e = n->hi;
    extra = b < lo && e > hi ? node_get(s) : NULL;
    if (b < lo && e > hi && !extra)
        return false;
    n = unlink_at(&s->root, b);
    if (b < lo) {
        link_node(s, n, b, lo);
        n = extra;
    }
    if (e > hi)
        link_node(s, n, hi, e);
    else if (n)
        node_put(s, n);
    return true;
}

static uintptr_t fit(const struct range_node *n, uintptr_t min, uintptr_t size, uintptr_t align)
{
    uintptr_t lo = n->lo > min ? n->lo : min, a = (lo + align - 1) & ~(align - 1);

    return a >= lo && a < n->hi && n->hi - a >= size ? a : 0;
}

static uintptr_t find(const struct range_node *n, uintptr_t min, uintptr_t size, uintptr_t align)
{
    uintptr_t a;

    if (!n || n->max < size)
        return 0;
    if (n->lo > min && (a = find(n->left, min, size, align)))
        return a;
    if ((a = fit(n, min, size, align)))
        return a;
    return find(n->right, min, size, align);
}

uintptr_t ranges_take(struct range_set *s, uintptr_t min, uintptr_t size, uintptr_t align)
{
    uintptr_t a = size ? find(s->root, min, size, align) : 0;

    return a && ranges_take_at(s, a, size) ? a : 0;
}
