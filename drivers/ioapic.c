#include "drivers/ioapic.h"
#include "drivers/acpi.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define IOAPIC_WINDOW 4 /* in 32-bit words */
#define REG_VERSION   1
#define REG_REDIR     0x10
#define REDIR_MASKED  0x10000u
#define REDIR_LEVEL   0x8000u
#define REDIR_LOW     0x2000u

static struct { volatile uint32_t *regs; unsigned base, count; } ioapics[ACPI_MAX_IOAPICS];

static uint32_t read_reg(volatile uint32_t *r, unsigned i)
{
    r[0] = i;
    return r[IOAPIC_WINDOW];
}

static void write_reg(volatile uint32_t *r, unsigned i, uint32_t v)
{
    r[0] = i;
    r[IOAPIC_WINDOW] = v;
}

void ioapic_init(void)
{
    for (unsigned i = 0; i < acpi.nioapics; i++) {
        volatile uint32_t *r =
            vm_map_device(acpi.ioapic[i].address, 0x20, VM_R | VM_W | VM_UNCACHED);
        if (!r) {
            kprintf("gort: I/O APIC %u cannot be mapped, ignored\n", i);
            continue;
        }
        ioapics[i].regs = r;
        ioapics[i].base = acpi.ioapic[i].gsi_base;
        ioapics[i].count = (read_reg(r, REG_VERSION) >> 16 & 0xff) + 1;
        for (unsigned k = 0; k < ioapics[i].count; k++)
            write_reg(r, REG_REDIR + 2 * k, REDIR_MASKED);
    }
}

bool ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool low, bool level)
{
    for (unsigned i = 0; i < ACPI_MAX_IOAPICS; i++) {
        if (!ioapics[i].regs || gsi < ioapics[i].base || gsi - ioapics[i].base >= ioapics[i].count)
            continue;
        unsigned reg = REG_REDIR + 2 * (gsi - ioapics[i].base);
        write_reg(ioapics[i].regs, reg + 1, apic_id << 24);
        write_reg(ioapics[i].regs, reg,
                  vector | (low ? REDIR_LOW : 0) | (level ? REDIR_LEVEL : 0));
        return true;
    }
    return false;
}
