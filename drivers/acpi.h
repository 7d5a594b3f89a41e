/* acpi.h - what the firmware says about the machine; read once at boot. */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include "drivers/acpi_tables.h"

extern struct acpi_info acpi; /* [const after acpi_init] */

/* rsdp: physical, 0 = search the BIOS area. Missing or broken tables are named on the error
 * channel and leave their part of `acpi` empty. */
void acpi_init(uint64_t rsdp);
/* The global system interrupt of an ISA IRQ line. */
unsigned acpi_isa_gsi(unsigned irq);
/* From now on fn is called, in interrupt context, when the power button is pressed. */
void acpi_power_button(void (*fn)(void));
/* Part of acpi_init: maps the registers below, switches ACPI mode on and all its events off. */
void acpi_power_init(void);
/* No event raises the SCI any more, the power button included. */
void acpi_events_off(void);
/* Soft off and reset; both return if the machine does not obey. Any context. */
void acpi_power_off(void);
void acpi_reset(void);

#endif
