/* sys_odd.c - calls that few programs make, and that mean little where there is one process whose
 * threads are the CPUs: they answer as Linux does for a process that has changed nothing. */
#include "arch/x86_64/arch.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/mmap.h"
#include "gort/os/sys.h"
#include "mm/mm.h"

#define CONSTANT(name, value) int64_t sys_##name(struct call *c) { (void)c; return value; }
CONSTANT(mlockall, 0) CONSTANT(munlockall, 0)

static bool is_ours(uint64_t pid) { return (uint32_t)pid <= ncpu; }

/* ---- scheduling: the policy is SCHED_OTHER, and stays that ------------------------------- */

enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5 };

int64_t sys_sched_getscheduler(struct call *c) { return is_ours(c->a[0]) ? SCHED_OTHER : -L_ESRCH; }

int64_t sys_sched_getparam(struct call *c)
{
    if ((int32_t)c->a[0] < 0 || !c->a[1])
        return -L_EINVAL;
    return is_ours(c->a[0]) ? copy_out(c, c->a[1], &(int32_t){0}, sizeof(int32_t)) : -L_ESRCH;
}

static int64_t priority_of(uint64_t policy, int64_t real_time)
{
    switch (policy) {
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return 0;
    case SCHED_FIFO:
    case SCHED_RR:
        return real_time;
    default:
        return -L_EINVAL;
    }
}

int64_t sys_sched_get_priority_max(struct call *c) { return priority_of(c->a[0], 99); }
int64_t sys_sched_get_priority_min(struct call *c) { return priority_of(c->a[0], 1); }

/* Priority 0, the only one, may be set. */
int64_t sys_setpriority(struct call *c)
{
    if ((uint32_t)c->a[0] > 2)
        return -L_EINVAL;
    if (!is_ours(c->a[1]))
        return -L_ESRCH;
    return (int32_t)c->a[2] == 0 ? 0 : -L_EPERM;
}

/* ---- descriptors ------------------------------------------------------------------------- */

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u
#define CLOSE_STEP          64u /* descriptors between two looks at what else is to be done */

int64_t sys_close_range(struct call *c)
{
    uint32_t first = (uint32_t)c->a[0], last = (uint32_t)c->a[1];

    if (c->a[2] & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -L_EINVAL;
    int64_t fd = first + (int64_t)c->done; /* as far as it has got */
    unsigned step = 0;
    while (fd <= last && fd_next(&fd) && fd <= last) {
        if (c->a[2] & CLOSE_RANGE_CLOEXEC)
            fd_cloexec(fd, 1);
        else
            fd_close(fd);
        c->done = (uint64_t)(++fd - first);
        if (++step % CLOSE_STEP == 0 && call_gives_way(c))
            return SYS_AGAIN;
    }
    return 0;
}

/* ---- time stamps in whole seconds -------------------------------------------------------- */

int64_t sys_utime(struct call *c)
{
    struct l_timespec t[2] = {{0, L_UTIME_NOW}, {0, L_UTIME_NOW}};
    int64_t sec[2];
    struct atpath a;
    struct inode *n;

    if (c->a[1] && copy_in(c, sec, c->a[1], sizeof sec))
        return -L_EFAULT;
    for (int i = 0; c->a[1] && i < 2; i++)
        t[i] = (struct l_timespec){sec[i], 0};
    int err = at_get(c, (uint64_t)L_AT_FDCWD, c->a[0], &a);
    if (!err)
        err = vfs_lookup(a.dir, a.path, WALK_FOLLOW, &n);
    at_put(&a);
    if (err)
        return err;
    err = vfs_utimens(n, t);
    inode_put(n);
    return err;
}

/* ---- prctl ------------------------------------------------------------------------------- */

enum { PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE,
       PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS, PR_SET_NAME = 15, PR_GET_NAME,
       PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK, PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS };

enum { NAME_BYTES = 16, SLACK_NS = 50000 };

/* What a program may set and read again. Nothing else here asks for it, except for the name. */
static struct {
    uint32_t death_signal, keep_caps, no_new_privs, not_dumpable, slack; /* [atomic] */
    struct lock lock;           /* RANK_FILE */
    char name[NAME_BYTES];      /* [lock] */
} process = {.lock = LOCK_INIT("process", RANK_FILE), .name = "init"};

void process_name(char out[16])
{
    lock(&process.lock);
    __builtin_memcpy(out, process.name, NAME_BYTES);
    unlock(&process.lock);
}

static int64_t name_set(struct call *c)
{
    char name[NAME_BYTES] = {0};

    for (int i = 0; i < NAME_BYTES - 1; i++) {
        if (copy_in(c, &name[i], c->a[1] + (uint64_t)i, 1))
            return -L_EFAULT;
        if (!name[i])
            break;
    }
    lock(&process.lock);
    __builtin_memcpy(process.name, name, NAME_BYTES);
    unlock(&process.lock);
    return 0;
}

static int64_t name_get(struct call *c)
{
    char name[NAME_BYTES];

    process_name(name);
    return copy_out(c, c->a[1], name, sizeof name);
}

static int64_t value_set(uint32_t *v, uint64_t to, bool valid)
{
    if (!valid)
        return -L_EINVAL;
    __atomic_store_n(v, (uint32_t)to, __ATOMIC_RELAXED);
    return 0;
}

static int64_t value_get(const uint32_t *v) { return __atomic_load_n(v, __ATOMIC_RELAXED); }

int64_t sys_prctl(struct call *c)
{
    uint64_t a = c->a[1];
    bool rest_zero = !c->a[2] && !c->a[3] && !c->a[4];

    switch (c->a[0]) {
    case PR_SET_PDEATHSIG:
        return value_set(&process.death_signal, a, a < L_NSIG);
    case PR_GET_PDEATHSIG: {
        uint32_t sig = (uint32_t)value_get(&process.death_signal);
        return copy_out(c, a, &sig, sizeof sig);
    }
    case PR_GET_DUMPABLE:
        return !value_get(&process.not_dumpable);
    case PR_SET_DUMPABLE:
        return value_set(&process.not_dumpable, !a, a < 2);
    case PR_GET_KEEPCAPS:
        return value_get(&process.keep_caps);
    case PR_SET_KEEPCAPS:
        return value_set(&process.keep_caps, a, a < 2);
    case PR_SET_NAME:
        return name_set(c);
    case PR_GET_NAME:
        return name_get(c);
    case PR_SET_TIMERSLACK:
        return value_set(&process.slack, (int64_t)a > 0 ? a : 0, true);
    case PR_GET_TIMERSLACK:
        return value_get(&process.slack) ? value_get(&process.slack) : SLACK_NS;
    case PR_SET_NO_NEW_PRIVS:
        return value_set(&process.no_new_privs, 1, a == 1 && rest_zero);
    case PR_GET_NO_NEW_PRIVS:
        return !a && rest_zero ? value_get(&process.no_new_privs) : -L_EINVAL;
    default:
        return -L_EINVAL;
    }
}
