#include "drivers/timer_ref.h"
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "mm/mm.h"

#define FEMTO 1000000000000000ull

/* HPET (IA-PC HPET specification 1.0a): capabilities, configuration, main counter. */
static volatile uint64_t *hpet;
static enum { REF_HPET, REF_PM, REF_PIT } kind;
static uint64_t hz;
static uint32_t mask;

static const char *use_hpet(void)
{
    hpet = acpi.hpet_address ? vm_map_device(acpi.hpet_address, 0x400, VM_R | VM_W | VM_UNCACHED)
                             : 0;
    uint64_t period = hpet ? hpet[0] >> 32 : 0; /* femtoseconds, at most 100 ns */

    if (period < 1000 || period > 100000000)
        return 0;
    hpet[2] |= 1; /* ENABLE_CNF */
    kind = REF_HPET;
    hz = FEMTO / period;
    mask = UINT32_MAX;
    return "HPET";
}

static const char *use_pit(void)
{
    kind = REF_PIT;
    hz = 1193182;
    mask = 0xffff;
    outb(0x61, (inb(0x61) & ~2) | 1); /* gate of channel 2 on, speaker off */
    outb(0x43, 0xb4);                 /* channel 2, both bytes, mode 2: counts 65536 down */
    outb(0x42, 0);
    outb(0x42, 0);
    return "8254";
}

const char *timer_ref_init(void)
{
    const char *name = use_hpet();

    if (name)
        return name;
    if (acpi.pm_timer_port) {
        kind = REF_PM;
        hz = 3579545;
        mask = acpi.pm_timer_32bit ? UINT32_MAX : 0xffffff;
        return "ACPI PM timer";
    }
    return use_pit();
}

uint64_t timer_ref_hz(void)
{
    return hz;
}

uint32_t timer_ref_read(void)
{
    uint32_t v;

    switch (kind) {
    case REF_HPET:
        return (uint32_t)hpet[0xf0 / 8];
    case REF_PM:
        return inl((uint16_t)acpi.pm_timer_port) & mask;
    default:
        outb(0x43, 0x80); /* latch channel 2 */
        v = inb(0x42);
        v |= (uint32_t)inb(0x42) << 8;
        return -v & mask;
    }
}

uint32_t timer_ref_elapsed(uint32_t from, uint32_t to)
{
    return (to - from) & mask;
}
