/* virtio_net.c - network devices (virtio 1.1, section 5.1): start, control queue, link, resets.
 *
 * A device that breaks the protocol, or sends nothing for 5 s although it has packets to
 * send, is reset while the stack goes on: vnet_blame notes it where it is found, under
 * whatever lock; vnet_settle does it, on g0 without locks, from poll or service. Pairs are
 * taken one after the other, so that nobody is in them. */
#include "drivers/virtio_net.h"
#include <errno.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "drivers/dma.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "kernel/random.h"
#include "mm/mm.h"

/* The configuration. */
enum { CFG_MAC = 0, CFG_STATUS = 6, CFG_PAIRS = 8, CFG_MTU = 10, CFG_KEY = 17, CFG_TABLE = 18,
       CFG_HASHES = 20 };
#define STATUS_UP 1
enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_MQ = 4 };
enum { RX_PROMISC = 0, RX_ALLMULTI = 1, MAC_TABLE = 0, MQ_PAIRS = 0, MQ_RSS = 1 };
#define CONTROL_BYTES 4096u
#define CONTROL_NS 1000000000ll
#define STUCK_NS   5000000000ll
#define MULTICAST_MAX 512u
#define KEY_BYTES  40u
#define TABLE      128u
#define HASHES     0x3fu /* IPv4, TCPv4, UDPv4, IPv6, TCPv6, UDPv6 */

void vnet_blame(struct vnet *n, const char *why)
{
    __atomic_store_n(&n->why, why, __ATOMIC_RELAXED);
    __atomic_store_n(&n->faulty, true, __ATOMIC_RELEASE);
}

/* ---- the control queue --------------------------------------------------------------- */

/* Sends a command with n bytes of data that stand at control_mem + 2 and waits for the answer:
 * 0; -EIO: refused, or none came in time, and the device is to be reset. */
static int command_locked(struct vnet *n, uint8_t class, uint8_t cmd, size_t bytes)
{
    uint8_t *ack = n->control_mem + CONTROL_BYTES - 1;
    struct virtq_seg s[2] = { { n->control_pa, (uint32_t)bytes + 2 },
                              { n->control_pa + CONTROL_BYTES - 1, 1 } };
    int64_t end = clock_mono_ns() + CONTROL_NS;
    uint32_t written;

    n->control_mem[0] = class;
    n->control_mem[1] = cmd;
    *ack = 0xff;
    if (virtq_add(&n->control.q, s, 1, 1, n) < 0)
        return -EIO;
    virtio_kick(&n->control);
    while (!virtq_take(&n->control.q, &written)) {
        if (n->control.q.broken || clock_mono_ns() > end) {
            vnet_blame(n, n->control.q.broken ? n->control.q.broken
                                              : "does not answer a command");
            return -EIO;
        }
        cpu_relax();
    }
    return *(volatile uint8_t *)ack == 0 ? 0 : -EIO;
}

static int command(struct vnet *n, uint8_t class, uint8_t cmd, const void *data, size_t bytes)
{
    lock(&n->control_lock);
    memcpy(n->control_mem + 2, data, bytes);
    int err = command_locked(n, class, cmd, bytes);
    unlock(&n->control_lock);
    return err;
}

static int set_filter(struct netdev *d, bool promisc, bool allmulti, const uint8_t (*mac)[6],
                      unsigned n)
{
    struct vnet *v = (struct vnet *)d;
    uint8_t all = allmulti || n > MULTICAST_MAX, on = promisc;
    uint32_t none = 0, many = all ? 0 : n;

    if (!(d->features & NETDEV_FILTERS))
        return -EOPNOTSUPP;
    if (command(v, CLASS_RX, RX_PROMISC, &on, 1) < 0 ||
        command(v, CLASS_RX, RX_ALLMULTI, &all, 1) < 0)
        return -EIO;
    lock(&v->control_lock); /* two tables, the first of unicast addresses */
    memcpy(v->control_mem + 2, &none, 4);
    memcpy(v->control_mem + 6, &many, 4);
    if (many)
        memcpy(v->control_mem + 10, mac, many * 6);
    int err = command_locked(v, CLASS_MAC, MAC_TABLE, 8 + many * 6);
    unlock(&v->control_lock);
    return err;
}

/* ---- several queues ------------------------------------------------------------------ */

static void put16(uint8_t **p, unsigned v)
{
    *(*p)++ = (uint8_t)v;
    *(*p)++ = (uint8_t)(v >> 8);
}

/* Receive-side scaling: flows are spread over the pairs by a hash with a secret key. */
static int rss_set(struct vnet *n)
{
    uint8_t buf[16 + 2 * TABLE + KEY_BYTES], *p = buf, key_max;
    uint16_t table_max;
    uint32_t hashes;

    virtio_config(n->virtio, CFG_KEY, &key_max, 1);
    virtio_config(n->virtio, CFG_TABLE, &table_max, 2);
    virtio_config(n->virtio, CFG_HASHES, &hashes, 4);
    if (key_max < KEY_BYTES || table_max < TABLE || !(hashes & HASHES))
        return -EOPNOTSUPP;
    hashes &= HASHES;
    memcpy(p, &hashes, 4);
    p += 4;
    put16(&p, TABLE - 1);
    put16(&p, 0); /* what has no hash */
    for (unsigned i = 0; i < TABLE; i++)
        put16(&p, i % n->npairs);
    put16(&p, n->npairs);
    *p++ = KEY_BYTES;
    if (random_bytes(p, KEY_BYTES) < 0)
        for (unsigned i = 0; i < KEY_BYTES; i++)
            p[i] = (uint8_t)random_fast();
    p += KEY_BYTES;
    return command(n, CLASS_MQ, MQ_RSS, buf, (size_t)(p - buf));
}

static bool pairs_set(struct vnet *n)
{
    uint16_t pairs = (uint16_t)n->npairs;

    if (n->npairs == 1)
        return true;
    if (n->virtio->features & NET_F_RSS && rss_set(n) == 0)
        return true;
    return command(n, CLASS_MQ, MQ_PAIRS, &pairs, 2) == 0;
}

/* ---- link, watchdog, reset ------------------------------------------------------------- */

static bool link_read(struct vnet *n)
{
    uint16_t status;

    if (!(n->virtio->features & NET_F_STATUS))
        return true;
    virtio_config(n->virtio, CFG_STATUS, &status, 2);
    return status & STATUS_UP;
}

/* `resetting` is set: whoever takes a lock from now on leaves the queue alone. */
static void pairs_enter(struct vnet *n)
{
    for (unsigned i = 0; i < n->npairs; i++) {
        while (__atomic_exchange_n(&n->pair[i].polling, true, __ATOMIC_ACQUIRE))
            cpu_relax();
        lock(&n->pair[i].lock);
        n->pair[i].tx.q.broken = n->pair[i].rx.q.broken = "is being reset";
        unlock(&n->pair[i].lock);
    }
}

static void pairs_leave(struct vnet *n)
{
    for (unsigned i = 0; i < n->npairs; i++) {
        n->pair[i].moved = clock_mono_ns();
        __atomic_store_n(&n->pair[i].polling, false, __ATOMIC_RELEASE);
    }
}

static bool come_back(struct vnet *n)
{
    if (!netdev_may_reset(&n->dev, n->virtio->name, clock_mono_ns()))
        return false;
    if (!virtio_restart(n->virtio))
        return false;
    for (unsigned i = 0; i < n->npairs; i++)
        vnet_refill(&n->pair[i]);
    virtio_run(n->virtio);
    for (unsigned i = 0; i < n->npairs; i++)
        virtio_kick(&n->pair[i].rx);
    return pairs_set(n);
}

void vnet_settle(struct vnet *n)
{
    if (!__atomic_load_n(&n->faulty, __ATOMIC_ACQUIRE) ||
        __atomic_exchange_n(&n->resetting, true, __ATOMIC_ACQUIRE))
        return;
    pairs_enter(n);
    virtio_fault(n->virtio, __atomic_load_n(&n->why, __ATOMIC_RELAXED));
    for (unsigned i = 0; i < n->npairs; i++) {
        lock(&n->pair[i].lock);
        vnet_drop_all(&n->pair[i]);
        unlock(&n->pair[i].lock);
    }
    lock(&n->control_lock);
    if (n->control_mem)
        virtq_detach(&n->control.q);
    unlock(&n->control_lock);
    __atomic_add_fetch(&n->dev.stats.resets, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&n->faulty, false, __ATOMIC_RELEASE);
    bool back = come_back(n);
    pairs_leave(n);
    if (back) /* else it stays as it is: nobody tries again */
        __atomic_store_n(&n->resetting, false, __ATOMIC_RELEASE);
    netdev_link(&n->dev, back && link_read(n));
}

/* Has the device had something to send for 5 s without giving anything back? */
static void watch(struct vnet_pair *p, int64_t now)
{
    lock(&p->lock);
    if (p->sent != p->sent_seen || !p->tx.q.chains || virtq_pending(&p->tx.q))
        p->moved = now;
    p->sent_seen = p->sent;
    bool stuck = now - p->moved > STUCK_NS;
    unlock(&p->lock);
    if (stuck)
        vnet_blame(p->net, "has sent nothing for 5 s");
}

static void service(struct netdev *d)
{
    struct vnet *n = (struct vnet *)d;
    int64_t now = clock_mono_ns();

    if (__atomic_exchange_n(&n->config_dirty, false, __ATOMIC_SEQ_CST) && !n->virtio->broken)
        netdev_link(&n->dev, link_read(n));
    for (unsigned i = 0; i < n->npairs && !n->virtio->broken; i++)
        watch(&n->pair[i], now);
    vnet_settle(n);
}

static void reset(struct netdev *d) { vnet_blame((struct vnet *)d, "is reset for a test"); }

static void config_irq(void *arg)
{
    struct vnet *n = arg;

    __atomic_store_n(&n->config_dirty, true, __ATOMIC_SEQ_CST);
    netdev_wake(&n->dev, 0);
}

static const struct netdev_ops ops = {
    .transmit = vnet_transmit, .poll = vnet_poll, .pending = vnet_pending,
    .irq_enable = vnet_irq_enable, .irq_disable = vnet_irq_disable, .set_filter = set_filter,
    .service = service, .reset = reset,
};

/* ---- start --------------------------------------------------------------------------- */

/* Chooses among the offered features; one that needs another is taken only with it. */
static uint64_t choose(uint64_t offered)
{
    uint64_t f = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MTU | NET_F_MAC | NET_F_MRG_RXBUF |
                 NET_F_STATUS | NET_F_CTRL_VQ;

    if (offered & NET_F_CSUM)
        f |= NET_F_HOST_TSO4 | NET_F_HOST_TSO6;
    /* Large frames without merging would need buffers of 64 KiB each. */
    if (offered & NET_F_GUEST_CSUM && offered & NET_F_MRG_RXBUF)
        f |= NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6;
    if (offered & NET_F_CTRL_VQ)
        f |= NET_F_CTRL_RX | NET_F_MQ | NET_F_RSS;
    return f;
}

static uint32_t dev_features(uint64_t f)
{
    return (f & NET_F_CSUM ? NETDEV_TX_CSUM : 0) | (f & NET_F_GUEST_CSUM ? NETDEV_RX_CSUM : 0) |
           (f & NET_F_HOST_TSO4 ? NETDEV_TSO4 : 0) | (f & NET_F_HOST_TSO6 ? NETDEV_TSO6 : 0) |
           (f & (NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6) ? NETDEV_LRO : 0) |
           (f & NET_F_CTRL_RX ? NETDEV_FILTERS : 0);
}

static void identity(struct vnet *n)
{
    struct netdev *d = &n->dev;
    uint64_t f = n->virtio->features;

    d->ops = &ops;
    d->features = dev_features(f);
    d->nqueues = n->npairs;
    d->mtu = 1500;
    if (f & NET_F_MTU) {
        virtio_config(n->virtio, CFG_MTU, &d->mtu, 2);
        d->mtu = d->mtu < 1280 || d->mtu > 1500 ? 1500 : d->mtu;
    }
    if (f & NET_F_MAC)
        virtio_config(n->virtio, CFG_MAC, d->mac, 6);
    if (!(f & NET_F_MAC) || d->mac[0] & 1)
        netdev_random_mac(d->mac);
}

static unsigned pairs_offered(struct vnet *n)
{
    uint16_t pairs = 1;

    if (n->virtio->features & (NET_F_MQ | NET_F_RSS) && n->virtio->features & NET_F_CTRL_VQ)
        virtio_config(n->virtio, CFG_PAIRS, &pairs, 2);
    return pairs && pairs <= 0x8000 ? pairs : 1;
}

static bool pair_setup(struct vnet *n, unsigned i)
{
    struct vnet_pair *p = &n->pair[i];

    p->net = n;
    p->index = i;
    lock_init(&p->lock, "netq", RANK_NETQ);
    p->moved = clock_mono_ns();
    return virtio_queue_setup(n->virtio, &p->rx, 2 * i, VNET_RING, false, i % ncpu,
                              vnet_queue_irq, p) &&
           virtio_queue_setup(n->virtio, &p->tx, 2 * i + 1, VNET_RING, true, i % ncpu,
                              vnet_queue_irq, p);
}

static bool queues_setup(struct vnet *n)
{
    unsigned offered = pairs_offered(n), most = offered < ncpu ? offered : ncpu;

    n->pair = persistent_alloc(VNET_QUEUES * sizeof *n->pair, 64, NULL);
    for (; n->npairs < most && n->npairs < VNET_QUEUES; n->npairs++)
        if (!pair_setup(n, n->npairs))
            break;
    lock_init(&n->control_lock, "netctl", RANK_NETQ);
    if (!n->npairs)
        return false;
    if (n->virtio->features & NET_F_CTRL_VQ) {
        n->control_mem = dma_alloc(CONTROL_BYTES, &n->control_pa);
        return n->control_mem && virtio_queue_setup(n->virtio, &n->control, 2 * offered, 16, false,
                                                    0, NULL, NULL);
    }
    return true;
}

bool virtio_net_start(struct virtio_dev *d)
{
    struct vnet *n = persistent_alloc(sizeof *n, 64, NULL);

    n->virtio = d;
    if (!virtio_start(d, choose(d->transport->features(d))))
        return false;
    if (!queues_setup(n)) {
        virtio_fault(d, "no queues, no interrupts or no memory for a network device: not used");
        return false;
    }
    d->config_changed = config_irq;
    d->config_arg = n;
    identity(n);
    for (unsigned i = 0; i < n->npairs; i++)
        vnet_refill(&n->pair[i]);
    virtio_run(d);
    for (unsigned i = 0; i < n->npairs; i++)
        virtio_kick(&n->pair[i].rx);
    if (!pairs_set(n)) /* the others stay without packets */
        n->dev.nqueues = 1;
    n->dev.up = link_read(n);
    if (netdev_register(&n->dev) < 0)
        return false;
    boot_log("%s: %s, %u queues, MTU %u", d->name, n->dev.name, n->dev.nqueues, n->dev.mtu);
    return true;
}
