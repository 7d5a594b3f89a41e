/* rtc.h - the CMOS clock (MC146818). */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <stdbool.h>
#include <stdint.h>

/* Unix seconds, UTC assumed (as QEMU and UEFI set it); 0 if the clock gives nonsense. */
int64_t rtc_read(void);
/* Does the clock change its registers just now? rtc_read would wait for the end. */
bool rtc_updating(void);

#endif
