/* pci.h - PCI functions: configuration space, BARs, capabilities, MSI and MSI-X (PCI 3.0, PCI
 * Express 4.0). Everything happens at boot or on g0.
 *
 * The bus is scanned once. Memory BARs that the firmware has left unassigned, and bridges that
 * it has not numbered, get addresses from the window above 3 GiB. The device may return any
 * value for any register: walks of lists are bounded, sizes are checked. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_MAX 96   /* functions that are kept */
#define PCI_BARS 6

struct pci_bar { uint64_t base, size; bool memory; }; /* size 0: there is none; base 0: no room */

struct pci_dev {
    uint16_t bdf;               /* bus << 8 | slot << 3 | function */
    uint16_t vendor, device;
    uint8_t class, subclass;
    struct pci_bar bar[PCI_BARS];
    uint8_t msix;               /* its capability, 0 = none */
    uint16_t msix_count;        /* entries of its table */
    volatile uint32_t *msix_table; /* NULL until pci_msix_enable */
};

/* Scans. [low, high): where unassigned BARs may go. driven: is there a driver for a function? What
 * has none stays as it is found, without BARs and MSI-X here: each trial of a BAR changes the
 * machine's memory map, which takes an emulator 0.1 ms and more. NULL: for all. */
void pci_scan(uint64_t low, uint64_t high, bool (*driven)(uint16_t vendor, uint16_t device));
/* Function number i; NULL behind the last. */
struct pci_dev *pci_get(unsigned i);
/* "pci 00:03.0" */
const char *pci_name(const struct pci_dev *d, char buf[16]);

uint32_t pci_read(const struct pci_dev *d, unsigned reg, unsigned bytes); /* 1, 2 or 4 */
/* The capability `id` behind the one at `after` (0: the first); 0: none. */
unsigned pci_cap(const struct pci_dev *d, unsigned id, unsigned after);
/* Memory decoding and bus mastering on, INTx off. */
void pci_enable(const struct pci_dev *d);
/* Bus mastering off: whatever state the device is in, it reaches no memory any more. */
void pci_stop(const struct pci_dev *d);
/* The device's end of its link no longer sleeps by itself (ASPM; PCI Express 4.0, 7.5.3.7). */
void pci_link_awake(const struct pci_dev *d);
/* Maps [offset, offset + size) of a memory BAR, uncached; NULL: it has no such bytes. */
volatile void *pci_map(const struct pci_dev *d, unsigned bar, uint64_t offset, uint64_t size);
/* Maps the MSI-X table, all entries masked, and switches MSI-X on. Entries, 0 if it has none. */
unsigned pci_msix_enable(struct pci_dev *d);
/* For a device without MSI-X: its one message by the older capability. False: it has none. */
bool pci_msi_enable(const struct pci_dev *d, uint64_t address, uint32_t data);
/* Sets an entry (address and data as of irq_msi_alloc) and unmasks it. */
void pci_msix_set(struct pci_dev *d, unsigned entry, uint64_t address, uint32_t data);

/* pci_config.c: the two ways to the configuration space. bdf as above, reg < 4096 and a multiple
 * of bytes; what is out of reach reads as all ones. */
void pci_config_init(void);
uint32_t pci_config_read(uint16_t bdf, unsigned reg, unsigned bytes);
void pci_config_write(uint16_t bdf, unsigned reg, unsigned bytes, uint32_t v);

#endif
