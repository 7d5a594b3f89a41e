/* ioapic.h - routing of device lines to vectors (Intel 82093AA data sheet). */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

void ioapic_init(void); /* maps those that ACPI lists, masks every line */
/* Sends the line to a vector of one CPU (xAPIC id < 256). False: no I/O APIC has it. */
bool ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool low, bool level);

#endif
