/* power.h - the end of the machine. */
#ifndef DRIVERS_POWER_H
#define DRIVERS_POWER_H

/* Status goes to the control channel, then ACPI S5 (or the debug-exit port). Any context. */
_Noreturn void machine_exit(int status);
/* Boot: crash reports end by it, too. */
void power_init(void);

#endif
