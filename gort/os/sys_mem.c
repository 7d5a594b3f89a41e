/* sys_mem.c - mmap(2) and its relatives, over mmap.h. */
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
#define MAP_NORESERVE       0x4000u
#define MAP_FIXED_NOREPLACE 0x100000u

#define MREMAP_MAYMOVE 1u

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
    if (size < c->a[1] || size > USER_END || (fixed && c->a[0] > USER_END - size))
        return -L_ENOMEM;
    if (fixed && (c->a[0] & (PAGE_SIZE - 1) || !c->a[0]))
        return -L_EINVAL;
    if (!anonymous && !offset_ok(c->a[5], size))
        return -L_EOVERFLOW;
    int64_t err = anonymous ? 0 : file_check(f, prot, shared);
    if (err)
        return err;
    if ((anonymous || !shared) && too_much(size, prot, flags))
        return -L_ENOMEM;
    return mmap_add(fixed ? c->a[0] : 0, !(flags & MAP_FIXED_NOREPLACE), size, (unsigned)prot,
                    shared, anonymous ? NULL : f->inode, (int64_t)c->a[5]);
}

int64_t sys_munmap(struct call *c)
{
    uintptr_t lo, hi;

    if (range_of(c, &lo, &hi) || lo == hi)
        return -L_EINVAL;
    return mmap_remove(lo, hi);
}

int64_t sys_mprotect(struct call *c)
{
    uintptr_t lo, hi;

    if (c->a[0] & (PAGE_SIZE - 1) || c->a[2] & ~7ull)
        return -L_EINVAL;
    if (range_of(c, &lo, &hi))
        return -L_ENOMEM;
    return mmap_protect(lo, hi, (unsigned)c->a[2]);
}

/* Arguments: old address, old size, new size, flags. */
int64_t sys_mremap(struct call *c)
{
    uintptr_t lo = c->a[0];
    uint64_t old = page_up(c->a[1]), size = page_up(c->a[2]);

    if (lo & (PAGE_SIZE - 1) || !size || !old || c->a[3] & ~(uint64_t)MREMAP_MAYMOVE ||
        size > USER_END - PAGE_SIZE)
        return -L_EINVAL;
    if (old < c->a[1] || old > USER_END || lo > USER_END - old || !mmap_covers(lo, lo + old))
        return -L_EFAULT;
    if (size <= old) {
        int err = size < old ? mmap_remove(lo + size, lo + old) : 0;
        return err ? err : (int64_t)lo;
    }
    return c->a[3] & MREMAP_MAYMOVE ? mmap_move(lo, old, size) : -L_ENOMEM;
}

/* A shared mapping is the file's own memory, so there is nothing to write back. */
int64_t sys_msync(struct call *c)
{
    uintptr_t lo, hi;

    if (c->a[0] & (PAGE_SIZE - 1) || c->a[2] & ~7ull || (c->a[2] & 5) == 5)
        return -L_EINVAL;
    if (page_up(c->a[1]) < c->a[1])
        return 0; /* the length wraps to 0 when it is rounded up */
    return !range_of(c, &lo, &hi) && mmap_covers(lo, hi) ? 0 : -L_ENOMEM;
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
    if (c->a[2] == MADV_DONTNEED || c->a[2] == MADV_FREE)
        return mmap_discard(lo, hi);
    return mmap_covers(lo, hi) ? 0 : -L_ENOMEM;
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

/* Pages are never swapped out: locking them means bringing them. */
int64_t sys_mlock(struct call *c)
{
    uintptr_t lo, hi;
    int64_t err = lock_range(c, &lo, &hi);

    for (uintptr_t at = lo; !err && at < hi; at += PAGE_SIZE)
        err = user_bring(c, at, VM_R) ? -L_ENOMEM : 0;
    return err;
}

int64_t sys_munlock(struct call *c)
{
    uintptr_t lo, hi;

    return lock_range(c, &lo, &hi);
}
