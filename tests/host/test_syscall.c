// sources: gort/os/fs/data.c gort/os/fs/dentry.c gort/os/fs/dev.c gort/os/dispatch.c
// sources: gort/os/fs/eventfd.c gort/os/fd.c gort/os/flock.c gort/os/file.c gort/os/init.c
// sources: gort/os/fs/inode.c gort/os/mem.c gort/os/mmap.c gort/os/netpoll.c
// sources: gort/os/fs/ops.c
// sources: gort/os/ostimer.c gort/os/fs/pipe.c gort/os/fs/outbuf.c gort/os/fs/proc.c
// sources: gort/os/fs/notify.c gort/os/fs/memfd.c gort/os/fs/procself.c gort/os/fs/procsys.c
// sources: gort/os/cputime.c gort/os/itimer.c gort/os/sys_odd.c gort/os/fs/procmaps.c
// sources: gort/os/epoll.c gort/os/poll.c gort/os/select.c gort/os/timerfd.c
// sources: gort/os/fs/ldisc.c gort/os/fs/pty.c gort/os/fs/ptyctl.c
// sources: gort/os/signal.c gort/os/stdio.c gort/os/sys_fd.c gort/os/sys_io.c gort/os/pending.c
// sources: gort/os/signalfd.c gort/os/sys_signal.c gort/os/fs/readdir.c
// sources: gort/os/sys_attr.c gort/os/sys_dir.c gort/os/sys_mem.c gort/os/sys_path.c
// sources: gort/os/sys_proc.c gort/os/splice.c gort/os/wait.c
// sources: gort/os/fs/walk.c gort/os/user.c
// flags: -Wno-unused-function
/* System calls through their gate, by goroutines that are only a g each: which calls block, which
 * events wake them, deadlines, readiness, signals, the devices and /proc. */
#define FAKE_OS_WITH_WAITING
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#undef st_atime
#undef st_mtime
#undef st_ctime
#include "arch/x86_64/arch.h"
#include "gort/g.h"
#include "gort/observe/dying.h"
#include "gort/observe/dying.h"
#include "gort/os/instruction.h"
#include "gort/os/linux.h"
#include "gort/os/mmap.h"
#include "gort/os/os.h"
#include "gort/os/fs/vfs.h"
#include "gort/time/timer.h"
#include "gort/load/bundle.h"
#include "boot/common/elf.h"
#include "gort/sched/sched.h"
#include "drivers/console.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "rt_frames.h"
#include "fake_os.h"

struct boot_options options;

/* ---- the machine ------------------------------------------------------------------------- */

static struct cpu the_cpu;
struct cpu *cpus[CPU_MAX] = {&the_cpu};
uint64_t cpu_idle_ns(const struct cpu *c, int64_t now) { return now > 0 ? c->idle_ns : 0; }
unsigned ncpu = 1;
static char printed[4096], out_bytes_[4096];
static const char *input = "";
static size_t input_len;
static bool input_eof;
static unsigned ctrl_c;
static int exit_status = -1;
static jmp_buf gate_exit;
static void (*input_callback)(void);

void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(printed, sizeof printed, fmt, ap);
    va_end(ap);
}
void boot_log(const char *fmt, ...) { (void)fmt; }
void console_write(enum console_channel ch, const void *buf, size_t n)
{
    (void)ch;
    strncat(out_bytes_, buf, n);
}
size_t console_put(enum console_channel ch, const void *buf, size_t n)
{
    console_write(ch, buf, n);
    return n;
}
bool console_room(enum console_channel ch) { (void)ch; return true; }
long console_read(void *buf, size_t n)
{
    n = n < input_len ? n : input_len;
    memcpy(buf, input, n);
    input += n;
    input_len -= n;
    return n ? (long)n : input_eof ? -1 : 0;
}
unsigned console_take_keys(void)
{
    unsigned n = ctrl_c ? KEY_INTERRUPT : 0;
    ctrl_c = 0;
    return n;
}
void ipi_send(unsigned cpu, enum ipi_kind kind) { (void)cpu, (void)kind; }
void background_ask(void (*fn)(void)) { fn(); }
void sched_dump(void) {}
void sched_trace(bool detail) { (void)detail; }
void crashout_init(void) {}
_Noreturn void rt_signal_death(const char *what)
{
    (void)what;
    exit_status = 2;
    longjmp(gate_exit, 2);
}
void console_set_input_callback(void (*fn)(void)) { input_callback = fn; }
int random_bytes(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)rnd(256);
    return 0;
}
uint64_t clock_tsc_hz(void) { return 1000000000; }
_Noreturn void os_exit(int status)
{
    exit_status = status;
    longjmp(gate_exit, 2);
}
_Noreturn void rt_throw(const char *fmt, ...)
{
    (void)fmt;
    os_exit(2);
}
void mm_stats_read(struct mm_stats *out) { *out = (struct mm_stats){.ram_bytes = 1 << 30}; }
#include "fake/fakevm.h"
int elf_parse(const void *f, size_t n, const char *w, const struct elf_window *win,
              struct elf_image *out)
{
    (void)f;
    (void)n;
    (void)w;
    (void)win;
    (void)out;
    return -ENOEXEC;
}

static const char args[] = "prog\0-x\0", env[] = "HOME=/\0";
struct bundle bundle = {.init = "ELF", .init_size = 3, .args = {args, 8, 2}, .env = {env, 7, 1},
                        .cwd = "/work/dir"};
static const struct bundle_file files[] = {
    {"etc/hosts", 9, (const uint8_t *)"127.0.0.1 localhost\n", 20, 0100644, 1000, 0, 0, 1, 1},
    {"work/dir/data", 13, (const uint8_t *)"hello", 5, 0100600, 1000, 0, 0, 2, 1},
    {"link", 4, (const uint8_t *)"work/dir/data", 13, 0120777, 1000, 0, 0, 3, 1},
    {"one", 3, NULL, 0, 0100644, 1000, 0, 0, 7, 2},
    {"two", 3, (const uint8_t *)"both", 4, 0100644, 1000, 0, 0, 7, 2},
};
bool bundle_next(struct bundle_iter *it, struct bundle_file *f)
{
    if (it->pos >= sizeof files / sizeof files[0])
        return false;
    *f = files[it->pos++];
    return true;
}

/* ---- timers ------------------------------------------------------------------------------ */

static struct timer *running[64];

void timer_start_c(struct timer *t, int64_t when, void (*fn)(void *), void *arg)
{
    timer_stop_c(t);
    t->when = when;
    t->cfn = fn;
    t->carg = arg;
    for (int i = 0; i < 64; i++)
        if (!running[i]) {
            running[i] = t;
            return;
        }
}
bool timer_stop_c(struct timer *t)
{
    for (int i = 0; i < 64; i++)
        if (running[i] == t) {
            running[i] = NULL;
            return true;
        }
    return false;
}
static void time_passes(int64_t ns)
{
    fake_now += ns;
    for (int i = 0; i < 64; i++)
        if (running[i] && running[i]->when <= fake_now) {
            struct timer *t = running[i];
            running[i] = NULL;
            t->cfn(t->carg);
        }
}

/* ---- goroutines -------------------------------------------------------------------------- */

struct task {
    struct g g;
    bool parked;
    union {
        struct syscall6_frame sys;
        struct poll_wait_frame wait;
        struct signal_recv_frame recv;
        char room[256];
    } f;
    uintptr_t ret; /* sched.sp points here: the frame lies behind it */
};

static struct { uintptr_t ret; char frame[256]; } stacks[8];
static struct task tasks[8];

/* No goroutine here stops at a SYSCALL. */

_Noreturn void g_park_g0(struct g *gp, struct lock *l, enum wait_reason why)
{
    gp->status = g_parked_status(why);
    gp->wait_reason = why;
    if (l)
        unlock(l);
    CHECK(nheld == 0, "parked under %s", held[0]->name);
    longjmp(gate_exit, 1);
}

void g_ready(struct g *gp)
{
    CHECK(gp->status == g_parked_status(gp->wait_reason), "ready of a g that does not wait");
    gp->status = G_RUNNABLE;
    if (gp->on_wake) /* execute() does that */
        gp->on_wake(gp);
    gp->on_wake = NULL;
}

/* Enters a gate for task t: true if it came back at once. */
static bool gate(int t, void (*fn)(void *), const void *frame, size_t n)
{
    struct g *gp = &tasks[t].g;

    gp->status = G_RUNNING;
    gp->sched.sp = (uintptr_t)&stacks[t];
    memcpy(stacks[t].frame, frame, n);
    the_cpu.curg = gp;
    the_cpu.pending = 0; /* as after schedule(): a long call need not give way */
    int how = setjmp(gate_exit);
    if (how == 0)
        fn(stacks[t].frame);
    the_cpu.curg = NULL;
    if (how != 2)
        CHECK(nheld == 0, "left the gate under %s", held[0]->name);
    nheld = 0;
    return how == 0;
}

static bool running_again(int t) { return tasks[t].g.status == G_RUNNABLE; }

#define BLOCKED (-100000)

static int64_t result(int t)
{
    struct syscall6_frame *f = (void *)stacks[t].frame;

    return f->err ? -(int64_t)f->err : (int64_t)f->r1;
}

static int64_t sys_on(int t, uint64_t num, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5)
{
    struct syscall6_frame f = {num, a1, a2, a3, a4, a5, 0, 0, 0, 0};

    return gate(t, (void (*)(void *))rt_syscall6, &f, sizeof f) ? result(t) : BLOCKED;
}

#define P(x) ((uint64_t)(uintptr_t)(x))
#define SYS(...) SYS_(__VA_ARGS__, 0, 0, 0, 0, 0)
#define SYS_(n, a, b, c, d, e, ...) sys_on(0, SYS_##n, P(a), P(b), P(c), P(d), P(e))
#define SYSON(t, ...) SYSON_(t, __VA_ARGS__, 0, 0, 0, 0, 0)
#define SYSON_(t, n, a, b, c, d, e, ...) sys_on(t, SYS_##n, P(a), P(b), P(c), P(d), P(e))

/* ---- tests ------------------------------------------------------------------------------- */

static char big[300000], back[300000];

static void test_pipe(void)
{
    int fd[2];

    check(SYS(pipe2, fd, 0) == 0 && fd[0] == 3 && fd[1] == 4, "pipe2");
    check(SYSON(1, read, fd[0], back, 10) == BLOCKED, "read of an empty pipe blocks");
    check(SYS(write, fd[1], "abc", 3) == 3, "write");
    check(running_again(1) && result(1) == 3 && !memcmp(back, "abc", 3), "the reader has it");
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    check(SYSON(1, write, fd[1], big, sizeof big) == BLOCKED, "a big write blocks");
    size_t got = 0;
    while (got < sizeof back) {
        int64_t n = SYS(read, fd[0], back + got, 7000);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    check(got == sizeof big && !memcmp(big, back, got), "and is read in parts");
    check(running_again(1) && result(1) == sizeof big, "then the writer goes on");
    check(SYSON(1, read, fd[0], back, 10) == BLOCKED, "a reader");
    check(SYSON(2, read, fd[0], back + 10, 10) == BLOCKED, "and another");
    check(SYS(write, fd[1], "x", 1) == 1, "one byte");
    check(running_again(1) != running_again(2), "wakes one of two");
    check(SYS(close, fd[1]) == 0, "close of the last writer");
    check(running_again(1) && running_again(2) && result(1) + result(2) == 1, "ends the other");
    check(SYS(read, fd[0], back, 10) == 0, "end of file");
    SYS(close, fd[0]);
    SYS(pipe2, fd, O_NONBLOCK);
    check(SYS(read, fd[0], back, 10) == -EAGAIN, "O_NONBLOCK");
    check(SYS(write, fd[1], big, sizeof big) == 65536, "a non-blocking write is short");
    check(SYS(write, fd[1], big, 1) == -EAGAIN, "then full");
    SYS(close, fd[0]);
    check(SYS(write, fd[1], big, 1) == -EPIPE, "no reader");
    SYS(close, fd[1]);
}

static void test_close_while_blocked(void)
{
    int fd[2];

    SYS(pipe2, fd, 0);
    check(SYSON(1, read, fd[0], back, 10) == BLOCKED, "blocked");
    check(SYS(close, fd[0]) == 0, "the reader's descriptor is closed meanwhile");
    check(SYS(write, fd[1], "abc", 3) == 3 && running_again(1) && result(1) == 3,
          "the call still holds the file");
    check(SYS(write, fd[1], "abc", 3) == -EPIPE, "and gave it back");
    SYS(close, fd[1]);
}

static void test_eventfd(void)
{
    uint64_t v = 5, got = 0;
    int fd = (int)SYS(eventfd2, 0, 0);

    check(SYSON(1, read, fd, &got, 8) == BLOCKED, "eventfd at 0 blocks");
    check(SYS(write, fd, &v, 8) == 8 && running_again(1) && got == 5, "and delivers the count");
    SYS(write, fd, &v, 8);
    v = UINT64_MAX - 1;
    check(SYSON(1, write, fd, &v, 8) == BLOCKED, "overflow blocks");
    check(SYS(read, fd, &got, 8) == 8 && got == 5 && running_again(1), "until it is read");
    SYS(close, fd);
}

static void test_poll(void)
{
    int a[2], b[2];

    SYS(pipe2, a, 0);
    SYS(pipe2, b, 0);
    struct l_pollfd p[3] = {{a[0], L_POLLIN, 0}, {b[0], L_POLLIN, 0}, {999, L_POLLIN, 0}};
    check(SYS(poll, p, 2, 0) == 0, "poll without waiting");
    check(SYS(poll, p, 3, -1) == 1 && p[2].revents == L_POLLNVAL, "a closed descriptor");
    check(SYSON(1, poll, p, 2, 50) == BLOCKED, "poll waits");
    time_passes(49000000);
    check(!running_again(1), "not yet");
    time_passes(2000000);
    check(running_again(1) && result(1) == 0, "until its time is over");
    check(SYSON(1, poll, p, 2, -1) == BLOCKED, "or");
    SYS(write, b[1], "x", 1);
    check(running_again(1) && result(1) == 1 && p[1].revents == L_POLLIN, "something comes");
    SYS(read, b[0], back, 10);
    check(SYSON(1, poll, p, 2, -1) == BLOCKED, "or");
    SYS(close, a[1]);
    check(running_again(1) && result(1) == 1 && p[0].revents == L_POLLHUP, "the writer goes");
    SYS(close, a[0]);
    SYS(close, b[0]);
    SYS(close, b[1]);
}

static void test_sleep(void)
{
    struct l_timespec t = {1, 500};

    check(SYSON(1, nanosleep, &t, 0) == BLOCKED, "nanosleep");
    time_passes(999999999);
    check(!running_again(1), "sleeps");
    time_passes(20000);
    check(running_again(1) && result(1) == 0, "and wakes");
    t = (struct l_timespec){0, 0};
    check(SYS(nanosleep, &t, 0) == 0, "no time at all");
    t.nsec = 1000000000;
    check(SYS(nanosleep, &t, 0) == -EINVAL, "nanoseconds out of range");
}

static void test_fifo(void)
{
    check(SYS(mknod, "/tmp/fifo", L_S_IFIFO | 0600, 0) == 0, "mkfifo");
    check(SYSON(1, open, "/tmp/fifo", O_RDONLY, 0) == BLOCKED, "open for reading waits");
    int w = (int)SYS(open, "/tmp/fifo", O_WRONLY, 0);
    check(w >= 3 && running_again(1) && result(1) >= 3, "for a writer");
    int r = (int)result(1);
    check(SYS(write, w, "hi", 2) == 2 && SYS(read, r, back, 5) == 2, "bytes pass");
    SYS(close, w);
    SYS(close, r);
    check(SYS(open, "/tmp/fifo", O_WRONLY | O_NONBLOCK, 0) == -ENXIO, "nobody reads");
    check(SYS(unlink, "/tmp/fifo") == 0, "unlink");
}

static int64_t poll_result(int t) { return ((struct poll_wait_frame *)stacks[t].frame)->result; }

static bool poll_wait_on(int t, uintptr_t ctx, int mode)
{
    struct poll_wait_frame f = {ctx, mode, false, 0};

    return gate(t, (void (*)(void *))rt_poll_wait, &f, sizeof f);
}

static uintptr_t poll_opened(int fd, int64_t *err)
{
    struct poll_open_frame f = {(uintptr_t)fd, 0, 0};

    rt_poll_open(&f);
    *err = f.err;
    return f.ctx;
}

static void test_netpoll(void)
{
    int fd[2];
    int64_t err;

    SYS(pipe2, fd, O_NONBLOCK);
    uintptr_t r = poll_opened(fd[0], &err), w = poll_opened(fd[1], &err);
    check(r && w, "pipes can be polled");
    check(!poll_opened(fd[0], &err) && err == EEXIST, "but not twice under one number");
    check(poll_wait_on(1, w, 'w') && poll_result(1) == 0, "the pipe can be written to");
    check(!poll_wait_on(1, r, 'r'), "but not read");
    SYS(write, fd[1], "x", 1);
    check(running_again(1) && poll_result(1) == 0, "until something is written");
    struct poll_reset_frame reset = {r, 'r', 0};
    rt_poll_reset(&reset);
    check(reset.result == 0 && SYS(read, fd[0], back, 5) == 1, "reset, read");
    struct poll_set_deadline_frame d = {r, 1000000, 'r'};
    rt_poll_set_deadline(&d);
    check(!poll_wait_on(1, r, 'r'), "with a deadline");
    time_passes(999000);
    check(!running_again(1), "not yet");
    time_passes(10000);
    check(running_again(1) && poll_result(1) == 2, "timeout");
    check(poll_wait_on(1, r, 'r') && poll_result(1) == 2, "still");
    d.d = 0;
    rt_poll_set_deadline(&d);
    check(!poll_wait_on(1, r, 'r'), "no deadline");
    d.d = -1;
    d.mode = 'r' + 'w';
    rt_poll_set_deadline(&d);
    check(running_again(1) && poll_result(1) == 2, "a deadline in the past");
    d.d = 0;
    rt_poll_set_deadline(&d);
    check(!poll_wait_on(1, r, 'r'), "waits again");
    struct poll_unblock_frame u = {r};
    rt_poll_unblock(&u);
    check(running_again(1) && poll_result(1) == 1, "closing");
    struct poll_close_frame c = {r};
    rt_poll_close(&c);
    SYS(close, fd[0]);
    SYS(close, fd[1]);
    c.ctx = w;
    rt_poll_close(&c);
    poll_opened(0, &err);
    check(err == 0, "standard input can be polled");
    int f = (int)SYS(open, "/etc/hosts", O_RDONLY, 0);
    poll_opened(f, &err);
    check(err == EPERM, "a file cannot");
    SYS(close, f);
}

static void test_stdin(void)
{
    check(SYSON(1, read, 0, back, 10) == BLOCKED, "stdin blocks");
    input = "typed";
    input_len = 5;
    input_callback();
    check(the_cpu.pending & CPU_PENDING_POLL, "input asks for os_poll");
    os_poll();
    check(running_again(1) && result(1) == 5 && !memcmp(back, "typed", 5), "which delivers it");
    check(SYS(write, 1, "out", 3) == 3 && !strcmp(out_bytes_, "out"), "stdout");
    check(SYSON(1, read, 0, back, 10) == BLOCKED, "stdin again");
    input_eof = true;
    os_poll();
    check(running_again(1) && result(1) == 0, "ends");
    check(SYS(write, 0, "x", 1) == -EBADF && SYS(read, 1, back, 1) == -EBADF, "directions");
}

static void test_signals(void)
{
    struct signal_set_frame s = {L_SIGTERM, 1, false};
    struct signal_recv_frame r = {0};

    rt_signal_set(&s);
    check(SYS(kill, 1, L_SIGTERM) == 0, "kill of oneself");
    check(gate(1, (void (*)(void *))rt_signal_recv, &r, sizeof r) &&
          ((struct signal_recv_frame *)stacks[1].frame)->sig == L_SIGTERM, "is queued");
    check(!gate(1, (void (*)(void *))rt_signal_recv, &r, sizeof r), "signal_recv waits");
    s.sig = L_SIGINT;
    rt_signal_set(&s);
    ctrl_c = 1;
    input_eof = false;
    os_poll();
    check(running_again(1) && ((struct signal_recv_frame *)stacks[1].frame)->sig == L_SIGINT,
          "Ctrl-C");
    s.what = 0;
    rt_signal_set(&s);
    SYS(kill, 1, L_SIGINT);
    check(exit_status == 130, "unwanted, it ends the program");
    exit_status = -1;
    s.what = 2;
    rt_signal_set(&s);
    SYS(kill, 1, L_SIGINT);
    check(exit_status == -1, "ignored, it does not");
    SYS(kill, 1, L_SIGCHLD);
    check(exit_status == -1, "nor does SIGCHLD");
    check(SYS(kill, 7, 0) == -ESRCH, "nobody else is here");
}

static void test_tree(void)
{
    char buf[2000];
    struct l_stat st;

    check(SYS(getcwd, buf, sizeof buf) == 10 && !strcmp(buf, "/work/dir"), "working directory");
    check(SYS(stat, "data", &st) == 0 && st.size == 5 && st.mode == 0100600 && st.mtim.sec == 1000,
          "a file of the bundle");
    int fd = (int)SYS(open, "/link", O_RDWR, 0);
    check(SYS(read, fd, back, 10) == 5 && !memcmp(back, "hello", 5), "through a link");
    check(SYS(pwrite64, fd, "J", 1, 0) == 1 && SYS(pread64, fd, back, 9, 0) == 5 &&
          !memcmp(back, "Jello", 5), "copied when written");
    check(!memcmp(files[1].data, "hello", 5), "the bundle stays");
    SYS(close, fd);
    check(SYS(stat, "/two", &st) == 0 && st.nlink == 2 && st.size == 4, "hard links");
    fd = (int)SYS(open, "/one", O_RDONLY, 0);
    check(SYS(read, fd, back, 10) == 4 && !memcmp(back, "both", 4), "share their data");
    SYS(close, fd);
    fd = (int)SYS(open, "/tmp", O_RDONLY | O_DIRECTORY, 0);
    check(SYS(mkdirat, fd, "sub", 0700) == 0 && SYS(chdir, "/tmp/sub") == 0, "mkdirat, chdir");
    check(SYS(openat, fd, "sub/f", O_CREAT | O_WRONLY, 0666) == fd + 1, "openat");
    SYS(close, fd + 1);
    check(SYS(newfstatat, fd, "sub/f", &st, 0) == 0 && st.mode == 0100644, "umask");
    check(SYS(getdents64, fd, buf, sizeof buf) > 60 && SYS(getdents64, fd, buf, sizeof buf) == 0,
          "getdents64");
    check(SYS(open, 8, O_RDONLY, 0) == -EFAULT && SYS(stat, "/", 8) == -EFAULT, "bad pointers");
    check(SYS(read, fd, back, 5) == -EISDIR, "read of a directory");
    SYS(close, fd);
    check(SYS(chdir, "/work/dir") == 0, "back");
}

static void test_fds(void)
{
    int fd = (int)SYS(open, "data", O_RDONLY | O_CLOEXEC, 0);

    check(SYS(fcntl, fd, F_GETFD) == 1 && SYS(fcntl, fd, F_GETFL) == 0100000, "flags");
    int64_t d = SYS(fcntl, fd, F_DUPFD_CLOEXEC, 10);
    check(d == 10, "F_DUPFD");
    check(SYS(lseek, fd, 3, SEEK_SET) == 3 && SYS(lseek, d, 0, SEEK_CUR) == 3, "share a position");
    check(SYS(dup3, fd, 20, 0) == 20 && SYS(dup2, 20, 20) == 20, "dup3");
    check(SYS(dup3, fd, fd, 0) == -EINVAL && SYS(dup2, 77, 78) == -EBADF, "refused");
    check(SYS(lseek, fd, -4, SEEK_SET) == -EINVAL, "before the start");
    check(SYS(write, fd, "x", 1) == -EBADF, "not for writing");
    SYS(close, fd);
    SYS(close, 10);
    SYS(close, 20);
    check(SYS(close, 20) == -EBADF, "closed");
}

static void test_nodes(void)
{
    char buf[500];
    int fd = (int)SYS(open, "/dev/null", O_RDWR, 0);

    check(SYS(read, fd, buf, 5) == 0 && SYS(write, fd, buf, 5) == 5, "/dev/null");
    check(SYS(lseek, fd, 0, SEEK_CUR) == 0, "seeks");
    SYS(close, fd);
    fd = (int)SYS(open, "/dev/zero", O_RDONLY, 0);
    memset(buf, 1, 5);
    check(SYS(read, fd, buf, 5) == 5 && !memcmp(buf, "\0\0\0\0\0", 5), "/dev/zero");
    SYS(close, fd);
    fd = (int)SYS(open, "/dev/full", O_WRONLY, 0);
    check(SYS(write, fd, buf, 5) == -ENOSPC, "/dev/full");
    SYS(close, fd);
    check(SYS(readlink, "/proc/self/exe", buf, 500) == 5 && !memcmp(buf, "/init", 5), "exe");
    fd = (int)SYS(open, "/proc/self/exe", O_RDONLY, 0);
    check(SYS(read, fd, buf, 10) == 3, "opens");
    snprintf(buf + 100, 50, "/proc/self/fd/%d", fd);
    check(SYS(readlink, buf + 100, buf, 100) == 5, "/proc/self/fd/N");
    SYS(close, fd);
    fd = (int)SYS(open, "/proc/self/cmdline", O_RDONLY, 0);
    check(SYS(read, fd, buf, 100) == 8 && !memcmp(buf, args, 8), "cmdline");
    SYS(close, fd);
    fd = (int)SYS(open, "/proc/self/fd", O_RDONLY, 0);
    check(SYS(getdents64, fd, buf, 500) == 6 * 24 && SYS(getdents64, fd, buf, 500) == 0, "fd list");
    SYS(close, fd);
    check(SYS(open, "/proc/self/status", O_RDWR, 0) == -EACCES, "not writable");
    check(SYS(unlink, "/proc/uptime") == -EPERM, "not removable");
    check(SYS(readlink, "/dev/stdin", buf, 500) == 15, "/dev/stdin");
    fd = (int)SYS(open, "/dev/stdin", O_RDONLY, 0);
    check(fd >= 3, "opens");
    SYS(close, fd);
}

static void test_mmap(void)
{
    int fd = (int)SYS(open, "/tmp/map", O_RDWR | O_CREAT, 0600);

    SYS(ftruncate, fd, 10000);
    SYS(pwrite64, fd, "start", 5, 0);
    int64_t m = sys_on(0, SYS_mmap, 0, 20000, PROT_READ, MAP_SHARED, (uint64_t)fd);
    check(m > 0 && npages == 0, "pages come later");
    check(mmap_fault((uintptr_t)m + 3, VM_R) == MMAP_OK && !memcmp((void *)m, "start", 5) &&
          npages == 1, "mmap of a file");
    check(mmap_fault((uintptr_t)m, VM_W) == MMAP_DENIED, "read only");
    check(mmap_fault((uintptr_t)m + 10001, VM_R) == MMAP_OK, "the last page is whole");
    check(mmap_fault((uintptr_t)m + 12288, VM_R) == MMAP_BUS, "behind the end");
    check(SYS(ftruncate, fd, 4096) == 0 && npages == 1, "cut off");
    check(SYS(munmap, m, 20000) == 0 && npages == 0, "munmap");
    check(mmap_fault((uintptr_t)m, VM_R) == MMAP_NOWHERE, "nowhere");
    SYS(close, fd);
}

static void test_mmap_anonymous(void)
{
    int64_t m = sys_on(0, SYS_mmap, 0, 6 * 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX);

    check(mmap_fault((uintptr_t)m, VM_X) == MMAP_DENIED, "no code");
    check(mmap_fault((uintptr_t)m, VM_W) == MMAP_OK && npages == 6, "neighbours come too");
    check(SYS(munmap, m + 4096, 4096) == 0 && npages == 5, "a hole in a mapping");
    check(SYS(mprotect, m, 3 * 4096, PROT_READ) == -ENOMEM, "over the hole");
    check(SYS(mprotect, m + 2 * 4096, 4096, PROT_NONE) == 0, "mprotect of the middle");
    check(mmap_fault((uintptr_t)m + 2 * 4096, VM_R) == MMAP_DENIED &&
          mmap_fault((uintptr_t)m + 3 * 4096, VM_W) == MMAP_OK, "only there");
    strcpy((char *)m + 4 * 4096, "moves");
    check(SYS(mmap, m + 6 * 4096, 4096, PROT_READ,
              MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS) == m + 6 * 4096, "behind it");
    check(SYS(mremap, m + 4 * 4096, 8192, 16384, 0) == -ENOMEM, "no room there");
    int64_t to = SYS(mremap, m + 4 * 4096, 8192, 16384, MREMAP_MAYMOVE);
    check(to > 0 && !strcmp((char *)to, "moves") && mmap_fault((uintptr_t)to + 12288, VM_W) == 0,
          "mremap");
    check(mmap_fault((uintptr_t)m + 4 * 4096, VM_R) == MMAP_NOWHERE, "moved away");
    check(SYS(mremap, to, 16384, 4096, 0) == to && npages == 4, "mremap shrinks");
    check(SYS(mremap, m, 4096, 4096, MREMAP_FIXED) == -EINVAL &&
          SYS(mremap, m, 4096, 8192, 5) == -EINVAL && SYS(mremap, m, 4096, 4096, 8) == -EINVAL,
          "flags of mremap");
    check(SYS(munmap, m, 7 * 4096) == 0 && SYS(munmap, to, 4096) == 0 && npages == 0, "munmap");
    check(SYS(munmap, m + 1, 4096) == -EINVAL, "unaligned");
    check(SYS(mmap, m, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS) == m &&
          SYS(mmap, m, 4096, PROT_READ, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS) ==
              -EEXIST && SYS(munmap, m, 4096) == 0, "MAP_FIXED");
    const int64_t far = 0x7dfff0000000; /* the host has nothing from there on */
    check(SYS(mmap, far, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS) == far &&
          mmap_window((uintptr_t)far) && SYS(munmap, far, 4096) == 0, "MAP_FIXED elsewhere");
    check(SYS(mmap, 4096, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS) == -EPERM,
          "MAP_FIXED too low");
    check(sys_on(0, SYS_mmap, 0, 4ull << 30, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX) == -ENOMEM, "more than all memory");
}

static void test_various(void)
{
    struct l_utsname u;
    struct l_rlimit lim = {500, 600};
    uint64_t mask = 0;

    check(SYS(uname, &u) == 0 && !strcmp(u.sysname, "Linux"), "uname");
    check(SYS(getpid) == 1 && SYS(getuid) == 0, "identity");
    check(SYS(sched_getaffinity, 0, 8, &mask) == 8 && mask == 1, "affinity");
    check(SYS(prlimit64, 0, 7, &lim, 0) == 0 && SYS(getrlimit, 7, &lim) == 0 && lim.cur == 500,
          "rlimit");
    check(SYS(getrandom, back, 100, 0) == 100, "getrandom");
    check(SYS(socket, 2, 1, 0) == -EAFNOSUPPORT && !printed[0], "socket is refused");
    check(SYS(clone) == -ENOSYS && !printed[0], "clone too");
    check(SYS(acct) == -ENOSYS && !printed[0], "an unknown call fails without a word");
    SYS(exit_group, 7);
    check(exit_status == 7, "exit_group");
}

int main(void)
{
    the_cpu.self = &the_cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &the_cpu);
    os_init(&bundle);
    test_pipe();
    test_close_while_blocked();
    test_eventfd();
    test_poll();
    test_sleep();
    test_fifo();
    test_netpoll();
    test_tree();
    test_fds();
    test_nodes();
    test_mmap();
    test_mmap_anonymous();
    test_stdin();
    test_signals();
    test_various();
    return failures != 0;
}
