/* e1000e.c - Intel's 82574L and 82583V: start, address, filters, link, resets (82574 data sheet,
 * chapter 10).
 *
 * As with virtio_net.c, a device that writes what cannot be true, or sends nothing for 5 s although
 * it has packets and a link, is reset while the stack goes on: e1000e_blame notes it,
 * e1000e_settle does it. Whoever enters a ring while `resetting` is set leaves it alone.
 *
 * Interrupts are MSI-X: vector 0 is receive queue 0 and, when asked for, the transmitter; vector 1
 * is receive queue 1. Each message masks itself, and polling asks for the next. Without MSI-X there
 * are one ring and one message. The link is looked at once a second. */
#include "drivers/e1000e.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/dma.h"
#include "drivers/msi.h"
#include "drivers/pci.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

#define INTEL 0x8086
enum { ID_82574L = 0x10d3, ID_82574LA = 0x10f6, ID_82583V = 0x150c };
#define GONE 0xffffffffu       /* what a device that is no longer there reads as */
#define MS 1000000ll
#define MULTICAST_MAX 512u     /* more than that: all */
enum { PHY = 1, PHY_CONTROL = 0 };
enum { PHY_RESTART = 1 << 9, PHY_ISOLATE = 1 << 10, PHY_POWER_DOWN = 1 << 11,
       PHY_AUTONEG = 1 << 12 };
enum { MDIC_READ = 2 << 26, MDIC_WRITE = 1 << 26, MDIC_READY = 1 << 28, MDIC_ERROR = 1 << 30 };

void e1000e_blame(struct e1000e *n, const char *why)
{
    __atomic_store_n(&n->why, why, __ATOMIC_RELAXED);
    __atomic_store_n(&n->faulty, true, __ATOMIC_RELEASE);
}

/* ---- the chip ------------------------------------------------------------------------ */

static void pause_ms(int64_t ms)
{
    int64_t end = clock_mono_ns() + ms * MS;

    while (clock_mono_ns() < end)
        cpu_relax();
}

/* Waits until the bits of `mask` are `want`, at most so long; false: they are not. */
static bool wait_for(const struct e1000e *n, unsigned reg, uint32_t mask, uint32_t want, int64_t ms)
{
    int64_t end = clock_mono_ns() + ms * MS;

    while ((e1000e_get(n, reg) & mask) != want) {
        if (clock_mono_ns() > end)
            return false;
        cpu_relax();
    }
    return true;
}

/* The PHY's bus is shared with the firmware of the board's management (10.2.2, EXTCNF_CTRL). When
 * it does not let go of it, it is taken all the same: nothing else can be done. */
static void phy_own(struct e1000e *n, bool own)
{
    uint32_t v = e1000e_get(n, R_EXTCNF);

    e1000e_set(n, R_EXTCNF, own ? v | EXTCNF_SW_OWNER : v & ~EXTCNF_SW_OWNER);
    if (own)
        wait_for(n, R_EXTCNF, EXTCNF_SW_OWNER, EXTCNF_SW_OWNER, 10);
}

/* One access over the management interface (10.2.2.7, MDIC); negative: no answer. */
static int phy_access(struct e1000e *n, uint32_t op, unsigned reg, uint16_t v)
{
    e1000e_set(n, R_MDIC, op | PHY << 21 | reg << 16 | v);
    if (!wait_for(n, R_MDIC, MDIC_READY, MDIC_READY, 10))
        return -EIO;
    uint32_t got = e1000e_get(n, R_MDIC);
    return got & MDIC_ERROR ? -EIO : (int)(got & 0xffff);
}

/* The PHY negotiates by itself from power-on, unless a system before us has switched it off. */
static void phy_start(struct e1000e *n)
{
    phy_own(n, true);
    int v = phy_access(n, MDIC_READ, PHY_CONTROL, 0);
    if (v >= 0 && (v & (PHY_ISOLATE | PHY_POWER_DOWN | PHY_AUTONEG)) != PHY_AUTONEG)
        phy_access(n, MDIC_WRITE, PHY_CONTROL, PHY_AUTONEG | PHY_RESTART);
    phy_own(n, false);
}

/* Stops all DMA, then resets (10.2.2.1, CTRL.RST). The registers of the rings are set explicitly
 * afterwards: not every device of this kind clears them. False: it does not answer. */
static bool chip_reset(struct e1000e *n)
{
    e1000e_set(n, R_IMC, GONE);
    e1000e_set(n, R_RCTL, 0);
    e1000e_set(n, R_TCTL, 0);
    uint32_t ctrl = e1000e_get(n, R_CTRL);
    if (ctrl == GONE)
        return false;
    e1000e_set(n, R_CTRL, ctrl | CTRL_MASTER_DISABLE);
    wait_for(n, R_STATUS, STATUS_MASTER, 0, 80); /* a hung bus is one more reason to reset */
    phy_own(n, true);
    e1000e_set(n, R_CTRL, ctrl | CTRL_RST);
    pause_ms(2); /* it must not be touched for 1 ms */
    if (!wait_for(n, R_CTRL, CTRL_RST, 0, 100) || e1000e_get(n, R_STATUS) == GONE)
        return false;
    wait_for(n, R_EEC, EEC_AUTO_RD, EEC_AUTO_RD, 100); /* it has read its address again */
    phy_own(n, false);
    e1000e_set(n, R_IMC, GONE);
    e1000e_set(n, R_ICR, GONE);
    return true;
}

static void bits(struct e1000e *n, unsigned reg, uint32_t clear, uint32_t set)
{
    e1000e_set(n, reg, (e1000e_get(n, reg) & ~clear) | set);
}

/* Bits that Intel has every driver of the 82574 set, some of them against errata: with those of
 * GCR and GCR2, and a link that does not sleep, completions do not get lost on the bus. */
static void bits_program(struct e1000e *n)
{
    bits(n, R_CTRL, 1u << 29, 0);
    bits(n, R_CTRL_EXT, 1u << 23, 1u << 22);
    bits(n, R_TARC0, 15u << 27, 1u << 26);
    bits(n, R_GCR, 0, 1u << 22);
    bits(n, R_GCR2, 0, 1);
}

static void rx_program(struct e1000e *n)
{
    for (unsigned i = 0; i < n->dev.nqueues; i++) {
        unsigned at = RX_QUEUE * i;
        e1000e_set(n, R_RDBAL + at, (uint32_t)n->rx[i].ring_pa);
        e1000e_set(n, R_RDBAH + at, (uint32_t)(n->rx[i].ring_pa >> 32));
        e1000e_set(n, R_RDLEN + at, E1000E_RX * sizeof(struct e1000e_desc));
        e1000e_set(n, R_RDH + at, 0);
        e1000e_set(n, R_RDT + at, 0);
        e1000e_set(n, R_RXDCTL + at, XDCTL_AT_ONCE);
    }
    e1000e_set(n, R_RXCSUM, RXCSUM_IP | RXCSUM_TU | RXCSUM_PCSD);
    /* Extended descriptors. IPv6 extension headers are not looked into for the hash. */
    e1000e_set(n, R_RFCTL, RFCTL_EXSTEN | RFCTL_ISCSI_DIS | RFCTL_NFSW_DIS | RFCTL_NFSR_DIS |
                           RFCTL_ACK_DIS | RFCTL_IPV6_EX_DIS | RFCTL_NEW_IPV6_EXT_DIS);
}

/* Receive-side scaling (7.1.11): flows are spread over the two rings by a hash with a secret key.
 * Bit 7 of an entry of the table is the ring. */
static void rss_program(struct e1000e *n)
{
    uint32_t key[10];

    if (random_bytes(key, sizeof key) < 0)
        for (unsigned i = 0; i < 10; i++)
            key[i] = (uint32_t)random_fast();
    for (unsigned i = 0; i < 10; i++)
        e1000e_set(n, R_RSSRK + 4 * i, key[i]);
    for (unsigned i = 0; i < 32; i++)
        e1000e_set(n, R_RETA + 4 * i, 0x80008000);
    e1000e_set(n, R_MRQC, n->dev.nqueues == 2 ? MRQC_RSS | MRQC_FIELDS : 0);
}

static void tx_program(struct e1000e *n)
{
    e1000e_set(n, R_TDBAL, (uint32_t)n->tx.ring_pa);
    e1000e_set(n, R_TDBAH, (uint32_t)(n->tx.ring_pa >> 32));
    e1000e_set(n, R_TDLEN, E1000E_TX * sizeof(struct e1000e_desc));
    e1000e_set(n, R_TDH, 0);
    e1000e_set(n, R_TDT, 0);
    e1000e_set(n, R_TXDCTL, XDCTL_AT_ONCE | TXDCTL_COUNT);
    e1000e_set(n, R_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD | TCTL_MULR);
}

/* Each cause has its vector, is cleared by its message, and masked by it (7.4, 10.2.4). */
static void irq_program(struct e1000e *n)
{
    uint32_t rxq1 = n->dev.nqueues == 2 ? (8u | 1) << 4 : 0;

    bits(n, R_CTRL_EXT, 0, CTRL_EXT_DRV_LOAD);
    if (!n->msix)
        return;
    e1000e_set(n, R_IVAR, 8u | rxq1 | 8u << 8);
    e1000e_set(n, R_EIAC, CAUSES);
    e1000e_set(n, R_IAM, CAUSES);
    bits(n, R_CTRL_EXT, 0, CTRL_EXT_EIAME | CTRL_EXT_PBA_CLR);
}

static void filter_program(struct e1000e *n)
{
    lock(&n->filter_lock);
    for (unsigned i = 0; i < 128; i++)
        e1000e_set(n, R_MTA + 4 * i, n->mta[i]);
    e1000e_set(n, R_RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC | n->filter);
    unlock(&n->filter_lock);
}

static void mac_program(struct e1000e *n)
{
    const uint8_t *m = n->dev.mac;

    e1000e_set(n, R_RAL, (uint32_t)m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 |
                         (uint32_t)m[3] << 24);
    e1000e_set(n, R_RAH, (uint32_t)m[4] | (uint32_t)m[5] << 8 | RAH_VALID);
}

/* After chip_reset, with empty rings: the device works from here on. */
static void chip_run(struct e1000e *n)
{
    uint32_t forced = CTRL_FORCE_SPEED | CTRL_FORCE_DUPLEX | CTRL_MASTER_DISABLE;

    bits(n, R_CTRL, forced, CTRL_SLU);
    bits_program(n);
    mac_program(n);
    irq_program(n);
    rx_program(n);
    rss_program(n);
    tx_program(n);
    filter_program(n);
    for (unsigned i = 0; i < n->dev.nqueues; i++) /* only now: RDT shows them to a running ring */
        e1000e_refill(&n->rx[i]);
    phy_start(n);
}

static bool link_read(const struct e1000e *n)
{
    uint32_t status = e1000e_get(n, R_STATUS);

    return status != GONE && status & STATUS_LU;
}

/* ---- which frames are received --------------------------------------------------------- */

/* The hash of 4096 bits looks at the last 12 bits of an address (10.2.5, MTA; RCTL.MO is 0). */
static int set_filter(struct netdev *d, bool promisc, bool allmulti, const uint8_t (*mac)[6],
                      unsigned many)
{
    struct e1000e *n = (struct e1000e *)d;
    bool all = allmulti || many > MULTICAST_MAX;

    lock(&n->filter_lock);
    n->filter = (promisc ? RCTL_UPE | RCTL_MPE : 0) | (all ? RCTL_MPE : 0);
    memset(n->mta, 0, sizeof n->mta);
    for (unsigned i = 0; i < many && !all; i++) {
        unsigned h = (unsigned)mac[i][5] << 4 | mac[i][4] >> 4;
        n->mta[h / 32] |= 1u << h % 32;
    }
    unlock(&n->filter_lock);
    if (!__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE)) /* else the reset does it */
        filter_program(n);
    return 0;
}

/* ---- watchdog, reset ------------------------------------------------------------------- */

/* `resetting` is set: takes the rings one after the other, so that nobody is in them. */
static void rings_enter(struct e1000e *n)
{
    for (unsigned i = 0; i < n->dev.nqueues; i++)
        while (__atomic_exchange_n(&n->rx[i].polling, true, __ATOMIC_ACQUIRE))
            cpu_relax();
    lock(&n->tx.lock);
    unlock(&n->tx.lock);
}

static void rings_clear(struct e1000e *n)
{
    for (unsigned i = 0; i < n->dev.nqueues; i++)
        e1000e_rx_clear(&n->rx[i]);
    lock(&n->tx.lock);
    e1000e_tx_clear(n);
    n->tx.moved = clock_mono_ns();
    unlock(&n->tx.lock);
}

static void rings_leave(struct e1000e *n)
{
    for (unsigned i = 0; i < n->dev.nqueues; i++)
        __atomic_store_n(&n->rx[i].polling, false, __ATOMIC_RELEASE);
}

static bool come_back(struct e1000e *n)
{
    bool quiet = chip_reset(n);

    kprintf("gort: %s: %s: reset%s\n", n->name, __atomic_load_n(&n->why, __ATOMIC_RELAXED),
            quiet ? "" : ", which it does not answer");
    if (!quiet)
        pci_stop(n->pci); /* before its buffers are freed */
    rings_clear(n);
    if (!quiet)
        return false;
    if (!netdev_may_reset(&n->dev, n->name, clock_mono_ns()))
        return false;
    pci_enable(n->pci);
    chip_run(n);
    return true;
}

void e1000e_settle(struct e1000e *n)
{
    if (!__atomic_load_n(&n->faulty, __ATOMIC_ACQUIRE) ||
        __atomic_exchange_n(&n->resetting, true, __ATOMIC_ACQUIRE))
        return;
    rings_enter(n);
    netdev_count(&n->dev.stats.resets, 1);
    __atomic_store_n(&n->faulty, false, __ATOMIC_RELEASE);
    bool back = come_back(n);
    if (back) /* else it stays as it is: nobody tries again */
        __atomic_store_n(&n->resetting, false, __ATOMIC_RELEASE);
    rings_leave(n);
    netdev_link(&n->dev, back && link_read(n));
}

/* Interrupts are asked for anew each time, in case one got lost. */
static void service(struct netdev *d)
{
    struct e1000e *n = (struct e1000e *)d;

    if (!__atomic_load_n(&n->resetting, __ATOMIC_ACQUIRE)) {
        bool link = link_read(n);
        netdev_link(d, link);
        if (e1000e_tx_stuck(&n->tx, clock_mono_ns(), link))
            e1000e_blame(n, "has sent nothing for 5 s");
        if (link) /* frames that found no buffer; the register is cleared by being read */
            netdev_count(&d->stats.rx_nomem, e1000e_get(n, R_MPC));
        for (unsigned i = 0; i < d->nqueues; i++)
            __atomic_store_n(&n->rx[i].armed, false, __ATOMIC_SEQ_CST);
    }
    e1000e_settle(n);
}

static void reset(struct netdev *d) { e1000e_blame((struct e1000e *)d, "is reset for a test"); }

static const struct netdev_ops ops = {
    .transmit = e1000e_transmit, .poll = e1000e_poll, .pending = e1000e_pending,
    .irq_enable = e1000e_irq_enable, .irq_disable = e1000e_irq_disable, .set_filter = set_filter,
    .service = service, .reset = reset,
};

/* ---- start --------------------------------------------------------------------------- */

static bool mac_usable(const uint8_t m[6])
{
    static const uint8_t none[6];

    return !(m[0] & 1) && memcmp(m, none, 6);
}

/* One word of the board's EEPROM (10.2.2.4, EERD); 0 if it does not answer. */
static uint16_t eeprom_word(struct e1000e *n, unsigned at)
{
    e1000e_set(n, R_EERD, at << 2 | EERD_START);
    return wait_for(n, R_EERD, EERD_DONE, EERD_DONE, 10) ? (uint16_t)(e1000e_get(n, R_EERD) >> 16)
                                                         : 0;
}

/* The reset has loaded the address from the EEPROM; if not, it is read there. */
static void mac_read(struct e1000e *n)
{
    uint8_t *m = n->dev.mac;
    uint32_t low = e1000e_get(n, R_RAL), high = e1000e_get(n, R_RAH);

    for (unsigned i = 0; i < 6; i++)
        m[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
    if (high & RAH_VALID && mac_usable(m))
        return;
    for (unsigned i = 0; i < 3; i++) {
        uint16_t w = eeprom_word(n, i);
        m[2 * i] = (uint8_t)w;
        m[2 * i + 1] = (uint8_t)(w >> 8);
    }
    if (!mac_usable(m))
        netdev_random_mac(m);
}

/* One message for everything. */
static bool msi_setup(struct e1000e *n)
{
    uint64_t address;
    uint32_t data;

    n->rx[0].cause = CAUSE_RXT0;
    n->tx_cause = CAUSE_TXDW;
    return irq_msi_alloc(0, e1000e_queue_irq, &n->rx[0], &address, &data) == 0 &&
           pci_msi_enable(n->pci, address, data);
}

/* A ring on each of the first CPUs, as far as there are vectors. Returns the number of rings. */
static unsigned vectors_setup(struct e1000e *n)
{
    unsigned entries = pci_msix_enable(n->pci), most = ncpu < E1000E_QUEUES ? ncpu : E1000E_QUEUES;
    unsigned i = 0;

    n->tx_cause = CAUSE_TXQ0;
    for (; i < most && i < entries; i++) {
        uint64_t address;
        uint32_t data;
        if (irq_msi_alloc(i, e1000e_queue_irq, &n->rx[i], &address, &data) < 0)
            break;
        pci_msix_set(n->pci, i, address, data);
        n->rx[i].cause = (uint32_t)CAUSE_RXQ0 << i;
    }
    n->msix = i;
    return i ? i : !entries && msi_setup(n);
}

static bool rings_setup(struct e1000e *n)
{
    for (unsigned i = 0; i < E1000E_QUEUES; i++) {
        struct e1000e_rx *r = &n->rx[i];
        r->nic = n;
        r->index = i;
        r->ring = dma_alloc(E1000E_RX * sizeof(struct e1000e_desc), &r->ring_pa);
        if (!r->ring)
            return false;
    }
    n->tx.ring = dma_alloc(E1000E_TX * sizeof(struct e1000e_desc), &n->tx.ring_pa);
    lock_init(&n->tx.lock, "netq", RANK_NETQ);
    lock_init(&n->filter_lock, "netfilter", RANK_NETQ);
    return n->tx.ring;
}

/* NULL: it works; otherwise why not. */
static const char *start(struct e1000e *n)
{
    pci_enable(n->pci);
    pci_link_awake(n->pci);
    n->regs = pci_map(n->pci, 0, 0, E1000E_REGS);
    if (!n->regs)
        return "has no registers";
    if (!chip_reset(n))
        return "does not answer to a reset";
    if (!rings_setup(n))
        return "no memory";
    n->dev.nqueues = vectors_setup(n);
    if (!n->dev.nqueues)
        return "has no message-signalled interrupts";
    mac_read(n);
    n->dev.ops = &ops;
    n->dev.mtu = 1500;
    n->dev.features = NETDEV_TX_CSUM | NETDEV_RX_CSUM | NETDEV_TSO4 | NETDEV_FILTERS;
    n->filter = RCTL_MPE;
    n->tx.moved = clock_mono_ns();
    chip_run(n);
    n->dev.up = link_read(n);
    return netdev_register(&n->dev) < 0 ? "there are too many network devices" : NULL;
}

static void attach(struct pci_dev *p)
{
    struct e1000e *n = persistent_alloc(sizeof *n, 64, NULL);
    char where[16];

    n->pci = p;
    snprintf(n->name, sizeof n->name, "e1000e at %s", pci_name(p, where));
    const char *why = start(n);
    if (why)
        pci_stop(p);
    if (why)
        kprintf("gort: %s: %s: not used\n", n->name, why);
    else
        boot_log("%s: %s, %u queues, MTU %u", n->name, n->dev.name, n->dev.nqueues, n->dev.mtu);
}

bool e1000e_drives(uint16_t vendor, uint16_t device)
{
    return vendor == INTEL &&
           (device == ID_82574L || device == ID_82574LA || device == ID_82583V);
}

void e1000e_init(void)
{
    struct pci_dev *p;

    for (unsigned i = 0; (p = pci_get(i)); i++)
        if (e1000e_drives(p->vendor, p->device))
            attach(p);
}
