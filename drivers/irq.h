/* irq.h - device interrupts: which vector calls whom. */
#ifndef DRIVERS_IRQ_H
#define DRIVERS_IRQ_H

#include <stdbool.h>

void irq_init_early(void);          /* masks the 8259s: before anything else */
void irq_init(void);                /* finds the I/O APICs */
bool irq_dispatch(unsigned vector); /* interrupt context; false: nobody's */

#endif
