/* mstats.c - what the program is told about its memory, and what held it when there was none
 * left. The world is stopped while its figures are read, as Go does it: so none of them falls that
 * counts what has been, and no part is larger than the whole. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/dying.h"
#include "gort/g.h"
#include "gort/heap/malloc.h"
#include "gort/gc/gc.h"
#include "gort/heap/mheap.h"
#include "gort/sched/sched.h"
#include "kernel/print.h"
#include "rt_frames.h"

/* In the order of memStatsC in gort/overlay/mstats.go. */
struct go_memstats {
    uint64_t total_alloc, total_free;     /* bytes */
    uint64_t mallocs, frees, tiny;        /* objects */
    uint64_t heap_sys, heap_idle, heap_inuse, heap_released;
    uint64_t stack_inuse, manual_inuse, c_stacks;
    uint64_t mspan_inuse, mspan_sys, mcache_inuse, mcache_sys;
    uint64_t gc_sys, other_sys, prof_sys, sys;
    uint64_t next_gc, last_gc, pause_total;
    uint64_t num_gc, num_forced;
    uint64_t cpu_fraction_ppb;
    uint64_t class_size[61], class_mallocs[61], class_frees[61];
};

static uint64_t load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

/* Objects that Ps have taken from spans they still hold. */
static void cached_allocs(uint64_t count[NUM_CLASSES], uint64_t *tiny)
{
    for (unsigned i = 0; i < CPU_MAX * 4 && allp[i]; i++) {
        const struct mcache *c = allp[i]->mcache;
        for (unsigned spc = 2; spc < NUM_SPAN_CLASSES; spc++) {
            const struct mspan *s = c->alloc[spc];
            count[spc / 2] += s->alloc_count - s->cached_count;
        }
        *tiny += c->tiny_allocs;
    }
}

static void read_objects(struct go_memstats *m)
{
    uint64_t extra[NUM_CLASSES] = { 0 };

    m->tiny = load(&mheap.tiny_allocs);
    cached_allocs(extra, &m->tiny);
    m->total_alloc = load(&gc.total_alloc);
    m->total_free = load(&gc.total_free);
    m->mallocs = load(&mheap.large_allocs) + m->tiny;
    m->frees = load(&mheap.large_frees) + m->tiny;
    for (unsigned c = 1; c < NUM_CLASSES; c++) {
        uint64_t a = load(&mheap.small_allocs[c]) + extra[c], f = load(&mheap.small_frees[c]);
        m->total_alloc += extra[c] * class_size[c];
        m->mallocs += a;
        m->frees += f;
        if (c < 61) {
            m->class_size[c] = class_size[c];
            m->class_mallocs[c] = a;
            m->class_frees[c] = f;
        }
    }
}

static void read_pages(struct go_memstats *m)
{
    uint64_t committed = load(&mheap.committed);

    m->heap_inuse = load(&mheap.in_use);
    m->stack_inuse = load(&mheap.stacks);
    m->manual_inuse = load(&mheap.manual);
    m->c_stacks = load(&mheap.c_stacks);
    uint64_t mapped = load(&mheap.reached) << GO_PAGE_SHIFT_;
    m->heap_sys = mapped - m->stack_inuse - m->manual_inuse;
    m->heap_idle = m->heap_sys - m->heap_inuse;
    /* Pages in use may have no frames yet: they are not released ones. */
    uint64_t untouched = load(&mheap.untouched), held = committed + untouched;
    uint64_t bare = mapped > held ? mapped - held : 0;
    m->heap_released = bare < m->heap_idle ? bare : m->heap_idle;
    m->mspan_inuse = load(&mheap.span_structs_in_use);
    m->mspan_sys = load(&mheap.meta_spans);
    m->mcache_inuse = m->mcache_sys = load(&mheap.meta_caches);
    m->gc_sys = load(&mheap.meta_tables) + m->manual_inuse;
    m->other_sys = load(&mheap.meta_other) + load(&persistent_other) + pkt_bytes();
    m->prof_sys = load(&mheap.meta_prof);
    m->sys = m->heap_sys + m->stack_inuse + m->c_stacks + m->mspan_sys + m->mcache_sys + m->gc_sys +
             m->other_sys + m->prof_sys;
}

void mem_stats_read(void *out)
{
    struct go_memstats *m = out;

    memset(m, 0, sizeof *m);
    read_objects(m);
    read_pages(m);
    m->next_gc = load(&gc.goal);
    m->last_gc = gc.last_wall_ns;
    m->pause_total = load(&gc.pause_total_ns);
    m->num_gc = gc.cycles;
    m->num_forced = gc.forced;
    m->cpu_fraction_ppb = (uint64_t)(gc.cpu_fraction * 1e9);
}

/* Pauses and their ends, newest first, then when the last cycle ended, the number of cycles, all
 * pauses together. Returns how many numbers these are. */
static int64_t read_pauses(uint64_t *out, int64_t cap)
{
    unsigned n = gc.cycles < GC_PAUSES ? gc.cycles : GC_PAUSES;

    CHECK(cap >= 2 * GC_PAUSES + 3, "room for %ld pauses", (long)cap);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (gc.cycles - 1 - i) % GC_PAUSES;
        out[i] = gc.pause_ns[at];
        out[n + i] = gc.pause_end[at];
    }
    out[2 * n] = gc.last_wall_ns;
    out[2 * n + 1] = gc.cycles;
    out[2 * n + 2] = gc.pause_total_ns;
    return 2 * n + 3;
}

/* The stop may move the stack on which the frame and what it points to lie. */
void rt_mem_stats(struct mem_stats_frame *f)
{
    struct g *gp = g_calling();

    stw_begin(STW_STATS);
    f = g_gate_frame(gp);
    mem_stats_read(f->out);
    f->n = read_pauses(f->pauses, f->cap);
    stw_end();
}

/* runtime/debug.ReadGCStats. */
void rt_mem_pauses(struct mem_pauses_frame *f) { f->n = read_pauses(f->out, f->cap); }

/* ---- out of memory ----------------------------------------------------------------------- */

struct held { uint64_t bytes, objects; unsigned spc; };

/* Live bytes by span class, from the spans themselves: the lists may be in motion. */
static void count_spans(struct held held[NUM_SPAN_CLASSES])
{
    for (size_t page = 0; page < mheap.pages.end;) {
        struct mspan *s = mheap.spans[page];
        if (!s || s->npages == 0) {
            page++;
            continue;
        }
        if (s->state == SPAN_IN_USE) {
            held[s->spanclass].bytes += s->npages * GO_PAGE_SIZE;
            held[s->spanclass].objects += s->alloc_count;
        }
        page += s->npages;
    }
}

static void report_classes(void)
{
    static struct held held[NUM_SPAN_CLASSES];

    for (unsigned i = 0; i < NUM_SPAN_CLASSES; i++)
        held[i] = (struct held){ 0, 0, i };
    count_spans(held);
    for (int n = 0; n < 10; n++) {
        struct held *top = &held[0];
        for (unsigned i = 1; i < NUM_SPAN_CLASSES; i++)
            if (held[i].bytes > top->bytes)
                top = &held[i];
        if (top->bytes == 0)
            return;
        const char *what = span_class_noscan(top->spc) ? " without pointers" : "";
        if (top->spc < 2)
            kprintf("runtime:   %lu large objects%s", (unsigned long)top->objects, what);
        else
            kprintf("runtime:   %lu objects of %u bytes%s", (unsigned long)top->objects,
                    class_size[top->spc / 2], what);
        kprintf(", %lu KiB\n", (unsigned long)(top->bytes >> 10));
        top->bytes = 0;
    }
}

static void report(size_t wanted)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    kprintf("runtime: cannot allocate %zu bytes: heap %lu KiB in use, stacks %lu KiB, "
            "%u goroutines\n", wanted, (unsigned long)(load(&mheap.in_use) >> 10),
            (unsigned long)(mheap_all_stacks() >> 10),
            __atomic_load_n(&sched.gcount, __ATOMIC_RELAXED));
    kprintf("runtime: RAM %lu KiB, free %lu KiB, largest free block %lu KiB, largest free run "
            "of the heap %zu KiB\n", (unsigned long)(mm.ram_bytes >> 10),
            (unsigned long)(mm.free_bytes >> 10), (unsigned long)(mm.largest_free >> 10),
            pagealloc_longest_free(&mheap.pages) * 8);
    kprintf("runtime: GOGC %d, memory limit %ld KiB, %u collections so far\n", gc.percent,
            (long)(gc_limit_now() >> 10), gc.cycles);
    kprintf("runtime: spans that hold most:\n");
    report_classes();
}

void malloc_out_of_memory(size_t wanted)
{
    static uint32_t dying; /* [atomic] the CPU that reports, + 1 */
    uint32_t first = 0, me = cpu_self()->id + 1;

    if (__atomic_compare_exchange_n(&dying, &first, me, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        report(wanted);
    else
        while (first != me) /* that CPU ends the program */
            cpu_relax();
    rt_fatal("runtime: out of memory"); /* the program's doing: its goroutines are shown */
}
