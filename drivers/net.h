/* net.h - network devices and the packets that they carry: what a driver offers to the stack.
 *
 *   stack -- transmit(list) --> driver -- DMA --> wire        poll(): reclaims what was sent
 *   stack <-- receive(list) -- driver <-- DMA -- wire         poll(): hands over what has come
 *
 * A packet is a chain of pieces (`next`), a list of packets is chained by `link`. Whoever is
 * handed a packet owns one reference to each of its pieces. Memory comes from page frames, not
 * from the Go heap; it is counted, and capped at an eighth of RAM.
 *
 * Contexts: everything here is for g0 (or boot) unless it says "interrupt context". A driver
 * takes its queue's lock (RANK_NETQ) inside transmit and poll and calls the stack without it. */
#ifndef DRIVERS_NET_H
#define DRIVERS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- packets ----------------------------------------------------------------------- */

#define PKT_HEADROOM   160u /* what pkt_alloc leaves in front: link, IP, TCP with options, and */
#define PKT_DEV_ROOM   16u  /* the driver's own header, in front of all of them */
#define PKT_SMALL_ROOM 1760u  /* bytes behind the headroom: a frame of MTU 1500 fits */
#define PKT_LARGE_ROOM 16096u

enum pkt_size { PKT_BARE, PKT_SMALL, PKT_LARGE, PKT_SIZES }; /* BARE: no bytes of its own */

enum {
    PKT_CSUM_PARTIAL = 1, /* sum from csum_start to the end belongs at csum_start + csum_offset,
                             where the sum of the pseudo header is now. To transmit: the device
                             does it (NETDEV_TX_CSUM) or the driver. Received: from a peer on the
                             same host; as good as checked, pkt_csum_complete before forwarding */
    PKT_CSUM_OK = 2,      /* received: the device has checked TCP's or UDP's sum */
};
enum { PKT_GSO_NONE, PKT_GSO_TCP4, PKT_GSO_TCP6 };

struct pkt {
    struct pkt *next;     /* [owner] next piece of this packet */
    struct pkt *link;     /* [owner] next packet of a list */
    uint8_t *data;        /* [owner] first valid byte: in RAM that the direct map covers */
    uint32_t len;         /* [owner] valid bytes of this piece */
    uint32_t refs;        /* [atomic] */
    /* Of a PKT_BARE piece, whose memory it shows: another piece (a reference is held) or
     * foreign memory, for which release(arg) is called at the end: on g0, perhaps under a
     * device's lock, so it takes none of a rank below RANK_PKT. */
    struct pkt *whole;
    void (*release)(void *arg);
    void *arg;
    /* Of the first piece only. Offsets count from the first byte of the frame. */
    uint16_t flags;       /* PKT_CSUM_* */
    uint16_t csum_start, csum_offset;
    uint16_t gso_size;    /* payload bytes per segment (MSS), if gso_type */
    uint16_t gso_hdr_len; /* bytes of all headers, which each segment repeats */
    uint8_t gso_type;     /* PKT_GSO_*: received ones may be larger than the MTU */
    uint8_t size;         /* [const] enum pkt_size */
    uint32_t hash;        /* received: the device's flow hash, 0 = none */
    uint32_t queue;       /* received: on which queue */
    uint64_t user[4];     /* [owner] the stack's */
};

/* One piece without bytes, data behind PKT_HEADROOM, refs 1; NULL if memory is short or the cap
 * is reached (counted). Callable under any lock of a rank below RANK_PKT. */
struct pkt *pkt_alloc(enum pkt_size size);
/* A PKT_BARE piece that shows len bytes at data, which lie in `whole` (whatever that shows
 * itself): for headers of one's own in front of bytes that are kept for retransmission. */
struct pkt *pkt_view(struct pkt *whole, uint8_t *data, uint32_t len);
/* As pkt_view, for memory that belongs to somebody else, physically contiguous and in the
 * direct map. */
struct pkt *pkt_foreign(void *data, uint32_t len, void (*release)(void *arg), void *arg);
void pkt_ref(struct pkt *piece);
/* Drops one reference to each piece of the packet; of every packet of the list. */
void pkt_free(struct pkt *packet);
void pkt_free_list(struct pkt *list);

static inline bool pkt_shared(const struct pkt *p)
{
    return __atomic_load_n(&p->refs, __ATOMIC_ACQUIRE) != 1;
}
size_t pkt_room_front(const struct pkt *piece); /* bytes that may go in front of data; BARE: 0 */
size_t pkt_room_back(const struct pkt *piece);  /* bytes that may go behind; BARE: 0 */
size_t pkt_length(const struct pkt *packet);    /* of all pieces */
/* Copies n bytes from `at` of the packet on; false: it is shorter. */
bool pkt_copy_out(const struct pkt *packet, size_t at, void *to, size_t n);
/* Makes the first n bytes one piece (n <= PKT_SMALL_ROOM); false: shorter, or no memory. */
bool pkt_pull(struct pkt **packet, size_t n);
/* The one's complement sum of n bytes from `at` on, folded to 16 bits, not inverted. */
uint16_t pkt_sum(const struct pkt *packet, size_t at, size_t n);
/* Does what PKT_CSUM_PARTIAL asks for; false: its offsets lie outside. */
bool pkt_csum_complete(struct pkt *packet);

struct pkt_stats {
    uint64_t bytes;       /* taken from the frame allocator now, free pieces included */
    uint64_t used;        /* of these, in pieces that somebody holds */
    uint64_t cap;
    uint64_t failures;    /* allocations that failed, ever */
};
void pkt_stats_read(struct pkt_stats *out);
uint64_t pkt_bytes(void); /* of pkt_stats, alone */
/* How many bytes of the cap nobody holds, but for what lies ready on the CPUs: some loads. */
uint64_t pkt_left(void);
/* Gives free pieces back to the frame allocator; returns bytes. Any CPU. */
uint64_t pkt_trim(void);
void pkt_init(uint64_t cap); /* boot */

/* ---- devices ----------------------------------------------------------------------- */

enum {
    NETDEV_TX_CSUM = 1,   /* takes PKT_CSUM_PARTIAL at no cost (drivers do it in software else) */
    NETDEV_RX_CSUM = 2,   /* sets PKT_CSUM_OK */
    NETDEV_TSO4 = 4,      /* takes packets up to 65535 bytes with gso_type */
    NETDEV_TSO6 = 8,
    NETDEV_LRO = 16,      /* may deliver packets up to 65535 bytes, with gso_type */
    NETDEV_FILTERS = 32,  /* set_filter works; otherwise everything is delivered */
};

struct netdev;

struct netdev_ops {
    /* Queues packets (pkt->link) for the wire and tells the device once. Returns those for which
     * there was no room: they are still the caller's, and user->room is called when it may try
     * again. What is malformed is dropped and counted. The first piece holds all headers, is not
     * shared and has PKT_DEV_ROOM in front (PKT_HEADROOM sees to that); its link, IP and TCP
     * headers lie in it whole. Callable under locks of a rank below RANK_NETQ. */
    struct pkt *(*transmit)(struct netdev *d, unsigned queue, struct pkt *list);
    /* Hands up to `budget` received packets to user->receive, in the order in which they came,
     * and takes back what has been sent. Returns the number of packets: less than budget means
     * that none is left. One CPU at a time does the work of a queue; others get 0. No locks. */
    unsigned (*poll)(struct netdev *d, unsigned queue, unsigned budget);
    /* Has the device something for poll()? One load; any context. */
    bool (*pending)(const struct netdev *d, unsigned queue);
    /* From now on the queue interrupts when a packet arrives. True: one has arrived meanwhile
     * and may have been missed, so poll again. The interrupt switches itself off. */
    bool (*irq_enable)(struct netdev *d, unsigned queue);
    void (*irq_disable)(struct netdev *d, unsigned queue);
    /* Which frames to deliver besides broadcast and our own: everything, all multicast, or n
     * multicast addresses. May take up to CTRL_TIMEOUT of the driver. 0, -EOPNOTSUPP, -EIO. */
    int (*set_filter)(struct netdev *d, bool promisc, bool allmulti, const uint8_t (*mac)[6],
                      unsigned n);
    /* To be called about once a second: link changes, and a device that has not sent anything for
     * 5 s though it should is reset. Sockets live on; what was queued is dropped. No locks. */
    void (*service)(struct netdev *d);
    /* For tests: the device counts as stuck, and is reset by the next poll or service. */
    void (*reset)(struct netdev *d);
};

/* The stack's side, all on g0 without locks but for wake. */
struct netdev_user {
    void (*receive)(void *arg, struct netdev *d, unsigned queue, struct pkt *list);
    /* Interrupt context, on the queue's CPU: packets wait, the queue's interrupt is off. Or the
     * device's configuration has changed: call service. */
    void (*wake)(void *arg, struct netdev *d, unsigned queue);
    void (*room)(void *arg, struct netdev *d, unsigned queue); /* from poll: see transmit */
    void (*link)(void *arg, struct netdev *d, bool up);        /* from service */
};

struct netdev {
    const char *name;       /* [const] "eth0": netdev_register gives it */
    uint8_t mac[6];         /* [const] */
    uint16_t mtu;           /* [const] payload of a frame: 1500, or what the device says */
    uint32_t features;      /* [const] NETDEV_* */
    unsigned nqueues;       /* [const] pairs of receive and transmit queues, at most one per CPU */
    bool up;                /* [atomic] link */
    const struct netdev_ops *ops;          /* [const] */
    const struct netdev_user *user;        /* [atomic] NULL: frames are dropped */
    void *user_arg;
    unsigned resets_close;  /* netdev_may_reset's: how many, each within an hour of the last, */
    int64_t reset_last;     /* and when that was */
    struct netdev_stats {   /* [atomic] */
        uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
        uint64_t rx_dropped; /* malformed, or no user */
        uint64_t rx_nomem;   /* the ring ran short of buffers */
        uint64_t tx_dropped; /* malformed, or lost in a reset */
        uint64_t resets;
    } stats;
};

#define NETDEV_MAX 8
/* Devices found at boot, by number; NULL behind the last. */
struct netdev *netdev_get(unsigned n);
/* The CPU on which a queue interrupts and should be polled. */
unsigned netdev_queue_cpu(const struct netdev *d, unsigned queue);
/* The stack takes the device over; its queues' interrupts are enabled by the stack. */
void netdev_attach(struct netdev *d, const struct netdev_user *user, void *arg);

/* For drivers. Names the device ("eth0" and on); 0 or -ENOSPC. Boot. */
int netdev_register(struct netdev *d);
/* A random address, locally administered (IEEE 802, bit 1 of the first byte). */
void netdev_random_mac(uint8_t mac[6]);
/* Hands n received frames to the user, or drops and counts them. The poller, no locks. */
void netdev_receive(struct netdev *d, unsigned queue, struct pkt *list, unsigned n);
/* Drops and counts what cannot be sent. */
void netdev_drop(struct netdev *d, struct pkt *list);
/* A device is to be reset, at `now` (clock_mono_ns): is it worth it? After 20 times, each within an
 * hour of the last, no longer, which is said. Whoever resets it. */
bool netdev_may_reset(struct netdev *d, const char *device, int64_t now);
/* Tells the user of a link that has changed. No locks. */
void netdev_link(struct netdev *d, bool up);
/* Tells the user that packets wait. Interrupt context. */
void netdev_wake(struct netdev *d, unsigned queue);
static inline void netdev_count(uint64_t *counter, uint64_t n)
{
    __atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

#endif
