/* ioapic.h - routing of device lines to vectors (Intel 82093AA data sheet). */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

void ioapic_init(void); /* maps those that ACPI lists, masks every line */
/* Destinations have eight bits, of which 255 is everybody (82093AA data sheet, 3.2.4). Larger ids
 * would need interrupt remapping. */
#define IOAPIC_CPU_MAX 254u
/* Sends the line to a vector of one CPU. False: no I/O APIC has the line, or the CPU's id is
 * above IOAPIC_CPU_MAX. */
bool ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool low, bool level);
/* False, and nothing done, if no I/O APIC has the line or one is being written to. Any context. */
bool ioapic_mask(unsigned gsi);

#endif
