/* lapic.h - the local APIC (SDM vol. 3, chapters 11 and 11.12), as xAPIC or x2APIC. */
#ifndef ARCH_LAPIC_H
#define ARCH_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* Which LINT pin carries NMIs, on all CPUs; lint -1: none. */
struct lapic_nmi { int lint; bool low; };
/* The boot CPU: chooses the mode. registers: the mapped page of them, not used by x2APICs. */
void lapic_init(volatile void *registers, const struct lapic_nmi *nmi);
uint64_t lapic_address(void);      /* physical, of the registers: where this CPU has them */
void lapic_setup(void);            /* each CPU: enables it, masks all, NMI on LINTn */
uint32_t lapic_id(void);
void lapic_eoi(void);
/* INIT and STARTUP to another CPU; startup: real-mode page number. Boot only. */
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t page);
bool lapic_is_x2(void);

/* The timer is calibrated by counting down from the top with the divider in use. */
void lapic_timer_calibrate_start(void);
uint32_t lapic_timer_calibrate_count(void);  /* ticks since the start */
void lapic_timer_set_hz(uint64_t ticks_per_second);
/* Interrupt context: did the deadline asked for with timer_arm pass? Re-arms if not (the
 * counter is shorter than long waits). */
bool lapic_timer_expired(struct cpu *c);

#endif
