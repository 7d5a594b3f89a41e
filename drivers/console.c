/* console.c - input: the port gort.stdin, or COM1; keys on COM3, or the port gort.control.
 *
 * On COM1 the receive interrupt moves bytes into a ring (one producer: the interrupt handler
 * on the boot CPU; one consumer: console_read, under the lock). When the ring is full the
 * interrupt is switched off and the UART's own flow control holds the sender back. */
#include "drivers/console.h"
#include <stdbool.h>
#include <stdint.h>
#include "drivers/acpi.h"
#include "drivers/irq.h"
#include "drivers/serial.h"
#include "drivers/vport.h"
#include "arch/x86_64/arch.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/print.h"

#define RING 4096u        /* power of two */
/* Ctrl-\ on a serial line: ESCAPE 'd' ends the input, ESCAPE and the letter of a key is that
 * key, ESCAPE x is x. The runner sends its keys as single letters on COM3, where they do not
 * queue behind input that the program does not read. */
#define ESCAPE 0x1c
#define CTRL_D 0x04
#define COM1_IRQ 4 /* COM3's, too */
#define COM2_IRQ 3
#define CHUNK 256u
/* tells the runner that COM1 takes input at full speed from here on */
#define INPUT_READY "gort: input\n"

static struct lock in_lock = LOCK_INIT("console input", RANK_CONSOLE);

static uint8_t ring[RING];
static uint32_t ring_head;         /* [atomic] next to read: consumer */
static uint32_t answers;           /* [atomic] */
static uint32_t ring_tail;         /* [atomic] next to write: producer */
static bool rx_off;                /* [atomic] the producer found no room */
static bool in_escape, mid_line, at_end; /* [in_lock] */
static unsigned keys;                    /* [atomic] pressed and not yet taken */
static void (*input_callback)(void);     /* [atomic] */
static struct vport *in_port, *key_port; /* [const after boot] */
/* [in_lock] bytes from the port that are still to be decoded */
static uint8_t chunk[CHUNK];
static uint32_t chunk_at, chunk_end;

static void write_message(const char *s, size_t n) { console_write(CONSOLE_ERR, s, n); }

static void last_words(const char *s, size_t n) { serial_write(CONSOLE_ERR, s, n); }

void console_init(void)
{
    serial_init();
    print_sink_add(write_message);
    crash_hooks.last_words = last_words;
}

static unsigned key_of(int c)
{
    switch (c) {
    case 'c': return KEY_INTERRUPT;
    case 'q': return KEY_QUIT;
    case 'g': return KEY_GOROUTINES;
    case 's': return KEY_SCHED;
    default: return 0;
    }
}

static void press(unsigned key)
{
    __atomic_or_fetch(&keys, key, __ATOMIC_SEQ_CST);
}

void console_press(unsigned key)
{
    void (*fn)(void) = __atomic_load_n(&input_callback, __ATOMIC_ACQUIRE);

    press(key);
    if (fn)
        fn();
}

static void key_received(int c)
{
    if (c == 'o')
        __atomic_add_fetch(&answers, 1, __ATOMIC_SEQ_CST);
    else
        press(key_of(c));
}

static bool receive_keys(void)
{
    bool any = false;

    for (int c; (c = serial_read(2)) >= 0; any = true)
        key_received(c);
    return any;
}

static bool sent(unsigned port)
{
    bool it = serial_tx_interrupt_take(port);

    if (it)
        console_sent_irq(port);
    return it;
}

static bool receive_input(void)
{
    uint32_t tail = ring_tail;
    bool any = false;

    for (;;) {
        if (tail - __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE) == RING) {
            serial_rx_interrupt(0, false);
            __atomic_store_n(&rx_off, true, __ATOMIC_RELEASE);
            break;
        }
        int c = serial_read(0);
        if (c < 0)
            break;
        ring[tail++ % RING] = (uint8_t)c;
        any = true;
    }
    __atomic_store_n(&ring_tail, tail, __ATOMIC_RELEASE);
    return any;
}

static void call_back(void *arg)
{
    void (*fn)(void) = __atomic_load_n(&input_callback, __ATOMIC_ACQUIRE);

    (void)arg;
    if (fn)
        fn();
}

/* COM1 and COM3 share an edge-triggered interrupt line: both are drained until neither has a
 * reason to interrupt, since otherwise the next byte would raise no edge and input would stop. */
static void receive(void *arg)
{
    bool any = false, more;

    (void)arg;
    do {
        more = receive_input();
        more |= receive_keys();
        more |= sent(0);
        more |= sent(2);
        any |= more;
    } while (more);
    if (any)
        call_back(NULL);
}

static void sent_2(void *arg)
{
    if (sent(1))
        call_back(arg);
}

void console_input_init(void)
{
    static const char by_port[] = "gort: input by port\n";
    int err = irq_register(acpi_isa_gsi(COM1_IRQ), receive, NULL);

    console_ports();
    in_port = vport_find("gort.stdin");
    key_port = serial_present(2) ? NULL : vport_find("gort.control");
    vport_set_callback(call_back, NULL);
    if (err < 0 && !in_port)
        kprintf("gort: no interrupt for the console (error %d): stdin will stay empty\n", err);
    for (unsigned port = 0; err == 0 && port <= 2; port += 2) {
        serial_line_served(port);
        serial_rx_interrupt(port, true);
    }
    if (irq_register(acpi_isa_gsi(COM2_IRQ), sent_2, NULL) == 0)
        serial_line_served(1);
    uint64_t flags = irq_save();
    receive(NULL); /* what came before there were interrupts */
    irq_restore(flags);
    if (in_port)
        console_write(CONSOLE_CTL, by_port, sizeof by_port - 1);
    /* The host has held input back until this line: a byte that arrives while the FIFO is
     * enabled would be lost. */
    console_write(CONSOLE_CTL, "gort: ready\n", 12);
    console_write(CONSOLE_CTL, INPUT_READY, sizeof INPUT_READY - 1);
}

void console_set_input_callback(void (*fn)(void))
{
    __atomic_store_n(&input_callback, fn, __ATOMIC_RELEASE);
}

/* One raw byte: true if it is data. */
static bool decode_locked(uint8_t c)
{
    if (in_escape) {
        in_escape = false;
        if (c == 'd') {
            at_end = true;
            return false;
        }
        if (key_of(c)) {
            press(key_of(c));
            return false;
        }
    } else if (c == ESCAPE) {
        in_escape = true;
        return false;
    } else if (c == CTRL_D && !mid_line) {
        at_end = true;
        return false;
    }
    mid_line = c != '\n' && c != '\r';
    return true;
}

/* The next raw byte, -1: none now. */
static int raw_locked(void)
{
    if (!in_port) {
        uint32_t head = ring_head;
        if (head == __atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE))
            return -1;
        int c = ring[head % RING];
        __atomic_store_n(&ring_head, head + 1, __ATOMIC_RELEASE);
        return c;
    }
    if (chunk_at == chunk_end) {
        chunk_at = 0;
        chunk_end = (uint32_t)vport_read(in_port, chunk, sizeof chunk);
    }
    return chunk_at < chunk_end ? chunk[chunk_at++] : -1;
}

long console_read(void *buf, size_t n)
{
    uint8_t *out = buf;
    size_t got = 0;

    lock(&in_lock);
    for (int c; got < n && !(at_end && got) && (c = raw_locked()) >= 0;)
        if (decode_locked((uint8_t)c) && !at_end)
            out[got++] = (uint8_t)c;
    bool end = at_end && !got;
    if (__atomic_exchange_n(&rx_off, false, __ATOMIC_ACQ_REL))
        serial_rx_interrupt(0, true); /* the UART interrupts at once if it holds bytes */
    unlock(&in_lock);
    if (in_port && !vport_alive(in_port))
        vport_settle();
    return end ? -1 : (long)got;
}

static void port_keys(void)
{
    uint8_t c;

    while (key_port && vport_read(key_port, &c, 1))
        key_received(c);
}

uint32_t console_answers(void)
{
    port_keys();
    return __atomic_load_n(&answers, __ATOMIC_SEQ_CST);
}

unsigned console_take_keys(void)
{
    port_keys();
    return __atomic_exchange_n(&keys, 0, __ATOMIC_SEQ_CST);
}
