#include "gort/os/signal.h"

#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/observe/dying.h"
#include "gort/os/os.h"
#include "gort/os/pending.h"
#include "kernel/print.h"
#include "rt_frames.h"

static struct {
    struct lock lock;     /* RANK_NOTIFY */
    uint64_t wanted, ignored; /* [lock] bit per signal number: os/signal's view */
    uint64_t lost, caught; /* [lock] what Linux would have in force: SIG_IGN; a handler */
    uint64_t lost_before;  /* [lock] of HUP and INT: SIG_IGN when Notify last set a handler */
    uint64_t queued;      /* [lock] for signal_recv */
    struct g *receiver;   /* [lock] parked in signal_recv */
    bool receiving;       /* [lock] signal_recv has taken all there was, and waits */
} sig = {.lock = LOCK_INIT("signals", RANK_NOTIFY)};

static uint64_t bit(unsigned s) { return s >= 1 && s <= 64 ? 1ull << (s - 1) : 0; }

/* For which signals Go's runtime has a handler on Linux is seen in /proc/self/status there: at its
 * start for all but what nobody can catch (KILL, STOP), what stops and continues a process (CONT,
 * TSTP, TTIN, TTOU) and two that C libraries use (32, 34). os/signal changes nothing for these two,
 * nor for faults, SIGPROF and the runtime's own 33. */
#define NEVER  (SIG_BIT(L_SIGKILL) | SIG_BIT(L_SIGSTOP) | SIG_BIT(32) | SIG_BIT(34))
#define STOPS  (SIG_BIT(18) | SIG_BIT(20) | SIG_BIT(21) | SIG_BIT(22))
#define FIXED  (SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) |               \
                SIG_BIT(16) | SIG_BIT(27) | SIG_BIT(31) | SIG_BIT(33))
#define RETURN (SIG_BIT(L_SIGHUP) | SIG_BIT(L_SIGINT)) /* Reset gives back what Notify found */

void os_signals_of_go(void) { sig.caught = ~(NEVER | STOPS); }

static void catch_locked(uint64_t b)
{
    if (sig.caught & b)
        return;
    sig.lost_before = (sig.lost_before & ~b) | (sig.lost & b);
    sig.caught |= b;
    sig.lost &= ~b;
}

static void lose_locked(uint64_t b)
{
    sig.caught &= ~b;
    sig.lost |= b;
}

void signal_sets(uint64_t *lost, uint64_t *caught)
{
    lock(&sig.lock);
    *lost = sig.lost;
    *caught = sig.caught;
    unlock(&sig.lock);
}

bool signal_action(unsigned s, enum signal_action action)
{
    uint64_t b = bit(s);

    lock(&sig.lock);
    bool was = sig.lost & b;
    if (action == SIGNAL_CATCH)
        catch_locked(b);
    else if (action == SIGNAL_LOSE)
        lose_locked(b);
    else if (action == SIGNAL_DEFAULT)
        sig.caught &= ~b, sig.lost &= ~b;
    unlock(&sig.lock);
    return was;
}

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
    bool lost = sig.lost & bit(s), ignore = lost || sig.ignored & bit(s);
    bool want = sig.wanted & bit(s) && !lost;
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
    uint64_t b = bit(f->sig), handler = b & ~(NEVER | FIXED);

    lock(&sig.lock);
    switch (f->what) {
    case 0: /* disable */
        sig.wanted &= ~b;
        lose_locked(handler & RETURN & sig.lost_before);
        break;
    case 1: /* enable */
        sig.wanted |= b;
        sig.ignored &= ~b;
        catch_locked(handler);
        break;
    case 2: /* ignore */
        sig.wanted &= ~b;
        sig.ignored |= b;
        lose_locked(handler);
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
