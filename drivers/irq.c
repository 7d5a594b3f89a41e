#include "drivers/irq.h"
#include <errno.h>
#include "arch/x86_64/asm.h"
#include "arch/x86_64/state.h"
#include "drivers/acpi.h"
#include "drivers/ioapic.h"
#include "drivers/msi.h"
#include "kernel/lock.h"
#include "kernel/print.h"

#define NVECTORS (VEC_TIMER - VEC_DEV)
#define NHANDLERS 64

/* One vector per line that is in use; devices that share the line are chained. A handler is
 * complete before it is linked in, so the interrupt side needs no lock. */
struct handler { void (*fn)(void *); void *arg; struct handler *next; };
static struct { struct handler *first; unsigned gsi; } lines[NVECTORS]; /* first: [atomic] */
static struct handler handlers[NHANDLERS];
static unsigned nhandlers, nlines;       /* [irq_lock] */
static struct lock irq_lock = LOCK_INIT("irq", RANK_LEAF);

/* The two 8259s are moved off the exception vectors and masked for good. */
void irq_init_early(void)
{
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, VEC_PIC);
    outb(0xa1, VEC_PIC + 8);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

/* Interrupt context; false: nobody's. */
static bool irq_dispatch(unsigned vector)
{
    struct handler *h = NULL;

    if (vector >= VEC_DEV && vector < VEC_TIMER)
        h = __atomic_load_n(&lines[vector - VEC_DEV].first, __ATOMIC_ACQUIRE);
    if (!h)
        return irq_msi_dispatch(vector);
    for (; h; h = h->next)
        h->fn(h->arg);
    return true;
}

void irq_init(void)
{
    ioapic_init();
    machine_hooks.device = irq_dispatch;
    if (boot_cpu.apic_id > IOAPIC_CPU_MAX)
        kprintf("gort: the boot CPU's APIC id is %u, and I/O APICs know ids up to %u only: no "
                "device can interrupt\n", boot_cpu.apic_id, IOAPIC_CPU_MAX);
}

/* Routes a line: ISA lines (the first 16) as edge and high, PCI lines as level and low, unless
 * the MADT says otherwise. */
static bool route(unsigned gsi, unsigned line)
{
    bool low = gsi >= 16, level = gsi >= 16;

    for (unsigned i = 0; i < acpi.noverrides; i++) {
        if (acpi.override[i].gsi == gsi) {
            low = acpi.override[i].low;
            level = acpi.override[i].level;
        }
    }
    return ioapic_route(gsi, (uint8_t)(VEC_DEV + line), boot_cpu.apic_id, low, level);
}

static int register_locked(unsigned gsi, struct handler *h)
{
    unsigned line = 0;

    while (line < nlines && lines[line].gsi != gsi)
        line++;
    if (line == NVECTORS)
        return -ENOSPC;
    h->next = lines[line].first;
    __atomic_store_n(&lines[line].first, h, __ATOMIC_RELEASE);
    if (line < nlines)
        return 0;
    lines[line].gsi = gsi;
    if (!route(gsi, line)) {
        lines[line].first = NULL;
        return -EINVAL;
    }
    nlines++;
    return 0;
}

bool irq_mask(unsigned gsi)
{
    for (unsigned i = 0; i < NVECTORS; i++) {
        const struct handler *h = __atomic_load_n(&lines[i].first, __ATOMIC_ACQUIRE);
        if (h && lines[i].gsi == gsi)
            return !h->next && ioapic_mask(gsi);
    }
    return false;
}

int irq_register(unsigned gsi, void (*fn)(void *), void *arg)
{
    int err = -ENOSPC;

    lock(&irq_lock);
    if (nhandlers < NHANDLERS) {
        handlers[nhandlers] = (struct handler){ fn, arg, NULL };
        err = register_locked(gsi, &handlers[nhandlers]);
        nhandlers += err == 0;
    }
    unlock(&irq_lock);
    return err;
}
