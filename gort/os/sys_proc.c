/* sys_proc.c - time, identity, limits, exit. */
#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/os/cputime.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/os.h"
#include "gort/os/sys.h"
#include "gort/time/wall.h"
#include "kernel/clock.h"
#include "kernel/random.h"
#include "mm/mm.h"

/* ---- time ---------------------------------------------------------------------------- */

enum { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPU, CLOCK_THREAD_CPU,
       CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
       CLOCK_TAI = 11 };

static struct l_timespec ns_spec(int64_t ns)
{
    return (struct l_timespec){ns / 1000000000, ns % 1000000000};
}

static bool clock_is_wall(int32_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI;
}

/* The number of a clock of ours. Negative ones name the CPU time of a process (bit 2: a thread),
 * whose number is above the lowest three bits, inverted. -1: there is none. */
static int32_t clock_of(uint64_t a)
{
    int32_t id = (int32_t)a, pid = ~(id >> 3);

    if (id >= 0)
        return id <= CLOCK_BOOTTIME || id == CLOCK_TAI ? id : -1;
    if ((id & 3) == 3 || pid < 0 || (uint32_t)pid > ncpu || (pid > 1 && !(id & 4)))
        return -1;
    return id & 4 ? CLOCK_THREAD_CPU : CLOCK_PROCESS_CPU;
}

static int64_t clock_read(int32_t id)
{
    if (clock_is_wall(id))
        return wall_now();
    if (id == CLOCK_PROCESS_CPU)
        return cputime_all();
    return id == CLOCK_THREAD_CPU ? cputime_of(cpu_self()->id) : clock_mono_ns();
}

int64_t sys_clock_gettime(struct call *c)
{
    int32_t id = clock_of(c->a[0]);

    if (id < 0)
        return -L_EINVAL;
    struct l_timespec t = ns_spec(clock_read(id));
    return copy_out(c, c->a[1], &t, sizeof t);
}

int64_t sys_clock_getres(struct call *c)
{
    if (clock_of(c->a[0]) < 0)
        return -L_EINVAL;
    struct l_timespec t = {0, 1};
    return c->a[1] ? copy_out(c, c->a[1], &t, sizeof t) : 0;
}

int64_t sys_gettimeofday(struct call *c)
{
    int64_t ns = wall_now();
    struct l_timeval tv = {ns / 1000000000, ns / 1000 % 1000000};
    const int32_t zone[2] = {0, 0}; /* UTC, no summer time */

    if (c->a[0] && copy_out(c, c->a[0], &tv, sizeof tv))
        return -L_EFAULT;
    return c->a[1] ? copy_out(c, c->a[1], zone, sizeof zone) : 0;
}

int64_t sys_time(struct call *c)
{
    int64_t t = wall_now() / 1000000000;

    return c->a[0] && copy_out(c, c->a[0], &t, sizeof t) ? -L_EFAULT : t;
}

/* Sleeps until the deadline: no event ends the sleep earlier. */
static int64_t sleep_until(struct call *c, uint64_t time, bool absolute, bool wall)
{
    if (!c->deadline) {
        struct l_timespec t;
        if (copy_in(c, &t, time, sizeof t))
            return -L_EFAULT;
        if (t.sec < 0 || t.nsec < 0 || t.nsec > 999999999)
            return -L_EINVAL;
        int64_t now = clock_mono_ns(), ns;
        if (__builtin_mul_overflow(t.sec, 1000000000, &ns) ||
            __builtin_add_overflow(ns, t.nsec, &ns))
            ns = INT64_MAX;
        if (absolute && wall)
            ns -= wall_now();
        else if (absolute)
            ns -= now;
        ns = ns < 0 ? 0 : ns;
        return call_deadline(c, ns > INT64_MAX - now ? INT64_MAX : now + ns) ? 0 : SYS_BLOCK;
    }
    return call_deadline(c, 0) ? 0 : SYS_BLOCK;
}

int64_t sys_nanosleep(struct call *c) { return sleep_until(c, c->a[0], false, false); }
int64_t sys_clock_nanosleep(struct call *c)
{
    int32_t id = clock_of(c->a[0]);

    if (id < 0 || id == CLOCK_THREAD_CPU)
        return -L_EINVAL;
    if (id == CLOCK_PROCESS_CPU)
        return -L_ENOTSUP;
    return sleep_until(c, c->a[2], c->a[1] & 1, clock_is_wall(id));
}

/* ---- identity ------------------------------------------------------------------------ */

#define CONSTANT(name, value) int64_t sys_##name(struct call *c) { (void)c; return value; }
CONSTANT(getpid, 1) CONSTANT(getppid, 0) CONSTANT(getpgrp, 1)
CONSTANT(getuid, 0) CONSTANT(geteuid, 0) CONSTANT(getgid, 0) CONSTANT(getegid, 0)
CONSTANT(getgroups, 0) CONSTANT(setgroups, 0) CONSTANT(setsid, -L_EPERM)
CONSTANT(sched_yield, 0) CONSTANT(sigaltstack, 0)
CONSTANT(wait4, -L_ECHILD) CONSTANT(waitid, -L_ECHILD) CONSTANT(getpriority, 20)

/* Threads are the CPUs, and the first one has the process's number, as on Linux. */
int64_t sys_gettid(struct call *c)
{
    (void)c;
    return (int64_t)cpu_self()->id + 1;
}

static int64_t of_this_process(uint64_t pid, int64_t answer)
{
    return (int32_t)pid == 0 || (int32_t)pid == 1 ? answer : -L_ESRCH;
}

int64_t sys_getpgid(struct call *c) { return of_this_process(c->a[0], 1); }
int64_t sys_getsid(struct call *c) { return of_this_process(c->a[0], 1); }
int64_t sys_setpgid(struct call *c) { return of_this_process(c->a[0], 0); }

/* The only user is root: changing to it succeeds and does nothing, changing to another fails. */
static int64_t only_root(const struct call *c, int n)
{
    for (int i = 0; i < n; i++)
        if ((int32_t)c->a[i] > 0)
            return -L_EPERM;
    return 0;
}

int64_t sys_setuid(struct call *c) { return only_root(c, 1); }
int64_t sys_setgid(struct call *c) { return only_root(c, 1); }
int64_t sys_setreuid(struct call *c) { return only_root(c, 2); }
int64_t sys_setregid(struct call *c) { return only_root(c, 2); }
int64_t sys_setresuid(struct call *c) { return only_root(c, 3); }
int64_t sys_setresgid(struct call *c) { return only_root(c, 3); }

static int64_t three_zeros(struct call *c)
{
    for (int i = 0; i < 3; i++)
        if (copy_out(c, c->a[i], &(uint32_t){0}, 4))
            return -L_EFAULT;
    return 0;
}

int64_t sys_getresuid(struct call *c) { return three_zeros(c); }
int64_t sys_getresgid(struct call *c) { return three_zeros(c); }

/* Reports empty capability sets: nothing that a capability would permit is implemented. */
int64_t sys_capget(struct call *c)
{
    static const uint32_t none[2 * 3];
    const uint32_t newest = 0x20080522;
    uint32_t version;

    if (copy_in(c, &version, c->a[0], sizeof version))
        return -L_EFAULT;
    unsigned sets = version == 0x19980330 ? 1 : version == 0x20071026 || version == newest ? 2 : 0;
    if (!sets) {
        if (copy_out(c, c->a[0], &newest, sizeof newest))
            return -L_EFAULT;
        return c->a[1] ? -L_EINVAL : 0;
    }
    return c->a[1] ? copy_out(c, c->a[1], none, sets * 12) : 0;
}

int64_t sys_uname(struct call *c)
{
    static const struct l_utsname name = {"Linux", "gort", "6.1.0-gort", "#1 SMP gort", "x86_64",
                                          "(none)"};

    return copy_out(c, c->a[0], &name, sizeof name);
}

int64_t sys_sysinfo(struct call *c)
{
    struct mm_stats mm;

    mm_stats_read(&mm);
    struct l_sysinfo s = {.uptime = clock_mono_ns() / 1000000000, .totalram = mm.ram_bytes,
                          .freeram = mm.free_bytes, .procs = 1, .unit = 1};
    return copy_out(c, c->a[0], &s, sizeof s);
}

/* ---- affinity ------------------------------------------------------------------------ */

enum { MASK_WORDS = (CPU_MAX + 63) / 64 };

/* [atomic, word by word] CPUs that the program has allowed a thread, all zeros: it has not said.
 * The threads are the CPUs themselves, so that none ever runs elsewhere. */
static uint64_t allowed[CPU_MAX][MASK_WORDS];

/* The CPU that is the thread of that number, 0: the caller's. -L_ESRCH. */
static int64_t thread_cpu(uint64_t pid)
{
    int32_t n = (int32_t)pid;

    if (n == 0)
        return cpu_self()->id;
    return n > 0 && (uint32_t)n <= ncpu ? n - 1 : -L_ESRCH;
}

/* Word i of the CPUs that there are. */
static uint64_t cpus_word(unsigned i)
{
    unsigned left = ncpu > i * 64 ? ncpu - i * 64 : 0;

    return left >= 64 ? UINT64_MAX : (1ull << left) - 1;
}

int64_t sys_sched_setaffinity(struct call *c)
{
    uint64_t mask[MASK_WORDS] = {0}, len = (uint32_t)c->a[1], any = 0;
    int64_t cpu = thread_cpu(c->a[0]);

    if (copy_in(c, mask, c->a[2], len < sizeof mask ? len : sizeof mask))
        return -L_EFAULT;
    for (unsigned i = 0; i < MASK_WORDS; i++)
        any |= mask[i] &= cpus_word(i);
    if (cpu < 0 || !any)
        return cpu < 0 ? cpu : -L_EINVAL;
    for (unsigned i = 0; i < MASK_WORDS; i++)
        __atomic_store_n(&allowed[cpu][i], mask[i], __ATOMIC_RELAXED);
    return 0;
}

int64_t sys_sched_getaffinity(struct call *c)
{
    uint64_t mask[MASK_WORDS], bytes = (ncpu + 63) / 64 * 8, any = 0;
    int64_t cpu = thread_cpu(c->a[0]);

    if ((uint32_t)c->a[1] < bytes || c->a[1] & 7)
        return -L_EINVAL;
    if (cpu < 0)
        return cpu;
    for (unsigned i = 0; i < MASK_WORDS; i++)
        any |= mask[i] = __atomic_load_n(&allowed[cpu][i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i < MASK_WORDS && !any; i++)
        mask[i] = cpus_word(i);
    return copy_out(c, c->a[2], mask, bytes) ? -L_EFAULT : (int64_t)bytes;
}

int64_t sys_getcpu(struct call *c)
{
    for (int i = 0; i < 2; i++) {
        uint32_t v = i == 0 ? cpu_self()->id : 0; /* the second result is the NUMA node */
        if (c->a[i] && copy_out(c, c->a[i], &v, sizeof v))
            return -L_EFAULT;
    }
    return 0;
}

/* ---- limits -------------------------------------------------------------------------- */

#define RLIMIT_CORE   4u
#define RLIMIT_NOFILE 7u
#define RLIMIT_AS     9u
#define RLIMIT_COUNT  16u

/* [atomic, field by field] What the program has set, inverted, so that zeros mean no limit. Those
 * of open files and of addresses are enforced. */
static struct l_rlimit unlimited_but[RLIMIT_COUNT] = {[RLIMIT_CORE] = {UINT64_MAX, UINT64_MAX}};

struct l_rlimit limit_of(uint64_t which)
{
    if (which == RLIMIT_NOFILE)
        return (struct l_rlimit){fd_limit, FD_MAX};
    return (struct l_rlimit){~__atomic_load_n(&unlimited_but[which].cur, __ATOMIC_RELAXED),
                             ~__atomic_load_n(&unlimited_but[which].max, __ATOMIC_RELAXED)};
}

bool limit_of_addresses(uint64_t more)
{
    uint64_t most = limit_of(RLIMIT_AS).cur, sum;

    return most == UINT64_MAX ||
           (!__builtin_add_overflow(procmaps_size(), more, &sum) && sum <= most);
}

static int64_t limit_get(struct call *c, uint64_t which, uint64_t out)
{
    if (which >= RLIMIT_COUNT)
        return -L_EINVAL;
    struct l_rlimit r = limit_of(which);
    return copy_out(c, out, &r, sizeof r);
}

static int64_t limit_set(struct call *c, uint64_t which, uint64_t in)
{
    struct l_rlimit r;

    if (copy_in(c, &r, in, sizeof r))
        return -L_EFAULT;
    if (which >= RLIMIT_COUNT || r.cur > r.max)
        return -L_EINVAL;
    if (which == RLIMIT_NOFILE) {
        if (r.max > FD_MAX)
            return -L_EPERM;
        __atomic_store_n(&fd_limit, r.cur, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&unlimited_but[which].cur, ~r.cur, __ATOMIC_RELAXED);
        __atomic_store_n(&unlimited_but[which].max, ~r.max, __ATOMIC_RELAXED);
    }
    return 0;
}

int64_t sys_getrlimit(struct call *c) { return limit_get(c, c->a[0], c->a[1]); }
int64_t sys_setrlimit(struct call *c) { return limit_set(c, c->a[0], c->a[1]); }

int64_t sys_prlimit64(struct call *c)
{
    int64_t err = of_this_process(c->a[0], 0);
    struct l_rlimit new;

    if (!err && c->a[2] && copy_in(c, &new, c->a[2], sizeof new))
        err = -L_EFAULT;
    if (!err && c->a[1] >= RLIMIT_COUNT)
        err = -L_EINVAL;
    if (!err && c->a[3])
        err = limit_get(c, c->a[1], c->a[3]);
    return err || !c->a[2] ? err : limit_set(c, c->a[1], c->a[2]);
}

/* ---- random -------------------------------------------------------------------------- */

int64_t sys_getrandom(struct call *c)
{
    uint64_t n = c->a[1] < 33554431 ? c->a[1] : 33554431;

    if (c->a[2] & ~7ull)
        return -L_EINVAL;
    if (!user_range(c, c->a[0], n))
        return -L_EFAULT;
    while (c->done < n) {
        uint64_t part = n - c->done < 4096 ? n - c->done : 4096;
        int64_t r = random_to_user((void *)(c->a[0] + c->done), part);
        if (r > 0) {
            c->done += (uint64_t)r;
            if (c->done < n && call_gives_way(c))
                return SYS_AGAIN;
        } else if (r != -L_EFAULT || user_bring(c, c->a[0] + c->done, VM_W)) {
            return c->done ? (int64_t)c->done : r;
        }
    }
    return (int64_t)n;
}

/* ---- exit ----------------------------------------------------------------------------- */

int64_t sys_exit_group(struct call *c) { os_exit((int)(c->a[0] & 0xff)); }
int64_t sys_exit(struct call *c) { os_exit((int)(c->a[0] & 0xff)); }
