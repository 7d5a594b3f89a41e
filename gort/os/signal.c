#include "gort/os/signal.h"

#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/observe/dying.h"
#include "gort/os/os.h"
#include "kernel/print.h"
#include "rt_frames.h"

static struct {
    struct lock lock;     /* RANK_NOTIFY */
    uint64_t wanted, ignored; /* [lock] bit per signal number */
    uint64_t queued;      /* [lock] for signal_recv */
    struct g *receiver;   /* [lock] parked in signal_recv */
    bool receiving;       /* [lock] signal_recv has taken all there was, and waits */
} sig = {.lock = LOCK_INIT("signals", RANK_NOTIFY)};

static uint64_t bit(unsigned s) { return s >= 1 && s <= 64 ? 1ull << (s - 1) : 0; }

/* What a signal does that os/signal has not been asked for, as on Linux, where Go's runtime
 * handles all that it can: SIGHUP, SIGINT, SIGTERM and SIGKILL end the program; SIGQUIT and
 * the signals of faults end it with all goroutines' stacks; all others are lost. */
#define SET(s) (1ull << (s))
static const uint64_t fatal = SET(L_SIGHUP) | SET(L_SIGINT) | SET(L_SIGTERM) | SET(L_SIGKILL);

static const char *const thrown[32] = {
    [L_SIGQUIT] = "SIGQUIT: quit", [4] = "SIGILL: illegal instruction", [5] = "SIGTRAP: trace trap",
    [L_SIGABRT] = "SIGABRT: abort", [7] = "SIGBUS: bus error",
    [8] = "SIGFPE: floating-point exception", [11] = "SIGSEGV: segmentation violation",
    [16] = "SIGSTKFLT: stack fault", [31] = "SIGSYS: bad system call",
};

static void default_action(unsigned s)
{
    if (s < 32 && thrown[s])
        rt_signal_death(thrown[s]);
    if (s < 64 && fatal & SET(s))
        os_exit(128 + (int)s);
}

/* The lowest queued signal, taken off; 0 if none. */
static uint32_t take_locked(void)
{
    if (!sig.queued)
        return 0;
    unsigned s = (unsigned)__builtin_ctzll(sig.queued) + 1;
    sig.queued &= sig.queued - 1;
    return s;
}

static void recv_woken(struct g *gp)
{
    struct signal_recv_frame *f = g_gate_frame(gp);

    f->sig = (uint32_t)gp->wake_result;
}

void signal_raise(unsigned s)
{
    lock(&sig.lock);
    bool want = sig.wanted & bit(s), ignore = sig.ignored & bit(s);
    struct g *gp = NULL;
    if (want && s != L_SIGKILL && s != L_SIGSTOP) {
        sig.queued |= bit(s);
        gp = sig.receiver;
        if (gp) {
            sig.receiver = NULL;
            sig.receiving = false;
            g_wake_with(gp, recv_woken, take_locked());
        }
        ignore = true;
    }
    unlock(&sig.lock);
    if (gp)
        g_ready(gp);
    if (!ignore || s == L_SIGKILL)
        default_action(s);
}

void rt_signal_recv(struct signal_recv_frame *f)
{
    lock(&sig.lock);
    f->sig = take_locked();
    if (f->sig) {
        unlock(&sig.lock);
        return;
    }
    sig.receiver = g_calling();
    sig.receiving = true;
    /* WAIT_SYSCALL: a waiting receiver is no deadlock, since a key may be pressed */
    g_park_g0(g_calling(), &sig.lock, WAIT_SYSCALL);
}

void rt_signal_set(struct signal_set_frame *f)
{
    uint64_t b = bit(f->sig);

    lock(&sig.lock);
    switch (f->what) {
    case 0: /* disable */
        sig.wanted &= ~b;
        break;
    case 1: /* enable */
        sig.wanted |= b;
        sig.ignored &= ~b;
        break;
    case 2: /* ignore */
        sig.wanted &= ~b;
        sig.ignored |= b;
        break;
    }
    f->ignored = (sig.ignored & b) != 0;
    bool send = f->what == 4 && sig.wanted & b;
    unlock(&sig.lock);
    if (send) {
        signal_raise(f->sig);
        f->ignored = true;
    }
}

void rt_signal_idle(struct signal_idle_frame *f)
{
    lock(&sig.lock);
    f->idle = sig.receiving && !sig.queued;
    unlock(&sig.lock);
}

void os_power_button(void) { signal_raise(L_SIGTERM); }
