/* acpi_power.c - the power button, power off and reset, by ACPI's registers.
 *
 * The SCI is a level: it comes again until what raised it has been acknowledged, and most of
 * what may raise it (general purpose events: lid, battery, hot-plug) only AML could
 * acknowledge. So no such event is left enabled; and if SCIs nevertheless come in a storm, the
 * line is masked: a machine without its power button is better than a CPU that does nothing
 * else. */
#include <stddef.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "drivers/irq.h"
#include "kernel/clock.h"
#include "mm/mm.h"

/* ACPI specification 6.5, 4.8: PM1 status and enable, PM1 control, sleep control. */
#define PWRBTN       (1u << 8)
#define SCI_EN       1u
#define SLP_EN       (1u << 13)
#define SLP_SHIFT    10
#define SLEEP_EN     (1u << 5)
#define SLEEP_SHIFT  2
#define STORM        1000          /* unclaimed SCIs within STORM_NS */
#define STORM_NS     1000000000

static void (*power_button)(void); /* [const once set] */

static void map_register(struct acpi_reg *r, unsigned bytes)
{
    if (r->address && r->space == ACPI_MEMORY)
        r->mapped = vm_map_device(r->address, bytes, VM_R | VM_W | VM_UNCACHED);
}

static bool usable(const struct acpi_reg *r)
{
    return r->address && (r->space == ACPI_IO || r->mapped);
}

static uint16_t read16(const struct acpi_reg *r, unsigned at)
{
    return r->mapped ? *(volatile uint16_t *)(r->mapped + at) : inw((uint16_t)(r->address + at));
}

static void write16(const struct acpi_reg *r, unsigned at, uint16_t v)
{
    if (r->mapped)
        *(volatile uint16_t *)(r->mapped + at) = v;
    else
        outw((uint16_t)(r->address + at), v);
}

static void write8(const struct acpi_reg *r, unsigned at, uint8_t v)
{
    if (r->mapped)
        *(volatile uint8_t *)(r->mapped + at) = v;
    else
        outb((uint16_t)(r->address + at), v);
}

static void enable_acpi_mode(void)
{
    const struct acpi_reg *c = &acpi.pm1_control[0];

    if (!acpi.smi_command || !acpi.acpi_enable || !usable(c) || read16(c, 0) & SCI_EN)
        return;
    outb((uint16_t)acpi.smi_command, acpi.acpi_enable);
    for (int i = 0; i < 100000 && !(read16(c, 0) & SCI_EN); i++)
        cpu_relax();
}

void acpi_events_off(void)
{
    for (int i = 0; i < 2; i++) {
        const struct acpi_reg *gpe = &acpi.gpe[i], *pm1 = &acpi.pm1_event[i];
        unsigned half = acpi.gpe_length[i] / 2; /* status bytes, then as many enable bytes */
        for (unsigned k = 0; usable(gpe) && k < half; k++)
            write8(gpe, half + k, 0);
        if (usable(pm1))
            write16(pm1, acpi.pm1_event_length / 2, 0);
    }
}

void acpi_power_init(void)
{
    for (int i = 0; i < 2; i++) {
        map_register(&acpi.pm1_event[i], acpi.pm1_event_length);
        map_register(&acpi.pm1_control[i], 2);
        map_register(&acpi.gpe[i], acpi.gpe_length[i]);
    }
    map_register(&acpi.sleep_control, 1);
    map_register(&acpi.reset, 1);
    enable_acpi_mode();
    acpi_events_off();
}

/* Acknowledges the power button, whose bit may be in either block. True: it was pressed. */
static bool button_take(void)
{
    bool pressed = false;

    for (int i = 0; i < 2; i++) {
        const struct acpi_reg *r = &acpi.pm1_event[i];
        if (!usable(r) || !(read16(r, 0) & PWRBTN))
            continue;
        write16(r, 0, PWRBTN); /* one bits are cleared */
        pressed = true;
    }
    return pressed;
}

static void sci(void *arg)
{
    static unsigned unclaimed; /* since `since`; only the CPU that has the line comes here */
    static int64_t since;
    int64_t now = clock_mono_ns();

    (void)arg;
    if (button_take()) {
        power_button();
        return;
    }
    if (now - since > STORM_NS) {
        since = now;
        unclaimed = 0;
    }
    if (++unclaimed >= STORM)
        irq_mask(acpi_isa_gsi(acpi.sci_irq));
}

void acpi_power_button(void (*fn)(void))
{
    if (!acpi.has_power_button || acpi.pm1_event_length < 4 || !usable(&acpi.pm1_event[0]))
        return;
    power_button = fn;
    if (irq_register(acpi_isa_gsi(acpi.sci_irq), sci, NULL) < 0)
        return;
    for (int i = 0; i < 2; i++) {
        if (!usable(&acpi.pm1_event[i]))
            continue;
        write16(&acpi.pm1_event[i], 0, PWRBTN);
        write16(&acpi.pm1_event[i], acpi.pm1_event_length / 2, PWRBTN);
    }
}

static void wait_a_little(void)
{
    for (int i = 0; i < 200000; i++)
        cpu_relax();
}

/* Hardware-reduced machines have the sleep control register, all others the PM1 blocks. */
void acpi_power_off(void)
{
    const uint8_t type[2] = { acpi.s5_a, acpi.s5_b };

    if (!acpi.has_s5)
        return;
    if (usable(&acpi.sleep_control))
        write8(&acpi.sleep_control, 0, (uint8_t)(type[0] << SLEEP_SHIFT | SLEEP_EN));
    for (int i = 0; i < 2; i++) {
        const struct acpi_reg *r = &acpi.pm1_control[i];
        if (!usable(r))
            continue;
        uint16_t v = read16(r, 0) & (uint16_t)~(7u << SLP_SHIFT);
        write16(r, 0, (uint16_t)(v | type[i] << SLP_SHIFT | SLP_EN));
    }
    wait_a_little();
}

void acpi_reset(void)
{
    if (usable(&acpi.reset)) {
        write8(&acpi.reset, 0, acpi.reset_value);
        wait_a_little();
    }
}
