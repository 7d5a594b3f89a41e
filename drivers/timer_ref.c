#include "drivers/timer_ref.h"
#include <stddef.h>
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "mm/mm.h"

#define FEMTO 1000000000000000ull

/* HPET (IA-PC HPET specification 1.0a): capabilities, configuration, main counter. */
static volatile uint64_t *hpet;

static uint32_t hpet_read(void) { return (uint32_t)hpet[0xf0 / 8]; }

static const struct clock_ref *use_hpet(void)
{
    static struct clock_ref ref = { "HPET", 0, UINT32_MAX, hpet_read };

    hpet = acpi.hpet_address ? vm_map_device(acpi.hpet_address, 0x400, VM_R | VM_W | VM_UNCACHED)
                             : NULL;
    uint64_t period = hpet ? hpet[0] >> 32 : 0; /* femtoseconds, at most 100 ns */

    if (period < 1000 || period > 100000000)
        return NULL;
    hpet[2] |= 1; /* ENABLE_CNF */
    ref.hz = FEMTO / period;
    return &ref;
}

static uint32_t pm_read(void) { return inl((uint16_t)acpi.pm_timer_port); }

static const struct clock_ref *use_pm(void)
{
    static struct clock_ref ref = { "ACPI PM timer", 3579545, 0xffffff, pm_read };

    if (acpi.pm_timer_32bit)
        ref.mask = UINT32_MAX;
    return &ref;
}

/* Channel 2 of the 8254 counts down. */
static uint32_t pit_read(void)
{
    outb(0x43, 0x80); /* latch */
    uint32_t v = inb(0x42);

    return -(v | (uint32_t)inb(0x42) << 8);
}

static const struct clock_ref *use_pit(void)
{
    static const struct clock_ref ref = { "8254", 1193182, 0xffff, pit_read };

    outb(0x61, (inb(0x61) & ~2) | 1); /* gate of channel 2 on, speaker off */
    outb(0x43, 0xb4);                 /* channel 2, both bytes, mode 2: counts 65536 down */
    outb(0x42, 0);
    outb(0x42, 0);
    return &ref;
}

const struct clock_ref *timer_ref_init(void)
{
    const struct clock_ref *ref = use_hpet();

    if (ref)
        return ref;
    return acpi.pm_timer_port ? use_pm() : use_pit();
}
