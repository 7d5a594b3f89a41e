/* console_out.c - output: three channels, each to a port of the host's by name if it gives one,
 * else to its serial port.
 *
 *   console_put    a program's: what there is room for; who gets 0 waits for the callback
 *   console_write  the kernel's: all of it, waiting for the device as long as it is taking any
 *
 * A port that takes nothing for long (its device is stuck, or nobody reads at the other end)
 * is given up, and so is one whose device lies: then the serial port has the rest. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/serial.h"
#include "drivers/vport.h"
#include "kernel/clock.h"
#include "drivers/console.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/print.h"

#define CHANNELS 3
#define STUCK_NS 60000000000ll       /* without any progress: a message of the kernel's */
#define STUCK_CRASH_NS 3000000000ll  /* the same in a crash report, and when the machine ends */
#define HOLD 1024u  /* bytes written to a serial port in one go: lines stay whole */
#define BURST 256u  /* bytes of a program's between two waits for a serial port: 1 to 20 ms */

static const char *const names[CHANNELS] = { "gort.stdout", "gort.stderr", "gort.control" };

static struct channel {
    struct lock lock;      /* of the serial port's output */
    struct vport *port;    /* [const after boot] */
    bool waits;            /* [atomic] a burst is over: nothing before the interrupt */
} channels[CHANNELS] = {
    { LOCK_INIT("console", RANK_CONSOLE), NULL, false },
    { LOCK_INIT("console", RANK_CONSOLE), NULL, false },
    { LOCK_INIT("console", RANK_CONSOLE), NULL, false },
};

bool console_ports(void)
{
    for (unsigned i = 0; i < CHANNELS; i++)
        channels[i].port = i == CONSOLE_CTL && serial_present(i) ? NULL : vport_find(names[i]);
    return channels[CONSOLE_OUT].port != NULL;
}

static struct vport *port_of(enum console_channel ch)
{
    struct vport *p = channels[ch].port;

    return p && vport_alive(p) ? p : NULL;
}

/* Returns how much has gone; less than n: the port is dead. */
static size_t port_write_all(struct vport *p, const uint8_t *buf, size_t n)
{
    int64_t limit = crash_in_progress() ? STUCK_CRASH_NS : STUCK_NS;
    int64_t end = clock_mono_ns() + limit;
    size_t done = 0;

    while (done < n && vport_alive(p)) {
        size_t k = vport_write(p, buf + done, n - done);
        done += k;
        if (k)
            end = clock_mono_ns() + limit;
        else if (clock_mono_ns() > end)
            vport_abandon(p);
        else
            cpu_relax();
    }
    return done;
}

static void serial_write_all(enum console_channel ch, const uint8_t *buf, size_t n)
{
    struct lock *l = &channels[ch].lock;

    for (size_t k; n; buf += k, n -= k) {
        k = n < HOLD ? n : HOLD;
        if (crash_in_progress()) {
            serial_write(ch, buf, k);
            continue;
        }
        lock(l);
        serial_write(ch, buf, k);
        unlock(l);
    }
}

void console_write(enum console_channel ch, const void *buf, size_t n)
{
    struct vport *p = port_of(ch);
    size_t done = p ? port_write_all(p, buf, n) : 0;

    if (done < n)
        serial_write_all(ch, (const uint8_t *)buf + done, n - done);
    if (p && !vport_alive(p) && !crash_in_progress())
        vport_settle();
}

/* ---- programs ---------------------------------------------------------------------- */

static size_t serial_put(struct channel *c, unsigned port, const void *buf, size_t n)
{
    if (__atomic_load_n(&c->waits, __ATOMIC_ACQUIRE))
        return 0;
    lock(&c->lock);
    size_t done = serial_write_some(port, buf, n < BURST ? n : BURST);
    unlock(&c->lock);
    if (done == n || !serial_tx_interrupts(port))
        return done;
    __atomic_store_n(&c->waits, true, __ATOMIC_SEQ_CST);
    serial_tx_interrupt_on(port);
    return done;
}

void console_sent_irq(unsigned port)
{
    __atomic_store_n(&channels[port].waits, false, __ATOMIC_SEQ_CST);
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
    return serial_present(ch) ? serial_put(&channels[ch], ch, buf, n) : n;
}

bool console_room(enum console_channel ch)
{
    struct vport *p = port_of(ch);

    return p ? vport_room(p) : !__atomic_load_n(&channels[ch].waits, __ATOMIC_ACQUIRE);
}

/* ---- the end ----------------------------------------------------------------------- */

/* Progress is what counts, so the time begins anew whenever a port is done. */
void console_drain(void)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        int64_t end = clock_mono_ns() + STUCK_CRASH_NS;
        while (channels[i].port && !vport_drained(channels[i].port) && clock_mono_ns() < end)
            cpu_relax();
        serial_drain(i);
    }
}
