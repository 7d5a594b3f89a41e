#include "drivers/ioapic.h"
#include "arch/x86_64/arch.h"
#include "drivers/acpi.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define IOAPIC_USUAL  0xfec00000u
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

/* Without tables: uses the I/O APIC at the traditional address if one answers there. */
static void assume_one(void)
{
    volatile uint32_t *r = vm_map_device(IOAPIC_USUAL, 0x20, VM_R | VM_W | VM_UNCACHED);
    uint32_t version = r ? read_reg(r, REG_VERSION) : 0;

    if (version && version != 0xffffffff)
        acpi.ioapic[acpi.nioapics++] = (struct acpi_ioapic){ 0, IOAPIC_USUAL, 0 };
}

void ioapic_init(void)
{
    if (!acpi.nioapics)
        assume_one();
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

/* A register takes two accesses, index and data. Routing a line holds `writing`, with
 * interrupts off; an interrupt handler that masks a line does not wait for `writing`, but
 * gives up. */
static uint32_t writing; /* [atomic] */

static bool try_write(void)
{
    return !__atomic_exchange_n(&writing, 1, __ATOMIC_ACQUIRE);
}

static void end_write(void)
{
    __atomic_store_n(&writing, 0, __ATOMIC_RELEASE);
}

/* Registers of the I/O APIC that has the line, and the line's index there. */
static volatile uint32_t *line_of(unsigned gsi, unsigned *reg)
{
    for (unsigned i = 0; i < ACPI_MAX_IOAPICS; i++) {
        if (!ioapics[i].regs || gsi < ioapics[i].base || gsi - ioapics[i].base >= ioapics[i].count)
            continue;
        *reg = REG_REDIR + 2 * (gsi - ioapics[i].base);
        return ioapics[i].regs;
    }
    return NULL;
}

bool ioapic_route(unsigned gsi, uint8_t vector, uint32_t apic_id, bool low, bool level)
{
    unsigned reg;
    volatile uint32_t *r = line_of(gsi, &reg);

    if (!r || apic_id > IOAPIC_CPU_MAX)
        return false;
    uint64_t flags = irq_save();
    while (!try_write())
        cpu_relax();
    write_reg(r, reg + 1, apic_id << 24);
    write_reg(r, reg, vector | (low ? REDIR_LOW : 0) | (level ? REDIR_LEVEL : 0));
    end_write();
    irq_restore(flags);
    return true;
}

bool ioapic_mask(unsigned gsi)
{
    unsigned reg;
    volatile uint32_t *r = line_of(gsi, &reg);
    uint64_t flags = irq_save();
    bool done = r && try_write();

    if (done) {
        write_reg(r, reg, read_reg(r, reg) | REDIR_MASKED);
        end_write();
    }
    irq_restore(flags);
    return done;
}
