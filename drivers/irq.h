/* irq.h - device interrupts: which vector calls whom. */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include <stdbool.h>

void irq_init_early(void);          /* masks the 8259s: before anything else */
void irq_init(void);                /* finds the I/O APICs */
/* Masks a line for good, unless several devices share it. Any context; it may fail while another
 * CPU sets up a line: then the caller's next interrupt tries again. */
bool irq_mask(unsigned gsi);
bool irq_dispatch(unsigned vector); /* interrupt context; false: nobody's */

#endif
