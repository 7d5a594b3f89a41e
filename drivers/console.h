/* console.h - the byte channels' set-up; print.h is what everybody else uses. */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <stdbool.h>

void console_init(void);       /* output works from here on */
void console_input_init(void); /* needs irq_init, and looks for ports: after virtio_init */
/* console_out.c: looks for the host's ports; true: stdout has one. */
bool console_ports(void);
/* Interrupt context: this serial port takes output again. */
void console_sent_irq(unsigned port);
/* Tells the host that the machine waits for it to take what was written. Crash context. */
void console_ending(void);
/* Waits (bounded) until everything that was written has left the machine. Any context. */
void console_drain(void);

#endif
