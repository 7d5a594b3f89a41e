/* user.c - copies to and from the program's memory: user.h. */
#include "gort/os/user.h"

#include "gort/g.h"
#include "gort/gc/gc.h"
#include "gort/heap/lazy.h"
#include "gort/heap/malloc.h"
#include "gort/os/mmap.h"
#include "gort/os/wait.h"
#include "mm/mm.h"

/* How often a page is brought again that others unmap meanwhile, before the copy fails. */
enum { BRINGS = 100 };

enum mmap_result (*user_fault)(uintptr_t va, unsigned access);

size_t user_clear(void *dst, size_t n)
{
    static const uint8_t zeros[PAGE_SIZE];

    while (n > 0) {
        size_t part = n < sizeof zeros ? n : sizeof zeros;
        size_t left = user_copy(dst, zeros, part);
        if (left)
            return n - part + left;
        dst = (char *)dst + part;
        n -= part;
    }
    return 0;
}

bool user_range_of(const struct g *gp, uint64_t p, uint64_t n)
{
    return user_range_low(p, n) || (p + n >= p && !g_is_go(gp) && p >= VM_KERNEL_BASE);
}

bool user_range(const struct call *c, uint64_t p, uint64_t n)
{
    return user_range_of(c->gp, p, n);
}

int user_bring(const struct call *c, uint64_t at, unsigned access)
{
    if (vm_is_mapped(at, access & VM_W))
        return user_range(c, at, 1) ? 0 : -L_EFAULT;
    switch (vm_is_mapped(at, false) ? LAZY_NOT : lazy_bring(at)) {
    case LAZY_OK:
        gc_touched();
        return 0;
    case LAZY_NOMEM:
        malloc_out_of_memory(PAGE_SIZE);
    case LAZY_NOT:
        break;
    }
    switch (user_fault(at, access)) {
    case MMAP_OK:
        return 0;
    case MMAP_NOMEM:
        return -L_ENOMEM;
    /* no mapping, or behind the end of a mapped file (as on Linux, a system call gets no SIGBUS) */
    default:
        return -L_EFAULT;
    }
}

size_t user_present(const struct call *c, uint64_t p, size_t n, unsigned access)
{
    uint64_t at = p;

    while (at < p + n && user_bring(c, at, access) == 0)
        at = (at & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
    return at < p + n ? at - p : n;
}

/* Copies between the program and the kernel: for VM_W dst is the program's, for VM_R src is. */
static int copy(const struct call *c, uint64_t dst, uint64_t src, size_t n, unsigned access)
{
    uint64_t user = access == VM_W ? dst : src;

    if (!user_range(c, user, n))
        return -L_EFAULT;
    for (int tries = 0; n > 0; tries++) {
        size_t left = user_copy((void *)dst, (const void *)src, n), done = n - left;
        if (!left)
            break;
        dst += done;
        src += done;
        n = left;
        tries = done ? 0 : tries;
        int err = tries < BRINGS ? user_bring(c, access == VM_W ? dst : src, access) : -L_EFAULT;
        if (err)
            return err;
    }
    return 0;
}

int copy_in(const struct call *c, void *dst, uint64_t src, size_t n)
{
    return copy(c, (uint64_t)dst, src, n, VM_R);
}

int copy_out(const struct call *c, uint64_t dst, const void *src, size_t n)
{
    return copy(c, dst, (uint64_t)src, n, VM_W);
}

/* Copies no further than to the end of a page at a time: the page behind the NUL may be
 * missing. */
int copy_str(const struct call *c, uint64_t src, char buf[L_PATH_MAX])
{
    for (size_t at = 0; at < L_PATH_MAX;) {
        size_t part = PAGE_SIZE - ((src + at) & (PAGE_SIZE - 1));
        if (part > L_PATH_MAX - at)
            part = L_PATH_MAX - at;
        if (part > 64)
            part = 64; /* most names are short */
        int err = copy_in(c, buf + at, src + at, part);
        if (err) {
            buf[0] = 0;
            return err;
        }
        if (__builtin_memchr(buf + at, 0, part))
            return 0;
        at += part;
    }
    buf[0] = 0;
    return -L_ENAMETOOLONG;
}
