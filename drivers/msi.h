/* msi.h - message-signalled interrupts: vectors of one CPU, given out one by one (SDM vol. 3,
 * 11.11). They are edges that reach the CPU without an I/O APIC; two in a row may become one
 * interrupt. */
#ifndef DRIVERS_MSI_H
#define DRIVERS_MSI_H

#include <stdbool.h>
#include <stdint.h>

/* What a device is to write, and where, to have fn(arg) called in interrupt context on that CPU.
 * 0; -ENOSPC: its vectors have run out; -EINVAL: it cannot be addressed (an APIC id above 255).
 * Never given back. */
int irq_msi_alloc(unsigned cpu, void (*fn)(void *), void *arg, uint64_t *address, uint32_t *data);
/* Interrupt context, from irq_dispatch. False: the vector is none of these. */
bool irq_msi_dispatch(unsigned vector);

#endif
