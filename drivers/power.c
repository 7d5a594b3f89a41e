/* power.c - the end of the machine. */
#include <stdio.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "drivers/console.h"
#include "kernel/print.h"

#define PORT_DEBUG_EXIT 0xf4  /* QEMU: -device isa-debug-exit */
#define PORT_QEMU_OFF   0x604 /* QEMU's PM1a control, for machines without tables */

void machine_exit(int status)
{
    static uint32_t leaving; /* [atomic] */
    char line[40];

    irq_disable();
    if (__atomic_exchange_n(&leaving, 1, __ATOMIC_SEQ_CST))
        halt_forever();
    /* The host takes what is left without waiting for who reads it. */
    console_write(CONSOLE_CTL, "gort: ending\n", 13);
    console_drain();
    int n = snprintf(line, sizeof line, "gort: exit %d\n", status & 255);
    console_write(CONSOLE_CTL, line, (size_t)n);
    console_drain();
    acpi_power_off();
    outb(PORT_DEBUG_EXIT, (uint8_t)status);
    outw(PORT_QEMU_OFF, 0x2000);
    halt_forever();
}

/* ACPI's reset register, then the keyboard controller, then a triple fault. */
void machine_reset(void)
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
