/* mmap.c - the list of mappings, and where their pages come from: mmap.h. */
#include "gort/os/mmap.h"
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/outbuf.h"
#include "gort/os/fs/vfs.h"
#include "mm/mm.h"

#define WINDOW_BASE  0x7e0000000000ull /* far from Go's heap arenas */
#define FAULT_AROUND (64ul << 10)      /* bytes of anonymous memory that one touch brings */

struct mapping {
    struct mapping *next; /* [maps.lock] */
    uintptr_t lo, hi;     /* [maps.lock] */
    unsigned prot;        /* [maps.lock] PROT_* = VM_* */
    bool shared;          /* [const] */
    struct inode *inode;  /* [const] NULL: anonymous */
    int64_t off;          /* [maps.lock] of lo in the file */
};

static struct {
    struct lock lock;
    struct mapping *first;
    uintptr_t end;        /* [atomic, written under lock] of the window so far */
} maps = {.lock = LOCK_INIT("mmap", RANK_MMAP), .end = WINDOW_BASE};

static uintptr_t page_of(uintptr_t va) { return va & ~(PAGE_SIZE - 1); }

bool mmap_window(uintptr_t va)
{
    return va >= WINDOW_BASE && va < __atomic_load_n(&maps.end, __ATOMIC_ACQUIRE);
}

static struct mapping *find_locked(uintptr_t va)
{
    struct mapping *m = maps.first;

    while (m && !(va >= m->lo && va < m->hi))
        m = m->next;
    return m;
}

/* ---- pages ----------------------------------------------------------------------------- */

static int protect_new(uintptr_t page, unsigned prot)
{
    return prot == (VM_R | VM_W) ? 0 : vm_protect(page, PAGE_SIZE, prot);
}

static enum mmap_result bring_anonymous(const struct mapping *m, uintptr_t page)
{
    uintptr_t lo = page & ~(FAULT_AROUND - 1), hi = lo + FAULT_AROUND;

    if (!vm_is_mapped(page, false) &&
        (vm_commit(page, PAGE_SIZE) || protect_new(page, m->prot)))
        return MMAP_NOMEM;
    for (uintptr_t p = lo < m->lo ? m->lo : lo; p < (hi < m->hi ? hi : m->hi); p += PAGE_SIZE)
        if (!vm_is_mapped(p, false) && (vm_commit(p, PAGE_SIZE) || protect_new(p, m->prot)))
            break; /* only the page at va is needed; its neighbours were brought in advance */
    return MMAP_OK;
}

static enum mmap_result bring_shared(const struct mapping *m, uintptr_t page, int64_t off)
{
    void *frame;
    int err = data_share(&m->inode->data, off, m->prot & VM_W, &frame);

    if (err)
        return err == -L_ENXIO ? MMAP_BUS : MMAP_NOMEM;
    return vm_map_phys(page, virt_to_phys(frame), PAGE_SIZE, m->prot) ? MMAP_NOMEM : MMAP_OK;
}

struct part { struct filedata *d; int64_t off; };

static void fill(void *page, const void *arg)
{
    const struct part *p = arg;

    data_read(p->d, page, PAGE_SIZE, p->off);
}

/* Other goroutines touch the page too: they never see it without what the file has there. */
static enum mmap_result bring_copy(const struct mapping *m, uintptr_t page, int64_t off)
{
    if (off >= data_size(&m->inode->data))
        return MMAP_BUS;
    if (vm_commit_page(page, fill, &(struct part){&m->inode->data, off}))
        return MMAP_NOMEM;
    return protect_new(page, m->prot) ? MMAP_NOMEM : MMAP_OK;
}

static enum mmap_result bring_locked(const struct mapping *m, uintptr_t va, unsigned access)
{
    uintptr_t page = page_of(va);

    if (vm_is_mapped(page, access & VM_W))
        return MMAP_OK; /* another CPU has brought the page meanwhile */
    /* mapped, but with fewer rights: mprotect found no frame for the page table that cuts a large
     * page */
    if (vm_is_mapped(page, false))
        return vm_protect(page, PAGE_SIZE, m->prot) ? MMAP_NOMEM : MMAP_OK;
    if (!m->inode)
        return bring_anonymous(m, page);
    int64_t off = m->off + (int64_t)(page - m->lo);
    return m->shared ? bring_shared(m, page, off) : bring_copy(m, page, off);
}

enum mmap_result mmap_fault(uintptr_t va, unsigned access)
{
    enum mmap_result r;

    if (!mmap_window(va))
        return MMAP_NOWHERE;
    lock(&maps.lock);
    const struct mapping *m = find_locked(va);
    if (!m)
        r = MMAP_NOWHERE;
    else if (!m->prot || (access & (VM_W | VM_X)) & ~m->prot)
        r = MMAP_DENIED;
    else
        r = bring_locked(m, va, access);
    unlock(&maps.lock);
    return r;
}

/* Unmaps the pages of [lo, hi), which lies in m; m itself does not change. */
static void forget_locked(const struct mapping *m, uintptr_t lo, uintptr_t hi)
{
    if (m->inode && m->shared)
        vm_unmap_phys(lo, hi - lo);
    else
        vm_decommit(lo, hi - lo);
}

/* ---- the list -------------------------------------------------------------------------- */

/* Makes `at` a border between mappings. False: no memory. */
static bool split_locked(uintptr_t at)
{
    struct mapping *m = find_locked(at);

    if (!m || m->lo == at)
        return true;
    struct mapping *tail = os_alloc(sizeof *tail);
    if (!tail)
        return false;
    *tail = *m;
    tail->lo = at;
    tail->off += (int64_t)(at - m->lo);
    if (tail->inode)
        inode_get(tail->inode);
    m->hi = at;
    m->next = tail;
    return true;
}

/* Takes the mappings within [lo, hi), whose ends are borders, off the list and returns them.
 * The address range stays reserved. */
static struct mapping *take_locked(uintptr_t lo, uintptr_t hi)
{
    struct mapping *taken = NULL;

    for (struct mapping **pp = &maps.first; *pp;) {
        struct mapping *m = *pp;
        if (m->lo < lo || m->hi > hi) {
            pp = &m->next;
            continue;
        }
        *pp = m->next;
        forget_locked(m, m->lo, m->hi);
        m->next = taken;
        taken = m;
    }
    return taken;
}

/* No lock held: the last reference of an inode may go. */
static void drop(struct mapping *m, bool release)
{
    for (struct mapping *next; m; m = next) {
        next = m->next;
        if (release)
            vm_release(m->lo, m->hi - m->lo);
        if (m->inode)
            inode_put(m->inode);
        os_free(m, sizeof *m);
    }
}

bool mmap_covers(uintptr_t lo, uintptr_t hi)
{
    lock(&maps.lock);
    for (const struct mapping *m; lo < hi && (m = find_locked(lo));)
        lo = m->hi;
    unlock(&maps.lock);
    return lo >= hi;
}

/* Address space at `at`, or anywhere in the window. 0: there is none. What has just been given
 * back inside [at, at + size) stays ours: it was not released. */
static uintptr_t place_locked(uintptr_t at, size_t size)
{
    uintptr_t hint = at ? at : __atomic_load_n(&maps.end, __ATOMIC_RELAXED);
    uintptr_t va = vm_reserve(VM_HEAP, hint, size, PAGE_SIZE);

    if (va && (va < WINDOW_BASE || (at && va != at))) {
        vm_release(va, size);
        return 0;
    }
    /* A hole behind it catches overruns. */
    if (va && va + size + PAGE_SIZE > maps.end)
        __atomic_store_n(&maps.end, va + size + PAGE_SIZE, __ATOMIC_RELEASE);
    return va;
}

/* Clears the way for a mapping at a given address. */
static int clear_way(uintptr_t at, size_t size, bool replace)
{
    if (at < WINDOW_BASE)
        return -L_ENOTSUP; /* addresses outside the window are the runtime's to choose */
    lock(&maps.lock);
    bool any = false;
    for (struct mapping *m = maps.first; m && !any; m = m->next)
        any = m->lo < at + size && at < m->hi;
    unlock(&maps.lock);
    if (any && !replace)
        return -L_EEXIST;
    return any ? mmap_remove(at, at + size) : 0;
}

int64_t mmap_add(uintptr_t at, bool replace, size_t size, unsigned prot, bool shared,
                 struct inode *inode, int64_t off)
{
    int err = at ? clear_way(at, size, replace) : 0;
    struct mapping *m = err ? NULL : os_alloc(sizeof *m);

    if (!m)
        return err ? err : -L_ENOMEM;
    lock(&maps.lock);
    uintptr_t va = place_locked(at, size);
    if (va) {
        *m = (struct mapping){.next = maps.first, .lo = va, .hi = va + size, .prot = prot,
                              .shared = shared, .inode = inode, .off = off};
        if (inode)
            inode_get(inode);
        maps.first = m;
    }
    unlock(&maps.lock);
    if (!va)
        os_free(m, sizeof *m);
    return va ? (int64_t)va : -L_ENOMEM;
}

int mmap_remove(uintptr_t lo, uintptr_t hi)
{
    struct mapping *taken = NULL;

    lock(&maps.lock);
    bool ok = split_locked(lo) && split_locked(hi);
    if (ok)
        taken = take_locked(lo, hi);
    unlock(&maps.lock);
    drop(taken, true);
    return ok ? 0 : -L_ENOMEM;
}

int mmap_protect(uintptr_t lo, uintptr_t hi, unsigned prot)
{
    if (!mmap_covers(lo, hi))
        return -L_ENOMEM;
    lock(&maps.lock);
    bool ok = split_locked(lo) && split_locked(hi);
    for (struct mapping *m = ok ? maps.first : NULL; m; m = m->next)
        if (m->lo >= lo && m->hi <= hi) {
            m->prot = prot;
            vm_protect(m->lo, m->hi - m->lo, prot); /* of what is there; the rest comes so */
        }
    unlock(&maps.lock);
    return ok ? 0 : -L_ENOMEM;
}

int mmap_discard(uintptr_t lo, uintptr_t hi)
{
    if (!mmap_covers(lo, hi))
        return -L_ENOMEM;
    lock(&maps.lock);
    for (const struct mapping *m = maps.first; m; m = m->next) {
        uintptr_t a = m->lo > lo ? m->lo : lo, b = m->hi < hi ? m->hi : hi;
        if (a < b)
            forget_locked(m, a, b);
    }
    unlock(&maps.lock);
    return 0;
}

/* Copies the pages that are there. The new mapping is nobody else's yet. */
static bool copy_pages(uintptr_t from, uintptr_t to, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        if (!vm_is_mapped(from + at, false))
            continue;
        if (mmap_fault(to + at, VM_W) != MMAP_OK)
            return false;
        memcpy((void *)(to + at), (const void *)(from + at), PAGE_SIZE);
    }
    return true;
}

int64_t mmap_move(uintptr_t lo, size_t old, size_t size)
{
    lock(&maps.lock);
    const struct mapping *found = find_locked(lo);
    bool whole = found && lo + old <= found->hi;
    struct mapping m = whole ? *found : (struct mapping){0};
    if (m.inode)
        inode_get(m.inode); /* munmap may come in between */
    unlock(&maps.lock);
    int64_t end;
    if (!whole || __builtin_add_overflow(m.off, (int64_t)(lo - m.lo + size), &end)) {
        if (m.inode)
            inode_put(m.inode);
        return whole ? -L_EINVAL : -L_EFAULT;
    }
    bool copy = !m.inode || !m.shared;
    if (copy && !m.prot)
        mmap_protect(lo, lo + old, VM_R); /* to be read */
    int64_t to = mmap_add(0, false, size, copy ? VM_R | VM_W : m.prot, m.shared, m.inode,
                          m.off + (int64_t)(lo - m.lo));
    if (to > 0 && copy && !copy_pages(lo, (uintptr_t)to, old < size ? old : size)) {
        mmap_remove((uintptr_t)to, (uintptr_t)to + size);
        to = -L_ENOMEM;
    }
    if (to > 0 && copy)
        mmap_protect((uintptr_t)to, (uintptr_t)to + size, m.prot);
    if (to > 0)
        mmap_remove(lo, lo + old);
    if (m.inode)
        inode_put(m.inode);
    return to;
}

/* ---- files ----------------------------------------------------------------------------- */

/* No mapping shows the bytes [off, end) of the file any more. */
static void forget_file_locked(const struct inode *n, int64_t off, int64_t end)
{
    for (const struct mapping *m = maps.first; m; m = m->next) {
        if (m->inode != n)
            continue;
        int64_t a = off - m->off, b = end - m->off, size = (int64_t)(m->hi - m->lo);
        a = a < 0 ? 0 : a;
        b = b > size ? size : b;
        if (a < b)
            forget_locked(m, m->lo + (uintptr_t)a, m->lo + (uintptr_t)b);
    }
}

static int64_t whole_pages(int64_t n)
{
    return n > INT64_MAX - (int64_t)PAGE_SIZE ? n : (int64_t)page_of((uintptr_t)n + PAGE_SIZE - 1);
}

bool mmap_shows_writable(const struct inode *n)
{
    bool any = false;

    lock(&maps.lock);
    for (const struct mapping *m = maps.first; m; m = m->next)
        any |= m->inode == n && m->shared && m->prot & VM_W;
    unlock(&maps.lock);
    return any;
}

int mmap_truncate(struct inode *n, int64_t size)
{
    lock(&maps.lock);
    forget_file_locked(n, whole_pages(size), INT64_MAX & ~(int64_t)(PAGE_SIZE - 1));
    int err = data_truncate(&n->data, size);
    unlock(&maps.lock);
    return err;
}

int mmap_punch(struct inode *n, int64_t off, int64_t bytes)
{
    lock(&maps.lock);
    forget_file_locked(n, (int64_t)page_of((uintptr_t)off), whole_pages(off + bytes));
    int err = data_punch(&n->data, off, bytes);
    unlock(&maps.lock);
    return err;
}

void mmap_drop_zeros(struct inode *n, int64_t off, int64_t bytes)
{
    lock(&maps.lock);
    forget_file_locked(n, off, whole_pages(off + bytes));
    data_drop_zeros(&n->data, off, bytes);
    unlock(&maps.lock);
}

void mmap_list(struct outbuf *o)
{
    lock(&maps.lock);
    for (struct mapping *m = maps.first; m; m = m->next)
        out_printf(o, "%08llx-%08llx %c%c%c%c %08llx 00:00 %llu \n", (unsigned long long)m->lo,
                   (unsigned long long)m->hi, m->prot & VM_R ? 'r' : '-',
                   m->prot & VM_W ? 'w' : '-', m->prot & VM_X ? 'x' : '-', m->shared ? 's' : 'p',
                   (unsigned long long)m->off, m->inode ? (unsigned long long)m->inode->ino : 0);
    unlock(&maps.lock);
}
