/* power.c - the end of the machine: power.h. */
#include "drivers/power.h"
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "kernel/panic.h"

#define PORT_DEBUG_EXIT 0xf4  /* QEMU: -device isa-debug-exit */
#define PORT_QEMU_OFF   0x604 /* QEMU's PM1a control, for machines without tables */
#define PORT_FW_CFG     0x510 /* QEMU: selector, data behind it */

/* Is this QEMU? On another machine its ports may be anything. ACPI's tables name it; for a
 * machine without tables, the signature of QEMU's configuration port does. */
static bool on_qemu(void)
{
    char sign[4];

    if (!memcmp(acpi.oem, "BOCHS ", 6))
        return true;
    if (!cpu_features.virtual)
        return false;
    outw(PORT_FW_CFG, 0);
    for (int i = 0; i < 4; i++)
        sign[i] = (char)inb(PORT_FW_CFG + 1);
    return !memcmp(sign, "QEMU", 4);
}

/* ACPI's reset register, then the keyboard controller, then a triple fault. */
static _Noreturn void reset(void)
{
    static const struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

    irq_disable();
    acpi_reset();
    outb(0x64, 0xfe);
    for (int i = 0; i < 1000000; i++)
        cpu_relax();
    __asm__ volatile("lidt %0; ud2" ::"m"(none));
    halt_forever();
}

/* A virtual machine that knows no soft off ends by a reset: that is how its monitor
 * (Firecracker, QEMU's microvm) learns that it is over. A real machine would boot again and
 * hide the text on its screen, so it halts. */
void machine_exit(int status)
{
    static const char over[] = "gort: this machine has no soft off; it can be switched off now\n";
    static uint32_t leaving; /* [atomic] */
    char line[40];

    irq_disable();
    if (__atomic_exchange_n(&leaving, 1, __ATOMIC_SEQ_CST))
        halt_forever();
    console_ending();
    console_drain();
    int n = snprintf(line, sizeof line, "gort: exit %d\n", status & 255);
    if (console_controlled())
        console_write(CONSOLE_CTL, line, (size_t)n);
    else
        console_show(line, (size_t)n);
    console_drain();
    acpi_power_off();
    if (on_qemu()) {
        outb(PORT_DEBUG_EXIT, (uint8_t)status);
        outw(PORT_QEMU_OFF, 0x2000);
    }
    if (cpu_features.virtual)
        reset();
    console_show(over, sizeof over - 1);
    console_drain();
    halt_forever();
}

void power_init(void)
{
    crash_hooks.power_off = machine_exit;
}
