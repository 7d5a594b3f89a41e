/* procmaps.c - /proc/self/maps, smaps and smaps_rollup: what the program's half of the address
 * space holds, and how much of it has frames. The runtime's own memory is in the kernel's half and
 * not among it. */
#include <stdio.h>
#include <string.h>
#include "boot/common/elf.h"
#include "gort/heap/mheap.h"
#include "gort/load/bundle.h"
#include "gort/os/mmap.h"
#include "gort/os/fs/nodes.h"
#include "mm/mm.h"

typedef unsigned long long ull;

enum { SEEN = 32 }; /* mappings that are looked at under one lock */

struct area {
    uintptr_t lo, hi;
    unsigned prot;      /* VM_* */
    bool shared, file;  /* file: its pages are not anonymous ones */
    ull off, dev, ino;
    const char *name;
};

static struct area segments[ELF_SEG_MAX]; /* [const after boot] the program's, by address */
static unsigned nsegments;

void procmaps_init(const struct bundle *b)
{
    static struct elf_image im;
    const struct elf_window win = {ELF_APP_LO, ELF_APP_HI, ELF_APP_MAX};

    if (!b->init || elf_parse(b->init, b->init_size, "init", &win, &im) != 0)
        return;
    for (; nsegments < im.nseg; nsegments++) {
        const struct elf_segment *s = &im.seg[nsegments];
        segments[nsegments] = (struct area){
            .lo = s->vaddr & ~(PAGE_SIZE - 1),
            .hi = (s->vaddr + s->memsz + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1),
            .prot = (s->flags & ELF_PF_R ? VM_R : 0u) | (s->flags & ELF_PF_W ? VM_W : 0u) |
                    (s->flags & ELF_PF_X ? VM_X : 0u),
            .file = !(s->flags & ELF_PF_W), .off = s->offset & ~(PAGE_SIZE - 1), .dev = 1,
            .ino = 2, .name = "/init",
        };
    }
}

/* ---- one after the other ----------------------------------------------------------------- */

typedef void area_fn(const struct area *a, void *arg);

/* What is not a mapping of mmap's and begins in [from, to): segments, and the heap as far as it has
 * ever reached. */
static void each_fixed(uintptr_t from, uintptr_t to, area_fn *fn, void *arg)
{
    const struct area heap = {.lo = heap_base, .prot = VM_R | VM_W, .name = "[anon: Go: heap]",
        .hi = heap_base + (__atomic_load_n(&mheap.reached, __ATOMIC_RELAXED) << GO_PAGE_SHIFT_)};

    for (unsigned i = 0; i < nsegments; i++)
        if (segments[i].lo >= from && segments[i].lo < to)
            fn(&segments[i], arg);
    if (heap.lo >= from && heap.lo < to && heap.hi > heap.lo)
        fn(&heap, arg);
}

/* All areas, by address. */
static void each_area(area_fn *fn, void *arg)
{
    struct mapping_seen seen[SEEN];
    uintptr_t at = 0;
    unsigned n;

    do {
        n = mmap_see(at, seen, SEEN);
        for (unsigned i = 0; i < n; i++) {
            const struct mapping_seen *m = &seen[i];
            each_fixed(at, m->lo, fn, arg);
            fn(&(struct area){m->lo, m->hi, m->prot, m->shared, m->ino != 0, (ull)m->off, 0, m->ino,
                              ""}, arg);
            at = m->hi;
        }
    } while (n == SEEN);
    each_fixed(at, UINTPTR_MAX, fn, arg);
}

static void put_line(const struct area *a, void *arg)
{
    struct outbuf *o = arg;
    char head[80];

    int n = snprintf(head, sizeof head, "%08llx-%08llx %c%c%c%c %08llx %02llx:%02llx %llu ",
                     (ull)a->lo, (ull)a->hi, a->prot & VM_R ? 'r' : '-', a->prot & VM_W ? 'w' : '-',
                     a->prot & VM_X ? 'x' : '-', a->shared ? 's' : 'p', a->off, 0ull, a->dev,
                     a->ino);
    if (*a->name)
        out_printf(o, "%-72s %s\n", head, a->name);
    else
        out_printf(o, "%.*s\n", n, head);
}

void maps_text(struct outbuf *o) { each_area(put_line, o); }

/* ---- and how much of it is there ----------------------------------------------------------- */

struct tally { ull size, there, anonymous, huge, clean; }; /* bytes */

static void add_run(struct tally *t, const struct area *a, uintptr_t lo, uintptr_t hi)
{
    ull n = hi - lo;

    t->there += n;
    t->anonymous += a->file ? 0 : n;
    t->clean += a->file && !(a->prot & VM_W) ? n : 0;
    for (uintptr_t at = (lo + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1);
         !a->file && at + HUGE_PAGE_SIZE <= hi; at += HUGE_PAGE_SIZE)
        t->huge += vm_is_huge(at) ? HUGE_PAGE_SIZE : 0;
}

static void add_area(const struct area *a, void *arg)
{
    struct tally *t = arg;

    t->size += a->hi - a->lo;
    for (uintptr_t lo = a->lo, hi; (lo = vm_next(lo, a->hi, true)) < a->hi; lo = hi) {
        hi = vm_next(lo, a->hi, false);
        add_run(t, a, lo, hi);
    }
}

static void put_kb(struct outbuf *o, const char *name, ull bytes)
{
    out_printf(o, "%-15s %8llu kB\n", name, bytes >> 10);
}

/* Nobody else maps a page, so all are private, and none is swapped out. What was written cannot be
 * told from what was read: only what cannot be written is clean. */
static void put_tally(struct outbuf *o, const struct tally *t)
{
    ull dirty = t->there - t->clean;
    const struct { const char *name; ull bytes; } field[] = {
        {"Rss:", t->there}, {"Pss:", t->there}, {"Pss_Dirty:", dirty}, {"Shared_Clean:", 0},
        {"Shared_Dirty:", 0}, {"Private_Clean:", t->clean}, {"Private_Dirty:", dirty},
        {"Referenced:", t->there}, {"Anonymous:", t->anonymous}, {"KSM:", 0}, {"LazyFree:", 0},
        {"AnonHugePages:", t->huge}, {"ShmemPmdMapped:", 0}, {"FilePmdMapped:", 0},
        {"Shared_Hugetlb:", 0}, {"Private_Hugetlb:", 0}, {"Swap:", 0}, {"SwapPss:", 0},
        {"Locked:", 0},
    };

    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
        put_kb(o, field[i].name, field[i].bytes);
}

static void put_area(const struct area *a, void *arg)
{
    struct outbuf *o = arg;
    struct tally t = {0};

    put_line(a, o);
    add_area(a, &t);
    put_kb(o, "Size:", t.size);
    put_kb(o, "KernelPageSize:", PAGE_SIZE);
    put_kb(o, "MMUPageSize:", PAGE_SIZE);
    put_tally(o, &t);
    out_printf(o, "%-15s %8d\nVmFlags:%s%s%s%s mr mw me ac \n", "THPeligible:", !a->file,
               a->prot & VM_R ? " rd" : "", a->prot & VM_W ? " wr" : "",
               a->prot & VM_X ? " ex" : "", a->shared ? " sh" : "");
}

void smaps_text(struct outbuf *o) { each_area(put_area, o); }

static void widen(const struct area *a, void *arg)
{
    uintptr_t *range = arg;

    range[0] = range[0] && range[0] < a->lo ? range[0] : a->lo;
    range[1] = a->hi;
}

void smaps_rollup_text(struct outbuf *o)
{
    struct tally t = {0};
    uintptr_t range[2] = {0, 0};

    each_area(widen, range);
    each_area(add_area, &t);
    put_line(&(struct area){.lo = range[0], .hi = range[1], .name = "[rollup]"}, o);
    put_tally(o, &t);
}

static void add_size(const struct area *a, void *arg) { *(uint64_t *)arg += a->hi - a->lo; }

void procmaps_text(uint64_t *lo, uint64_t *hi)
{
    *lo = *hi = 0;
    for (unsigned i = 0; i < nsegments; i++)
        if (segments[i].prot & VM_X) {
            *lo = *lo ? *lo : segments[i].lo;
            *hi = segments[i].hi;
        }
}

uint64_t procmaps_size(void)
{
    uint64_t bytes = 0;

    each_area(add_size, &bytes);
    return bytes;
}
