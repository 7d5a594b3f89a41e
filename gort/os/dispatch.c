/* dispatch.c - from a system call's number to its handler; the gates that lead here. */
#include "gort/g.h"
#include "gort/os/sys.h"
#include "rt_frames.h"

enum { NR_READ = 0, NR_WRITE = 1, NR_MAX = 512 };

static call_fn *handlers[NR_MAX] = { /* [const after boot] */
#define X(num, name) [num] = sys_##name,
    SYSCALLS(X)
#undef X
};

void os_call_add(uint64_t num, call_fn *fn) { handlers[num] = fn; }

/* Calls refused by design: there is one process, and no devices to mount. Handlers go before these
 * errors: socket and socketpair have handlers once sock_init (gort/sock) has run. */
static const struct { uint16_t num; int16_t err; } refused[] = {
    {41, -L_EAFNOSUPPORT}, /* socket */ {53, -L_EAFNOSUPPORT}, /* socketpair */
    {56, -L_ENOSYS}, /* clone */ {57, -L_ENOSYS}, /* fork */ {58, -L_ENOSYS}, /* vfork */
    {59, -L_ENOSYS}, /* execve */ {322, -L_ENOSYS}, /* execveat */ {435, -L_ENOSYS}, /* clone3 */
    {276, -L_EINVAL}, /* tee */ {278, -L_EINVAL}, /* vmsplice */
    {434, -L_ENOSYS}, /* pidfd_open */ {424, -L_ENOSYS}, /* pidfd_send_signal */
    {437, -L_ENOSYS}, /* openat2 */ {101, -L_EPERM}, /* ptrace */ {161, -L_EPERM}, /* chroot */
    {165, -L_EPERM}, /* mount */ {166, -L_EPERM}, /* umount2 */ {272, -L_EPERM}, /* unshare */
    {169, -L_EPERM}, /* reboot */ {170, -L_EPERM}, /* sethostname */ {171, -L_EPERM},
    {188, -L_ENOTSUP}, /* setxattr.. */ {189, -L_ENOTSUP}, {190, -L_ENOTSUP},
    {191, -L_ENOTSUP}, {192, -L_ENOTSUP}, {193, -L_ENOTSUP}, {194, -L_ENOTSUP},
    {195, -L_ENOTSUP}, {196, -L_ENOTSUP}, {197, -L_ENOTSUP}, {198, -L_ENOTSUP},
    {199, -L_ENOTSUP}, {425, -L_ENOSYS}, /* io_uring_setup */ {202, -L_ENOSYS}, /* futex */
    {222, -L_ENOSYS}, /* timer_create */
    {126, -L_EPERM}, /* capset */
};

/* A call that is not served fails without a message, as on an older Linux: programs try calls
 * to find out what there is, and fall back. */
static int64_t unknown(struct call *c)
{
    uint64_t num = c->num;

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (refused[i].num == num)
            return refused[i].err;
    return -L_ENOSYS;
}

void call_start(struct g *gp, void *frame, uint64_t num, const uint64_t a[6])
{
    call_fn *run = num < NR_MAX && handlers[num] ? handlers[num] : unknown;

    call_begin(gp, frame, run, num, a);
}

/* ---- gates --------------------------------------------------------------------------- */

void rt_syscall6(struct syscall6_frame *f)
{
    const uint64_t *words = (const void *)f; /* num, a1 to a6 */
    struct g *gp = g_calling();
    int64_t r;

    if (f->num > NR_WRITE || !io_at_once(gp, words + 1, f->num == NR_WRITE, &r)) {
        uint64_t a[6] = {f->a1, f->a2, f->a3, f->a4, f->a5, f->a6};
        call_start(gp, f, f->num, a);
        return;
    }
    call_result(f, r);
    calls_run();
}

/* Runs a call that never blocks, for a gate whose frame is not that of syscall6. */
static struct syscall6_frame call_now(uint64_t num, uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct syscall6_frame f = {.num = num, .a1 = a1, .a2 = a2, .a3 = a3};
    uint64_t a[6] = {a1, a2, a3};

    call_start(g_calling(), &f, num, a);
    return f;
}

void rt_rawsyscall3(struct rawsyscall3_frame *f)
{
    struct syscall6_frame r = call_now(f->num, f->a1, f->a2, f->a3);

    f->r1 = r.err ? -r.err : r.r1; /* as the instruction syscall returns it: -errno */
    f->r2 = f->a3;
}

void rt_rawvfork(struct rawvfork_frame *f)
{
    f->r1 = UINT64_MAX;
    f->err = L_ENOSYS;
}

void rt_sysgettimeofday(struct sysgettimeofday_frame *f)
{
    f->err = call_now(96, (uint64_t)f->tv, 0, 0).err;
}
