/* sys_signal.c - sending signals, blocking them, waiting for them.
 *
 * Handlers are the runtime's affair: sigaction makes a signal be lost (SIG_IGN) or not, and shows
 * that; a handler is accepted and not called, and is shown as the default. */
#include "arch/x86_64/arch.h"
#include "gort/os/pending.h"
#include "gort/os/poll.h"
#include "gort/os/signal.h"
#include "gort/os/sys.h"

enum { SET_BYTES = 8 };

/* siginfo_t, as far as it is the same for all signals that are sent. */
struct l_siginfo {
    int32_t  signo, err, code, pad;
    uint32_t pid, uid;
    uint64_t value;
    uint8_t  rest[96];
};
_Static_assert(sizeof(struct l_siginfo) == 128, "siginfo_t");

/* ---- sending ----------------------------------------------------------------------------- */

static bool is_signal(uint64_t sig) { return (uint32_t)sig < L_NSIG; }
static bool is_thread(uint64_t tid) { return (int32_t)tid > 0 && (uint32_t)tid <= ncpu; }

int64_t sys_kill(struct call *c)
{
    uint32_t sig = (uint32_t)c->a[1];

    if (!is_signal(sig))
        return -L_EINVAL;
    if ((int32_t)c->a[0] > 1)
        return -L_ESRCH;
    if (sig)
        signal_raise(sig);
    return 0;
}

static int64_t thread_kill(struct call *c, uint64_t tid, uint64_t sig)
{
    if ((int32_t)tid <= 0)
        return -L_EINVAL;
    if (!is_thread(tid))
        return -L_ESRCH;
    if (!is_signal(sig))
        return -L_EINVAL;
    struct sig_info s = {.number = (uint32_t)sig, .code = L_SI_TKILL, .pid = 1};
    if (s.number)
        pending_send_to(c->gp, (uint32_t)tid, &s); /* a full list loses it, without an error */
    return 0;
}

int64_t sys_tkill(struct call *c) { return thread_kill(c, c->a[0], c->a[1]); }

int64_t sys_tgkill(struct call *c)
{
    if ((int32_t)c->a[0] <= 0)
        return -L_EINVAL;
    return (int32_t)c->a[0] == 1 ? thread_kill(c, c->a[1], c->a[2]) : -L_ESRCH;
}

/* Of signal `sig`, as the program describes it. */
static int64_t info_get(struct call *c, uint64_t sig, uint64_t from, struct sig_info *s)
{
    struct l_siginfo i;

    if (copy_in(c, &i, from, sizeof i))
        return -L_EFAULT;
    if (!is_signal(sig))
        return -L_EINVAL;
    *s = (struct sig_info){(uint32_t)sig, i.err, i.code, i.pid, i.uid, i.value};
    return 0;
}

int64_t sys_rt_sigqueueinfo(struct call *c)
{
    struct sig_info s;
    int64_t err = info_get(c, c->a[1], c->a[2], &s);

    if (err)
        return err;
    if (!is_thread(c->a[0]))
        return -L_ESRCH;
    if (s.number)
        signal_raise(s.number);
    return 0;
}

int64_t sys_rt_tgsigqueueinfo(struct call *c)
{
    struct sig_info s;
    int64_t err = info_get(c, c->a[2], c->a[3], &s);

    if (!err && ((int32_t)c->a[0] <= 0 || (int32_t)c->a[1] <= 0))
        err = -L_EINVAL;
    if (err)
        return err;
    if ((int32_t)c->a[0] != 1 || !is_thread(c->a[1]))
        return -L_ESRCH;
    return s.number ? pending_send_to(c->gp, (uint32_t)c->a[1], &s) : 0;
}

/* ---- handlers and masks ------------------------------------------------------------------ */

int64_t sys_rt_sigaction(struct call *c)
{
    uint64_t action[4] = {0}, old[4] = {0}; /* the handler, flags, restorer, mask */
    enum signal_action what = SIGNAL_LOOK;

    if (c->a[3] != SET_BYTES)
        return -L_EINVAL;
    if (c->a[1] && copy_in(c, action, c->a[1], sizeof action))
        return -L_EFAULT;
    if (c->a[0] == 0 || c->a[0] >= L_NSIG ||
        (c->a[1] && (c->a[0] == L_SIGKILL || c->a[0] == L_SIGSTOP)))
        return -L_EINVAL;
    if (c->a[1])
        what = action[0] == 0 ? SIGNAL_DEFAULT : action[0] == 1 ? SIGNAL_LOSE : SIGNAL_CATCH;
    old[0] = signal_action((unsigned)c->a[0], what);
    return c->a[2] ? copy_out(c, c->a[2], old, sizeof old) : 0;
}

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

static int64_t mask_change(struct call *c, uint64_t old)
{
    uint64_t set;

    if (copy_in(c, &set, c->a[1], sizeof set))
        return -L_EFAULT;
    set = SIG_SET(set);
    switch ((uint32_t)c->a[0]) {
    case SIG_BLOCK:
        return pending_block(c->gp, old | set);
    case SIG_UNBLOCK:
        return pending_block(c->gp, old & ~set);
    case SIG_SETMASK:
        return pending_block(c->gp, set);
    default:
        return -L_EINVAL;
    }
}

int64_t sys_rt_sigprocmask(struct call *c)
{
    uint64_t old = pending_mask(c->gp);

    if (c->a[3] != SET_BYTES)
        return -L_EINVAL;
    int64_t err = c->a[1] ? mask_change(c, old) : 0;
    return !err && c->a[2] ? copy_out(c, c->a[2], &old, sizeof old) : err;
}

/* ---- what waits -------------------------------------------------------------------------- */

int64_t sys_rt_sigpending(struct call *c)
{
    uint64_t set = pending_set(c->gp);

    return c->a[1] > SET_BYTES ? -L_EINVAL : copy_out(c, c->a[0], &set, c->a[1]);
}

static int64_t take(struct call *c, const struct sig_info *s)
{
    struct l_siginfo i = {.signo = (int32_t)s->number, .err = s->err, .code = s->code,
                          .pid = s->pid, .uid = s->uid, .value = s->value};

    pending_drop(c->gp, s->number);
    return c->a[1] && copy_out(c, c->a[1], &i, sizeof i) ? -L_EFAULT : (int64_t)s->number;
}

static int64_t wait_for_signals(struct call *c, int64_t timeout)
{
    (void)c;
    (void)timeout;
    return SYS_BLOCK;
}

int64_t sys_rt_sigsuspend(struct call *c)
{
    if (!c->a[0])
        return c->a[1] == SET_BYTES ? -L_EFAULT : -L_EINVAL;
    return poll_masked(c, c->a[0], c->a[1], -1, wait_for_signals, false);
}

int64_t sys_rt_sigtimedwait(struct call *c)
{
    struct sig_info s;
    int64_t timeout;
    uint64_t set;

    if (c->a[3] != SET_BYTES)
        return -L_EINVAL;
    if (copy_in(c, &set, c->a[0], sizeof set))
        return -L_EFAULT;
    int64_t err = poll_timespec(c, c->a[2], &timeout);
    if (err)
        return err;
    do {
        if (pending_first(c->gp, SIG_SET(set), &s))
            return take(c, &s);
        if (timeout == 0 || (timeout > 0 && call_deadline(c, poll_deadline(timeout))))
            return -L_EAGAIN;
    } while (call_wait(c, &pending_queue));
    return SYS_BLOCK;
}
