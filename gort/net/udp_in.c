/* udp_in.c - received datagrams: the socket that gets them, and how they are read.
 *
 * A queued packet keeps its IP and UDP headers in front of data; user[0] says how far, user[1] on
 * which interface it came, user[2] when, so addresses and TTL are read from the headers when the
 * socket reads; user[3] is the memory that it counts. */
#include "gort/net/errno.h"
#include "gort/net/platform.h"
#include "gort/net/udp_private.h"

enum { OVERHEAD = 256 }; /* memory of a queued packet besides its bytes */
enum { LARGE = 1 << 20 }; /* a queue of so many bytes looks at what is left for others */

/* ---- to whom ---------------------------------------------------------------------------- */

/* How exactly the socket matches the datagram; 0: not at all. */
static unsigned score(const struct udp_sock *s, const struct ip_rx *ip, uint16_t sport,
                      uint16_t dport)
{
    bool any = addr_any(&s->local);
    unsigned n = 1;

    if (s->lport != dport || (addr_is_v4(&ip->dst) ? s->v6only : s->v4))
        return 0;
    /* A socket that is bound to one address also receives the groups that it joined. */
    if (!any && !addr_equal(&s->local, &ip->dst) && !addr_multicast(&ip->dst))
        return 0;
    if (s->ifindex && s->ifindex != ip->ifp->index)
        return 0;
    if (s->rport) {
        if (s->rport != sport || !addr_equal(&s->remote, &ip->src))
            return 0;
        n += 8;
    }
    return n + (any ? 0 : 4) + (s->ifindex ? 2 : 0) + (s->v4 == addr_is_v4(&ip->dst));
}

static bool in_group(const struct udp_sock *s, const struct ip_rx *ip)
{
    bool wants = addr_is_v4(&ip->dst) && addr_v4_number(&ip->dst) == 0xffffffffu;

    for (unsigned i = 0; i < s->ngroups; i++)
        wants |= addr_equal(&s->groups[i].group, &ip->dst) &&
                 (!s->groups[i].ifindex || s->groups[i].ifindex == ip->ifp->index);
    return wants;
}

/* The socket that matches best, with a reference. Of several that share a port, the flow's hash
 * decides. */
static struct udp_sock *find(const struct ip_rx *ip, uint16_t sport, uint16_t dport)
{
    struct udp_bucket *b = udp_bucket(dport);
    struct udp_sock *best = NULL;
    unsigned best_score = 0, same = 0;
    uint32_t flow = (uint32_t)(ip->src.d[1] >> 32) * 0x9e3779b1u ^ sport * 0x85ebca6bu;

    lock(&b->lock);
    for (struct udp_sock *s = b->head; s; s = s->next) {
        unsigned n = score(s, ip, sport, dport);
        if (n > best_score) {
            best = s;
            best_score = n;
            same = 1;
        } else if (n && n == best_score && s->reuse_port) {
            flow = flow * 1664525u + 1013904223u;
            if ((flow >> 16) % ++same == 0)
                best = s;
        }
    }
    if (best)
        udp_get(best);
    unlock(&b->lock);
    return best;
}

/* ---- queues ----------------------------------------------------------------------------- */

static uint32_t memory_of(const struct pkt *p)
{
    uint32_t n = 0;

    for (; p; p = p->next)
        n += OVERHEAD + (p->size == PKT_LARGE ? PKT_LARGE_ROOM :
                         p->size == PKT_SMALL ? PKT_SMALL_ROOM : p->len);
    return n;
}

static void cut(struct pkt *p, size_t n)
{
    for (; p; p = p->next) {
        if (n < p->len)
            p->len = (uint32_t)n;
        n -= p->len;
    }
}

/* Cuts the datagram to what s's filter takes. False: nothing. */
static bool filter_takes(struct udp_sock *s, const struct ip_rx *ip, struct pkt *pkt)
{
    const struct udp_filter *f = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE);

    if (!f)
        return true;
    lock(&s->lock);
    void *now = s->wake ? f->get(s->wake_arg) : NULL;
    unlock(&s->lock);
    if (!now)
        return true;
    pkt->data -= UDP_HDR;
    pkt->len += UDP_HDR;
    uint32_t keep = f->run(now, ip, pkt);
    pkt->data += UDP_HDR;
    pkt->len -= UDP_HDR;
    if (keep)
        cut(pkt, keep > UDP_HDR ? keep - UDP_HDR : 0);
    return keep;
}

static bool has_room_locked(const struct udp_sock *s, uint32_t memory)
{
    uint64_t sum = (uint64_t)s->queued + memory;

    return !s->queued || (sum <= s->rcv_buf && !net_memory_short() &&
                          (sum <= LARGE || sum <= net_memory_left()));
}

/* No locks. */
static void enqueue(struct udp_sock *s, const struct ip_rx *ip, struct pkt *pkt)
{
    uint32_t memory = memory_of(pkt); /* what is cut off is not freed */

    pkt->user[3] = memory;
    pkt->user[0] = ip->hdr;
    pkt->user[1] = ip->ifp->index;
    bool taken = filter_takes(s, ip, pkt);
    lock(&s->lock);
    if (!s->wake || !taken || !has_room_locked(s, memory)) {
        s->drops++;
        unlock(&s->lock);
        if (taken)
            NET_COUNT(udp_full);
        else
            NET_COUNT(udp_filtered);
        pkt_free(pkt);
        return;
    }
    s->queued += memory;
    pkt->user[2] = s->stamped ? (uint64_t)net_now_ns() : 0;
    pkt->link = NULL;
    *s->tail = pkt;
    s->tail = &pkt->link;
    s->wake(s->wake_arg, NET_IN);
    unlock(&s->lock);
}

/* Copies a packet with its headers, for the second and further sockets of a group. */
static struct pkt *copy(const struct ip_rx *ip, struct pkt *pkt)
{
    size_t n = ip->len + ip->hdr;
    struct pkt *c = pkt_alloc(n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);
    unsigned front = ip->hdr + UDP_HDR;

    if (!c || n > PKT_LARGE_ROOM) {
        if (c)
            pkt_free(c);
        return NULL;
    }
    pkt->data -= front;
    pkt->len += front;
    pkt_copy_out(pkt, 0, c->data, n);
    pkt->data += front;
    pkt->len -= front;
    c->data += front;
    c->len = (uint32_t)n - front;
    return c;
}

/* The sockets that take a datagram to a group, each with a reference. */
struct members {
    struct udp_sock **s, *few[8];
    unsigned n, room;
};

static bool takes(const struct udp_sock *s, const struct ip_rx *ip, uint16_t sport, uint16_t dport)
{
    return (in_group(s, ip) || addr_equal(&s->local, &ip->dst)) && score(s, ip, sport, dport);
}

/* Without memory for more, some of them. */
static void members_find(struct members *m, const struct ip_rx *ip, uint16_t sport, uint16_t dport)
{
    enum { FEW = sizeof m->few / sizeof m->few[0] };
    struct udp_bucket *b = udp_bucket(dport);
    unsigned n = 0;

    *m = (struct members){.s = m->few, .room = FEW};
    lock(&b->lock);
    for (struct udp_sock *s = b->head; s; s = s->next)
        n += takes(s, ip, sport, dport);
    struct udp_sock **many = n > FEW ? net_alloc(n * sizeof *many) : NULL;
    if (many) {
        m->s = many;
        m->room = n;
    }
    for (struct udp_sock *s = b->head; s && m->n < m->room; s = s->next)
        if (takes(s, ip, sport, dport)) {
            udp_get(s);
            m->s[m->n++] = s;
        }
    unlock(&b->lock);
}

/* Datagrams to a group go to every socket that joined, in copies. */
static void deliver_group(const struct ip_rx *ip, uint16_t sport, uint16_t dport, struct pkt *pkt)
{
    struct members m;

    members_find(&m, ip, sport, dport);
    for (unsigned i = 0; i < m.n; i++) {
        bool last = i + 1 == m.n;
        struct pkt *p = last ? pkt : copy(ip, pkt);
        if (p)
            enqueue(m.s[i], ip, p);
        udp_put(m.s[i]);
    }
    if (!m.n)
        pkt_free(pkt);
    if (m.s != m.few)
        net_free(m.s, m.room * sizeof *m.s);
}

bool udp_wants(const struct ip_rx *ip, const struct pkt *pkt)
{
    bool wants = false;

    if (pkt->len < ip->hdr + 0u + UDP_HDR)
        return false;
    uint16_t dport = get16(pkt->data + ip->hdr + 2);
    struct udp_bucket *b = udp_bucket(dport);
    lock(&b->lock);
    for (struct udp_sock *s = b->head; s && !wants; s = s->next)
        wants = s->lport == dport && in_group(s, ip);
    unlock(&b->lock);
    return wants;
}

/* ---- a datagram ------------------------------------------------------------------------- */

static void no_port(const struct ip_rx *ip, struct pkt *pkt)
{
    NET_COUNT(in_no_port);
    pkt->data -= ip->hdr;
    pkt->len += ip->hdr;
    net_control->unreachable(ip->ifp, pkt);
}

/* Are length and checksum right? False: the datagram is dropped. */
static bool good(struct ip_rx *ip, struct pkt *pkt)
{
    uint32_t len = pkt->len >= UDP_HDR ? get16(pkt->data + 4) : 0;

    if (len < UDP_HDR || len > ip->len) {
        NET_COUNT(in_bad_header);
        return false;
    }
    ip->len = len;
    bool none = get16(pkt->data + 6) == 0;  /* no sum: IPv4 may */
    if (none ? !addr_is_v4(&ip->src) : !ip_sum_good(ip, PROTO_UDP, pkt)) {
        NET_COUNT(in_bad_sum);
        return false;
    }
    return true;
}

void udp_input(const struct ip_rx *in, struct pkt *pkt)
{
    struct ip_rx ip = *in;

    NET_COUNT(udp_in);
    if (!good(&ip, pkt)) {
        pkt_free(pkt);
        return;
    }
    uint16_t sport = get16(pkt->data), dport = get16(pkt->data + 2);
    bool group = addr_multicast(&ip.dst);
    struct udp_sock *s = group ? NULL : find(&ip, sport, dport);
    if (!group && !s) {
        no_port(&ip, pkt);
        return;
    }
    cut(pkt, ip.len);
    pkt->data += UDP_HDR;
    pkt->len -= UDP_HDR;
    if (group) {
        deliver_group(&ip, sport, dport, pkt);
        return;
    }
    enqueue(s, &ip, pkt);
    udp_put(s);
}

void udp_icmp(const struct net_addr *local, const struct net_addr *remote, uint16_t lport,
              uint16_t rport, enum icmp_error e, uint32_t mtu)
{
    struct netif any = {.index = 0};
    struct ip_rx ip = {.ifp = &any, .src = *remote, .dst = *local};
    struct udp_sock *s = find(&ip, rport, lport);

    if (!s)
        return;
    lock(&s->lock);
    if (e == ICMP_ERR_TOOBIG)
        pmtu_lower(remote, mtu, s->path.ifp ? s->path.mtu : pmtu_get(remote, 65535));
    /* As Linux without IP_RECVERR: only a connected socket gets errors, and only hard ones. */
    if (s->rport && (e == ICMP_ERR_PORT || e == ICMP_ERR_PROTO ||
                     (e == ICMP_ERR_TOOBIG && udp_ip(s, remote)->dont_fragment))) {
        s->error = icmp_errno(e);
        if (s->wake)
            s->wake(s->wake_arg, NET_IN | NET_OUT | NET_ERR);
    }
    unlock(&s->lock);
    udp_put(s);
}

/* ---- reading ---------------------------------------------------------------------------- */

static void describe(const struct pkt *p, struct udp_meta *m)
{
    const uint8_t *udp = p->data - UDP_HDR, *h = udp - p->user[0];
    bool v6 = h[0] >> 4 == 6;

    m->src = v6 ? addr_v6(h + 8) : addr_v4(h + 12);
    m->dst = v6 ? addr_v6(h + 24) : addr_v4(h + 16);
    m->sport = get16(udp);
    m->ttl = v6 ? h[7] : h[8];
    m->tos = v6 ? (uint8_t)(h[0] << 4 | h[1] >> 4) : h[1];
    m->ifindex = (unsigned)p->user[1];
    m->came = (int64_t)p->user[2];
    m->length = pkt_length(p);
}

/* Copies the first n bytes, n <= the packet's length. False: the program has no such memory. */
static bool copy_to(const struct pkt *p, uint8_t *buf, size_t n)
{
    for (; n; p = p->next) {
        size_t part = n < p->len ? n : p->len;
        if (net_copy(buf, p->data, part))
            return false;
        buf += part;
        n -= part;
    }
    return true;
}

long udp_recv(struct udp_sock *s, void *buf, size_t n, struct udp_meta *meta, unsigned flags)
{
    struct udp_meta m;

    lock(&s->lock);
    if (s->error) {
        int err = s->error;
        s->error = 0;
        unlock(&s->lock);
        return -err;
    }
    struct pkt *p = s->head;
    if (!p) {
        unlock(&s->lock);
        return -EAGAIN;
    }
    if (!(flags & UDP_PEEK)) {
        s->head = p->link;
        if (!s->head)
            s->tail = &s->head;
        s->queued -= (uint32_t)p->user[3];
        p->link = NULL;
        unlock(&s->lock);   /* the packet is ours: copy without the lock */
    }
    describe(p, &m);
    if (n > m.length)
        n = m.length;
    bool copied = copy_to(p, buf, n);
    if (flags & UDP_PEEK)
        unlock(&s->lock);
    else
        pkt_free(p);
    if (meta)
        *meta = m;
    return copied ? (long)n : -EFAULT;
}

unsigned udp_poll(struct udp_sock *s)
{
    lock(&s->lock);
    unsigned ev = NET_OUT | (s->head ? NET_IN : 0) | (s->error ? NET_ERR | NET_IN : 0);
    unlock(&s->lock);
    return ev;
}

size_t udp_first_length(struct udp_sock *s)
{
    lock(&s->lock);
    size_t n = s->head ? pkt_length(s->head) : 0;
    unlock(&s->lock);
    return n;
}

int udp_take_error(struct udp_sock *s)
{
    lock(&s->lock);
    int err = s->error;
    s->error = 0;
    unlock(&s->lock);
    return err;
}
