#include "drivers/serial.h"
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"

static const uint16_t base[SERIAL_PORTS] = { 0x3f8, 0x2f8, 0x3e8 };
static bool present[SERIAL_PORTS];
static bool fifo[SERIAL_PORTS];
static bool served[SERIAL_PORTS];  /* [const after boot] */
static uint8_t ier[SERIAL_PORTS];  /* [atomic] value for the interrupt enable register */

enum { DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCR = 7, IIR = 2 };
#define IER_RX 1
#define IER_TX 2
#define IIR_FIFO  0xc0  /* FIFOs are on */
#define LSR_READY 0x01
#define LSR_THRE  0x20  /* FIFO empty: takes FIFO_SIZE bytes */
#define LSR_TEMT  0x40
#define FIFO_SIZE 16
#define SPINS_MAX 2000000u

/* Switching a port's FIFOs on empties them. So a port on which input is already waiting goes
 * without: it takes one byte at a time, and QEMU's chardev holds the others back meanwhile. */
static void fifo_enable(unsigned port)
{
    uint16_t p = base[port];

    if (!present[port] || fifo[port] || inb(p + LSR) & LSR_READY)
        return;
    if ((inb(p + IIR) & IIR_FIFO) != IIR_FIFO)
        outb(p + FCR, 0x07); /* on and empty, interrupt at 1 byte */
    fifo[port] = true;
}

void serial_init(void)
{
    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        uint16_t p = base[i];
        outb(p + SCR, 0x5a); /* the scratch register keeps a value only if there is a UART */
        if (inb(p + SCR) != 0x5a)
            continue;
        outb(p + IER, 0);
        outb(p + LCR, 0x80); /* divisor latch */
        outb(p + DATA, 1);   /* 115200 baud */
        outb(p + IER, 0);
        outb(p + LCR, 0x03); /* 8N1 */
        outb(p + MCR, 0x0b); /* DTR, RTS, OUT2 (gates the interrupt line) */
        present[i] = true;
        fifo_enable(i);
    }
}

bool serial_present(unsigned port)
{
    return port < SERIAL_PORTS && present[port];
}

static bool wait_lsr(uint16_t p, uint8_t bit)
{
    for (unsigned n = 0; n < SPINS_MAX; n++) {
        if (inb(p + LSR) & bit)
            return true;
        cpu_relax();
    }
    return false;
}

void serial_write(unsigned port, const void *buf, size_t n)
{
    const uint8_t *b = buf;

    if (!serial_present(port))
        return;
    while (n) {
        size_t room = fifo[port] ? FIFO_SIZE : 1, k = n < room ? n : room;
        if (!wait_lsr(base[port], LSR_THRE))
            return;
        for (size_t i = 0; i < k; i++)
            outb(base[port] + DATA, *b++);
        n -= k;
    }
}

void serial_drain(unsigned port)
{
    if (serial_present(port))
        wait_lsr(base[port], LSR_TEMT);
}

int serial_read(unsigned port)
{
    if (!serial_present(port) || !(inb(base[port] + LSR) & LSR_READY))
        return -1;
    return inb(base[port] + DATA);
}

size_t serial_write_some(unsigned port, const void *buf, size_t n)
{
    const uint8_t *b = buf;
    size_t done = 0;

    while (serial_present(port) && done < n && inb(base[port] + LSR) & LSR_THRE) {
        size_t room = fifo[port] ? FIFO_SIZE : 1;
        for (size_t i = 0; i < room && done < n; i++)
            outb(base[port] + DATA, b[done++]);
    }
    return done;
}

/* The interrupt enable register is written here and by an interrupt handler. Each puts its
 * bits into ier[] first, so whichever writes last writes the bits of both. */
static void ier_write(unsigned port)
{
    uint8_t v, again;

    if (!serial_present(port))
        return;
    do {
        v = __atomic_load_n(&ier[port], __ATOMIC_SEQ_CST);
        outb(base[port] + IER, v);
        again = __atomic_load_n(&ier[port], __ATOMIC_SEQ_CST);
    } while (v != again);
}

void serial_rx_interrupt(unsigned port, bool on)
{
    if (on)
        __atomic_or_fetch(&ier[port], IER_RX, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(&ier[port], (uint8_t)~IER_RX, __ATOMIC_SEQ_CST);
    ier_write(port);
}

void serial_line_served(unsigned port) { served[port] = true; }
bool serial_tx_interrupts(unsigned port) { return served[port]; }

void serial_tx_interrupt_on(unsigned port)
{
    __atomic_or_fetch(&ier[port], IER_TX, __ATOMIC_SEQ_CST);
    ier_write(port);
}

bool serial_tx_interrupt_take(unsigned port)
{
    if (!(__atomic_load_n(&ier[port], __ATOMIC_SEQ_CST) & IER_TX) ||
        !(inb(base[port] + LSR) & LSR_THRE))
        return false;
    __atomic_and_fetch(&ier[port], (uint8_t)~IER_TX, __ATOMIC_SEQ_CST);
    ier_write(port);
    return true;
}
