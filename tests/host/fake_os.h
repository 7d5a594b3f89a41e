/* fake_os.h - locks, frames, clock and waiting for host tests of gort/os. */
#include <sanitizer/asan_interface.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/net.h"
#include "gort/gc/gc.h"
#include "gort/heap/lazy.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/os/fs/memfd.h"
#include "gort/os/fs/notify.h"
#include "gort/os/netpoll.h"
#include "gort/load/refuse.h"
#include "gort/os/user.h"
#include "gort/os/wait.h"
#include "gort/sched/sched.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "mm/mm.h"

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

uint64_t sched_switches(void) { return 7; }

void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

/* Locks check their ranks, as the kernel's do. */
static const struct lock *held[16];
static unsigned nheld;

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){0, rank, name};
}

void lock(struct lock *l)
{
    CHECK(!l->held, "%s is held", l->name);
    CHECK(!nheld || held[nheld - 1]->rank < l->rank, "%s under %s", l->name, held[nheld - 1]->name);
    l->held = 1;
    held[nheld++] = l;
}

void unlock(struct lock *l)
{
    CHECK(l->held, "%s is not held", l->name);
    l->held = 0;
    for (unsigned i = 0; i < nheld; i++)
        if (held[i] == l)
            memmove(&held[i], &held[i + 1], (--nheld - i) * sizeof held[0]);
}

/* Frames: memory that the sanitizer watches; frames_left makes them run out. */
static long frames_used, frames_left = 1l << 40;

uint64_t frame_alloc(unsigned order)
{
    if (frames_left < 1l << order)
        return 0;
    frames_left -= 1l << order;
    frames_used += 1l << order;
    uint8_t *p = aligned_alloc(PAGE_SIZE, (PAGE_SIZE << order) + PAGE_SIZE);
    memset(p, 0xa5, PAGE_SIZE << order);
    ASAN_POISON_MEMORY_REGION(p + (PAGE_SIZE << order), PAGE_SIZE - sizeof(uint32_t));
    return (uint64_t)p;
}

/* Of a single frame: the last word of the page behind it, the rest of which nobody may touch. */
uint32_t *frame_word(uint64_t pa) { return (uint32_t *)(pa + 2 * PAGE_SIZE) - 1; }

void frame_free(uint64_t pa, unsigned order)
{
    frames_used -= 1l << order;
    frames_left += 1l << order;
    free((void *)pa);
}

uint64_t mm_kept(void) { return 0; }
bool mm_can_spare(uint64_t bytes) { return frames_left * (long)PAGE_SIZE >= (long)bytes; }
_Noreturn void boot_refuse(const char *fmt, ...)
{
    fputs(fmt, stderr);
    abort();
}

void *phys_to_virt(uint64_t pa) { return (void *)pa; }
uint64_t virt_to_phys(const void *va) { return (uint64_t)va; }
uint64_t direct_to_phys(const void *va) { return (uint64_t)va; }

static int64_t fake_now = 1700000000ll * 1000000000;
int64_t clock_wall_ns(void) { return fake_now += 1000; }
int64_t wall_now(void) { return clock_wall_ns(); }
int64_t clock_mono_ns(void) { return fake_now; }

/* No file here takes pieces. */
struct pkt *pkt_foreign(void *data, uint32_t len, void (*release)(void *arg), void *arg)
{
    (void)data; (void)len; (void)release; (void)arg;
    abort();
}

struct pkt *pkt_view(struct pkt *whole, uint8_t *data, uint32_t len)
{
    (void)whole; (void)data; (void)len;
    abort();
}

size_t pkt_length(const struct pkt *p) { (void)p; abort(); }

void pkt_free(struct pkt *p)
{
    if (p)
        abort();
}

#ifndef FAKE_OS_WITH_WAITING /* only the file tree: no call waits */
static unsigned wakes;
void waitq_init(struct waitq *q) { q->first = NULL; }
void queue_wake(struct waitq *q) { (void)q; wakes++; }
bool call_wait(struct call *c, struct waitq *q)
{
    (void)q;
    bool first = !c->queued;
    c->queued = true;
    return first;
}
uint32_t notify_watches; /* there are no watches */
void notify_self(struct inode *n, uint32_t mask) { (void)n, (void)mask; }
void notify_file(struct inode *n, uint32_t mask) { (void)n, (void)mask; }
void notify_gone(struct inode *n) { (void)n; }
uint32_t notify_cookie(void) { return 0; }
void notify_name(struct inode *dir, const char *name, size_t len, const struct inode *n,
                 uint32_t mask, uint32_t cookie)
{
    (void)dir, (void)name, (void)len, (void)n, (void)mask, (void)cookie;
}
int seals_allow_write(const struct inode *n, int64_t end, int64_t size)
{
    (void)n, (void)end, (void)size;
    return 0;
}
int seals_allow_size(const struct inode *n, int64_t size, int64_t old)
{
    (void)n, (void)size, (void)old;
    return 0;
}
#endif

/* A copy that stops at an unmapped page: fakevm.h knows which pages of the window are mapped. */
#ifdef FAKE_OS_WITH_WAITING
/* There is no heap. */
struct mheap mheap;
uintptr_t heap_base = HEAP_BASE;
enum lazy_result lazy_bring(uintptr_t va) { (void)va; return LAZY_NOT; }
void gc_touched(void) {}
void malloc_out_of_memory(size_t wanted) { (void)wanted; abort(); }
static bool touchable(uintptr_t va, bool write)
{
    return va >= 65536 && vm_is_mapped(va, write);
}
#else
#define touchable(va, write) ((void)(write), (va) >= 65536)
size_t user_clear(void *dst, size_t n) { memset(dst, 0, n); return 0; }
int copy_in(const struct call *c, void *dst, uint64_t src, size_t n)
{
    (void)c;
    memcpy(dst, (void *)src, n);
    return 0;
}
int copy_out(const struct call *c, uint64_t dst, const void *src, size_t n)
{
    return copy_in(c, (void *)dst, (uint64_t)src, n);
}
#endif
/* Not checked by the sanitizer, since a path is copied with the bytes behind its NUL. */
__attribute__((no_sanitize("address"))) size_t user_copy(void *dst, const void *src, size_t n)
{
    volatile uint8_t *d = dst;
    const volatile uint8_t *s = src;

    for (size_t i = 0; i < n; i++) {
        uintptr_t to = (uintptr_t)(d + i), from = (uintptr_t)(s + i);
        if (i == 0 || !(to & (PAGE_SIZE - 1)) || !(from & (PAGE_SIZE - 1)))
            if (!touchable(to, true) || !touchable(from, false))
                return n - i;
        d[i] = s[i];
    }
    return 0;
}

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * 0x2545f4914f6cdd1dull >> 33) % n;
}
