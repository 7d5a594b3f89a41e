/* e1000e.h - between the two files of the driver for Intel's 82574L, which QEMU calls e1000e, and
 * the 82583V, the same with one receive ring and no MSI-X: registers and descriptors (82574 GbE
 * Controller Family data sheet: 7.1 receive, 7.2 transmit, 7.3 segmentation, 7.4 interrupts, 10.2
 * registers).
 *
 * Two rings of the receiver, over which the chip spreads flows, and one of the transmitter: what
 * a context descriptor says is remembered once for both of the transmitter's (7.2.6), so two CPUs
 * that used one each would spoil each other's checksums. */
#ifndef DRIVERS_E1000E_H
#define DRIVERS_E1000E_H

#include "drivers/net.h"
#include "kernel/lock.h"

#define E1000E_QUEUES 2u
#define E1000E_RX 256u          /* descriptors of a ring; one always stays free */
#define E1000E_TX 512u
#define E1000E_FRAME_MAX 1518u  /* with a VLAN tag: RCTL.LPE is off, longer ones are not received */
#define E1000E_REGS 0x20000u    /* bytes of BAR 0 */

/* Registers by offset; the second receive queue's are RX_QUEUE behind the first's. */
enum {
    R_CTRL = 0x0000, R_STATUS = 0x0008, R_EEC = 0x0010, R_EERD = 0x0014, R_CTRL_EXT = 0x0018,
    R_MDIC = 0x0020, R_ICR = 0x00c0, R_IMS = 0x00d0, R_IMC = 0x00d8, R_EIAC = 0x00dc,
    R_IAM = 0x00e0, R_IVAR = 0x00e4, R_RCTL = 0x0100, R_TCTL = 0x0400, R_EXTCNF = 0x0f00,
    R_RDBAL = 0x2800, R_RDBAH = 0x2804, R_RDLEN = 0x2808, R_RDH = 0x2810, R_RDT = 0x2818,
    R_RXDCTL = 0x2828, RX_QUEUE = 0x100,
    R_TDBAL = 0x3800, R_TDBAH = 0x3804, R_TDLEN = 0x3808, R_TDH = 0x3810, R_TDT = 0x3818,
    R_TXDCTL = 0x3828, R_TARC0 = 0x3840, R_MPC = 0x4010, R_RXCSUM = 0x5000, R_RFCTL = 0x5008,
    R_MTA = 0x5200, R_RAL = 0x5400, R_RAH = 0x5404, R_MRQC = 0x5818, R_GCR = 0x5b00,
    R_GCR2 = 0x5b64, R_RETA = 0x5c00, R_RSSRK = 0x5c80,
};
enum { CTRL_MASTER_DISABLE = 1 << 2, CTRL_SLU = 1 << 6, CTRL_FORCE_SPEED = 1 << 11,
       CTRL_FORCE_DUPLEX = 1 << 12, CTRL_RST = 1 << 26 };
enum { STATUS_LU = 1 << 1, STATUS_MASTER = 1 << 19 };
enum { EEC_AUTO_RD = 1 << 9 };
enum { EERD_START = 1, EERD_DONE = 2 };
#define CTRL_EXT_EIAME    (1u << 24) /* an MSI-X message masks its causes, those in IAM */
#define CTRL_EXT_DRV_LOAD (1u << 28)
#define CTRL_EXT_PBA_CLR  (1u << 31) /* IMS clears the pending bits of MSI-X */
#define EXTCNF_SW_OWNER   (1u << 5)
enum { RCTL_EN = 1 << 1, RCTL_UPE = 1 << 3, RCTL_MPE = 1 << 4, RCTL_BAM = 1 << 15,
       RCTL_SECRC = 1 << 26 };       /* BSIZE and LPE 0: buffers of 2048, frames of at most 1522 */
enum { TCTL_EN = 1 << 1, TCTL_PSP = 1 << 3, TCTL_CT = 15 << 4, TCTL_COLD = 0x3f << 12,
       TCTL_MULR = 1 << 28 };
enum { RFCTL_ISCSI_DIS = 1, RFCTL_NFSW_DIS = 1 << 6, RFCTL_NFSR_DIS = 1 << 7,
       RFCTL_ACK_DIS = 1 << 12, RFCTL_EXSTEN = 1 << 15, RFCTL_IPV6_EX_DIS = 1 << 16,
       RFCTL_NEW_IPV6_EXT_DIS = 1 << 17 };
enum { RXCSUM_IP = 1 << 8, RXCSUM_TU = 1 << 9, RXCSUM_PCSD = 1 << 13 };
/* Hashes over addresses, and ports of TCP, of IPv4 and IPv6. */
enum { MRQC_RSS = 1, MRQC_FIELDS = 1 << 16 | 1 << 17 | 1 << 18 | 1 << 20 };
#define RAH_VALID (1u << 31)
#define XDCTL_AT_ONCE 0x01010000u    /* each descriptor is written back when done: GRAN, WTHRESH */
#define TXDCTL_COUNT  (1u << 22)
enum { CAUSE_RXQ0 = 1 << 20, CAUSE_RXQ1 = 1 << 21, CAUSE_TXQ0 = 1 << 22, CAUSE_TXQ1 = 1 << 23 };
#define CAUSES (CAUSE_RXQ0 | CAUSE_RXQ1 | CAUSE_TXQ0 | CAUSE_TXQ1)
enum { CAUSE_TXDW = 1, CAUSE_RXT0 = 1 << 7 }; /* the same without MSI-X, of all rings */

/* A descriptor, as two words that are read and written whole.
 *   receive, given: address, 0
 *   receive, back:  RSS type in bits 0..3 and hash in 32..63; status 0..19, errors 20..31,
 *                   length 32..47
 *   data to send:   address; length 0..19, type, command 24..31, status 32..35, options 40..47
 *   context:        where sums start and go; length 0..19, command, header 40..47, MSS 48..63 */
struct e1000e_desc { uint64_t low, high; };

enum { RXD_DD = 1, RXD_EOP = 2, RXD_IXSM = 4, RXD_UDPCS = 1 << 4, RXD_TCPCS = 1 << 5 };
#define RXD_CE    (1ull << 24) /* CRC, symbol, sequence, carrier extension, data */
#define RXD_SE    (1ull << 25)
#define RXD_SEQ   (1ull << 26)
#define RXD_CXE   (1ull << 28)
#define RXD_TCPE  (1ull << 29)
#define RXD_IPE   (1ull << 30)
#define RXD_RXE   (1ull << 31)
#define RXD_BAD   (RXD_CE | RXD_SE | RXD_SEQ | RXD_CXE | RXD_RXE)
#define TXD_DATA  (1ull << 20)
#define TXD_EOP   (1ull << 24)
#define TXD_IFCS  (1ull << 25)
#define TXD_TSE   (1ull << 26)
#define TXD_RS    (1ull << 27)
#define TXD_DEXT  (1ull << 29)
#define TXD_DD    (1ull << 32)
#define TXD_IXSM  (1ull << 40)
#define TXD_TXSM  (1ull << 41)
#define CTX_TCP   (1ull << 24)
#define CTX_IPV4  (1ull << 25)

struct e1000e;

/* The slots [next, next + n) are with the device, in that order. */
struct e1000e_rx {
    struct e1000e *nic;
    unsigned index;
    uint32_t cause;            /* [const] of its interrupt */
    bool polling;              /* [atomic] who has set it owns the rest */
    bool armed;                /* [atomic] an interrupt has been asked for and has not come */
    bool skipping;             /* the rest of a frame that does not fit is thrown away */
    unsigned next;             /* [atomic] also read by pending */
    unsigned n;
    struct e1000e_desc *ring;
    uint64_t ring_pa;
    struct pkt *held[E1000E_RX];
};

/* [clean, next) is with the device; it has been told of what lies in front of `shown`. */
struct e1000e_tx {
    struct lock lock;          /* RANK_NETQ */
    unsigned next, clean, shown;  /* [lock] from here on */
    uint32_t starved;          /* a bit per queue whose sender was turned away */
    struct e1000e_desc context;   /* what the device remembers; high 0: nothing */
    uint64_t sent;             /* packets that came back, ever */
    uint64_t sent_seen;
    int64_t moved;             /* clock_mono_ns when sent last changed, or nothing was under way */
    struct e1000e_desc *ring;
    uint64_t ring_pa;
    uint16_t last[E1000E_TX];  /* by a packet's first slot: its last, */
    struct pkt *held[E1000E_TX];  /* and the packet */
};

struct e1000e {
    struct netdev dev;         /* first */
    struct pci_dev *pci;
    volatile uint32_t *regs;
    char name[32];             /* "e1000e at pci 00:02.0" */
    struct e1000e_rx rx[E1000E_QUEUES];
    struct e1000e_tx tx;
    uint32_t tx_cause;         /* [const] */
    bool msix;                 /* [const] */
    uint32_t filter;           /* [filter_lock] RCTL_UPE, RCTL_MPE */
    uint32_t mta[128];         /* [filter_lock] */
    struct lock filter_lock;   /* RANK_NETQ */
    bool faulty;               /* [atomic] to be reset by who polls or services next */
    const char *why;           /* [atomic] */
    bool resetting;            /* [atomic] */
};

#ifdef GORT_HOST_TEST
uint32_t e1000e_get(const struct e1000e *n, unsigned reg);
void e1000e_set(struct e1000e *n, unsigned reg, uint32_t v);
#else
static inline uint32_t e1000e_get(const struct e1000e *n, unsigned reg) { return n->regs[reg / 4]; }
static inline void e1000e_set(struct e1000e *n, unsigned reg, uint32_t v) { n->regs[reg / 4] = v; }
#endif

/* e1000e_rings.c */
struct pkt *e1000e_transmit(struct netdev *d, unsigned queue, struct pkt *list);
unsigned e1000e_poll(struct netdev *d, unsigned queue, unsigned budget);
bool e1000e_pending(const struct netdev *d, unsigned queue);
bool e1000e_irq_enable(struct netdev *d, unsigned queue);
void e1000e_irq_disable(struct netdev *d, unsigned queue);
void e1000e_queue_irq(void *rx); /* interrupt context */
/* Gives the device as many receive buffers as it takes and there is memory for. Owner of rx. */
void e1000e_refill(struct e1000e_rx *r);
/* Free what the rings of a device that stands still hold, and make them empty. Owner; lock. */
void e1000e_rx_clear(struct e1000e_rx *r);
void e1000e_tx_clear(struct e1000e *n);
/* Has the device had something to send for 5 s without giving anything back? Only with a link, as
 * without one it sends nothing. */
bool e1000e_tx_stuck(struct e1000e_tx *t, int64_t now, bool link);

/* e1000e.c: notes a fault, under any lock; resets the device if one has been noted, no locks. */
void e1000e_blame(struct e1000e *n, const char *why);
void e1000e_settle(struct e1000e *n);

/* Is this a PCI function of the driver's? */
bool e1000e_drives(uint16_t vendor, uint16_t device);
/* Finds and starts the devices. After pci_scan, boot. */
void e1000e_init(void);

#endif
