#include "gort/os/stdio.h"

#include "arch/x86_64/arch.h"
#include "gort/sched/background.h"
#include "gort/g.h"
#include "gort/os/os.h"
#include "gort/os/signal.h"
#include "gort/os/user.h"
#include "gort/observe/schedtrace.h"
#include "drivers/console.h"
#include "kernel/print.h"

enum { RING = 64 << 10 };

static struct {
    struct lock lock;      /* RANK_FILE */
    uint64_t head, tail;   /* [lock] bytes in, out: ever */
    bool eof;              /* [lock] */
    struct waitq rq, wq;   /* wq: writers to both channels */
    uint8_t ring[RING];
} con = {.lock = LOCK_INIT("console_in", RANK_FILE)};

/* Interrupt context: asks this CPU to schedule, which ends in os_poll. The IPI to itself stops
 * even a goroutine without calls. */
static void input_irq(void)
{
    struct cpu *c = cpu_self();

    __atomic_or_fetch(&c->pending, CPU_PENDING_POLL, __ATOMIC_SEQ_CST);
    if (c->curg)
        ipi_send(c->id, IPI_PREEMPT);
}

static void dump_job(void) { sched_dump(); }
static void trace_job(void) { sched_trace(true); }

/* The dumps stop the world, which this CPU cannot do here, where a goroutine may be in its gate:
 * they are asked for, and schedule() runs them. */
static void keys_pressed(unsigned keys)
{
    if (keys & KEY_GOROUTINES)
        background_ask(dump_job);
    if (keys & KEY_SCHED)
        background_ask(trace_job);
    if (keys & (KEY_GOROUTINES | KEY_SCHED))
        input_irq();
    if (keys & KEY_INTERRUPT)
        signal_raise(L_SIGINT);
    if (keys & KEY_POWER)
        os_power_button();
    if (keys & KEY_QUIT)
        signal_raise(L_SIGQUIT);
}

void stdio_init(void)
{
    waitq_init(&con.rq);
    waitq_init(&con.wq);
    console_set_input_callback(input_irq);
    input_irq(); /* for bytes that came before the interrupt was enabled */
}

/* Takes what has arrived. con.wq is left alone: who looks whether it can write stands on it, and
 * would wake itself each time. */
static void input_take(void)
{
    uint8_t buf[256];
    bool news = false;

    lock(&con.lock);
    while (con.head - con.tail <= RING - sizeof buf) {
        long n = console_read(buf, sizeof buf);
        if (n == 0 || (n < 0 && con.eof))
            break;
        news = true;
        if (n < 0)
            con.eof = true;
        for (long i = 0; i < n; i++)
            con.ring[con.head++ % RING] = buf[i];
    }
    unlock(&con.lock);
    if (news)
        queue_wake(&con.rq);
    keys_pressed(console_take_keys());
}

void stdio_poll(void)
{
    input_take();
    queue_wake(&con.wq); /* writers for which there is no room yet wait again */
}

static int64_t con_read(struct file *f, void *buf, size_t n)
{
    size_t got = 0, left = 0;

    (void)f;
    input_take();
    lock(&con.lock);
    while (got < n && con.tail != con.head && !left) {
        size_t at = con.tail % RING, part = RING - at;
        part = part < con.head - con.tail ? part : con.head - con.tail;
        part = part < n - got ? part : n - got;
        left = user_copy((uint8_t *)buf + got, con.ring + at, part);
        got += part - left;
        con.tail += part - left;
    }
    bool wait = got == 0 && n > 0 && !con.eof;
    unlock(&con.lock);
    return got ? (int64_t)got : left ? -L_EFAULT : wait ? -L_EAGAIN : 0;
}

static enum console_channel channel_of(const struct file *f)
{
    return (intptr_t)f->priv == 2 ? CONSOLE_ERR : CONSOLE_OUT;
}

/* Writes at most one piece, from a copy: the console's drivers get memory that cannot fault. A
 * write that fits into one is whole, also where stdout and stderr are one stream: the lines of a
 * test's log and those of package testing, say. */
static int64_t con_write(struct file *f, const void *buf, size_t n)
{
    uint8_t piece[CONSOLE_WHOLE];
    size_t part = n < sizeof piece ? n : sizeof piece, left = user_copy(piece, buf, part);

    if (left && (left == part || n <= sizeof piece))
        return -L_EFAULT;
    size_t done = n ? console_put(channel_of(f), piece, part - left) : 0;
    return n && !done ? -L_EAGAIN : (int64_t)done;
}

static unsigned con_poll(struct file *f)
{
    unsigned r = file_writes(f) && console_room(channel_of(f)) ? L_POLLOUT : 0;

    input_take();
    lock(&con.lock);
    if (file_reads(f) && con.head != con.tail)
        r |= L_POLLIN;
    if (file_reads(f) && con.eof)
        r |= L_POLLIN | L_POLLHUP;
    unlock(&con.lock);
    return r;
}

static struct waitq *con_queue(struct file *f, bool write)
{
    (void)f;
    return write ? &con.wq : &con.rq;
}

static const struct file_ops con_ops = {
    .read = con_read, .write = con_write, .poll = con_poll, .queue = con_queue,
    .whole_writes = true,
};

struct file *stdio_open(int channel, uint32_t flags, struct inode *n)
{
    void *priv = (void *)(intptr_t)channel;

    if (n)
        return file_new(n, flags, &con_ops, priv);
    struct file *f = file_new_anon(L_S_IFIFO | 0600, flags, &con_ops, priv);
    if (f)
        f->inode->extra = (uintptr_t)channel; /* for /dev/stdin and its like */
    return f;
}

int64_t stdio_pending(struct file *f)
{
    if (f->ops != &con_ops)
        return -1;
    lock(&con.lock);
    int64_t n = (int64_t)(con.head - con.tail);
    unlock(&con.lock);
    return n;
}
