/* test_stackchan.c - moving the stack of a goroutine that waits on channels, without frames:
 * sudogs, slots, g's own words, deferred records; and stacks that must not move.
 * sources: gort/abi/go_line.c gort/stack/symtab.c gort/stack/unwind.c gort/stack/stack.c
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gort/abi/goabi.h"
#include "gort/abi/app.h"
#include "gort/dying.h"
#include "gort/sync/chan.h"
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/sched/sched.h"
#include "gort/stack/stack.h"
#include "gort/stack/symtab.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "mm/mm.h"

static int failures;

static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

const struct app_facts *app;
struct boot_options options;
static jmp_buf thrown;
static char message[256];
static unsigned locks, max_locks;

void lock(struct lock *l)
{
    CHECK(!l->held, "lock %s twice", l->name);
    l->held = 1;
    if (++locks > max_locks)
        max_locks = locks;
}
void unlock(struct lock *l) { l->held = 0; locks--; }
void start_grew(const struct g *gp) { (void)gp; }
void g_status_set(struct g *gp, uint32_t from, uint32_t to) { (void)from; gp->status = to; }
static struct g *preempted_g;
_Noreturn void g_preempt_g0(struct g *gp) { preempted_g = gp; longjmp(thrown, 2); }
uintptr_t vm_reserve(enum vm_zone z, uintptr_t h, size_t s, size_t a)
{
    (void)z, (void)h, (void)s, (void)a;
    return 0;
}
void vm_release(uintptr_t va, size_t n) { (void)va, (void)n; }
int vm_commit(uintptr_t va, size_t n) { (void)va, (void)n; return -1; }
void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message + strlen(message), sizeof message - strlen(message), fmt, ap);
    va_end(ap);
}
_Noreturn void rt_throw(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message + strlen(message), sizeof message - strlen(message), fmt, ap);
    va_end(ap);
    longjmp(thrown, 1);
}
_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("FAIL %s:%d: ", file, line);
    vprintf(fmt, ap);
    printf("\n");
    exit(1);
}

static bool no_memory;
static struct g *waiting_g; /* for memory */

static void wait_for_memory(struct g *gp)
{
    gp->wanted_memory = true;
    waiting_g = gp;
    longjmp(thrown, 1);
}
static _Noreturn void out_of_memory(size_t wanted)
{
    rt_throw("out of memory: %zu", wanted);
}

static uintptr_t stack_mem_alloc(size_t size)
{
    return no_memory ? 0 : (uintptr_t)aligned_alloc(2048, size);
}
static void stack_mem_free(uintptr_t lo, size_t size)
{
    (void)size;
    free((void *)lo);
}

/* ---- one function without a frame, at the bottom of every stack: pclntab by hand ----------- */

#define TEXT 0x10000ul

static struct {
    struct func_entry f;
    uint32_t trailer[4];
} pcln = { .f = { .name_off = 1, .pcsp = 1, .flag = FUNCFLAG_TOP_FRAME } };
static struct functab ftab[2] = { { 0, 0 }, { 256, 0 } };
static struct findfuncbucket bucket;
static char names[] = "\0runtime.goexit";
static uint8_t pctab[] = { 0, 2, 0x80, 0x02, 0 }; /* delta 0 for 256 bytes */
static struct pc_header header = { .magic = (uint32_t)PCLNTAB_MAGIC, .min_lc = 1, .ptr_size = 8 };
static struct moduledata md;

static void make_tables(void)
{
    md = (struct moduledata){
        .pc_header = &header,
        .funcnametab = { names, sizeof names, sizeof names },
        .pctab = { pctab, sizeof pctab, sizeof pctab },
        .pclntable = { &pcln, sizeof pcln, sizeof pcln },
        .ftab = { ftab, 2, 2 },
        .findfunctab = (uintptr_t)&bucket,
        .minpc = TEXT, .maxpc = TEXT + 256, .text = TEXT, .etext = TEXT + 256,
    };
    go_line = go_line_of("go1.27", 6);
    report("tables", symtab_init(&md));
}

static struct g *make_g(size_t size, size_t used)
{
    struct g *gp = calloc(1, sizeof *gp);

    gp->stack = stack_alloc(size);
    memset((void *)gp->stack.lo, 0, size);
    gp->sched.sp = gp->stack.hi - used;
    gp->sched.pc = TEXT + 16;
    gp->stackguard0 = gp->stack.lo + STACK_GUARD;
    gp->status = G_WAITING | G_SCAN;
    gp->goid = 7;
    return gp;
}

static void drop_g(struct g *gp)
{
    stack_free(gp->stack);
    free(gp);
}

static void test_words(void)
{
    struct g *gp = make_g(4096, 512);
    uintptr_t hi = gp->stack.hi;
    uintptr_t heap_defer[6] = { 0 };
    uintptr_t *stack_defer = (uintptr_t *)(hi - 128);

    stack_defer[GO_DEFER_SP / 8] = hi - 64;
    stack_defer[GO_DEFER_LINK / 8] = (uintptr_t)heap_defer;
    heap_defer[GO_DEFER_SP / 8] = hi - 32;
    heap_defer[GO_DEFER_FN / 8] = hi - 24;
    gp->defer = (void *)stack_defer;
    gp->panic = (void *)(hi - 200);
    gp->sched.bp = hi - 16;
    gp->sched.ctxt = (void *)(hi - 40);
    gp->preempt = true;
    stack_copy(gp, 8192);
    uintptr_t nh = gp->stack.hi;
    stack_defer = (uintptr_t *)(nh - 128);
    report("size and guard", nh - gp->stack.lo == 8192 && gp->stackguard0 == STACK_PREEMPT);
    report("sp", gp->sched.sp == nh - 512);
    report("bp, context, panic", gp->sched.bp == nh - 16 && gp->sched.ctxt == (void *)(nh - 40) &&
                                     gp->panic == (void *)(nh - 200));
    report("deferred records", gp->defer == (void *)stack_defer &&
                                   stack_defer[GO_DEFER_SP / 8] == nh - 64 &&
                                   heap_defer[GO_DEFER_SP / 8] == nh - 32 &&
                                   heap_defer[GO_DEFER_FN / 8] == nh - 24);
    drop_g(gp);
}

static void test_channels(void)
{
    struct g *gp = make_g(4096, 1024);
    uintptr_t hi = gp->stack.hi;
    struct hchan c1 = { .elemsize = 8 }, c2 = { .elemsize = 16 };
    struct sudog s[3] = { { .c = &c1, .elem = (void *)(hi - 1000) },
                          { .c = &c1, .elem = (void *)(hi - 900) },
                          { .c = &c2, .elem = (void *)(hi - 800) } };

    s[0].waitlink = &s[1];
    s[1].waitlink = &s[2];
    gp->waiting = s;
    gp->active_stack_chans = true;
    *(uint64_t *)(hi - 800) = 0x1234;
    *(uint64_t *)(hi - 8) = 0x5678;
    locks = max_locks = 0;
    stack_copy(gp, 2048);
    uintptr_t nh = gp->stack.hi;
    report("elems", s[0].elem == (void *)(nh - 1000) && s[1].elem == (void *)(nh - 900) &&
                        s[2].elem == (void *)(nh - 800));
    report("slots", *(uint64_t *)(nh - 800) == 0x1234 && *(uint64_t *)(nh - 8) == 0x5678);
    report("each channel locked once", max_locks == 2 && locks == 0);
    gp->waiting = NULL;
    drop_g(gp);
}

static void test_shrink(void)
{
    struct g *gp = make_g(16384, 512);

    gp->async_safe_point = true;
    report("no shrink under asyncPreempt", !stack_shrink(gp) && !stack_movable(gp));
    gp->async_safe_point = false;
    gp->status = G_SYSCALL | G_SCAN;
    report("no shrink in a system call", !stack_shrink(gp));
    gp->status = G_WAITING | G_SCAN;
    report("shrink by half", stack_shrink(gp) && gp->stack.hi - gp->stack.lo == 8192);
    report("and again", stack_shrink(gp) == true && gp->stack.hi - gp->stack.lo == 4096);
    report("not when a quarter is used", !stack_shrink(gp));
    drop_g(gp);
}

static void test_newstack(void)
{
    struct g *gp = make_g(2048, 1500);
    struct m mp = { 0 };

    gp->status = G_RUNNING;
    gp->m = &mp;
    rt_newstack(gp);
    report("growth doubles", gp->stack.hi - gp->stack.lo == 4096 && gp->status == G_RUNNING);
    mp.locks = 1;
    gp->stackguard0 = STACK_PREEMPT;
    rt_newstack(gp);
    report("no preemption under a lock", gp->stackguard0 == gp->stack.lo + STACK_GUARD);
    mp.locks = 0;
    uintptr_t limit = 8192;
    struct app_facts table = { .maxstacksize = &limit };
    static const struct app_debug debug;
    table.debug = &debug;
    app = &table;
    rt_newstack(gp);
    message[0] = 0;
    if (setjmp(thrown) == 0)
        rt_newstack(gp);
    report("limit", strstr(message, "runtime: goroutine stack exceeds 8192-byte limit\n") &&
                        strstr(message, "stack overflow"));
    limit = 1 << 20;
    message[0] = 0;
    no_memory = true;
    if (setjmp(thrown) == 0)
        rt_newstack(gp);
    report("without memory it waits for a collection", waiting_g == gp && !message[0]);
    if (setjmp(thrown) == 0)
        rt_newstack(gp);
    report("once", strstr(message, "out of memory: 16384"));
    gp->wanted_memory = false;
    mp.locks = 1;
    message[0] = 0;
    if (setjmp(thrown) == 0)
        rt_newstack(gp);
    report("and not with a lock", strstr(message, "out of memory: 16384"));
    mp.locks = 0;
    struct stack before = gp->stack;
    report("nor does a copy come about", !stack_copy(gp, 32768) && gp->stack.lo == before.lo);
    no_memory = false;
    app = NULL;
    drop_g(gp);
}

/* A struct cpu behind GS for the runtime's code. */
static void cpu_make(void)
{
    static struct m m0;
    static struct p p0;
    static struct cpu cpu = { .self = &cpu, .m = &m0, .p = &p0 };

    if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, &cpu) != 0)
        abort();
}

int main(void)
{
    cpu_make();
    stack_hooks = (struct stack_hooks){ stack_mem_alloc, stack_mem_free, wait_for_memory,
                                        out_of_memory };
    make_tables();
    test_words();
    test_channels();
    test_shrink();
    test_newstack();
    return failures != 0;
}
