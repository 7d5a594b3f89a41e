/* serial.h - 16550 UARTs at the three PC ports (National Semiconductor PC16550D data sheet). */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

#define SERIAL_PORTS 3 /* COM1..COM3 */

void serial_init(void);
bool serial_present(unsigned port);
/* Polls: returns when the last byte is in the FIFO. A UART that takes nothing for long is
 * given up. Any context. */
void serial_write(unsigned port, const void *buf, size_t n);
/* What the port takes now, up to n bytes; returns how much. An emulated UART takes any amount
 * at once, so the caller limits n. The caller is the port's only writer. Any context. */
size_t serial_write_some(unsigned port, const void *buf, size_t n);
/* Waits (bounded) until everything has left the wire. */
void serial_drain(unsigned port);
/* The next received byte, -1 if there is none. Any context. */
int serial_read(unsigned port);
/* The port's line interrupts when bytes have come. Any context. */
void serial_rx_interrupt(unsigned port, bool on);
/* The line is served, so that the port may also interrupt when it can take output. */
void serial_line_served(unsigned port);
bool serial_tx_interrupts(unsigned port);
/* Asks for one interrupt when the port takes output: at once if it does already. g0. */
void serial_tx_interrupt_on(unsigned port);
/* Interrupt context: was it asked for, and has it come? Switches it off. */
bool serial_tx_interrupt_take(unsigned port);

#endif
