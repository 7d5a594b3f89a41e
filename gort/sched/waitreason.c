/* waitreason.c - why goroutines wait, in the words of tracebacks. */
#include "gort/sched/sched.h"

static const char *const wait_texts[WAIT_COUNT] = {
    [WAIT_ZERO] = "",
    [WAIT_GC_ASSIST] = "GC assist marking",
    [WAIT_GC_ASSIST_WAIT] = "GC assist wait",
    [WAIT_IO] = "IO wait",
    [WAIT_CHAN_RECV_NIL] = "chan receive (nil chan)",
    [WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
    [WAIT_DUMPING_HEAP] = "dumping heap",
    [WAIT_GC_SWEEP_WAIT] = "GC sweep wait",
    [WAIT_GC_SCAVENGE_WAIT] = "GC scavenge wait",
    [WAIT_CHAN_RECV] = "chan receive",
    [WAIT_CHAN_SEND] = "chan send",
    [WAIT_FINALIZER] = "finalizer wait",
    [WAIT_FORCE_GC_IDLE] = "force gc (idle)",
    [WAIT_SEMACQUIRE] = "semacquire",
    [WAIT_SLEEP] = "sleep",
    [WAIT_SYNC_COND] = "sync.Cond.Wait",
    [WAIT_SYNC_MUTEX_LOCK] = "sync.Mutex.Lock",
    [WAIT_SYNC_RWMUTEX_RLOCK] = "sync.RWMutex.RLock",
    [WAIT_SYNC_RWMUTEX_LOCK] = "sync.RWMutex.Lock",
    [WAIT_SYNC_WAITGROUP] = "sync.WaitGroup.Wait",
    [WAIT_TRACE_READER] = "trace reader (blocked)",
    [WAIT_FOR_GC] = "wait for GC cycle",
    [WAIT_GC_WORKER_IDLE] = "GC worker (idle)",
    [WAIT_GC_WORKER_ACTIVE] = "GC worker (active)",
    [WAIT_PREEMPTED] = "preempted",
    [WAIT_DEBUG_CALL] = "debug call",
    [WAIT_STOPPING_WORLD] = "stopping the world",
    [WAIT_SELECT] = "select",
    [WAIT_SELECT_NO_CASES] = "select (no cases)",
    [WAIT_COROUTINE] = "coroutine",
    [WAIT_CLEANUP] = "cleanup wait",
    [WAIT_LOCKED_M] = "locked to thread",
    [WAIT_SYSCALL] = "syscall",
    [WAIT_CPU_PROFILE] = "cpu profile",
    [WAIT_SYNCTEST_RUN] = "synctest.Run",
    [WAIT_SYNCTEST_WAIT] = "synctest.Wait",
    [WAIT_SYNCTEST_CHAN_RECV] = "chan receive (durable)",
    [WAIT_SYNCTEST_CHAN_SEND] = "chan send (durable)",
    [WAIT_SYNCTEST_SELECT] = "select (durable)",
    [WAIT_SYNCTEST_WAITGROUP] = "sync.WaitGroup.Wait (durable)",
};

const char *wait_reason_text(enum wait_reason r)
{
    return r < WAIT_COUNT && wait_texts[r] ? wait_texts[r] : "unknown wait reason";
}
