/* procself.c - what /proc/self says of the process: its state, memory, limits, time. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/load/refuse.h"
#include "gort/os/cputime.h"
#include "gort/os/file.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/mem.h"
#include "gort/os/pending.h"
#include "gort/os/signal.h"
#include "gort/os/sys.h"
#include "kernel/clock.h"
#include "mm/mm.h"

typedef unsigned long long ull;

enum { TICK_NS = 10000000 }; /* USER_HZ is 100 */
enum { RLIMIT_SIGPENDING = 11 };

/* All memory that is in use is the process's. */
static ull memory_used(void)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    return mm.ram_bytes - mm.free_bytes;
}

/* The program's, and what the runtime has besides: never less than what is in use. */
static ull address_space(void)
{
    ull mapped = procmaps_size(), used = memory_used();

    return mapped > used ? mapped : used;
}

/* The largest that the address space has been when somebody looked, `used` bytes at some time. */
static ull address_space_peak(ull used)
{
    static uint64_t most; /* [atomic] */
    uint64_t now = address_space(), old = __atomic_load_n(&most, __ATOMIC_RELAXED);

    if (now < used)
        now = used;
    while (now > old && !__atomic_compare_exchange_n(&most, &old, now, false, __ATOMIC_RELAXED,
                                                     __ATOMIC_RELAXED))
        ;
    return now > old ? now : old;
}

static void comm_text(struct outbuf *o)
{
    char name[16];

    process_name(name);
    out_printf(o, "%s\n", name);
}

/* The thread or process that a file tells of, and the time that its CPU, or all of them, worked. */
static unsigned number(const struct outbuf *o) { return o->thread ? o->thread : 1; }
static ull cputime(const struct outbuf *o)
{
    return (ull)(o->thread ? cputime_of(o->thread - 1) : cputime_all());
}

/* Sets of signals, as sigset_t: a bit for each number. */
struct signals { struct pending_look of; uint64_t lost, caught; };
static struct signals signals(const struct outbuf *o)
{
    struct signals s = {.of = pending_look(o->gp, o->thread)};

    signal_sets(&s.lost, &s.caught);
    return s;
}

/* proc(5) numbers the fields: 1 to 13, times to 17, to 22, memory to 25, code to 30, signals below
 * 32 to 34, the rest to 52. */
static void stat_text(struct outbuf *o)
{
    const uint64_t old = INT32_MAX;
    char name[16];
    ull used = memory_used();
    uint64_t lo, hi;
    struct signals s = signals(o);

    process_name(name);
    out_printf(o, "%u (%s) R 0 1 1 0 -1 4194560 0 0 0 0 ", number(o), name);
    out_printf(o, "%llu 0 0 0 20 0 %u 0 0 %llu %llu %llu ", cputime(o) / TICK_NS, ncpu,
               address_space(), used / OS_PAGE, (ull)UINT64_MAX);
    procmaps_text(&lo, &hi);
    out_printf(o, "%llu %llu 0 0 0 %llu %llu %llu %llu ", (ull)lo, (ull)hi,
               (ull)(s.of.waiting & old), (ull)(s.of.blocked & old), (ull)(s.lost & old),
               (ull)(s.caught & old));
    out_printf(o, "0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
               o->thread ? o->thread - 1 : cpu_self()->id);
}

static void statm_text(struct outbuf *o)
{
    ull pages = memory_used() / OS_PAGE;

    out_printf(o, "%llu %llu %llu 0 0 %llu 0\n", address_space() / OS_PAGE, pages,
               (ull)os_pages_used(), pages);
}

static void cpu_mask(struct outbuf *o)
{
    for (unsigned word = (ncpu + 31) / 32; word-- > 0;) {
        unsigned bits = ncpu - word * 32;
        out_printf(o, "%s%08x", word + 1 < (ncpu + 31) / 32 ? "," : "",
                   bits >= 32 ? UINT32_MAX : (1u << bits) - 1);
    }
}

/* What is sent to the process waits nowhere (pending.h), so none does that is shared. */
static void signals_text(struct outbuf *o)
{
    struct signals s = signals(o);

    out_printf(o, "SigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016x\nSigBlk:\t%016llx\n"
               "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", s.of.queued,
               (ull)limit_of(RLIMIT_SIGPENDING).cur, (ull)s.of.waiting, 0, (ull)s.of.blocked,
               (ull)s.lost, (ull)s.caught);
}

static void status_text(struct outbuf *o)
{
    char name[16];
    struct mm_stats mm;
    uint64_t lo, hi;

    mm_stats_read(&mm);
    ull kb = (mm.ram_bytes - mm.free_bytes) >> 10, size = address_space() >> 10;
    process_name(name);
    procmaps_text(&lo, &hi);
    out_printf(o, "Name:\t%s\nUmask:\t%04o\nState:\tR (running)\nTgid:\t1\nNgid:\t0\nPid:\t%u\n"
               "PPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t256\n"
               "Groups:\t0 \nNStgid:\t1\nNSpid:\t%u\nNSpgid:\t1\nNSsid:\t1\n", name, vfs.umask,
               number(o), number(o));
    out_printf(o, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8u kB\nVmPin:\t%8u kB\n"
               "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\nRssFile:\t%8u kB\n"
               "RssShmem:\t%8u kB\n", address_space_peak(mm.most_used) >> 10, size, 0u, 0u,
               (ull)mm.most_used >> 10, kb, kb, 0u, 0u);
    out_printf(o, "VmData:\t%8llu kB\nVmStk:\t%8u kB\nVmExe:\t%8llu kB\nVmLib:\t%8u kB\n"
               "VmPTE:\t%8u kB\nVmSwap:\t%8u kB\nThreads:\t%u\n",
               kb, 0u, (ull)(hi - lo) >> 10, 0u, 0u, 0u, ncpu);
    signals_text(o);
    out_printf(o, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n"
               "NoNewPrivs:\t0\nSeccomp:\t0\nCpus_allowed:\t", 0, 0, 0, 0, 0);
    cpu_mask(o);
    out_printf(o, ncpu > 1 ? "\nCpus_allowed_list:\t0-%u\n" : "\nCpus_allowed_list:\t%u\n",
               ncpu - 1);
    struct switches n = switches_of(o->thread);
    out_printf(o, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
               "nonvoluntary_ctxt_switches:\t%llu\n", (ull)n.given, (ull)n.taken);
}

static void io_text(struct outbuf *o)
{
    struct io_count sum = {0};

    for (unsigned i = 0; i < ncpu; i++) {
        sum.read_bytes += io_counts[i].read_bytes;
        sum.written_bytes += io_counts[i].written_bytes;
        sum.reads += io_counts[i].reads;
        sum.writes += io_counts[i].writes;
    }
    out_printf(o, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: 0\n"
               "write_bytes: 0\ncancelled_write_bytes: 0\n", (ull)sum.read_bytes,
               (ull)sum.written_bytes, (ull)sum.reads, (ull)sum.writes);
}

static void limits_text(struct outbuf *o)
{
    static const struct { const char *name, *unit; } limit[] = {
        {"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"},
        {"Max stack size", "bytes"}, {"Max core file size", "bytes"},
        {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
        {"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"},
        {"Max pending signals", "signals"}, {"Max msgqueue size", "bytes"},
        {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
    };
    char soft[24], hard[24];

    out_printf(o, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < sizeof limit / sizeof limit[0]; i++) {
        struct l_rlimit r = limit_of(i);
        snprintf(soft, sizeof soft, "%llu", (ull)r.cur);
        snprintf(hard, sizeof hard, "%llu", (ull)r.max);
        out_printf(o, "%-25s %-20s %-20s %-10s\n", limit[i].name,
                   r.cur == UINT64_MAX ? "unlimited" : soft,
                   r.max == UINT64_MAX ? "unlimited" : hard, limit[i].unit);
    }
}

static void schedstat_text(struct outbuf *o)
{
    out_printf(o, "%llu 0 0\n", cputime(o));
}

/* Without what points into the program's memory: there is no vector in it. */
const uint64_t *procself_auxv(size_t *words)
{
    enum { AT_NULL, AT_PAGESZ = 6, AT_BASE, AT_FLAGS, AT_UID = 11, AT_EUID, AT_GID, AT_EGID,
           AT_HWCAP = 16, AT_CLKTCK, AT_SECURE = 23, AT_HWCAP2 = 26 };
    uint32_t a = 1, b, c = 0, d, b7 = 0;

    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    a = 7, c = 0;
    __asm__("cpuid" : "+a"(a), "=b"(b7), "+c"(c), "=d"(b));
    static uint64_t v[] = {
        AT_HWCAP, 0, AT_PAGESZ, OS_PAGE, AT_CLKTCK, 100, AT_BASE, 0, AT_FLAGS, 0, AT_UID, 0,
        AT_EUID, 0, AT_GID, 0, AT_EGID, 0, AT_SECURE, 0, AT_HWCAP2, 0, AT_NULL, 0,
    };

    __atomic_store_n(&v[1], d, __ATOMIC_RELAXED); /* the same on all CPUs, at all times */
    *words = sizeof v / sizeof v[0];
    return v;
}

static void auxv_text(struct outbuf *o)
{
    size_t words;
    const uint64_t *v = procself_auxv(&words);

    out_bytes(o, v, words * sizeof *v);
}

#define FIXED(name, text)                                                                        \
    static void name##_text(struct outbuf *o) { out_bytes(o, text, sizeof text - 1); }
FIXED(zero, "0\n")
FIXED(empty, "")
FIXED(adj, "0\n")

/* ---- links that lead to what has no path ------------------------------------------------- */

static struct inode *namespace; /* [const after boot] what all of them are */

static int64_t ns_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    inode_get(namespace);
    *jump = namespace;
    return snprintf(buf, cap, "%.*s:[%llu]", (int)n->named->name_len, n->named->name,
                    4026531830ull + n->ino % 64);
}

static int64_t root_target(struct inode *n, char *buf, size_t cap, struct inode **jump)
{
    (void)n, (void)cap;
    inode_get(vfs.root);
    *jump = vfs.root;
    buf[0] = '/';
    return 1;
}

static const struct node_ops ns_ops = {.target = ns_target}, root_ops = {.target = root_target};

/* ---- the tree ---------------------------------------------------------------------------- */

#define TEXT(n) {.text = n##_text}
static const struct { const char *name; struct node_ops ops; bool thread; } files[] = {
    {"stat", TEXT(stat), true}, {"status", TEXT(status), true}, {"comm", TEXT(comm), true},
    {"statm", TEXT(statm), true}, {"io", TEXT(io), true}, {"limits", TEXT(limits), true},
    {"schedstat", TEXT(schedstat), true}, {"auxv", TEXT(auxv), false},
    {"oom_score", TEXT(zero), false}, {"oom_score_adj", TEXT(adj), false},
    {"wchan", TEXT(empty), false}, {"sessionid", TEXT(zero), false},
};

static const struct node_ops text_ops = {.text = empty_text};

/* /proc/self/task/N. */
static void thread_init(unsigned thread)
{
    char path[32];
    struct inode *dir = vfs_mkdirs(path, (size_t)snprintf(path, sizeof path, "proc/1/task/%u",
                                                          thread));

    if (!dir)
        boot_refuse("/proc/1/task is not a directory in the bundle");
    dir->mode = L_S_IFDIR | 0555;
    dir->synthetic = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i].thread)
            vfs_synthetic(dir, files[i].name, L_S_IFREG | 0444, &files[i].ops)->thread =
                (uint16_t)thread;
    vfs_synthetic(dir, "children", L_S_IFREG | 0444, &text_ops);
}

void procself_init(struct inode *self)
{
    static const char *const ns[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        vfs_synthetic(self, files[i].name, L_S_IFREG | 0444, &files[i].ops);
    for (unsigned i = 0; i < ncpu; i++)
        thread_init(i + 1);
    vfs_synthetic(self, "root", L_S_IFLNK | 0777, &root_ops);
    namespace = inode_new(L_S_IFREG | 0444);
    BOOT_MEMORY(namespace, "namespaces");
    namespace->synthetic = true;
    namespace->ops = &text_ops;
    namespace->nlink = 1;
    struct inode *dir = vfs_mkdirs("proc/1/ns", 9);
    for (size_t i = 0; dir && i < sizeof ns / sizeof ns[0]; i++)
        vfs_synthetic(dir, ns[i], L_S_IFLNK | 0777, &ns_ops);
}
