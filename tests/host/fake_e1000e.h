/* fake_e1000e.h - the kernel and a network device in memory, for test_e1000e.c: what the 82574's
 * data sheet says about rings, sums, segments and interrupts, as far as the driver uses it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/boot_info.h"
#include "drivers/e1000e.h"
#include "drivers/msi.h"
#include "drivers/pci.h"
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

/* ---- the kernel ---------------------------------------------------------------------------- */
#include "fake_netdev.h"
int netdev_register(struct netdev *d) { eth = d; return 0; }

static struct pci_dev card = { .vendor = 0x8086, .device = 0x10d3 };
static unsigned msix_entries, vectors;
static bool mastering, with_msi;
static struct { void (*fn)(void *); void *arg; } vector[2];
struct pci_dev *pci_get(unsigned i) { return i ? NULL : &card; }
const char *pci_name(const struct pci_dev *d, char b[16]) { (void)d; return strcpy(b, "pci x"); }
void pci_enable(const struct pci_dev *d) { (void)d; mastering = true; }
void pci_link_awake(const struct pci_dev *d) { (void)d; }
void pci_stop(const struct pci_dev *d) { (void)d; mastering = false; }
volatile void *pci_map(const struct pci_dev *d, unsigned bar, uint64_t at, uint64_t n)
{
    (void)d;
    return bar == 0 && at == 0 && n == E1000E_REGS ? &card : NULL;
}
unsigned pci_msix_enable(struct pci_dev *d) { (void)d; return msix_entries; }
void pci_msix_set(struct pci_dev *d, unsigned e, uint64_t a, uint32_t v)
{
    (void)d, (void)a;
    vectors |= v == e ? 1u << e : 0;
}
bool pci_msi_enable(const struct pci_dev *d, uint64_t a, uint32_t v)
{
    (void)d;
    return with_msi && a == 0xfee00000 && v == 0;
}
int irq_msi_alloc(unsigned cpu, void (*fn)(void *), void *arg, uint64_t *a, uint32_t *v)
{
    vector[cpu].fn = fn;
    vector[cpu].arg = arg;
    *a = 0xfee00000;
    *v = cpu;
    return 0;
}

/* ---- the device ------------------------------------------------------------------------------ */
#define WIRE 64
static uint32_t reg[E1000E_REGS / 4];
static uint16_t eeprom[3];
static bool stuck, gone, deaf, down;
static struct { uint8_t bytes[1600]; size_t len; } wire[WIRE];
static unsigned nwire, contexts, phy_writes;
static uint16_t phy_control;
static struct e1000e_desc context;
static uint8_t gathered[70000];
static size_t ngathered;

static struct e1000e_desc *ring(unsigned base)
{
    return phys_to_virt(reg[base / 4] | (uint64_t)reg[base / 4 + 1] << 32);
}

/* One message when the first of its causes comes up; nothing masks it. */
static void interrupt_msi(uint32_t cause)
{
    static bool was;
    uint32_t plain = (cause & (CAUSE_RXQ0 | CAUSE_RXQ1) ? CAUSE_RXT0 : 0) |
                     (cause & (CAUSE_TXQ0 | CAUSE_TXQ1) ? CAUSE_TXDW : 0);

    reg[R_ICR / 4] |= plain;
    bool is = reg[R_ICR / 4] & reg[R_IMS / 4];
    bool rises = is && (!was || plain & reg[R_IMS / 4]);
    was = is;
    if (rises)
        vector[0].fn(vector[0].arg);
}

static void interrupt(uint32_t cause)
{
    if (!msix_entries && vector[0].fn) {
        interrupt_msi(cause);
        return;
    }
    reg[R_ICR / 4] |= cause;
    uint32_t fire = reg[R_ICR / 4] & reg[R_IMS / 4] & CAUSES;
    for (unsigned i = 0; i < 3; i++) { /* RXQ0, RXQ1, TXQ0 */
        uint32_t bit = (uint32_t)CAUSE_RXQ0 << i, how = reg[R_IVAR / 4] >> 4 * i;
        if (fire & bit && how & 8 && vector[how & 7].fn) {
            reg[R_ICR / 4] &= ~(bit & reg[R_EIAC / 4]);
            reg[R_IMS / 4] &= ~(bit & reg[R_IAM / 4]);
            vector[how & 7].fn(vector[how & 7].arg);
        }
    }
}

static uint32_t sum16(const uint8_t *b, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++)
        sum += (uint32_t)b[i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void put(uint8_t *p, uint32_t v) { p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v; }

static void on_wire(const uint8_t *b, size_t n)
{
    if (nwire < WIRE && n <= sizeof wire[0].bytes) {
        memcpy(wire[nwire].bytes, b, n);
        wire[nwire].len = n;
    }
    nwire++;
}

/* Data sheet 7.3: each segment has the headers with length, id, sequence number and sums filled
 * in; the sum's seed lacks the length. */
static void segment(void)
{
    size_t hdr = context.high >> 40 & 255, mss = context.high >> 48, done = 0;
    size_t ip = context.low & 255, l4 = context.low >> 32 & 255, so = context.low >> 40 & 255;
    size_t payload = context.high & 0xfffff;
    uint8_t f[1600];

    if (hdr + payload != ngathered || hdr + mss > sizeof f || gathered[ip + 2] || gathered[ip + 3])
        return;
    for (unsigned i = 0; done < payload; i++) {
        size_t n = payload - done < mss ? payload - done : mss;
        memcpy(f, gathered, hdr);
        memcpy(f + hdr, gathered + hdr + done, n);
        put(f + ip + 2, (uint32_t)(hdr - ip + n));
        put(f + ip + 4, ((uint32_t)f[ip + 4] << 8 | f[ip + 5]) + i);
        put(f + ip + 10, ~sum16(f + ip, l4 - ip, 0));
        uint32_t seq = (uint32_t)f[l4 + 4] << 24 | f[l4 + 5] << 16 | f[l4 + 6] << 8 | f[l4 + 7];
        seq += (uint32_t)done;
        put(f + l4 + 4, seq >> 16);
        put(f + l4 + 6, seq);
        put(f + so, ~sum16(f + l4, hdr - l4 + n, (uint32_t)(hdr - l4 + n)));
        on_wire(f, hdr + n);
        done += n;
    }
}

static void send_gathered(uint64_t high)
{
    size_t start = context.low >> 32 & 255, at = context.low >> 40 & 255;

    if (high & TXD_TSE) {
        segment();
    } else {
        if (high & TXD_TXSM)
            put(gathered + at, ~sum16(gathered + start, ngathered - start, 0));
        on_wire(gathered, ngathered);
    }
    ngathered = 0;
}

static void transmit(void)
{
    while (!stuck && mastering && reg[R_TCTL / 4] & TCTL_EN && reg[R_TDH / 4] != reg[R_TDT / 4]) {
        struct e1000e_desc *d = &ring(R_TDBAL)[reg[R_TDH / 4]];
        size_t n = d->high & 0xfffff;
        if (!(d->high & TXD_DATA)) {
            context = *d;
            contexts++;
        } else if (ngathered + n <= sizeof gathered) {
            memcpy(gathered + ngathered, phys_to_virt(d->low), n);
            ngathered += n;
        }
        if (d->high & TXD_DATA && d->high & TXD_EOP)
            send_gathered(d->high);
        if (d->high & TXD_RS)
            d->high |= TXD_DD;
        reg[R_TDH / 4] = (reg[R_TDH / 4] + 1) % (reg[R_TDLEN / 4] / 16);
        if (d->high & TXD_RS)
            interrupt(CAUSE_TXQ0);
    }
}

/* Writes what a frame makes of the next descriptor. False: there is no buffer. */
static bool receive(unsigned q, const uint8_t *b, size_t len, uint64_t status)
{
    unsigned at = RX_QUEUE * q;
    uint32_t *head = &reg[(R_RDH + at) / 4];

    if (*head == reg[(R_RDT + at) / 4] || !(reg[R_RCTL / 4] & RCTL_EN))
        return false;
    struct e1000e_desc *d = &ring(R_RDBAL + at)[*head];
    memcpy(phys_to_virt(d->low), b, len < 1522 ? len : 1522);
    d->low = 0x1234567800000001;
    d->high = status | RXD_DD | (uint64_t)len << 32;
    *head = (*head + 1) % (reg[(R_RDLEN + at) / 4] / 16);
    interrupt((uint32_t)CAUSE_RXQ0 << q);
    return true;
}

static void power_on(void)
{
    memset(reg, 0, sizeof reg);
    reg[R_EEC / 4] = EEC_AUTO_RD;
    reg[R_STATUS / 4] = STATUS_LU;
    reg[R_RAL / 4] = 0x33221102;
    reg[R_RAH / 4] = 0x5544 | RAH_VALID;
}

uint32_t e1000e_get(const struct e1000e *n, unsigned r)
{
    (void)n;
    if (gone)
        return 0xffffffff;
    if (r == R_STATUS)
        return down ? 0 : STATUS_LU;
    uint32_t v = reg[r / 4];
    if (r == R_MPC)
        reg[r / 4] = 0;
    return v;
}

static void mdic(uint32_t v)
{
    unsigned r = v >> 16 & 31;

    if (v & 1 << 26 && r == 0) {
        phy_control = (uint16_t)v;
        phy_writes++;
    }
    reg[R_MDIC / 4] = (v & 0xffff0000) | 1 << 28 | (r ? 0 : phy_control) |
                      ((v >> 21 & 31) == 1 ? 0 : 1 << 30);
}

void e1000e_set(struct e1000e *n, unsigned r, uint32_t v)
{
    (void)n;
    if (gone)
        return;
    if (r == R_ICR) {
        reg[r / 4] &= ~v;
    } else if (r == R_IMS) {
        reg[r / 4] |= v;
        interrupt(0);
    } else if (r == R_IMC) {
        reg[R_IMS / 4] &= ~v;
    } else if (r == R_CTRL && v & CTRL_RST && !deaf) {
        uint32_t ral = reg[R_RAL / 4], rah = reg[R_RAH / 4];
        power_on();
        reg[R_RAL / 4] = ral, reg[R_RAH / 4] = rah;
        ngathered = 0;
        context = (struct e1000e_desc){ 0, 0 };
    } else if (r == R_MDIC) {
        mdic(v);
    } else if (r == R_EERD) {
        reg[r / 4] = EERD_DONE | (uint32_t)eeprom[v >> 2 & 3] << 16;
    } else {
        reg[r / 4] = v;
    }
    if (r == R_TDT)
        transmit();
}
