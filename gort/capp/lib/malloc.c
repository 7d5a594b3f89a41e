/* malloc.c - malloc and its kin in newlib's terms, over heap.h. A program may have its own. */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "heap.h"
#include "private.h"

#define WEAK(name) __attribute__((weak, alias(#name)))

static void *got(void *p)
{
    if (!p)
        errno = ENOMEM;
    return p;
}

/* p, which is to be freed or resized, is nothing of ours. */
_Noreturn static void invalid(const char *who, void *p)
{
    gort_fatal("%s: %p is not allocated: it never was, or has been freed", who, p);
}

static void *allocate(size_t n) { return got(heap_alloc(n, false)); }

static void release(void *p)
{
    if (p && !heap_free(p))
        invalid("free", p);
}

static void *allocate_zeroed(size_t n, size_t size)
{
    size_t bytes;

    return got(__builtin_mul_overflow(n, size, &bytes) ? NULL : heap_alloc(bytes, true));
}

/* An object that would shrink to less than half moves. As newlib's, n = 0 does not free. */
static void *resize(void *p, size_t n)
{
    if (!p)
        return allocate(n);
    size_t have = heap_usable(p);
    if (!have)
        invalid("realloc", p);
    if (n <= have && n >= have / 2)
        return p;
    void *q = heap_alloc(n, false);
    if (!q)
        return n <= have ? p : got(NULL);
    memcpy(q, p, n < have ? n : have);
    release(p);
    return q;
}

static void *allocate_aligned(size_t align, size_t n)
{
    if (align & (align - 1) || !align) {
        errno = EINVAL;
        return NULL;
    }
    return got(heap_alloc_aligned(align, n));
}

void *malloc(size_t) WEAK(allocate);
void free(void *) WEAK(release);
void cfree(void *) WEAK(release);
void *calloc(size_t, size_t) WEAK(allocate_zeroed);
void *realloc(void *, size_t) WEAK(resize);
void *memalign(size_t, size_t) WEAK(allocate_aligned);

__attribute__((weak)) int posix_memalign(void **p, size_t align, size_t n)
{
    if (align % sizeof(void *) || align & (align - 1) || !align)
        return EINVAL;
    void *q = heap_alloc_aligned(align, n);
    if (!q)
        return ENOMEM;
    *p = q;
    return 0;
}

/* ---- what newlib calls itself ---------- */

void *_malloc_r(struct _reent *r, size_t n) { (void)r; return malloc(n); }
void _free_r(struct _reent *r, void *p) { (void)r; free(p); }
void *_calloc_r(struct _reent *r, size_t n, size_t size) { (void)r; return calloc(n, size); }
void *_realloc_r(struct _reent *r, void *p, size_t n) { (void)r; return realloc(p, n); }
void *_memalign_r(struct _reent *r, size_t a, size_t n) { (void)r; return memalign(a, n); }
void *_valloc_r(struct _reent *r, size_t n) { (void)r; return memalign(4096, n); }
void *_pvalloc_r(struct _reent *r, size_t n)
{
    (void)r;
    return memalign(4096, (n + 4095) & ~4095ul);
}
size_t _malloc_usable_size_r(struct _reent *r, void *p) { (void)r; return heap_usable(p); }
int _malloc_trim_r(struct _reent *r, size_t pad) { (void)r, (void)pad; return heap_trim(); }
int _mallopt_r(struct _reent *r, int what, int value)
{
    (void)r, (void)what, (void)value;
    return 0; /* there is nothing to set */
}

struct mallinfo _mallinfo_r(struct _reent *r)
{
    struct pages_figures f = pages_figures();
    size_t used = heap_in_use();

    (void)r;
    return (struct mallinfo){ .arena = f.committed, .uordblks = used,
                              .fordblks = f.committed - used,
                              .keepcost = f.committed - f.used };
}

void _malloc_stats_r(struct _reent *r)
{
    struct mallinfo m = _mallinfo_r(r);

    fprintf(stderr, "system bytes     = %10lu\nin use bytes     = %10lu\n", m.arena, m.uordblks);
}
