/* machine.c - a runtime that only tests the kernel beneath it. Linked into
 * build/machine.elf; the "bundle" is a text file that names the test:
 *
 *     qemu-system-x86_64 ... -kernel build/machine.elf -initrd FILE
 *
 * Prints "ok NAME" lines on stdout and exits 0; the crash tests exit 2 with a report. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"
#include "drivers/acpi.h"
#include "drivers/power.h"
#include "drivers/console.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/main.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"
#include "tests/kernels/machine_net.h"

extern char idle_hlt[];
void trap_dispatch(struct trap_frame *tf); /* from the entry stubs */

static void out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void out(const char *fmt, ...)
{
    char buf[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    console_write(CONSOLE_OUT, buf, (size_t)n);
}

/* ---- reading memory that may not be there -------------------------------------------- */
extern char probe_insn[], probe_fail[];
static bool __attribute__((noinline)) probe_read(uintptr_t va)
{
    uint64_t ok;

    __asm__ volatile(".globl probe_insn, probe_fail\n"
                     "probe_insn: movb (%1), %%al\n\t"
                     "movl $1, %k0\n\t"
                     "jmp 1f\n"
                     "probe_fail: xorl %k0, %k0\n"
                     "1:"
                     : "=&r"(ok) : "r"(va) : "rax", "memory");
    return ok;
}

static volatile uint32_t faults;
static bool on_exception(struct trap_frame *tf, uint64_t cr2)
{
    (void)cr2;
    if (tf->vector != TRAP_PF || tf->rip != (uintptr_t)probe_insn)
        return false;
    __atomic_fetch_add(&faults, 1, __ATOMIC_RELAXED);
    tf->rip = (uintptr_t)probe_fail;
    return true;
}

/* ---- memory -------------------------------------------------------------------------- */
static uint64_t free_bytes(void)
{
    struct mm_stats s;

    mm_stats_read(&s);
    return s.free_bytes;
}

static void vm_once(void)
{
    uintptr_t a = vm_reserve(VM_HEAP, HEAP_BASE, 64ul << 20, HUGE_PAGE_SIZE);

    CHECK(a == HEAP_BASE, "hint not taken: %#lx", a);
    CHECK(!probe_read(a), "reserved memory is mapped");
    CHECK(vm_commit(a, 16ul << 20) == 0, "commit");
    for (uintptr_t p = a; p < a + (16ul << 20); p += 4096) {
        CHECK(*(uint64_t *)p == 0, "not zero at %#lx", p);
        *(uint64_t *)p = p;
    }
    /* A hole in the middle of a 2 MiB page, then filled again. */
    vm_decommit(a + HUGE_PAGE_SIZE + 8192, 12288);
    CHECK(probe_read(a + HUGE_PAGE_SIZE + 4096), "neighbour lost");
    CHECK(!probe_read(a + HUGE_PAGE_SIZE + 8192), "still mapped");
    CHECK(*(uint64_t *)(a + HUGE_PAGE_SIZE + 20480) == a + HUGE_PAGE_SIZE + 20480, "data lost");
    CHECK(vm_commit(a + HUGE_PAGE_SIZE + 8192, 12288) == 0, "refill");
    CHECK(*(uint64_t *)(a + HUGE_PAGE_SIZE + 8192) == 0, "refill not zero");
    CHECK(vm_protect(a, 4096, VM_R) == 0 && probe_read(a), "protect");
    CHECK(vm_is_mapped(a, false) && !vm_is_mapped(a, true) && vm_is_mapped(a + 4096, true),
          "is_mapped");
    vm_decommit(a, 16ul << 20);
    CHECK(!probe_read(a) && !probe_read(a + (8ul << 20)), "decommit");
    vm_release(a, 64ul << 20);
}

/* No access keeps the contents. */
static void vm_no_access(void)
{
    uintptr_t a = vm_reserve(VM_HEAP, 0, HUGE_PAGE_SIZE, HUGE_PAGE_SIZE);

    CHECK(vm_commit(a, HUGE_PAGE_SIZE) == 0, "commit");
    *(uint64_t *)(a + 4096) = 42;
    CHECK(vm_protect(a + 4096, 4096, 0) == 0, "protect");
    CHECK(!probe_read(a + 4096) && probe_read(a) && probe_read(a + 8192), "no access");
    CHECK(vm_protect(a + 4096, 4096, VM_R | VM_W) == 0, "protect");
    CHECK(*(uint64_t *)(a + 4096) == 42, "contents lost");
    vm_decommit(a, HUGE_PAGE_SIZE);
    vm_release(a, HUGE_PAGE_SIZE);
}

/* Parts of large pages are given back, and refused to vm_protect, when no frame is left. */
static void vm_without_memory(void)
{
    const size_t size = 8 * HUGE_PAGE_SIZE;
    uintptr_t a = vm_reserve(VM_HEAP, 0, size, HUGE_PAGE_SIZE);
    uint64_t *list = NULL;
    int err = 0;

    CHECK(vm_commit(a, size) == 0, "commit");
    for (uint64_t pa; (pa = frame_alloc(0));) {
        uint64_t *p = phys_to_virt(pa);
        *p = (uint64_t)list;
        list = p;
    }
    err = vm_protect(a, 4096, VM_R);
    CHECK(err == -ENOMEM, "vm_protect without memory: %d", err);
    /* Each time both ends of the range split a large page; frames that this frees are taken
     * again. */
    for (uintptr_t p = a + 4096; p < a + size - HUGE_PAGE_SIZE; p += 2 * HUGE_PAGE_SIZE) {
        vm_decommit(p + HUGE_PAGE_SIZE - 8192, 8192);
        for (uint64_t pa; (pa = frame_alloc(0));) {
            uint64_t *q = phys_to_virt(pa);
            *q = (uint64_t)list;
            list = q;
        }
    }
    while (list) {
        uint64_t pa = (uintptr_t)list - DIRECT_MAP_BASE;
        list = (uint64_t *)*list;
        frame_free(pa, 0);
    }
    vm_decommit(a, size);
    vm_release(a, size);
}

static void test_vm(void)
{
    vm_once();
    vm_once();
    vm_no_access();
    vm_without_memory();
    uint64_t before = free_bytes();
    for (int i = 0; i < 20; i++)
        vm_once();
    uint64_t after = free_bytes();
    CHECK(after == before, "memory leaked: %lld bytes", (long long)(before - after));
    CHECK(!probe_read(0) && !probe_read(4095), "page 0 is mapped");
    uintptr_t big = vm_reserve(VM_HEAP, 0, 1ul << 40, HUGE_PAGE_SIZE);
    CHECK(big && vm_commit(big, 1ul << 40) == -ENOMEM, "a TiB was committed");
    after = free_bytes();
    CHECK(before - after <= 4096 * 512, "failed commit leaked: %lld bytes", /* tables may stay */
          (long long)(before - after));
    out("ok vm\n");
}

/* ---- all CPUs ------------------------------------------------------------------------ */
static volatile uint32_t phase, arrived, errors;
static uintptr_t shared_va;
static void (*volatile work)(unsigned id);

static void cpu_loop(struct cpu *c)
{
    uint32_t seen = 0;

    irq_enable();
    for (;;) {
        while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == seen)
            cpu_relax();
        seen++;
        work(c->id);
        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    }
}

void gort_cpu_main(struct cpu *c)
{
    cpu_loop(c);
}

static void on_all(void (*fn)(unsigned id))
{
    work = fn;
    arrived = 0;
    __atomic_fetch_add(&phase, 1, __ATOMIC_SEQ_CST);
    fn(0);
    while (arrived != ncpu - 1)
        cpu_relax();
}

/* Every CPU maps, touches and unmaps its own range and reads its neighbours', so that many CPUs
 * start shootdowns at once. */
static void churn(unsigned id)
{
    uintptr_t a = shared_va + id * (8ul << 20), b = shared_va + (id + 1) % ncpu * (8ul << 20);

    for (int i = 0; i < 30; i++) {
        size_t size = i % 3 ? 16384 : HUGE_PAGE_SIZE;
        if (vm_commit(a, size) < 0) {
            errors++;
            return;
        }
        memset((void *)a, (int)id + 1, size);
        probe_read(b);
        vm_decommit(a, size);
        if (probe_read(a))
            errors++;
    }
}

/* CPU 0 unmaps a page that all others have in their TLBs; afterwards no CPU may read it. */
static void reader(unsigned id)
{
    if (id == 0) {
        while (arrived != ncpu - 1)
            cpu_relax();
        return;
    }
    if (!probe_read(shared_va))
        errors++;
}
static void reader_after(unsigned id)
{
    (void)id;
    if (probe_read(shared_va))
        errors++;
}

/* A CPU that halts is not woken by shootdowns, and what it reads afterwards is not stale. */
static volatile uint32_t flag0, flag1;
static void halting_reader(unsigned id)
{
    volatile uint64_t *word = (volatile uint64_t *)shared_va;

    if (id == 1) {
        if (*word != 1)
            errors++;
        while (!flag1)
            cpu_idle(&flag1);
        if (*word != 21)
            errors++;
        flag1 = 0;
    }
    if (id != 0)
        return;
    while (!arch_of(cpus[1])->tlb_lazy)
        cpu_relax();
    uint64_t ipis = cpus[1]->ipis;
    for (uint64_t i = 2; i <= 21; i++) {
        vm_decommit(shared_va, 4096);
        uint64_t old = frame_alloc(0); /* so that another frame comes next */
        CHECK(old && vm_commit(shared_va, 4096) == 0, "commit");
        *word = i;
        frame_free(old, 0);
    }
    if (cpus[1]->ipis != ipis)
        errors++;
    __atomic_store_n(&flag1, 1, __ATOMIC_SEQ_CST);
    ipi_send(1, IPI_WAKE);
}

static void test_halted(void)
{
    for (int i = 0; i < 20; i++) {
        CHECK(vm_commit(shared_va, 4096) == 0, "commit");
        *(volatile uint64_t *)shared_va = 1;
        on_all(halting_reader);
        CHECK(!errors, "%u errors with a CPU that halts", errors);
        vm_decommit(shared_va, 4096);
    }
}

static void test_tlb(void)
{
    shared_va = vm_reserve(VM_HEAP, 0, 1ul << 30, HUGE_PAGE_SIZE);
    on_all(churn); /* makes the upper page tables, which stay */
    uint64_t before = free_bytes();
    for (int i = 0; i < 50; i++) {
        CHECK(vm_commit(shared_va, 4096) == 0, "commit");
        on_all(reader);
        vm_decommit(shared_va, 4096);
        on_all(reader_after);
    }
    CHECK(!errors, "%u errors: stale translations", errors);
    if (ncpu > 1)
        test_halted();
    on_all(churn);
    CHECK(!errors, "%u errors in churn", errors);
    on_all(churn);
    CHECK(free_bytes() == before, "memory leaked: %lld", (long long)(before - free_bytes()));
    out("ok tlb\n");
}

static struct lock count_lock = LOCK_INIT("count", RANK_SCHED);
static uint64_t counter;
static int64_t latest;
static void count(unsigned id)
{
    (void)id;
    for (int i = 0; i < 20000; i++) {
        lock(&count_lock);
        counter++;
        int64_t now = clock_mono_ns();
        if (now < latest)
            errors++;
        latest = now;
        unlock(&count_lock);
    }
}

static void test_lock(void)
{
    on_all(count);
    CHECK(counter == 20000ull * ncpu, "counted %llu", (unsigned long long)counter);
    CHECK(!errors, "clock went back %u times", errors);
    out("ok lock, clock\n");
}

/* ---- timer, idle, IPIs ---------------------------------------------------------------- */
static volatile uint32_t fired, woken;
static void on_timer(struct trap_frame *tf) { (void)tf; fired++; }
static void on_ipi(struct trap_frame *tf, int kind) { (void)tf; woken += kind == IPI_WAKE; }

static void test_timer(void)
{
    int64_t worst = 0, t0 = clock_mono_ns();

    for (int i = 0; i < 20; i++) {
        uint32_t n = fired;
        int64_t when = clock_mono_ns() + 5000000;
        timer_arm(when);
        while (fired == n)
            cpu_idle(&flag0);
        int64_t late = clock_mono_ns() - when;
        CHECK(late >= 0, "%lld ns early", (long long)late);
        if (late > worst)
            worst = late;
    }
    CHECK(clock_mono_ns() - t0 < 2000000000, "20 waits of 5 ms took %lld ns",
          (long long)(clock_mono_ns() - t0));
    uint32_t n = fired;
    timer_arm(clock_mono_ns() + 50000000);
    timer_arm(0);
    int64_t end = clock_mono_ns() + 100000000;
    while (clock_mono_ns() < end)
        cpu_relax();
    CHECK(fired == n, "a disarmed timer fired");
    timer_arm(clock_mono_ns() + 5000000000); /* more than the 32-bit count holds */
    while (fired == n)
        cpu_idle(&flag0);
    out("ok timer\n");
    kprintf("timer: worst lateness %lld us\n", (long long)worst / 1000);
}

/* Two CPUs wake each other from HLT; a lost wake-up hangs. */
static void ping(unsigned id)
{
    volatile uint32_t *mine = id ? &flag1 : &flag0, *theirs = id ? &flag0 : &flag1;

    if (id > 1)
        return;
    for (int i = 0; i < 3000; i++) {
        if (id == 0 || i > 0) {
            __atomic_store_n(theirs, 1, __ATOMIC_SEQ_CST);
            ipi_send(!id, IPI_WAKE);
        }
        while (!*mine)
            cpu_idle(mine);
        *mine = 0;
    }
    if (id == 1) {
        __atomic_store_n(theirs, 1, __ATOMIC_SEQ_CST);
        ipi_send(0, IPI_WAKE);
    }
}

static void test_idle(void)
{
    if (ncpu > 1)
        on_all(ping);
    out("ok idle\n");
}

/* Events that firmware left enabled raise no SCI. */
static void check_events(void)
{
    unsigned half = acpi.gpe_length[0] / 2;
    uint16_t port = (uint16_t)(acpi.gpe[0].address + half);

    if (acpi.gpe[0].space != ACPI_IO || !half)
        return;
    outb(port, 2);
    CHECK(inb(port) == 2, "GPE0_EN does not keep a bit");
    acpi_events_off();
    CHECK(inb(port) == 0, "GPE0_EN is %#x", inb(port));
}

static void pat_read(unsigned id)
{
    (void)id;
    if (rdmsr(MSR_PAT) >> 8 != 0x00070106000701)
        errors++;
}

/* An NMI right before `hlt` returns behind it; anywhere else it changes nothing. */
static void check_nmi_before_hlt(void)
{
    struct trap_frame tf = { .vector = TRAP_NMI, .rip = (uintptr_t)idle_hlt };

    trap_dispatch(&tf);
    CHECK(tf.rip == (uintptr_t)idle_hlt + 1, "an NMI would return to `hlt`");
    tf.rip = (uintptr_t)idle_hlt + 1;
    trap_dispatch(&tf);
    CHECK(tf.rip == (uintptr_t)idle_hlt + 1, "an NMI moved rip");
}

static void test_wall(void)
{
    out("%lld\n", (long long)(clock_wall_ns() / 1000000000));
}

static void print_nmis(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        kprintf("cpu %u: %u nmis, %u spurious, %llu interrupts\n", i, arch_of(cpus[i])->nmis,
                arch_of(cpus[i])->spurious, (unsigned long long)cpus[i]->irqs);
}

/* For four seconds: an NMI must not cost a wake-up. */
static void test_pingpong(void)
{
    int64_t end = clock_mono_ns() + 4000000000;
    unsigned rounds = 0;

    out("ready\n");
    for (; clock_mono_ns() < end; rounds++)
        on_all(ping);
    print_nmis();
    kprintf("%u rounds\n", rounds);
    out("ok pingpong\n");
}

static void test_misc(void)
{
    uint8_t a[100], b[100];

    CHECK(random_bytes(a, sizeof a) == 0 && random_bytes(b, sizeof b) == 0, "random");
    CHECK(memcmp(a, b, sizeof a), "random bytes repeat");
    CHECK(random_fast() != random_fast(), "random_fast repeats");
    CHECK(clock_wall_ns() > 1600000000ll * 1000000000, "wall clock %lld",
          (long long)clock_wall_ns());
    check_events();
    check_nmi_before_hlt();
    on_all(pat_read);
    CHECK(!errors, "%u CPUs have other memory types", errors);
    out("ok misc\n");
}

static void test_all(void)
{
    test_misc();
    test_vm();
    test_lock();
    test_tlb();
    test_idle();
    test_timer();
}

/* ---- storms, input ------------------------------------------------------------------- */
static void spin(unsigned id)
{
    int64_t end = clock_mono_ns() + 4000000000;

    while (clock_mono_ns() < end) {
        for (unsigned i = 0; i < 1000 + id; i++)
            __asm__ volatile("" ::"r"(i));
        uintptr_t p = (uintptr_t)persistent_alloc(16, 16, NULL);
        if (!vm_is_mapped(p, true))
            errors++;
    }
}

static void test_busy(void)
{
    out("ready\n");
    on_all(spin);
    CHECK(!errors, "%u errors", errors);
    print_nmis();
    out("ok busy\n");
}
static void test_sleep(void)
{
    int64_t end = clock_mono_ns() + 4000000000;

    out("ready\n");
    while (clock_mono_ns() < end) {
        timer_arm(clock_mono_ns() + 10000000);
        cpu_idle(&flag0);
    }
    print_nmis();
    out("ok sleep\n");
}
static void test_random(void)
{
    uint8_t a[32], b[32];
    int err = random_bytes(a, sizeof a);

    if (err == 0)
        err = random_bytes(b, sizeof b);
    out(err ? "random: error %d\n" : "ok random %d\n", err ? err : !memcmp(a, b, sizeof a));
}
static void test_echo(void)
{
    char buf[64];
    long n;

    out("ready\n");
    while ((n = console_read(buf, sizeof buf)) >= 0)
        if (n)
            console_write(CONSOLE_OUT, buf, (size_t)n);
        else
            cpu_idle(&flag0);
    out("ok echo\n");
}

/* ---- crashes: each ends the machine with status 2 and a report ------------------------ */
static int __attribute__((noinline)) recurse(volatile int *p)
{
    volatile int here[64];

    here[0] = *p + 1;
    return *p == -1 ? 0 : recurse(here) + here[0];
}
static void test_overflow(void) { volatile int x = 0; recurse(&x); }
static volatile uintptr_t near_nil = 8;
static void test_null(void) { *(volatile int *)near_nil = 1; }
static void test_wild(void) { *(volatile int *)0x123456789000 = 1; }
static void test_noncanonical(void) { *(volatile int *)0x8000000000000000 = 1; }
static void test_jump(void) { ((void (*)(void))0x123456)(); }
static void test_text(void) { *(volatile char *)(uintptr_t)test_jump = 0x90; }
static void test_exec(void)
{
    static char code[1] = { (char)0xc3 };

    ((void (*)(void))(uintptr_t)code)();
}
static void test_div(void) { volatile int z = 0; z = 7 / z; }
static void test_ud(void) { __asm__ volatile("ud2"); }
static void test_panic(void) { PANIC("on purpose: %d", 42); }
static void both(unsigned id) { PANIC("cpu %u", id); }
static void test_panics(void) { on_all(both); }
static void bad_hook(const struct trap_frame *tf) { (void)tf; test_null(); }
static void test_recursion(void) { arch_hooks.crash = bad_hook; test_null(); }
static void test_lockorder(void)
{
    static struct lock a = LOCK_INIT("a", RANK_SCHED), b = LOCK_INIT("b", RANK_VFS);
    lock(&a);
    lock(&b);
}
/* The exception stack used up from inside a handler: the guard page, hence a double fault. */
static bool deep(struct trap_frame *tf, uint64_t cr2)
{
    (void)tf, (void)cr2;
    test_overflow();
    return false;
}
static void test_doublefault(void) { arch_hooks.exception = deep; test_null(); }

/* While GS points nowhere an NMI has no cpu_self: with our handlers in place that may not be. */
static void test_desctwice(void) { desc_load(cpu_self()); }

static const struct { const char *name; void (*fn)(void); } tests[] = {
    { "all", test_all }, { "vm", test_vm }, { "tlb", test_tlb }, { "lock", test_lock },
    { "timer", test_timer }, { "idle", test_idle }, { "misc", test_misc },
    { "wall", test_wall }, { "net", test_net },
    { "pingpong", test_pingpong },
    { "random", test_random },
    { "busy", test_busy }, { "sleep", test_sleep }, { "echo", test_echo },
    { "overflow", test_overflow }, { "null", test_null }, { "wild", test_wild },
    { "noncanonical", test_noncanonical }, { "jump", test_jump }, { "text", test_text },
    { "exec", test_exec }, { "div", test_div }, { "ud", test_ud }, { "panic", test_panic },
    { "panics", test_panics }, { "recursion", test_recursion },
    { "lockorder", test_lockorder }, { "doublefault", test_doublefault },
    { "desctwice", test_desctwice },
};

void gort_main(struct boot_info *bi)
{
    char name[32] = "all";

    if (bi->bundle_size) {
        size_t n = bi->bundle_size < sizeof name ? bi->bundle_size : sizeof name - 1;
        memcpy(name, phys_to_virt(bi->bundle_base), n);
        name[n] = 0;
        name[strcspn(name, "\n")] = 0;
    }
    if (!strncmp(name, "07070", 5)) /* an archive, as the UEFI loader wants one */
        strcpy(name, "all");
    arch_hooks.exception = on_exception;
    arch_hooks.timer = on_timer;
    arch_hooks.ipi = on_ipi;
    smp_start(gort_cpu_main);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (strcmp(tests[i].name, name))
            continue;
        tests[i].fn();
        machine_exit(0);
    }
    out("no test named %s\n", name);
    machine_exit(1);
}
