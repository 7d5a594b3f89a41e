/* timer_ref.h - a counter of known frequency to calibrate the others against: the HPET, else
 * the ACPI PM timer, else channel 2 of the 8254. */
#ifndef DRIVERS_TIMER_REF_H
#define DRIVERS_TIMER_REF_H

#include <stdint.h>

/* Chooses and starts one; its name for the boot log. */
const char *timer_ref_init(void);
uint64_t timer_ref_hz(void);
uint32_t timer_ref_read(void);
/* Ticks from one reading to a later one; wraps of the counter's width are allowed for. */
uint32_t timer_ref_elapsed(uint32_t from, uint32_t to);

#endif
