/* pci_config.c - configuration space through ECAM, where ACPI's MCFG names it and it shows the
 * same host bridge, else through ports CF8 and CFC, which reach 256 bytes of each function. */
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"
#include "drivers/pci.h"
#include "kernel/lock.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define BUS_BYTES    (1u << 20)

static struct lock port_lock = LOCK_INIT("pci", RANK_LEAF);
static volatile uint8_t *ecam[256]; /* [const after the scan] by bus; mapped at first use */
static bool use_ecam;               /* [const] */

static volatile uint8_t *ecam_at(uint16_t bdf, unsigned reg)
{
    unsigned bus = bdf >> 8;

    if (!use_ecam || bus < acpi.ecam_first_bus || bus > acpi.ecam_last_bus)
        return NULL;
    if (!ecam[bus]) {
        uint64_t pa = acpi.ecam_address + (uint64_t)bus * BUS_BYTES;
        ecam[bus] = vm_map_device(pa, BUS_BYTES, VM_R | VM_W | VM_UNCACHED);
    }
    return ecam[bus] ? ecam[bus] + ((bdf & 0xffu) << 12) + reg : NULL;
}

static uint32_t port_read(uint16_t bdf, unsigned reg, unsigned bytes)
{
    uint16_t data = (uint16_t)(PORT_DATA + (reg & 3));
    uint32_t v;

    lock(&port_lock);
    outl(PORT_ADDRESS, 1u << 31 | (uint32_t)bdf << 8 | (reg & 0xfc));
    v = bytes == 1 ? inb(data) : bytes == 2 ? inw(data) : inl(data);
    unlock(&port_lock);
    return v;
}

static void port_write(uint16_t bdf, unsigned reg, unsigned bytes, uint32_t v)
{
    uint16_t data = (uint16_t)(PORT_DATA + (reg & 3));

    lock(&port_lock);
    outl(PORT_ADDRESS, 1u << 31 | (uint32_t)bdf << 8 | (reg & 0xfc));
    if (bytes == 1)
        outb(data, (uint8_t)v);
    else if (bytes == 2)
        outw(data, (uint16_t)v);
    else
        outl(data, v);
    unlock(&port_lock);
}

uint32_t pci_config_read(uint16_t bdf, unsigned reg, unsigned bytes)
{
    volatile uint8_t *p = ecam_at(bdf, reg);

    if (p)
        return bytes == 1 ? *p : bytes == 2 ? *(volatile uint16_t *)p : *(volatile uint32_t *)p;
    return reg < 256 ? port_read(bdf, reg, bytes) : 0xffffffff;
}

void pci_config_write(uint16_t bdf, unsigned reg, unsigned bytes, uint32_t v)
{
    volatile uint8_t *p = ecam_at(bdf, reg);

    if (p && bytes == 1)
        *p = (uint8_t)v;
    else if (p && bytes == 2)
        *(volatile uint16_t *)p = (uint16_t)v;
    else if (p)
        *(volatile uint32_t *)p = v;
    else if (reg < 256)
        port_write(bdf, reg, bytes, v);
}

void pci_config_init(void)
{
    uint32_t by_port = port_read(0, 0, 4);

    if (!acpi.ecam_address)
        return;
    use_ecam = true;
    uint32_t by_ecam = pci_config_read(0, 0, 4);
    /* A machine may lack the ports; if it has them, both ways must show the same device. */
    use_ecam = by_ecam != 0xffffffff && (by_ecam == by_port || by_port == 0xffffffff);
    if (!use_ecam)
        kprintf("gort: PCI: ECAM at %#llx shows %#x where ports show %#x: not used\n",
                (unsigned long long)acpi.ecam_address, by_ecam, by_port);
}
