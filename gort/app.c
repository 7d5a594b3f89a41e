/* app.c - from a loaded bundle to the first goroutine. */
#include "boot/boot_info.h"
#include <errno.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/abi/handshake.h"
#include "gort/capp/capp.h"
#include "gort/capp/services.h"
#include "gort/heap/malloc.h"
#include "gort/heap/mheap.h"
#include "gort/hooks.h"
#include "gort/os/instruction.h"
#include "gort/os/os.h"
#include "gort/sock/sock.h"
#include "gort/sched/fault.h"
#include "gort/sched/preempt.h"
#include "gort/sched/sched.h"
#include "gort/sched/stall.h"
#include "gort/sched/start.h"
#include "gort/stack/symtab.h"
#include "gort/stack/unwind.h"
#include "gort/netctl/boot.h"
#include "gort/load/bundle.h"
#include "boot/common/elf.h"
#include "drivers/power.h"
#include "kernel/clock.h"
#include "kernel/main.h"
#include "kernel/options.h"
#include "kernel/random.h"
#include "gort/load/refuse.h"
#include "kernel/print.h"
#include "mm/mm.h"
#include "rt_frames.h"

static const struct app_table *program; /* [const after boot] NULL: it is in C */

/* The app table's magic stands 8-aligned in a segment without code of every program that was built
 * through the overlay, a C program's in one of those that were linked with libgort, and neither in
 * any other. Must be asked before any of it runs. Returns the one that comes first, 0: none. */
static uint64_t find_table(const struct elf_image *im)
{
    for (uint32_t i = 0; i < im->nseg; i++) {
        const struct elf_segment *s = &im->seg[i];
        const uint64_t *w = (const void *)(im->file + s->offset);

        if (s->flags & ELF_PF_X)
            continue;
        for (uint64_t n = s->filesz / 8; n > 1; n--, w++)
            if (w[0] == APPTAB_MAGIC || w[0] == CAPPTAB_MAGIC)
                return w[0];
    }
    return 0;
}

static const struct capp_table *capp; /* NULL: a Go program */

static void capp_load(const struct elf_image *im)
{
    const struct capp_table *(*entry)(const uintptr_t *, uint64_t) = (void *)im->entry;
    const struct capp_table *t = entry(kernel_table, RT_TABLE_WORDS);

    if (!t || t->magic != CAPPTAB_MAGIC || t->version != CAPPTAB_VERSION ||
        t->abi != RT_ABI_VERSION)
        boot_refuse(OTHER_GORT);
    capp_init(im);
    capp = t;
}

static void app_load(void)
{
    static struct elf_image im;
    const char *err = "no program";

    if (!bundle.init)
        boot_refuse("the bundle holds no program (no entry named init)");
    if (elf_load(bundle.init, bundle.init_size, &im, &err) != 0)
        boot_refuse("cannot load the program: %s", err);
    uint64_t magic = find_table(&im);
    if (magic == CAPPTAB_MAGIC) {
        capp_load(&im);
        return;
    }
    if (!magic)
        boot_refuse("this program was not built for gort: build it with `gort build`, or with "
                    "`go build` and the flags of `gort env`");
    const struct app_table *(*entry)(const uintptr_t *, uint64_t) = (void *)im.entry;
    const struct app_table *t = entry(kernel_table, RT_TABLE_WORDS);
    handshake_check(t);
    symtab_init(t->firstmodule);
    uintptr_t lo, hi;
    symtab_text_range(&lo, &hi);
    app_text_set(lo, hi);
    app = &t->facts;
    program = t;
    os_signals_of_go();
}

/* Go's defaults hide where the heap is since 1.26. Programs in C are treated alike. */
static void place_heap(void)
{
    if (capp || !app_has_experiment("norandomizedheapbase64"))
        mheap_place(random_fast());
}

static void m_init(struct cpu *c)
{
    struct m *mp = persistent_alloc(sizeof *mp, 64, NULL);

    mp->cpu = c;
    mp->id = c->id;
    mp->g0p = &mp->g0;
    mp->g0.m = mp;
    mp->g0.stack = (struct stack){ c->g0_lo, c->g0_hi };
    mp->g0.status = G_RUNNING;
    mp->armed = INT64_MAX;
    mp->pc_cache = persistent_alloc(PC_CACHE_CPU * sizeof *mp->pc_cache, 64, NULL);
    c->vec_scratch = persistent_alloc(vec_area_size, 64, NULL);
    cpu_syscall_entry(syscall_entry);
    c->m = mp;
    allm[c->id] = mp;
}

static unsigned procs_wanted(void)
{
    const char *s = bundle_getenv("GOMAXPROCS");
    unsigned n = 0;

    for (; s && *s >= '0' && *s <= '9' && n < 100000; s++)
        n = n * 10 + (unsigned)(*s - '0');
    if (s && *s)
        n = 0;
    return n == 0 ? ncpu : n > CPU_MAX * 4 ? CPU_MAX * 4 : n;
}

void gort_cpu_main(struct cpu *c)
{
    m_init(c);
    sched_cpu_enter();
}

/* The program's first goroutine is number 1. The initialisation of packages takes more stack than
 * goroutines begin with in nearly every program. */
static void start_main(void)
{
    start_needs_most(*(const uintptr_t *)program->main_closure);
    struct g *gp = g_new(program->main_closure, NULL, 0);
    struct mm_stats mm;

    mm_stats_read(&mm);
    if (!gp) {
        kprintf("gort: out of memory: %llu KiB of RAM are not enough to start the program\n",
                (unsigned long long)mm.ram_bytes >> 10);
        machine_exit(2);
    }
    g_ready(gp);
}

void gort_main(struct boot_info *bi)
{
    const char *err = "no bundle";

    hooks_install();
    if (bi->bundle_size == 0)
        boot_refuse("there is no bundle: boot with -initrd FILE, or an image made by gort build");
    if (bundle_open(bi->bundle_base, bi->bundle_size, &err) != 0)
        boot_refuse("broken bundle: %s", err);
    options_parse(bundle.options);
    vec_use_xsave = cpu_features.xsave;
    if (cpu_features.xsave)
        vec_area_size = (cpu_features.xsave_size + 63) & ~63u;
    fault_init(); /* the program's memory comes when it is touched: from its entry on */
    app_load();
    boot_log("program loaded");
    os_init(&bundle);
    sock_init();
    place_heap();
    malloc_init();
    m_init(cpu_self());
    preempt_init();
    sched_init(procs_wanted());
    wire_control = &netctl_wire;
    wire_init();
    /* The first goroutine is queued while this CPU borrows P 0: before others come and take it. */
    sched_borrow_p();
    smp_start(gort_cpu_main);
    boot_log("%u CPUs, GOMAXPROCS %u", ncpu, gomaxprocs);
    if (capp)
        capp_start(capp);
    else
        start_main();
    services_start();
    sched.started = true;
    sched_return_p();
    sched_cpu_enter();
}

/* ---- the end ------------------------------------------------------------------------------ */

/* For -v: an idle machine takes next to no interrupts. */
static void log_cpus(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        boot_log("cpu %u: %llu interrupts, %llu ticks, %llu IPIs, %llu preemptions, %llu ms idle",
                 i, (unsigned long long)cpus[i]->irqs, (unsigned long long)cpus[i]->ticks,
                 (unsigned long long)cpus[i]->ipis, (unsigned long long)cpus[i]->preempts,
                 (unsigned long long)cpu_idle_ns(cpus[i], clock_mono_ns()) / 1000000);
}

void rt_machine_halt(struct machine_halt_frame *f)
{
    log_cpus();
    if (options.stallwatch)
        stall_report();
    os_exit(f->status);
}
