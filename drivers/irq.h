/* irq.h - device interrupts: which vector calls whom. */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include <stdbool.h>

void irq_init_early(void);          /* masks the 8259s: before anything else */
void irq_init(void);                /* finds the I/O APICs */
/* Masks a line for good, unless several devices share it. Any context; it may fail while another
 * CPU sets up a line: then the caller's next interrupt tries again. */
bool irq_mask(unsigned gsi);
/* Registers an interrupt line (device); fn(arg) in interrupt context. 0 or -EINVAL/-ENOSPC. g0 or
 * boot context. */
int irq_register(unsigned gsi, void (*fn)(void *), void *arg);

#endif
