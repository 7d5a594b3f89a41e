/* procsys.c - what monitoring modules read of the whole machine: /proc/stat, loadavg, vmstat, ...,
 * /proc/sys and /sys. */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "gort/load/refuse.h"
#include "gort/os/cputime.h"
#include "gort/os/file.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/mem.h"
#include "gort/sched/sched.h"
#include "kernel/clock.h"
#include "mm/mm.h"

typedef unsigned long long ull;

enum { TICK_NS = 10000000 }; /* USER_HZ is 100 */

/* ---- time of CPUs ------------------------------------------------------------------------ */

static void cpu_line(struct outbuf *o, const char *name, int64_t busy, int64_t idle)
{
    out_printf(o, "%s %llu 0 0 %llu 0 0 0 0 0 0\n", name, (ull)(busy / TICK_NS),
               (ull)(idle / TICK_NS));
}

static void stat_text(struct outbuf *o)
{
    int64_t idle = 0;
    uint64_t interrupts = 0;
    char name[16];

    for (unsigned i = 0; i < ncpu; i++) {
        idle += cputime_idle(i);
        interrupts += __atomic_load_n(&cpus[i]->irqs, __ATOMIC_RELAXED);
    }
    cpu_line(o, "cpu ", cputime_all(), idle);
    for (unsigned i = 0; i < ncpu; i++) {
        snprintf(name, sizeof name, "cpu%u", i);
        cpu_line(o, name, cputime_of(i), cputime_idle(i));
    }
    out_printf(o, "intr %llu\nctxt %llu\nbtime %lld\nprocesses 1\nprocs_running 1\n"
               "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
               (ull)interrupts, (ull)sched_switches(),
               (long long)((clock_wall_ns() - clock_mono_ns()) / 1000000000));
}

/* Load is how many CPUs were busy, as an average that forgets: Linux', but for goroutines that
 * wait for a CPU, of which the program is the one to know. Brought up to date when it is read. */
#define LOAD_ONE   (1 << 16)
#define LOAD_STEP  5000000000ll /* ns between two samples */

static struct {
    struct lock lock;               /* RANK_FILE */
    int64_t at, busy;               /* [lock] of the last sample */
    uint64_t avg[3];                /* [lock] over 1, 5, 15 minutes, in 1/LOAD_ONE */
} load = {.lock = LOCK_INIT("loadavg", RANK_FILE)};

static void load_update_locked(void)
{
    /* exp(-5 s / 1, 5, 15 min) in 1/LOAD_ONE */
    static const uint64_t keep[3] = {60296, 64453, 65173};
    int64_t now = clock_mono_ns(), steps = (now - load.at) / LOAD_STEP;

    if (steps == 0)
        return;
    int64_t busy = cputime_all();
    uint64_t current = (uint64_t)((double)(busy - load.busy) / (double)(now - load.at) * LOAD_ONE);
    for (int64_t s = 0; s < steps && s < 1000; s++)
        for (int i = 0; i < 3; i++)
            load.avg[i] = (load.avg[i] * keep[i] + current * (LOAD_ONE - keep[i])) / LOAD_ONE;
    load.at = now;
    load.busy = busy;
}

static void loadavg_text(struct outbuf *o)
{
    uint64_t v[3];

    lock(&load.lock);
    load_update_locked();
    memcpy(v, load.avg, sizeof v);
    unlock(&load.lock);
    for (int i = 0; i < 3; i++)
        out_printf(o, "%llu.%02llu ", (ull)(v[i] / LOAD_ONE),
                   (ull)(v[i] % LOAD_ONE * 100 / LOAD_ONE));
    out_printf(o, "1/%u 1\n", ncpu);
}

/* ---- memory ------------------------------------------------------------------------------ */

static void meminfo_text(struct outbuf *o)
{
    static const char *const zero[] = {
        "SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonHugePages", "KReclaimable",
        "SReclaimable", "NFS_Unstable", "Bounce", "WritebackTmp", "HugePages_Total",
        "HugePages_Free",
    };
    struct mm_stats mm;

    mm_stats_read(&mm);
    ull total = mm.ram_bytes >> 10, free = mm.free_bytes >> 10, files = os_pages_used() * 4;
    ull anon = total - free > files ? total - free - files : 0;
    const struct { const char *name; ull kb; } line[] = {
        {"MemTotal", total}, {"MemFree", free}, {"MemAvailable", free}, {"Buffers", 0},
        {"Cached", files}, {"SwapCached", 0}, {"Active", anon + files}, {"Inactive", 0},
        {"Active(anon)", anon}, {"Inactive(anon)", 0}, {"Active(file)", files},
        {"Inactive(file)", 0}, {"Unevictable", 0}, {"Mlocked", 0}, {"AnonPages", anon},
        {"Mapped", 0}, {"Shmem", files}, {"Slab", 0}, {"SUnreclaim", 0}, {"KernelStack", 0},
        {"PageTables", 0}, {"CommitLimit", total}, {"Committed_AS", anon + files},
        {"VmallocTotal", 0}, {"VmallocUsed", 0}, {"VmallocChunk", 0}, {"Hugepagesize", 2048},
    };
    char name[24];

    for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) {
        snprintf(name, sizeof name, "%s:", line[i].name);
        out_printf(o, "%-15s %8llu kB\n", name, line[i].kb);
    }
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++) {
        snprintf(name, sizeof name, "%s:", zero[i]);
        out_printf(o, "%-15s %8u%s\n", name, 0u, strncmp(zero[i], "HugePages", 9) ? " kB" : "");
    }
}

static void vmstat_text(struct outbuf *o)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    out_printf(o, "nr_free_pages %llu\nnr_file_pages %llu\nnr_shmem %llu\n"
               "nr_dirty 0\nnr_writeback 0\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\noom_kill 0\n",
               (ull)(mm.free_bytes / OS_PAGE), (ull)os_pages_used(), (ull)os_pages_used());
}

/* ---- CPUs -------------------------------------------------------------------------------- */

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    __asm__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

/* Names of feature bits as Linux has them; "" where it shows none. */
static const struct flags { uint32_t leaf, reg; const char *names; } flags[] = {
    {1, 3, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - "
           "dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {0x80000001, 3, "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt "
                    "pdpe1gb rdtscp - lm 3dnowext 3dnow"},
    {1, 2, "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm "
           "- pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c "
           "rdrand hypervisor"},
    {0x80000001, 2, "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch "
                    "osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext"},
    {7, 1, "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a "
           "avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf "
           "avx512er avx512cd sha_ni avx512bw avx512vl"},
    {7, 2, "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
           "avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid"},
};

static void flags_of(struct outbuf *o, const struct flags *f)
{
    uint32_t max[4], r[4];
    const char *at = f->names;

    cpuid(f->leaf & 0x80000000, 0, max);
    if (max[0] < f->leaf)
        return;
    cpuid(f->leaf, 0, r);
    for (int bit = 0; *at; bit++) {
        size_t len = strcspn(at, " ");
        if (r[f->reg] >> bit & 1 && *at != '-') {
            out_bytes(o, " ", 1);
            out_bytes(o, at, len);
        }
        at += len + (at[len] == ' ');
    }
}

static void brand(char vendor[13], char model[49])
{
    uint32_t r[4];

    cpuid(0, 0, r);
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    cpuid(0x80000000, 0, r);
    for (uint32_t i = 0; r[0] >= 0x80000004 && i < 3; i++) {
        uint32_t part[4];
        cpuid(0x80000002 + i, 0, part);
        memcpy(model + 16 * i, part, 16);
    }
}

static void cpuinfo_text(struct outbuf *o)
{
    char vendor[13] = {0}, model[49] = {0};
    uint32_t r[4];

    brand(vendor, model);
    cpuid(1, 0, r);
    unsigned family = r[0] >> 8 & 15, number = r[0] >> 4 & 15;
    if (family == 15 || family == 6)
        number |= (r[0] >> 16 & 15) << 4;
    if (family == 15)
        family += r[0] >> 20 & 255;
    ull khz = clock_tsc_hz() / 1000;
    for (unsigned i = 0; i < ncpu; i++) {
        out_printf(o, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                   "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %llu.%03llu\n", i, vendor,
                   family, number, model, r[0] & 15, khz / 1000, khz % 1000);
        out_printf(o, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
                   "apicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\nflags\t\t:",
                   ncpu, i, ncpu, cpus[i]->apic_id);
        for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
            flags_of(o, &flags[k]);
        out_printf(o, "\nbogomips\t: %llu.%02llu\nclflush size\t: 64\n\n", khz / 500,
                   khz / 5 % 100);
    }
}

static void cpulist_text(struct outbuf *o)
{
    if (ncpu > 1)
        out_printf(o, "0-%u\n", ncpu - 1);
    else
        out_printf(o, "0\n");
}

/* ---- random identities ------------------------------------------------------------------- */

static void uuid_print(struct outbuf *o, uint8_t b[16])
{
    b[6] = (b[6] & 15) | 0x40; /* version 4, variant 1 */
    b[8] = (b[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++)
        out_printf(o, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    out_printf(o, "\n");
}

static void uuid_text(struct outbuf *o)
{
    uint8_t b[16] = {0};

    random_to_user(b, sizeof b);
    uuid_print(o, b);
}

/* /proc/sys/kernel/random/boot_id: drawn at the first read, constant until power off. */
static void boot_id_text(struct outbuf *o)
{
    static struct lock once = LOCK_INIT("boot_id", RANK_FILE);
    static uint8_t id[16]; /* [once] */
    static bool made;      /* [once] */
    uint8_t b[16], new[16] = {0};

    random_to_user(new, sizeof new);
    lock(&once);
    if (!made)
        memcpy(id, new, sizeof id);
    made = true;
    memcpy(b, id, sizeof b);
    unlock(&once);
    uuid_print(o, b);
}

/* ---- texts that are always the same ------------------------------------------------------ */

#define FIXED(name, text)                                                                        \
    static void name##_text(struct outbuf *o) { out_bytes(o, text, sizeof text - 1); }
FIXED(version, "Linux version 6.1.0-gort (gort@gort) #1 SMP gort\n")
FIXED(filesystems, "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n")
FIXED(partitions, "major minor  #blocks  name\n\n")
FIXED(swaps, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
FIXED(empty, "")
FIXED(zero, "0\n")
FIXED(line, "\n")
FIXED(file_max, "65536\n")
FIXED(max_map_count, "65530\n")
FIXED(threads_max, "16384\n")
FIXED(poolsize, "256\n")
FIXED(port_range, "32768\t60999\n")
FIXED(thp, "[always] madvise never\n")
FIXED(thp_size, "2097152\n")
FIXED(swappiness, "60\n")
FIXED(cap_last, "40\n")
FIXED(ngroups, "65536\n")
FIXED(uts_version, "#1 SMP gort\n")

/* ---- the tree ---------------------------------------------------------------------------- */

#define TEXT(n) {.text = n##_text}
static const struct { const char *dir, *name; struct node_ops ops; } files[] = {
    {"proc", "stat", TEXT(stat)}, {"proc", "loadavg", TEXT(loadavg)},
    {"proc", "meminfo", TEXT(meminfo)}, {"proc", "cpuinfo", TEXT(cpuinfo)},
    {"proc", "vmstat", TEXT(vmstat)}, {"proc", "version", TEXT(version)},
    {"proc", "filesystems", TEXT(filesystems)}, {"proc", "partitions", TEXT(partitions)},
    {"proc", "diskstats", TEXT(empty)}, {"proc", "swaps", TEXT(swaps)},
    {"proc", "cmdline", TEXT(line)}, {"proc", "interrupts", TEXT(empty)},
    {"proc", "modules", TEXT(empty)},
    {"proc/sys/kernel/random", "uuid", TEXT(uuid)},
    {"proc/sys/kernel/random", "boot_id", TEXT(boot_id)},
    {"proc/sys/kernel/random", "entropy_avail", TEXT(poolsize)},
    {"proc/sys/kernel/random", "poolsize", TEXT(poolsize)},
    {"proc/sys/kernel", "threads-max", TEXT(threads_max)},
    {"proc/sys/kernel", "cap_last_cap", TEXT(cap_last)},
    {"proc/sys/kernel", "ngroups_max", TEXT(ngroups)},
    {"proc/sys/kernel", "version", TEXT(uts_version)},
    {"proc/sys/fs", "file-max", TEXT(file_max)}, {"proc/sys/fs", "nr_open", TEXT(file_max)},
    {"proc/sys/vm", "max_map_count", TEXT(max_map_count)},
    {"proc/sys/vm", "swappiness", TEXT(swappiness)},
    {"proc/sys/net/ipv4", "ip_local_port_range", TEXT(port_range)},
    {"sys/devices/system/cpu", "online", TEXT(cpulist)},
    {"sys/devices/system/cpu", "possible", TEXT(cpulist)},
    {"sys/devices/system/cpu", "present", TEXT(cpulist)},
    {"sys/devices/system/node", "online", TEXT(zero)},
    {"sys/devices/system/node", "possible", TEXT(zero)},
    {"sys/devices/system/node/node0", "cpulist", TEXT(cpulist)},
    {"sys/kernel/mm/transparent_hugepage", "enabled", TEXT(thp)},
    {"sys/kernel/mm/transparent_hugepage", "hpage_pmd_size", TEXT(thp_size)},
};

static const char *const dirs[] = {"proc", "proc/sys", "proc/sys/kernel", "proc/sys/kernel/random",
    "proc/sys/fs", "proc/sys/vm", "proc/sys/net", "proc/sys/net/ipv4", "sys", "sys/devices",
    "sys/devices/system", "sys/devices/system/cpu", "sys/devices/system/node",
    "sys/devices/system/node/node0", "sys/kernel", "sys/kernel/mm",
    "sys/kernel/mm/transparent_hugepage", "sys/class", "sys/class/net", "sys/class/thermal",
    "sys/class/hwmon", "sys/block", "sys/fs", "sys/fs/cgroup"};

static struct inode *dir_make(const char *name)
{
    struct inode *n = vfs_mkdirs(name, strlen(name));

    if (!n)
        boot_refuse("/%s is not a directory in the bundle", name);
    return n;
}

void procsys_init(void)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        vfs_synthetic(dir_make(files[i].dir), files[i].name, L_S_IFREG | 0444, &files[i].ops);
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        struct inode *n = dir_make(dirs[i]);
        n->mode = L_S_IFDIR | 0555;
        n->synthetic = true;
    }
    for (unsigned i = 0; i < ncpu; i++) {
        char name[48];
        snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%u", i);
        struct inode *n = dir_make(name);
        n->mode = L_S_IFDIR | 0555;
        n->synthetic = true;
    }
}
