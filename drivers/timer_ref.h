/* timer_ref.h - a counter of known frequency to calibrate the others against: the HPET, else
 * the ACPI PM timer, else channel 2 of the 8254. */
#ifndef DRIVERS_TIMER_REF_H
#define DRIVERS_TIMER_REF_H

#include "arch/x86_64/tsc.h"

/* Chooses and starts one. Boot. */
const struct clock_ref *timer_ref_init(void);

#endif
