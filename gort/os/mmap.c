/* mmap.c - the list of mappings, and where their pages come from: mmap.h. */
#include "gort/os/mmap.h"
#include <string.h>
#include "gort/os/mem.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/fs/vfs.h"
#include "kernel/check.h"
#include "mm/mm.h"

#define WINDOW_BASE  0x7e0000000000ull /* where mappings are, unless somebody asks */
#define PLACE_LOWEST 0x10000ull        /* as on Linux */
#define LOW_BASE     0x40000000ull     /* MAP_32BIT */
#define LOW_END      0x80000000ull
#define PIECE        (512ul << 10)     /* bytes that are there, of a long range */
#define RUNS         8                 /* stretches of pages that are there, within a piece */
#define HOLES        (1ul << 30)       /* bytes of addresses in which they are looked for */
#define MAPPINGS     32                /* mappings that a piece touches */
#define FAULT_AROUND (64ul << 10)      /* bytes of anonymous memory that one touch brings */

enum { LEVELS = 10 };

/* One in four is on the next higher list too, so that one of n is found in some log n steps. */
struct mapping {
    struct mapping *next[LEVELS]; /* [maps.lock] lists by address; next[0] has all */
    unsigned height;      /* [const] on how many lists it is */
    uintptr_t lo, hi;     /* [maps.lock] */
    unsigned prot;        /* [maps.lock] PROT_* = VM_* */
    bool shared;          /* [const] */
    struct inode *inode;  /* [const] NULL: anonymous */
    int64_t off;          /* [maps.lock] of lo in the file */
};

static struct {
    struct lock lock;
    struct mapping *first[LEVELS]; /* [lock] by address */
    unsigned files;        /* [lock] mappings of files */
    uint64_t heights;      /* [lock] the next one's height is drawn from it */
    uintptr_t next;        /* [lock] where there was room at the last time */
    uintptr_t lo, hi;      /* [atomic, written under lock] all mappings so far lie in it */
} maps = {.lock = LOCK_INIT("mmap", RANK_MMAP), .next = WINDOW_BASE, .lo = WINDOW_BASE,
          .hi = WINDOW_BASE};

static uintptr_t page_of(uintptr_t va) { return va & ~(PAGE_SIZE - 1); }

bool mmap_window(uintptr_t va)
{
    return va >= __atomic_load_n(&maps.lo, __ATOMIC_ACQUIRE) &&
           va < __atomic_load_n(&maps.hi, __ATOMIC_ACQUIRE);
}

/* The first mapping that ends behind va. */
static struct mapping *from_locked(uintptr_t va)
{
    struct mapping *const *row = maps.first;

    for (unsigned i = LEVELS; i-- > 0;)
        while (row[i] && row[i]->hi <= va)
            row = row[i]->next;
    return row[0];
}

static struct mapping *find_locked(uintptr_t va)
{
    struct mapping *m = from_locked(va);

    return m && va >= m->lo ? m : NULL;
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
    for (uintptr_t end; (lo = vm_next(lo, hi, true)) < hi; lo = end) { /* over holes at once */
        end = vm_next(lo, hi, false);
        if (m->inode && m->shared)
            vm_unmap_phys(lo, end - lo);
        else
            vm_decommit(lo, end - lo);
    }
}

/* ---- the list -------------------------------------------------------------------------- */

/* Where on each list a mapping at va stands, or would stand. */
static void links_locked(uintptr_t va, struct mapping **link[LEVELS])
{
    struct mapping **row = maps.first;

    for (unsigned i = LEVELS; i-- > 0; link[i] = &row[i])
        while (row[i] && row[i]->lo < va)
            row = row[i]->next;
}

/* Numbers whose bits are mixed (a multiplier of 64-bit linear congruences), so that heights follow
 * no pattern of addresses that come and go. */
static unsigned height_locked(void)
{
    maps.heights = maps.heights * 6364136223846793005ull + 1442695040888963407ull;
    unsigned h = 1 + (unsigned)__builtin_ctzll(maps.heights >> 33 | 1ull << 40) / 2;

    return h < LEVELS ? h : LEVELS;
}

static void insert_locked(struct mapping *m)
{
    struct mapping **link[LEVELS];

    links_locked(m->lo, link);
    m->height = height_locked();
    for (unsigned i = 0; i < m->height; i++) {
        m->next[i] = *link[i];
        *link[i] = m;
    }
    maps.files += m->inode != NULL;
    if (m->lo < maps.lo)
        __atomic_store_n(&maps.lo, m->lo, __ATOMIC_RELEASE);
    if (m->hi > maps.hi)
        __atomic_store_n(&maps.hi, m->hi, __ATOMIC_RELEASE);
}

static void take_out_locked(struct mapping *m)
{
    struct mapping **link[LEVELS];

    links_locked(m->lo, link);
    for (unsigned i = 0; i < m->height; i++) {
        CHECK(*link[i] == m, "mapping [%#lx, %#lx) is not on list %u", m->lo, m->hi, i);
        *link[i] = m->next[i];
    }
    maps.files -= m->inode != NULL;
}

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
    insert_locked(tail);
    return true;
}

/* No lock held: the last reference of an inode may go. */
static void drop(struct mapping *m)
{
    for (struct mapping *next; m; m = next) {
        next = m->next[0];
        if (m->inode)
            inode_put(m->inode);
        os_free(m, sizeof *m);
    }
}

uintptr_t mmap_covered(uintptr_t lo, uintptr_t hi)
{
    unsigned n = 0;

    lock(&maps.lock);
    for (const struct mapping *m = find_locked(lo); m && lo < hi && n < MAPPINGS; n++) {
        lo = m->hi;
        m = m->next[0] && m->next[0]->lo == lo ? m->next[0] : NULL;
    }
    unlock(&maps.lock);
    return lo < hi ? lo : hi;
}

/* ---- places ------------------------------------------------------------------------------ */

/* Address space at `at` and nowhere else. 0: it is not free. */
static uintptr_t place_at(uintptr_t at, size_t size)
{
    uintptr_t va = vm_reserve(VM_HEAP, at, size, PAGE_SIZE);

    if (va && va != at) {
        vm_release(va, size);
        return 0;
    }
    return va;
}

/* A hole behind it catches overruns. */
static uintptr_t place_anywhere_locked(size_t size)
{
    uintptr_t va = vm_reserve(VM_HEAP, maps.next, size, PAGE_SIZE);

    if (va == maps.next)
        maps.next = va + size + PAGE_SIZE;
    return va;
}

static uintptr_t place_locked(uintptr_t at, enum mmap_place place, size_t size)
{
    if (place >= MMAP_FREE)
        return place_at(at, size);
    bool fits = at >= PLACE_LOWEST && (place != MMAP_LOW || at + size <= LOW_END);
    uintptr_t va = fits ? place_at(at, size) : 0;
    if (va)
        return va;
    return place == MMAP_LOW ? vm_reserve_in(VM_HEAP, LOW_BASE, LOW_END, size)
                             : place_anywhere_locked(size);
}

/* Clears the way for a mapping at a given address. */
static int clear_way(uintptr_t at, enum mmap_place place, size_t size)
{
    if (at < PLACE_LOWEST)
        return -L_EPERM;
    lock(&maps.lock);
    const struct mapping *m = from_locked(at);
    bool any = m && m->lo < at + size;
    unlock(&maps.lock);
    if (any && place == MMAP_FREE)
        return -L_EEXIST;
    return any ? mmap_remove(at, at + size) : 0;
}

int64_t mmap_add(uintptr_t at, enum mmap_place place, size_t size, unsigned prot, bool shared,
                 struct inode *inode, int64_t off)
{
    int err = place >= MMAP_FREE ? clear_way(at, place, size) : 0;
    struct mapping *m = err ? NULL : os_alloc(sizeof *m);

    if (!m)
        return err ? err : -L_ENOMEM;
    lock(&maps.lock);
    uintptr_t va = place_locked(at, place, size);
    if (va) {
        *m = (struct mapping){.lo = va, .hi = va + size, .prot = prot, .shared = shared,
                              .inode = inode, .off = off};
        if (inode)
            inode_get(inode);
        insert_locked(m);
    }
    unlock(&maps.lock);
    if (va)
        return (int64_t)va;
    os_free(m, sizeof *m);
    return place == MMAP_FREE ? -L_EEXIST : place == MMAP_REPLACE ? -L_ENOTSUP : -L_ENOMEM;
}

bool mmap_extend(uintptr_t lo, size_t old, size_t size)
{
    lock(&maps.lock);
    struct mapping *m = find_locked(lo);
    int64_t end;
    bool may = m && lo + old == m->hi &&
               !__builtin_add_overflow(m->off, (int64_t)(lo - m->lo + size), &end) &&
               place_at(m->hi, size - old);
    if (may) {
        m->hi += size - old;
        if (m->hi > maps.hi)
            __atomic_store_n(&maps.hi, m->hi, __ATOMIC_RELEASE);
    }
    unlock(&maps.lock);
    return may;
}

/* ---- ranges ------------------------------------------------------------------------------ */

/* The end of the first MAPPINGS mappings that reach into [lo, hi), or hi. */
static uintptr_t few_mappings(uintptr_t lo, uintptr_t hi)
{
    unsigned n = 0;

    lock(&maps.lock);
    const struct mapping *m = from_locked(lo);
    while (m && m->lo < hi && n++ < MAPPINGS)
        m = m->next[0];
    hi = m && m->lo < hi ? m->lo : hi;
    unlock(&maps.lock);
    return hi;
}

uintptr_t mmap_piece(uintptr_t lo, uintptr_t hi)
{
    size_t left = PIECE;

    hi = few_mappings(lo, hi);
    hi = hi - lo < HOLES ? hi : lo + HOLES;
    for (unsigned runs = 0; lo < hi && left > 0 && runs < RUNS; runs++) {
        uintptr_t at = vm_next(lo, hi, true);
        lo = vm_next(at, hi - at < left ? hi : at + left, false);
        left -= lo - at;
    }
    return lo;
}

/* [lo, hi), which is m's, is m's no longer; m keeps its ends. */
static void cut_locked(struct mapping *m, uintptr_t lo, uintptr_t hi)
{
    forget_locked(m, lo, hi);
    vm_release(lo, hi - lo);
    if (lo == m->lo) {
        m->off += (int64_t)(hi - lo);
        m->lo = hi;
    } else {
        m->hi = lo;
    }
}

int mmap_remove(uintptr_t lo, uintptr_t hi)
{
    struct mapping *gone = NULL;
    bool ok = true;

    lock(&maps.lock);
    for (struct mapping *m = from_locked(lo), *next; ok && m && m->lo < hi; m = next) {
        uintptr_t a = m->lo > lo ? m->lo : lo, b = m->hi < hi ? m->hi : hi;
        if (a < b && (m->lo == a || m->hi == b || (ok = split_locked(b))))
            cut_locked(m, a, b);
        next = m->next[0];
        if (m->lo < m->hi)
            continue;
        take_out_locked(m);
        m->next[0] = gone;
        gone = m;
    }
    unlock(&maps.lock);
    drop(gone);
    return ok ? 0 : -L_ENOMEM;
}

int mmap_protect(uintptr_t lo, uintptr_t hi, unsigned prot, uintptr_t *end)
{
    unsigned n = 0;

    lock(&maps.lock);
    bool ok = split_locked(lo) && split_locked(hi);
    struct mapping *m = ok ? find_locked(lo) : NULL;
    for (; m && m->lo == lo && lo < hi && n < MAPPINGS; m = m->next[0], n++) {
        m->prot = prot;
        lo = m->hi;
    }
    unlock(&maps.lock);
    *end = lo;
    return n || lo == hi ? 0 : -L_ENOMEM;
}

/* Whatever rights the mappings have by now. */
int mmap_apply(uintptr_t lo, uintptr_t hi)
{
    lock(&maps.lock);
    for (struct mapping *m = from_locked(lo); m && m->lo < hi; m = m->next[0]) {
        uintptr_t a = m->lo > lo ? m->lo : lo, b = m->hi < hi ? m->hi : hi;
        for (uintptr_t end; (a = vm_next(a, b, true)) < b; a = end) { /* the rest comes so */
            end = vm_next(a, b, false);
            vm_protect(a, end - a, m->prot);
        }
    }
    unlock(&maps.lock);
    return 0;
}

int mmap_discard(uintptr_t lo, uintptr_t hi)
{
    lock(&maps.lock);
    for (const struct mapping *m = from_locked(lo); m && m->lo < hi; m = m->next[0]) {
        uintptr_t a = m->lo > lo ? m->lo : lo, b = m->hi < hi ? m->hi : hi;
        if (a < b)
            forget_locked(m, a, b);
    }
    unlock(&maps.lock);
    return 0;
}

int64_t mmap_clone(uintptr_t lo, size_t old, size_t size, uintptr_t at, enum mmap_place place)
{
    lock(&maps.lock);
    const struct mapping *found = find_locked(lo);
    bool whole = found && lo + old <= found->hi;
    struct mapping m = whole ? *found : (struct mapping){0};
    if (m.inode)
        inode_get(m.inode); /* munmap may come in between */
    unlock(&maps.lock);
    int64_t end, to = whole ? -L_EINVAL : -L_EFAULT;
    if (whole && !__builtin_add_overflow(m.off, (int64_t)(lo - m.lo + size), &end))
        to = mmap_add(at, place, size, m.prot, m.shared, m.inode, m.off + (int64_t)(lo - m.lo));
    if (m.inode)
        inode_put(m.inode);
    return to;
}

/* Shared pages come by themselves at the new place; the others exist once. */
int mmap_carry(uintptr_t from, uintptr_t to, size_t n)
{
    int err = 0;

    lock(&maps.lock);
    const struct mapping *m = find_locked(from);
    if (m && !(m->inode && m->shared)) {
        if (vm_next(to, to + n, true) < to + n)
            vm_decommit(to, n); /* somebody has touched it already */
        err = vm_move(from, to, n) ? -L_ENOMEM : 0;
    } else if (m) {
        forget_locked(m, from, from + n);
    }
    unlock(&maps.lock);
    return err;
}

/* ---- files ----------------------------------------------------------------------------- */

/* No mapping shows the bytes [off, end) of the file any more. */
static void forget_file_locked(const struct inode *n, int64_t off, int64_t end)
{
    for (const struct mapping *m = maps.files ? maps.first[0] : NULL; m; m = m->next[0]) {
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
    for (const struct mapping *m = maps.files ? maps.first[0] : NULL; m; m = m->next[0])
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

unsigned mmap_see(uintptr_t va, struct mapping_seen *out, unsigned n)
{
    unsigned k = 0;

    lock(&maps.lock);
    for (const struct mapping *m = from_locked(va); m && k < n; m = m->next[0])
        out[k++] = (struct mapping_seen){m->lo, m->hi, m->prot, m->shared,
                                         m->inode ? m->inode->ino : 0, m->inode ? m->off : 0};
    unlock(&maps.lock);
    return k;
}
