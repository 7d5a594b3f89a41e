/* console.c - COM1 out and in, COM2 errors, COM3 control.
 *
 * Input: the receive interrupt moves bytes into a ring (one producer: the interrupt handler
 * on the boot CPU; one consumer: console_read, under the lock). When the ring is full the
 * interrupt is switched off and the UART's own flow control holds the sender back. */
#include "drivers/console.h"
#include <stdbool.h>
#include <stdint.h>
#include "drivers/acpi.h"
#include "drivers/serial.h"
#include "arch/x86_64/arch.h"
#include "kernel/lock.h"
#include "kernel/panic.h"
#include "kernel/print.h"

#define RING 4096u        /* power of two */
/* Ctrl-\ on a serial line: ESCAPE 'd' ends the input, ESCAPE and the letter of a key is that
 * key, ESCAPE x is x. The runner sends its keys as single letters on COM3, where no input that
 * nobody reads can hold them up. */
#define ESCAPE 0x1c
#define CTRL_D 0x04
#define COM1_IRQ 4 /* COM3's, too */
#define INPUT_READY "gort: input\n" /* to the runner: from here on COM1 takes input fast */

static struct lock out_lock = LOCK_INIT("console", RANK_CONSOLE);
static struct lock in_lock = LOCK_INIT("console input", RANK_CONSOLE);

static uint8_t ring[RING];
static uint32_t ring_head;         /* [atomic] next to read: consumer */
static uint32_t answers;           /* [atomic] */
static uint32_t ring_tail;         /* [atomic] next to write: producer */
static bool rx_off;                /* [atomic] the producer found no room */
static bool in_escape, mid_line, at_end; /* [in_lock] */
static unsigned keys;                    /* [atomic] pressed and not yet taken */
static void (*input_callback)(void);     /* [atomic] */

void console_init(void)
{
    serial_init();
}

void console_write(enum console_channel ch, const void *buf, size_t n)
{
    if (crash_in_progress()) {
        serial_write(ch, buf, n);
        return;
    }
    lock(&out_lock);
    serial_write(ch, buf, n);
    unlock(&out_lock);
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

uint32_t console_answers(void) { return __atomic_load_n(&answers, __ATOMIC_SEQ_CST); }

static bool receive_keys(void)
{
    bool any = false;

    for (int c; (c = serial_read(2)) >= 0; any = true)
        if (c == 'o')
            __atomic_add_fetch(&answers, 1, __ATOMIC_SEQ_CST);
        else
            press(key_of(c));
    return any;
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

/* Both ports share an edge: when this returns neither holds a byte that could have raised it. */
static void receive(void *arg)
{
    bool any = receive_input();

    (void)arg;
    while (receive_keys()) {
        any = true;
        receive_input();
    }
    void (*fn)(void) = __atomic_load_n(&input_callback, __ATOMIC_ACQUIRE);
    if (any && fn)
        fn();
}

void console_input_init(void)
{
    int err = irq_register(acpi_isa_gsi(COM1_IRQ), receive, NULL);

    if (err < 0)
        kprintf("gort: no interrupt for the console (error %d): stdin will stay empty\n", err);
    else
        serial_rx_interrupt(0, true);
    if (err == 0)
        serial_rx_interrupt(2, true);
    uint64_t flags = irq_save();
    receive(NULL); /* what came before there were interrupts */
    irq_restore(flags);
    /* The host holds input back until now: a byte that meets fifo_enable would be lost. */
    serial_write(CONSOLE_CTL, "gort: ready\n", 12);
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

long console_read(void *buf, size_t n)
{
    uint8_t *out = buf;
    size_t got = 0;

    lock(&in_lock);
    uint32_t head = ring_head;
    while (got < n && !(at_end && got) && head != __atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE)) {
        uint8_t c = ring[head++ % RING];
        if (decode_locked(c) && !at_end)
            out[got++] = c;
    }
    __atomic_store_n(&ring_head, head, __ATOMIC_RELEASE);
    bool end = at_end && !got;
    if (__atomic_exchange_n(&rx_off, false, __ATOMIC_ACQ_REL))
        serial_rx_interrupt(0, true); /* the UART interrupts at once if it holds bytes */
    unlock(&in_lock);
    return end ? -1 : (long)got;
}

unsigned console_take_keys(void)
{
    return __atomic_exchange_n(&keys, 0, __ATOMIC_SEQ_CST);
}
