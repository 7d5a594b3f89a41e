/* serial.h - 16550 UARTs at the three PC ports (National Semiconductor PC16550D data sheet). */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

#define SERIAL_PORTS 3 /* COM1..COM3 */

void serial_init(void);
bool serial_present(unsigned port);
/* Unless it is on or input is waiting. Any context, but not while the port is written to. */
void serial_fifo_enable(unsigned port);
/* Polls: returns when the last byte is in the FIFO. A UART that takes nothing for long is
 * given up. Any context. */
void serial_write(unsigned port, const void *buf, size_t n);
/* Waits (bounded) until everything has left the wire. */
void serial_drain(unsigned port);
/* The next received byte, -1 if there is none. Any context. */
int serial_read(unsigned port);
void serial_rx_interrupt(unsigned port, bool on);

#endif
