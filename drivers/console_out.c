/* console_out.c - output: three channels, each to a port of the host's by name if it gives one,
 * else to a serial port.
 *
 *   console_put    a program's: what there is room for; who gets 0 waits for the callback
 *   console_write  the kernel's: all of it, waiting for the device as long as it is taking any
 *
 * A port that takes nothing for long (its device is stuck, or nobody reads at the other end)
 * is given up, and so is one whose device lies: then the serial port has the rest. Without a port
 * a program's output is on the screen, too, where messages of the kernel's always are. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/console.h"
#include "drivers/fbcon.h"
#include "drivers/serial.h"
#include "drivers/vport.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/panic.h"

#define CHANNELS 3
/* how long a message of the kernel waits for a device that takes nothing */
#define STUCK_NS 60000000000ll
#define STUCK_END_NS 3000000000ll /* as STUCK_NS, when it ends: machine or program */
#define HOLD 1024u  /* bytes written to a serial port in one go: lines stay whole */
#define SCREEN_BURST 128u /* bytes drawn in one go: below a millisecond */
#define BURST 256u  /* bytes of a program's between two waits for a serial port: 1 to 20 ms */

_Static_assert(CONSOLE_WHOLE == VPORT_WHOLE, "a program's message is a port's");

static const char *const names[CHANNELS] = { "gort.stdout", "gort.stderr", "gort.control" };

static struct vport *ports[CHANNELS]; /* [const after boot] */
static bool ending;                   /* [atomic] console_ending has been called */

static struct line {
    struct lock lock;      /* of output */
    bool waits;            /* [atomic] a burst is over: more is written only after the interrupt */
} lines[SERIAL_PORTS] = {
    { LOCK_INIT("console", RANK_CONSOLE), false },
    { LOCK_INIT("console", RANK_CONSOLE), false },
    { LOCK_INIT("console", RANK_CONSOLE), false },
};

/* The serial port of a channel. A machine with one port has errors there, too, in order. */
static unsigned line_of(enum console_channel ch)
{
    return ch == CONSOLE_ERR && !serial_present(1) ? 0 : ch;
}

bool console_ports(void)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        ports[i] = i == CONSOLE_CTL && serial_present(i) ? NULL : vport_find(names[i]);
    if (!ports[CONSOLE_ERR])
        ports[CONSOLE_ERR] = ports[CONSOLE_OUT];
    return ports[CONSOLE_OUT] != NULL;
}

bool console_controlled(void)
{
    return serial_present(CONSOLE_CTL) || ports[CONSOLE_CTL];
}

static struct vport *port_of(enum console_channel ch)
{
    struct vport *p = ports[ch];

    return p && vport_alive(p) ? p : NULL;
}

static void serial_write_all(unsigned line, const uint8_t *buf, size_t n);

/* The device of a channel's port takes nothing. What lies in the port, a fatal error's first lines
 * perhaps, goes where all that follows goes. */
static void port_give_up(enum console_channel ch, struct vport *p)
{
    const uint8_t *part;

    vport_abandon(p);
    for (size_t n; (n = vport_rest(p, &part)) != 0;) {
        serial_write_all(line_of(ch), part, n);
        fbcon_write((const char *)part, n);
    }
}

/* Returns how many bytes were written; fewer than n: the port is dead. */
static size_t port_write_all(enum console_channel ch, struct vport *p, const uint8_t *buf, size_t n)
{
    int64_t limit = __atomic_load_n(&ending, __ATOMIC_RELAXED) ? STUCK_END_NS : STUCK_NS;
    int64_t end = clock_mono_ns() + limit;
    size_t done = 0;

    while (done < n && vport_alive(p)) {
        size_t k = vport_write(p, buf + done, n - done);
        done += k;
        if (k)
            end = clock_mono_ns() + limit;
        else if (clock_mono_ns() > end)
            port_give_up(ch, p);
        else
            cpu_relax();
    }
    return done;
}

static void serial_write_all(unsigned line, const uint8_t *buf, size_t n)
{
    for (size_t k; n; buf += k, n -= k) {
        k = n < HOLD ? n : HOLD;
        if (crash_in_progress()) {
            serial_write(line, buf, k);
            continue;
        }
        lock(&lines[line].lock);
        serial_write(line, buf, k);
        unlock(&lines[line].lock);
    }
}

/* From now on the host reads everything, even if nobody takes it from the host. */
void console_ending(void)
{
    static const char text[] = "gort: ending\n";

    if (!__atomic_exchange_n(&ending, true, __ATOMIC_SEQ_CST))
        console_write(CONSOLE_CTL, text, sizeof text - 1);
}

void console_write(enum console_channel ch, const void *buf, size_t n)
{
    struct vport *p = port_of(ch);

    if (crash_in_progress())
        console_ending();
    size_t done = p ? port_write_all(ch, p, buf, n) : 0;

    if (done < n)
        serial_write_all(line_of(ch), (const uint8_t *)buf + done, n - done);
    if (p && !vport_alive(p) && !crash_in_progress())
        vport_settle();
}

void console_show(const void *buf, size_t n)
{
    console_write(CONSOLE_ERR, buf, n);
    if (!port_of(CONSOLE_ERR))
        fbcon_write(buf, n);
}

/* ---- programs ---------------------------------------------------------------------- */

static size_t serial_put(unsigned line, const void *buf, size_t n)
{
    struct line *l = &lines[line];

    if (!serial_present(line))
        return n;
    if (__atomic_load_n(&l->waits, __ATOMIC_ACQUIRE))
        return 0;
    lock(&l->lock);
    size_t done = serial_write_some(line, buf, n < BURST ? n : BURST);
    unlock(&l->lock);
    if (done == n)
        return done;
    if (!serial_tx_interrupts(line)) { /* nobody would wake it */
        serial_write_all(line, (const uint8_t *)buf + done, n - done);
        return n;
    }
    __atomic_store_n(&l->waits, true, __ATOMIC_SEQ_CST);
    serial_tx_interrupt_on(line);
    return done;
}

void console_sent_irq(unsigned port)
{
    __atomic_store_n(&lines[port].waits, false, __ATOMIC_SEQ_CST);
}

size_t console_put(enum console_channel ch, const void *buf, size_t n)
{
    for (struct vport *p; (p = port_of(ch)) != NULL;) {
        size_t done = vport_write(p, buf, n);
        if (!vport_alive(p))
            vport_settle();
        else if (done || !vport_room(p))
            return done;
    }
    if (!fbcon_shows())
        return serial_put(line_of(ch), buf, n);
    size_t done = serial_put(line_of(ch), buf, n < SCREEN_BURST ? n : SCREEN_BURST);
    fbcon_write(buf, done);
    return done;
}

bool console_room(enum console_channel ch)
{
    struct vport *p = port_of(ch);

    return p ? vport_room(p) : !__atomic_load_n(&lines[line_of(ch)].waits, __ATOMIC_ACQUIRE);
}

/* ---- the end ----------------------------------------------------------------------- */

/* The limit is for time without progress, so it begins anew whenever a port is done. */
void console_drain(void)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        int64_t end = clock_mono_ns() + STUCK_END_NS;
        while (ports[i] && !vport_drained(ports[i]) && clock_mono_ns() < end)
            cpu_relax();
        if (ports[i] && !vport_drained(ports[i]))
            port_give_up(i, ports[i]);
        serial_drain(i);
    }
}
