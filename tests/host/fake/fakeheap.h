/* fakeheap.h - the kernel functions that the allocator needs, for the host: mm/ over mmap, locks
 * that only check, one CPU with one P behind GS, and a program table.
 *
 * The heap is where it is on the machine, HEAP_BASE. That is in AddressSanitizer's shadow
 * gap: the gap is left unprotected, and the heap's own shadow is mapped by hand, so that
 * accesses are instrumented like all others. */
#ifndef FAKEHEAP_H
#define FAKEHEAP_H

#define _GNU_SOURCE
#include <asm/prctl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#undef PAGE_SIZE
#include "gort/abi/app.h"
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/heap/lazy.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "kernel/options.h"

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "protect_shadow_gap=0:detect_leaks=0:handle_segv=0";
}

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    fflush(stdout);
    failures += !ok;
}

static _Noreturn void die(const char *fmt, va_list ap)
{
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    abort();
}

_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    die(fmt, ap);
}

_Noreturn void rt_throw(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    die(fmt, ap);
}

void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

/* ---- locks: one thread, so a lock that is taken twice is a bug ---------------------------- */

static const struct lock *held[32];
static int nheld;

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){ 0, rank, name };
}

void lock(struct lock *l)
{
    CHECK(!l->held, "%s is taken already", l->name);
    CHECK(nheld == 0 || held[nheld - 1]->rank < l->rank, "%s under %s", l->name,
          held[nheld - 1]->name);
    held[nheld++] = l;
    l->held = 1;
}

void unlock(struct lock *l)
{
    CHECK(l->held && held[nheld - 1] == l, "unlock of %s", l->name);
    nheld--;
    l->held = 0;
}

/* ---- mm ------------------------------------------------------------------------------------- */

#define FAKE_HEAP_MAX (8ul << 30)
static unsigned char fake_committed[FAKE_HEAP_MAX / 4096];
#define FAKE_PLENTY (1ul << 20)
static size_t fake_frames = FAKE_PLENTY, fake_used; /* 4 KiB */

uintptr_t vm_reserve(enum vm_zone zone, uintptr_t hint, size_t size, size_t align)
{
    (void)align;
    if (zone == VM_HEAP)
        return hint;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? 0 : (uintptr_t)p;
}

static size_t fake_kept; /* of fake_frames, for vm_commit_last alone */

static int fake_commit(uintptr_t va, size_t size, size_t frames)
{
    size_t first = (va - HEAP_BASE) / 4096, n = size / 4096;

    CHECK(va % 4096 == 0 && size % 4096 == 0 && size > 0, "commit %#lx+%#zx", va, size);
    if (va - HEAP_BASE >= FAKE_HEAP_MAX)
        return 0; /* tables */
    CHECK(nheld == 0 || frames < FAKE_PLENTY, "%zu KiB are zeroed under %s", size >> 10,
          held[nheld - 1]->name);
    if (fake_used + n > frames)
        return -12;
    for (size_t i = first; i < first + n; i++) {
        CHECK(!fake_committed[i], "page %#llx is committed already", HEAP_BASE + i * 4096);
        fake_committed[i] = 1;
    }
    fake_used += n;
    CHECK(mmap((void *)va, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == (void *)va, "mmap %#lx", va);
    return 0;
}

int vm_commit(uintptr_t va, size_t size)
{
    return fake_commit(va, size, fake_frames - fake_kept);
}

int vm_commit_last(uintptr_t va, size_t size) { return fake_commit(va, size, fake_frames); }

void vm_decommit(uintptr_t va, size_t size)
{
    size_t first = (va - HEAP_BASE) / 4096;

    for (size_t i = first; i < first + size / 4096; i++) {
        fake_used -= fake_committed[i];
        fake_committed[i] = 0;
    }
    mmap((void *)va, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* ---- memory that comes when it is touched: a page fault is a SIGSEGV here ----------------- */

bool vm_lazy_range(uintptr_t va, uintptr_t *lo, uintptr_t *hi)
{
    (void)va, (void)lo, (void)hi;
    return false;
}

bool vm_is_mapped(uintptr_t va, bool write)
{
    (void)write;
    return fake_committed[(va - HEAP_BASE) / 4096];
}

uintptr_t vm_next(uintptr_t va, uintptr_t end, bool mapped)
{
    while (va < end && fake_committed[(va - HEAP_BASE) / 4096] != mapped)
        va = (va & ~4095ul) + 4096;
    return va < end ? va : end;
}

bool vm_fill(uintptr_t va, uintptr_t lo, uintptr_t hi, unsigned how, size_t *got)
{
    uintptr_t page = va & ~8191ul;

    (void)how;
    *got = 0;
    CHECK(va >= lo && va < hi && page >= lo, "fills %#lx of %#lx..%#lx", va, lo, hi);
    if (fake_committed[(va - HEAP_BASE) / 4096])
        return true;
    *got = 8192;
    return vm_commit(page, 8192) == 0;
}

static void fake_fault(int signal, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;

    (void)signal, (void)context;
    if (lazy_touch(at, VM_FILL) != LAZY_OK) {
        fprintf(stderr, "FAIL a fault at %#lx\n", at);
        abort();
    }
}

unsigned fake_decommits; /* calls: each makes other CPUs forget translations */
void vm_decommit_all(const struct vm_range *r, unsigned n)
{
    fake_decommits++;
    for (unsigned i = 0; i < n; i++)
        vm_decommit(r[i].va, r[i].size);
}

uint64_t persistent_other;
uint64_t pkt_bytes(void) { return 0; }
uint64_t pkt_trim(void) { return 0; }

void *persistent_alloc(size_t size, size_t align, uint64_t *stat)
{
    void *p;

    CHECK(posix_memalign(&p, align < 8 ? 8 : align, size) == 0, "%zu bytes", size);
    memset(p, 0, size);
    if (stat)
        *stat += size;
    return p;
}

void mm_stats_read(struct mm_stats *out) { memset(out, 0, sizeof *out); }

/* ---- the machine ------------------------------------------------------------------------- */

struct boot_options options;
struct sched sched;
struct p *allp[CPU_MAX * 4];
struct m *allm[CPU_MAX];
unsigned gomaxprocs = 1;
struct g *allgs;
const struct app_facts *app;
static struct cpu fake_cpu;
static struct m fake_m;
static struct p fake_p;
static struct g fake_g;

static void fake_start(void)
{
    static struct app_facts table;
    static struct app_debug debug = { .gogc = 100 };
    static uintptr_t zerobase;
    static uint8_t barrier;
    uintptr_t shadow = (HEAP_BASE >> 3) + 0x7fff8000;

    mmap((void *)shadow, FAKE_HEAP_MAX / 8, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    table.debug = &debug;
    table.zerobase = &zerobase;
    table.write_barrier = &barrier;
    app = &table;
    fake_cpu = (struct cpu){ .self = &fake_cpu, .curg = &fake_g, .m = &fake_m, .p = &fake_p };
    fake_m.cpu = &fake_cpu;
    allp[0] = &fake_p;
    allm[0] = &fake_m;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &fake_cpu);
    struct sigaction sa = { .sa_sigaction = fake_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &sa, NULL);
    malloc_init();
    mcache_init(&fake_p);
}

#endif
