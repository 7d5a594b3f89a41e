/* sys_mem.c - mmap(2) and its relatives, over mmap.h. */
#include <string.h>
#include "gort/os/fs/memfd.h"
#include "gort/os/mmap.h"
#include "gort/os/sys.h"
#include "mm/mm.h"

#define MAP_SHARED          0x01u
#define MAP_PRIVATE         0x02u
#define MAP_TYPE            0x0fu
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_FIXED           0x10u
#define MAP_ANONYMOUS       0x20u
#define MAP_32BIT           0x40u
#define MAP_NORESERVE       0x4000u
#define MAP_FIXED_NOREPLACE 0x100000u

#define MREMAP_MAYMOVE   1u
#define MREMAP_FIXED     2u
#define MREMAP_DONTUNMAP 4u

static uint64_t page_up(uint64_t n) { return (n + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1); }

/* The range of a call's first two arguments, in whole pages. 0, -L_EINVAL if it is none, -L_ENOMEM
 * if it ends outside the program's half. */
static int64_t range_of(const struct call *c, uintptr_t *lo, uintptr_t *hi)
{
    *lo = c->a[0];
    *hi = *lo + page_up(c->a[1]);
    if (*lo & (PAGE_SIZE - 1) || page_up(c->a[1]) < c->a[1] || *hi < *lo)
        return -L_EINVAL;
    return *hi > USER_END ? -L_ENOMEM : 0;
}

static int64_t file_check(struct file *f, uint64_t prot, bool shared)
{
    if (!f)
        return -L_EBADF;
    if (!inode_is(f->inode, L_S_IFREG) || f->ops || f->inode->ops)
        return -L_ENODEV;
    if (!file_reads(f) || (shared && prot & VM_W && !file_writes(f)))
        return -L_EACCES;
    bool sealed = f->inode->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE);
    return sealed && shared && prot & VM_W ? -L_EPERM : 0;
}

/* Is the mapping larger than what could ever be touched? Such a one is refused at once, unless
 * it only reserves addresses. */
static bool too_much(uint64_t size, uint64_t prot, uint64_t flags)
{
    struct mm_stats s;

    if (!(prot & VM_W) || flags & MAP_NORESERVE)
        return false;
    mm_stats_read(&s);
    return size > s.ram_bytes;
}

/* Are all offsets of [off, off + size) valid in a file? */
static bool offset_ok(uint64_t off, uint64_t size)
{
    int64_t end;

    return off <= INT64_MAX && size <= INT64_MAX &&
           !__builtin_add_overflow((int64_t)off, (int64_t)size, &end);
}

/* fn for [lo, hi), a piece at a time; c->done is how far it got. */
static int64_t in_pieces(struct call *c, uintptr_t lo, uintptr_t hi,
                         int (*fn)(uintptr_t lo, uintptr_t hi))
{
    for (uintptr_t at = lo + c->done, end; at < hi; at = end) {
        end = mmap_piece(at, hi);
        int err = fn(at, end);
        if (err)
            return err;
        c->done = end - lo;
        if (end < hi && call_gives_way(c))
            return SYS_AGAIN;
    }
    return 0;
}

/* Is every byte of [lo, hi) in a mapping? 0, -L_ENOMEM, SYS_AGAIN; c->total is how far it got. */
static int64_t covers(struct call *c, uintptr_t lo, uintptr_t hi)
{
    while (lo + c->total < hi) {
        uintptr_t at = lo + c->total, end = mmap_covered(at, hi);
        if (end == at)
            return -L_ENOMEM;
        c->total = end - lo;
        if (end < hi && call_gives_way(c))
            return SYS_AGAIN;
    }
    return 0;
}

static enum mmap_place place_of(uint64_t flags)
{
    if (flags & MAP_FIXED_NOREPLACE)
        return MMAP_FREE;
    if (flags & MAP_FIXED)
        return MMAP_REPLACE;
    return flags & MAP_32BIT ? MMAP_LOW : MMAP_ANYWHERE;
}

int64_t sys_mmap(struct call *c)
{
    uint64_t size = page_up(c->a[1]), prot = c->a[2], flags = c->a[3], type = flags & MAP_TYPE;
    bool anonymous = flags & MAP_ANONYMOUS, fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
    struct file *f = anonymous ? NULL : call_file(c, c->a[4]);

    if (c->a[5] & (PAGE_SIZE - 1))
        return -L_EINVAL;
    if (!anonymous && (!f || f->flags & L_O_PATH))
        return -L_EBADF;
    if (!c->a[1] || (!shared && type != MAP_PRIVATE) || prot & ~7ull)
        return -L_EINVAL;
    if (size < c->a[1] || size > HEAP_TOP || (fixed && c->a[0] > HEAP_TOP - size))
        return -L_ENOMEM;
    if (fixed && (c->a[0] & (PAGE_SIZE - 1) || !c->a[0]))
        return -L_EINVAL;
    if (!anonymous && !offset_ok(c->a[5], size))
        return -L_EOVERFLOW;
    int64_t err = anonymous ? 0 : file_check(f, prot, shared);
    if (err)
        return err;
    if (((anonymous || !shared) && too_much(size, prot, flags)) || !limit_of_addresses(size))
        return -L_ENOMEM;
    if (fixed && !(flags & MAP_FIXED_NOREPLACE) && c->a[0] &&
        (err = in_pieces(c, c->a[0], c->a[0] + size, mmap_remove)))
        return err;
    uint64_t hint = c->a[0] > HEAP_TOP - size ? 0 : c->a[0] & ~(PAGE_SIZE - 1);
    return mmap_add(hint, place_of(flags), size, (unsigned)prot, shared,
                    anonymous ? NULL : f->inode, (int64_t)c->a[5]);
}

int64_t sys_munmap(struct call *c)
{
    uintptr_t lo, hi;

    if (range_of(c, &lo, &hi) || lo == hi)
        return -L_EINVAL;
    return in_pieces(c, lo, hi, mmap_remove);
}

int64_t sys_mprotect(struct call *c)
{
    uintptr_t lo, hi;

    if (c->a[0] & (PAGE_SIZE - 1) || c->a[2] & ~7ull)
        return -L_EINVAL;
    if (range_of(c, &lo, &hi))
        return -L_ENOMEM;
    int64_t err = 0;
    while (!err && lo + c->total < hi) { /* c->total: how far the mappings have their rights */
        uintptr_t end;
        err = mmap_protect(lo + c->total, hi, (unsigned)c->a[2], &end);
        c->total = end - lo;
        if (!err && end < hi && call_gives_way(c))
            return SYS_AGAIN;
    }
    int64_t again = in_pieces(c, lo, lo + c->total, mmap_apply); /* up to a hole, as on Linux */
    return again ? again : err;
}

/* Arguments of mremap: old address, old size, new size, flags, new address. In whole pages. */
struct remap { uintptr_t lo, at; uint64_t old, size, flags; };

static int64_t remap_check(const struct call *c, struct remap *r)
{
    *r = (struct remap){c->a[0], c->a[4], page_up(c->a[1]), page_up(c->a[2]), c->a[3]};
    bool fixed = r->flags & MREMAP_FIXED, keep = r->flags & MREMAP_DONTUNMAP;

    if (r->flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        ((fixed || keep) && !(r->flags & MREMAP_MAYMOVE)) || (keep && r->old != r->size))
        return -L_EINVAL;
    if (r->lo & (PAGE_SIZE - 1) || !r->size || !r->old || r->size > HEAP_TOP - PAGE_SIZE)
        return -L_EINVAL;
    if (r->old < c->a[1] || r->old > HEAP_TOP || r->lo > HEAP_TOP - r->old)
        return -L_EFAULT;
    if (fixed && (r->at & (PAGE_SIZE - 1) || r->at > HEAP_TOP - r->size ||
                  (r->at < r->lo + r->old && r->lo < r->at + r->size)))
        return -L_EINVAL;
    return 0;
}

/* Moves pages to the mapping at c->total, which is nobody's yet but by MREMAP_FIXED. */
static int64_t remap_move(struct call *c, const struct remap *r)
{
    uint64_t n = r->old < r->size ? r->old : r->size;

    while (c->done < n) {
        uintptr_t from = r->lo + c->done, end = mmap_piece(from, r->lo + n);
        if (mmap_carry(from, c->total + c->done, end - from)) {
            for (uintptr_t at = r->lo, e; at < from; at = e) {
                e = mmap_piece(at, from);
                mmap_carry(c->total + (at - r->lo), at, e - at);
            }
            mmap_remove(c->total, c->total + r->size);
            return -L_ENOMEM;
        }
        c->done = end - r->lo;
        if (c->done < n && call_gives_way(c))
            return SYS_AGAIN;
    }
    if (!(r->flags & MREMAP_DONTUNMAP))
        mmap_remove(r->lo, r->lo + r->old);
    return (int64_t)c->total;
}

/* Nothing of the old range has gone yet, or moved. 0: it may; or the result. */
static int64_t remap_begin(struct call *c, const struct remap *r)
{
    bool stays = !(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP));

    if (!c->done && mmap_covered(r->lo, r->lo + 1) == r->lo)
        return -L_EFAULT;
    if (!c->done && r->size > r->old && !limit_of_addresses(r->size - r->old))
        return -L_ENOMEM;
    if (stays && r->size <= r->old) {
        int64_t err = in_pieces(c, r->lo + r->size, r->lo + r->old, mmap_remove);
        return err ? err : (int64_t)r->lo;
    }
    if (stays && mmap_extend(r->lo, r->old, r->size))
        return (int64_t)r->lo;
    if (stays && !(r->flags & MREMAP_MAYMOVE))
        return -L_ENOMEM;
    if (!(r->flags & MREMAP_FIXED))
        return 0;
    int64_t err = in_pieces(c, r->at, r->at + r->size, mmap_remove);
    c->done = err ? c->done : 0;
    return err;
}

int64_t sys_mremap(struct call *c)
{
    struct remap r;
    int64_t err = remap_check(c, &r);

    if (!err && c->total)
        return remap_move(c, &r);
    if (!err)
        err = remap_begin(c, &r);
    if (err)
        return err;
    int64_t to = mmap_clone(r.lo, r.old, r.size, r.flags & MREMAP_FIXED ? r.at : 0,
                            r.flags & MREMAP_FIXED ? MMAP_REPLACE : MMAP_ANYWHERE);
    if (to < 0)
        return to;
    c->total = (uint64_t)to;
    return remap_move(c, &r);
}

/* A shared mapping is the file's own memory, so there is nothing to write back. */
int64_t sys_msync(struct call *c)
{
    uintptr_t lo, hi;

    if (c->a[0] & (PAGE_SIZE - 1) || c->a[2] & ~7ull || (c->a[2] & 5) == 5)
        return -L_EINVAL;
    if (page_up(c->a[1]) < c->a[1])
        return 0; /* the length wraps to 0 when it is rounded up */
    return range_of(c, &lo, &hi) ? -L_ENOMEM : covers(c, lo, hi);
}

/* A byte for each page: is it there? */
int64_t sys_mincore(struct call *c)
{
    uintptr_t lo, hi;
    uint8_t there[512];
    int64_t err = range_of(c, &lo, &hi);

    if (err == -L_EINVAL && !(c->a[0] & (PAGE_SIZE - 1)))
        err = -L_ENOMEM;
    if (!err)
        err = covers(c, lo, hi);
    while (!err && lo + c->done < hi) {
        uintptr_t at = lo + c->done, end = hi - at < sizeof there * PAGE_SIZE ? hi :
                                           at + sizeof there * PAGE_SIZE;
        memset(there, 0, sizeof there);
        for (uintptr_t p = at, next; (p = vm_next(p, end, true)) < end; p = next) {
            next = vm_next(p, end, false);
            memset(there + (p - at) / PAGE_SIZE, 1, (next - p) / PAGE_SIZE);
        }
        if (copy_out(c, c->a[2] + c->done / PAGE_SIZE, there, (end - at) / PAGE_SIZE))
            return -L_EFAULT;
        c->done = end - lo;
        if (end < hi && call_gives_way(c))
            return SYS_AGAIN;
    }
    return err;
}

#define MADV_DONTNEED 4u
#define MADV_FREE     8u

int64_t sys_madvise(struct call *c)
{
    uintptr_t lo, hi;

    int64_t err = range_of(c, &lo, &hi);
    if (c->a[2] > 25 || (c->a[2] > 4 && c->a[2] < 8))
        return -L_EINVAL;
    if (err || lo == hi)
        return err;
    err = covers(c, lo, hi);
    if (err)
        return err;
    if (c->a[2] == MADV_DONTNEED || c->a[2] == MADV_FREE)
        return in_pieces(c, lo, hi, mmap_discard);
    return 0;
}

/* The range of mlock and munlock, which may begin in the middle of a page. */
static int64_t lock_range(const struct call *c, uintptr_t *lo, uintptr_t *hi)
{
    *lo = c->a[0] & ~(PAGE_SIZE - 1);
    *hi = *lo + page_up(c->a[1] + (c->a[0] - *lo));
    if (*hi < *lo)
        return -L_EINVAL;
    return *hi > USER_END ? -L_ENOMEM : 0;
}

#define LOCK_STEP (64ul << 10) /* bytes that mlock brings before it looks what else is to be done */

/* Pages are never swapped out: locking them means bringing them. */
int64_t sys_mlock(struct call *c)
{
    uintptr_t lo, hi;
    int64_t err = lock_range(c, &lo, &hi);

    while (!err && lo + c->done < hi) {
        err = user_bring(c, lo + c->done, VM_R) ? -L_ENOMEM : 0;
        c->done += PAGE_SIZE;
        if (!err && c->done % LOCK_STEP == 0 && call_gives_way(c))
            return SYS_AGAIN;
    }
    return err;
}

int64_t sys_munlock(struct call *c)
{
    uintptr_t lo, hi;

    return lock_range(c, &lo, &hi);
}
