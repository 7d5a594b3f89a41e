/* vm.c - reserve, commit, decommit: the runtime's view of memory. */
#include <errno.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/paging.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "kernel/options.h"
#include "mm/private.h"
#include "mm/ranges.h"

#define KERNEL_ZONE_END 0xffffb00000000000ull
#define HEAP_ZONE_LOW   0x10000ull           /* hints may lie below HEAP_BASE */
#define HEAP_ZONE_END   HEAP_TOP

static struct lock vm_lock = LOCK_INIT("vm", RANK_VM);
uint64_t vm_table_bytes;
static uint64_t commit_count; /* [vm_lock] for the option allocfail */

/* Nodes of the range sets come from pages of the direct map. */
static struct range_node *node_new(void)
{
    static struct range_node *next, *end; /* [vm_lock] */

    if (next == end) {
        uint64_t pa = frame_alloc(0);
        if (!pa)
            return NULL;
        next = phys_to_virt(pa);
        end = next + PAGE_SIZE / sizeof *next;
    }
    return next++;
}

static struct range_set zones[2] = { /* [vm_lock] */
    [VM_KERNEL] = { NULL, NULL, node_new, 1 },
    [VM_HEAP] = { NULL, NULL, node_new, 2 },
};
static const uintptr_t zone_min[2] = { [VM_KERNEL] = VM_KERNEL_BASE, [VM_HEAP] = HEAP_BASE };

static uint64_t table_frame(void)
{
    uint64_t pa = frame_alloc(0);

    if (pa)
        __atomic_fetch_add(&vm_table_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
    return pa;
}

/* Frees a page table that pt_slot has found empty. */
static void table_free(uint64_t pa)
{
    frame_free(pa, 0);
    __atomic_fetch_sub(&vm_table_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
}

/* Giving memory back may itself need page tables, for the rest of a large page that is cut at
 * either end of the range. These two frames are kept for that alone. A cut gives back at least
 * 4 KiB, with which batch_flush replaces the frame that it took. */
static uint64_t spare[2];   /* [vm_lock] */
static unsigned nspare;
static bool use_spare;

static uint64_t split_frame(void)
{
    uint64_t pa = table_frame();

    if (pa || !use_spare || !nspare)
        return pa;
    __atomic_fetch_add(&vm_table_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
    return spare[--nspare];
}

static void free_frame(uint64_t pa, unsigned order)
{
    if (order == 0 && nspare < sizeof spare / sizeof spare[0])
        spare[nspare++] = pa;
    else
        frame_free(pa, order);
}

void vm_init(void)
{
    pt_alloc_frame = table_frame;
    pt_split_frame = split_frame;
    pt_free_frame = table_free;
    while (nspare < sizeof spare / sizeof spare[0])
        CHECK(spare[nspare++] = frame_alloc(0), "no memory at boot%s", "");
    CHECK(ranges_add(&zones[VM_KERNEL], VM_KERNEL_BASE + PAGE_SIZE, KERNEL_ZONE_END) &&
          ranges_add(&zones[VM_HEAP], HEAP_ZONE_LOW, HEAP_ZONE_END), "no memory at boot");
}

static uint64_t prot_flags(unsigned prot)
{
    return (prot & VM_W ? PTE_W : 0) | (prot & VM_X || !cpu_features.nx ? 0 : PTE_NX) |
           (prot & VM_UNCACHED ? PTE_PCD | PTE_PWT : prot & VM_COMBINED ? PTE_PWT : 0);
}

static void check_range(const char *what, uintptr_t va, size_t size)
{
    CHECK(!((va | size) & (PAGE_SIZE - 1)) && va + size >= va && va >= PAGE_SIZE,
          "%s(%#lx, %#zx): not whole pages", what, va, size);
}

/* ---- reservations ------------------------------------------------------------------ */

uintptr_t vm_reserve(enum vm_zone zone, uintptr_t hint, size_t size, size_t align)
{
    struct range_set *s = &zones[zone];
    uintptr_t va = 0;

    CHECK(align >= PAGE_SIZE && !(align & (align - 1)) && !(size & (PAGE_SIZE - 1)),
          "vm_reserve: size %#zx align %#zx", size, align);
    lock(&vm_lock);
    if (hint && !(hint & (align - 1)) && ranges_take_at(s, hint, size))
        va = hint;
    if (!va)
        va = ranges_take(s, zone_min[zone], size, align);
    unlock(&vm_lock);
    return va;
}

uintptr_t vm_reserve_in(enum vm_zone zone, uintptr_t lo, uintptr_t hi, size_t size)
{
    lock(&vm_lock);
    uintptr_t va = ranges_take(&zones[zone], lo, size, PAGE_SIZE);
    bool fits = va && hi - va >= size && va < hi;
    if (va && !fits)
        ranges_add(&zones[zone], va, va + size);
    unlock(&vm_lock);
    return fits ? va : 0;
}

void vm_release(uintptr_t va, size_t size)
{
    struct range_set *s = &zones[va >= VM_KERNEL_BASE ? VM_KERNEL : VM_HEAP];

    check_range("vm_release", va, size);
    lock(&vm_lock);
    bool ok = ranges_add(s, va, va + size);
    unlock(&vm_lock);
    CHECK(ok, "vm_release(%#lx, %#zx): not reserved", va, size);
}

/* ---- mapping ----------------------------------------------------------------------- */

/* Frames on their way into the page tables. They are zeroed before vm_lock is taken, since
 * page faults and new stacks wait for that lock, and before any CPU can reach them. */
#define FEW 16
struct fresh { unsigned n; uint64_t pa[FEW]; };

static bool huge_fits(uintptr_t va, size_t room)
{
    if (va & (HUGE_PAGE_SIZE - 1) || room < HUGE_PAGE_SIZE)
        return false;
    lock(&vm_lock);
    uint64_t *slot = pt_slot(va, 2);
    bool fits = slot && !*slot;
    unlock(&vm_lock);
    return fits;
}

/* False: there is none, or the frames are kept for the kernel (last: they may be taken). */
static bool fresh_add(struct fresh *f, unsigned order, bool last)
{
    uint64_t pa = last || mm_can_spare(PAGE_SIZE << order) ? frame_alloc(order) : 0;

    if (!pa)
        return false;
    memset(phys_to_virt(pa), 0, PAGE_SIZE << order);
    f->pa[f->n++] = pa;
    return true;
}

static bool map_one_locked(uintptr_t va, uint64_t pa, unsigned level)
{
    uint64_t flags = PTE_P | PTE_A | PTE_D | prot_flags(VM_R | VM_W) | (level > 1 ? PTE_PS : 0);
    uint64_t *slot = pt_slot(va, level);

    if (!slot)
        return false;
    CHECK(!*slot, "vm_commit: %#lx is committed already (entry %#llx)", va,
          (unsigned long long)*slot);
    __atomic_store_n(slot, pa | flags, __ATOMIC_RELEASE);
    return true;
}

/* Maps from va on; frames without a table to map them go back. Returns the bytes. */
static size_t fresh_map(struct fresh *f, uintptr_t va, unsigned level)
{
    unsigned i = 0;

    lock(&vm_lock);
    while (i < f->n && map_one_locked(va + i * LEVEL_SIZE(level), f->pa[i], level))
        i++;
    unlock(&vm_lock);
    for (unsigned k = i; k < f->n; k++)
        frame_free(f->pa[k], 9 * (level - 1));
    return i * LEVEL_SIZE(level);
}

/* Some pages at va, at most `room` bytes: their size, 0 if out of memory. */
static size_t commit_some(uintptr_t va, size_t room, bool last)
{
    struct fresh f = { 0 };

    if (huge_fits(va, room) && fresh_add(&f, FRAME_ORDER_2M, last))
        return fresh_map(&f, va, 2);
    size_t to_huge = HUGE_PAGE_SIZE - (va & (HUGE_PAGE_SIZE - 1));
    room = room < to_huge ? room : to_huge;
    while (f.n < FEW && f.n * PAGE_SIZE < room && fresh_add(&f, FRAME_ORDER_4K, last))
        ;
    return fresh_map(&f, va, 1);
}

/* ---- memory that comes when it is touched ---------------------------------------------- */

#define FILL_UNIT  (2 * PAGE_SIZE)     /* a page of Go's heap */
#define FILL_BLOCK (FEW * PAGE_SIZE)

static struct { uintptr_t lo, hi; } lazy[8]; /* [const after boot] */
static unsigned nlazy;

bool vm_lazy_add(uintptr_t lo, uintptr_t hi)
{
    if (nlazy == sizeof lazy / sizeof lazy[0])
        return false;
    lazy[nlazy].lo = lo;
    lazy[nlazy++].hi = hi;
    return true;
}

bool vm_lazy_range(uintptr_t va, uintptr_t *lo, uintptr_t *hi)
{
    for (unsigned i = 0; i < nlazy; i++)
        if (va >= lazy[i].lo && va < lazy[i].hi) {
            *lo = lazy[i].lo;
            *hi = lazy[i].hi;
            return true;
        }
    return false;
}

uintptr_t vm_next(uintptr_t va, uintptr_t end, bool mapped)
{
    while (va < end) {
        uintptr_t next;
        if (pt_run(va, end, &next) == mapped)
            return va;
        va = next;
    }
    return end;
}

static void fresh_drop(struct fresh *f, unsigned level)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->pa[i])
            frame_free(f->pa[i], 9 * (level - 1));
}

/* Maps from va on where nothing is mapped; the frames that are left over go back. Returns the
 * bytes. */
static size_t fresh_fill(struct fresh *f, uintptr_t va, unsigned level)
{
    const uint64_t flags = PTE_P | PTE_A | PTE_D | prot_flags(VM_R | VM_W) |
                           (level > 1 ? PTE_PS : 0);
    size_t done = 0;

    lock(&vm_lock);
    for (unsigned i = 0; i < f->n; i++) {
        uint64_t *slot = pt_slot(va + i * LEVEL_SIZE(level), level);
        if (!slot || *slot)
            continue;
        __atomic_store_n(slot, f->pa[i] | flags, __ATOMIC_RELEASE);
        f->pa[i] = 0;
        done += LEVEL_SIZE(level);
    }
    unlock(&vm_lock);
    fresh_drop(f, level);
    return done;
}

/* The aligned block of `size` bytes around va, as far as it lies in [lo, hi), in pages of 4 KiB:
 * all or nothing, but for what is there already. */
static bool fill_block(uintptr_t va, size_t size, uintptr_t lo, uintptr_t hi, bool last,
                       size_t *got)
{
    uintptr_t from = va & ~(size - 1), to = from + size < hi ? from + size : hi;
    struct fresh f = { 0 };

    from = from > lo ? from : lo;
    while (f.n * PAGE_SIZE < to - from)
        if (!fresh_add(&f, FRAME_ORDER_4K, last)) {
            fresh_drop(&f, 1);
            return false;
        }
    *got += fresh_fill(&f, from, 1);
    return pt_is_mapped(va, false);
}

/* Is what lies in front of va there? Then memory is probably touched in order. */
static bool in_order(uintptr_t va, uintptr_t lo) { return va > lo && pt_is_mapped(va - 1, false); }

/* A large page, where it fits and the one before is there. */
static bool fill_huge(uintptr_t va, uintptr_t lo, uintptr_t hi, size_t *got)
{
    uintptr_t at = va & ~(HUGE_PAGE_SIZE - 1);
    struct fresh f = { 0 };

    if (!in_order(at, lo) || at < lo || hi - at < HUGE_PAGE_SIZE ||
        !huge_fits(at, HUGE_PAGE_SIZE) || !fresh_add(&f, FRAME_ORDER_2M, false))
        return false;
    *got += fresh_fill(&f, at, 2);
    return pt_is_mapped(va, false);
}

/* Memory is touched in order: the blocks behind va's, up to the next 2 MiB. */
static void fill_on(uintptr_t va, uintptr_t lo, uintptr_t hi, size_t *got)
{
    uintptr_t at = va & ~(FILL_BLOCK - 1), end = (va & ~(HUGE_PAGE_SIZE - 1)) + HUGE_PAGE_SIZE;

    if (!in_order(at, lo))
        return;
    end = end < hi ? end : hi;
    for (at += FILL_BLOCK; at < end && !pt_is_mapped(at, false); at += FILL_BLOCK)
        if (!fill_block(at, FILL_BLOCK, lo, hi, false, got))
            return;
}

bool vm_fill(uintptr_t va, uintptr_t lo, uintptr_t hi, unsigned how, size_t *got)
{
    *got = 0;
    if (pt_is_mapped(va, false))
        return true;
    if (!(how & VM_FILL_FEW)) {
        if (fill_huge(va, lo, hi, got))
            return true;
        if (fill_block(va, FILL_BLOCK, lo, hi, false, got)) {
            fill_on(va, lo, hi, got);
            return true;
        }
    }
    return fill_block(va, FILL_UNIT, lo, hi, how & VM_FILL_LAST, got);
}

/* ---- and goes ---------------------------------------------------------------------------- */

/* Frames to be freed once no TLB knows them. Large: a shootdown waits for other CPUs. */
struct batch {
    uintptr_t lo, hi;
    unsigned n;
    struct { uint64_t pa; uint8_t order, table; } f[512];
};
static struct batch batch = { .lo = UINTPTR_MAX }; /* [vm_lock] empty between two calls */

static void batch_flush(struct batch *b)
{
    if (b->hi > b->lo)
        tlb_shootdown(b->lo, b->hi - b->lo);
    for (unsigned i = 0; i < b->n; i++) {
        free_frame(b->f[i].pa, b->f[i].order);
        if (b->f[i].table)
            __atomic_fetch_sub(&vm_table_bytes, PAGE_SIZE, __ATOMIC_RELAXED);
    }
    b->n = 0;
    b->lo = UINTPTR_MAX;
    b->hi = 0;
}

static void batch_add(struct batch *b, uintptr_t va, size_t size, uint64_t pa, unsigned order,
                      bool table)
{
    if (va < b->lo)
        b->lo = va;
    if (va + size > b->hi)
        b->hi = va + size;
    b->f[b->n].pa = pa;
    b->f[b->n].order = (uint8_t)order;
    b->f[b->n++].table = table;
    if (b->n == sizeof b->f / sizeof b->f[0])
        batch_flush(b);
}

/* Unmaps [va, end); what was mapped there is in the batch afterwards. */
static void unmap_locked(struct batch *b, uintptr_t va, uintptr_t end, bool free_frames)
{
    use_spare = free_frames;
    for (uintptr_t next; va < end; va = next) {
        unsigned level;
        uint64_t *e = pt_leaf_within(va, end, &level, &next);
        /* pt_leaf_within lacks a frame for a table: flushing the batch frees some */
        if (next == va && b->n > 0) {
            batch_flush(b);
            continue;
        }
        CHECK(next > va, "out of memory: no page table to unmap part of the page at %#lx", va);
        if (e) {
            uint64_t old = __atomic_exchange_n(e, 0, __ATOMIC_SEQ_CST);
            uint64_t pa = old & PTE_ADDR & ~(LEVEL_SIZE(level) - 1);
            if (free_frames)
                batch_add(b, va, LEVEL_SIZE(level), pa, 9 * (level - 1), false);
        }
        if (!(next & (HUGE_PAGE_SIZE - 1)) || next >= end) {
            uint64_t table = pt_prune(va);
            if (table)
                batch_add(b, va, PAGE_SIZE, table, 0, true);
        }
    }
    use_spare = false;
}

static void decommit_locked(uintptr_t va, uintptr_t end, bool free_frames)
{
    unmap_locked(&batch, va, end, free_frames);
    batch_flush(&batch);
}

/* The option allocfail: fails heap allocations only, as the kernel cannot go on without its
 * own. */
static bool fail_on_purpose_locked(uintptr_t va)
{
    return options.allocfail && va < VM_KERNEL_BASE && ++commit_count % options.allocfail == 0;
}

static int commit(uintptr_t va, size_t size, bool last)
{
    uintptr_t p = va, end = va + size;

    check_range("vm_commit", va, size);
    lock(&vm_lock);
    bool fail = fail_on_purpose_locked(va);
    unlock(&vm_lock);
    while (!fail && p < end) {
        size_t n = commit_some(p, end - p, last);
        fail = n == 0;
        p += n;
    }
    if (!fail)
        return 0;
    vm_decommit(va, p - va);
    return -ENOMEM;
}

int vm_commit_page(uintptr_t va, void (*fill)(void *page, const void *arg), const void *arg)
{
    struct fresh f = { 0 };

    check_range("vm_commit_page", va, PAGE_SIZE);
    if (!fresh_add(&f, FRAME_ORDER_4K, va >= VM_KERNEL_BASE))
        return -ENOMEM;
    fill(phys_to_virt(f.pa[0]), arg);
    return fresh_map(&f, va, 1) ? 0 : -ENOMEM;
}

int vm_commit(uintptr_t va, size_t size) { return commit(va, size, va >= VM_KERNEL_BASE); }

int vm_commit_last(uintptr_t va, size_t size) { return commit(va, size, true); }

void vm_decommit(uintptr_t va, size_t size)
{
    vm_decommit_all(&(struct vm_range){ va, size }, 1);
}

/* Of a large range the lock is given up between pieces: page faults and stacks wait for it. */
#define PIECE HUGE_PAGE_SIZE
#define PIECE_FRAMES 128 /* fewer in the batch: the next piece goes with them */

static uintptr_t piece_end(uintptr_t va, uintptr_t end)
{
    uintptr_t next = (va & ~(PIECE - 1)) + PIECE;

    return next - 1 < end - 1 ? next : end;
}

static void decommit_one_locked(const struct vm_range *r)
{
    uintptr_t end = r->va + r->size;

    for (uintptr_t va = r->va, next; va != end; va = next) {
        next = piece_end(va, end);
        unmap_locked(&batch, va, next, true);
        if (batch.n < PIECE_FRAMES)
            continue;
        batch_flush(&batch);
        unlock(&vm_lock);
        lock(&vm_lock);
    }
}

void vm_decommit_all(const struct vm_range *r, unsigned n)
{
    lock(&vm_lock);
    for (unsigned i = 0; i < n; i++) {
        check_range("vm_decommit", r[i].va, r[i].size);
        decommit_one_locked(&r[i]);
    }
    batch_flush(&batch);
    unlock(&vm_lock);
}

int vm_map_phys(uintptr_t va, uint64_t pa, size_t size, unsigned prot)
{
    check_range("vm_map_phys", va, size);
    lock(&vm_lock);
    int err = pt_map(va, pa, size, prot_flags(prot), 2);
    unlock(&vm_lock);
    return err;
}

void vm_unmap_phys(uintptr_t va, size_t size)
{
    check_range("vm_unmap_phys", va, size);
    for (uintptr_t end = va + size, next; va != end; va = next) {
        next = piece_end(va, end);
        lock(&vm_lock);
        decommit_locked(va, next, false);
        tlb_shootdown(va, next - va);
        unlock(&vm_lock);
    }
}

int vm_protect(uintptr_t va, size_t size, unsigned prot)
{
    const uint64_t keep = PTE_A | PTE_D | PTE_PS | PTE_ADDR;
    const uint64_t flags = prot_flags(prot) | (prot ? PTE_P : PTE_NONE);
    uintptr_t p = va, end = va + size;
    int err = 0;

    check_range("vm_protect", va, size);
    lock(&vm_lock);
    for (uintptr_t next; p < end; p = next) {
        unsigned level;
        uint64_t *e = pt_leaf_within(p, end, &level, &next);
        if (next == p) {
            err = -ENOMEM;
            break;
        }
        if (e)
            __atomic_store_n(e, (*e & keep) | flags, __ATOMIC_SEQ_CST);
        else
            err = -ENOMEM; /* as mprotect says it: a hole */
    }
    tlb_shootdown(va, size);
    unlock(&vm_lock);
    return err;
}

/* How far it got, and *err. */
static uintptr_t move_locked(uintptr_t from, uintptr_t to, uintptr_t end, int *err)
{
    uintptr_t va = from, next;

    *err = 0;
    for (; va < end && !*err; va = *err ? va : next) {
        unsigned level;
        uint64_t *e = pt_leaf_within(va, end, &level, &next), *slot = NULL;
        if (e && level > 1 && (to - from) & (LEVEL_SIZE(level) - 1))
            e = pt_leaf_within(va, va + PAGE_SIZE, &level, &next);
        if (next == va || (e && !(slot = pt_slot(va - from + to, level))))
            *err = -ENOMEM;
        if (!slot)
            continue;
        CHECK(!*slot, "vm_move: %#lx is mapped", va - from + to);
        *slot = __atomic_exchange_n(e, 0, __ATOMIC_SEQ_CST);
    }
    return va < end ? va : end;
}

int vm_move(uintptr_t from, uintptr_t to, size_t size)
{
    int err, ignored;

    check_range("vm_move", from | to, size);
    lock(&vm_lock);
    uintptr_t end = move_locked(from, to, from + size, &err);
    if (err) /* there are tables for all of it, and nothing is split */
        move_locked(to, from, to + (end - from), &ignored);
    tlb_shootdown(from, size);
    if (err)
        tlb_shootdown(to, size);
    unlock(&vm_lock);
    return err;
}

/* ---- questions --------------------------------------------------------------------- */

bool vm_is_mapped(uintptr_t va, bool write) { return pt_is_mapped(va, write); }

bool vm_is_huge(uintptr_t va)
{
    unsigned level;

    return pt_find(va, &level) && level > 1;
}

uint64_t virt_to_phys(const void *va)
{
    unsigned level;
    uintptr_t a = (uintptr_t)va;
    uint64_t e = pt_find(a, &level);

    return e ? (e & PTE_ADDR & ~(LEVEL_SIZE(level) - 1)) | (a & (LEVEL_SIZE(level) - 1)) : 0;
}

void *vm_map_device(uint64_t pa, size_t size, unsigned prot)
{
    uint64_t base = pa & ~(PAGE_SIZE - 1), off = pa - base;

    size = (off + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    uintptr_t va = vm_reserve(VM_KERNEL, 0, size, PAGE_SIZE);
    if (!va || vm_map_phys(va, base, size, prot) < 0)
        return NULL;
    return (void *)(va + off);
}
