/* ip_in.c - frames from a driver: link and IP headers are checked, and packets go to TCP, UDP or
 * control.
 *
 * A header is read only once all of it is known to lie in the packet's first piece. Whatever is not
 * a complete, unfragmented UDP or TCP packet for an address of ours goes to the control plane. */
#include "gort/net/ip.h"
#include "gort/net/platform.h"

enum { PULL = 128 }; /* bytes that headers are likely to take */

enum verdict { TAKE, CONTROL, DROP };

/* Folds a checksum to 16 bits. */
static inline uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    uint32_t s = (uint32_t)sum + (uint32_t)(sum >> 32);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)(s + (s >> 16));
}

/* The checksum of an IPv4 header; len is a multiple of 4, at least IPV4_HDR. */
uint16_t ip_header_sum(const uint8_t *h, unsigned len)
{
    uint32_t w[5];

    __builtin_memcpy(w, h, IPV4_HDR);
    uint64_t sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
    for (unsigned i = IPV4_HDR; i < len; i += 4) {
        __builtin_memcpy(w, h + i, 4);
        sum += w[0];
    }
    return __builtin_bswap16(fold(sum));
}

uint16_t ip_pseudo_sum(const struct net_addr *src, const struct net_addr *dst, uint8_t proto,
                       uint32_t len)
{
    uint64_t sum = 0;
    uint32_t w[8];

    __builtin_memcpy(w, src->b, 16);
    __builtin_memcpy(w + 4, dst->b, 16);
    if (addr_is_v4(src))
        sum = (uint64_t)w[3] + w[7];
    else
        for (unsigned i = 0; i < 8; i++)
            sum += w[i];
    sum += __builtin_bswap32(len) + (uint64_t)__builtin_bswap32(proto);
    return __builtin_bswap16(fold(sum));
}

bool ip_sum_good(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt)
{
    if (pkt->flags & (PKT_CSUM_OK | PKT_CSUM_PARTIAL))
        return true;
    uint32_t sum = pkt_sum(pkt, 0, ip->len);
    sum += ip_pseudo_sum(&ip->src, &ip->dst, proto, ip->len);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/* Cuts the packet to n bytes, because Ethernet pads short frames. */
static void trim(struct pkt *p, size_t n)
{
    while (n > p->len) {
        n -= p->len;
        p = p->next;
    }
    p->len = (uint32_t)n;
    if (p->next) {
        pkt_free(p->next);
        p->next = NULL;
    }
}

/* Is the destination a unicast address of this host? All others (broadcast, multicast, foreign)
 * go to the control plane. */
static bool addresses_plain(const struct ip_rx *ip)
{
    return netif_has(ip->ifp, &ip->dst) || netif_has(NULL, &ip->dst);
}

static enum verdict look_v4(struct pkt *pkt, struct ip_rx *ip, uint8_t *proto)
{
    const uint8_t *h = pkt->data;
    unsigned hdr = (h[0] & 15u) * 4;
    uint32_t total = get16(h + 2);

    if (pkt->len < IPV4_HDR || h[0] >> 4 != 4 || hdr < IPV4_HDR || hdr > pkt->len)
        return DROP;
    if (total < hdr || ip_header_sum(h, hdr) != 0xffff)
        return DROP;
    /* The header's 16-bit length cannot hold a merged packet over 65535 bytes: it is dropped. */
    size_t have = pkt_length(pkt);
    if (total > have)
        return DROP;
    if (total < have)
        trim(pkt, total);
    *proto = h[9];
    *ip = (struct ip_rx){ip->ifp, addr_v4(h + 12), addr_v4(h + 16), total - hdr, (uint16_t)hdr,
                         h[8], h[1]};
    if (get16(h + 6) & 0x3fff)      /* MF or an offset: a fragment */
        return CONTROL;
    return TAKE;
}

static enum verdict look_v6(struct pkt *pkt, struct ip_rx *ip, uint8_t *proto)
{
    const uint8_t *h = pkt->data;

    if (pkt->len < IPV6_HDR || h[0] >> 4 != 6)
        return DROP;
    uint32_t len = get16(h + 4);
    size_t have = pkt_length(pkt);
    if (len + IPV6_HDR > have)
        return DROP;
    if (len + IPV6_HDR < have)
        trim(pkt, len + IPV6_HDR);
    *proto = h[6];
    *ip = (struct ip_rx){ip->ifp, addr_v6(h + 8), addr_v6(h + 24), len, IPV6_HDR, h[7],
                         (uint8_t)(h[0] << 4 | h[1] >> 4)};
    /* RFC 4038: ::ffff:0:0/96 must not appear on a wire. The tables would take it for IPv4. */
    return addr_is_v4(&ip->src) || addr_is_v4(&ip->dst) ? DROP : TAKE;
}

void (*net_raw_seen)(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt);

/* Raw sockets see what TCP and UDP get, and what nobody else here knows. Of groups, that of all
 * hosts; which others the host is in, the control plane knows. */
static void show_raw(const struct ip_rx *ip, uint8_t proto, const struct pkt *pkt)
{
    static const uint8_t all4[4] = { 224, 0, 0, 1 };
    static const uint8_t all6[16] = { 0xff, 2, [15] = 1 };
    void (*seen)(const struct ip_rx *, uint8_t, const struct pkt *) =
        __atomic_load_n(&net_raw_seen, __ATOMIC_ACQUIRE);
    bool v4 = addr_is_v4(&ip->dst);

    if (!seen || proto == (v4 ? PROTO_ICMP : PROTO_ICMP6))
        return;
    struct net_addr all = v4 ? addr_v4(all4) : addr_v6(all6);
    if (addresses_plain(ip) || addr_equal(&ip->dst, &all))
        seen(ip, proto, pkt);
}

static void drop(struct pkt *pkt)
{
    NET_COUNT(in_bad_header);
    pkt_free(pkt);
}

/* pkt's data is at the IP header. `link` bytes of link header lie in front of it, which are put
 * back before the control plane gets the packet. */
static void input_ip(struct netif *ifp, struct pkt *pkt, unsigned link)
{
    struct ip_rx ip = {.ifp = ifp};
    uint8_t proto = 0;
    bool v6 = pkt->len && pkt->data[0] >> 4 == 6;
    enum verdict v = pkt->len < IPV4_HDR ? DROP :
        v6 ? look_v6(pkt, &ip, &proto) : look_v4(pkt, &ip, &proto);

    if (v == DROP) {
        drop(pkt);
        return;
    }
    if (v == TAKE)
        show_raw(&ip, proto, pkt);
    bool known = proto == PROTO_TCP || (proto == PROTO_UDP && !addr_multicast(&ip.dst));
    if (v == TAKE && proto == PROTO_UDP && addr_multicast(&ip.dst))
        known = udp_wants(&ip, pkt);
    else if (v == TAKE && known && !addresses_plain(&ip))
        known = false;
    if (!known && !link) { /* put together from fragments: the control plane has had it */
        pkt_free(pkt);
        return;
    }
    if (v == CONTROL || !known) {
        NET_COUNT(in_control);
        pkt->data -= link;
        pkt->len += link;
        net_control->input(ifp, pkt);
        return;
    }
    pkt->data += ip.hdr;
    pkt->len -= ip.hdr;
    if (proto == PROTO_TCP)
        tcp_input(&ip, pkt);
    else
        udp_input(&ip, pkt);
}

static void input_frame(struct netif *ifp, struct pkt *pkt)
{
    NET_COUNT(in_packets);
    if (pkt->len < PULL && pkt->next) {
        size_t all = pkt_length(pkt);
        if (!pkt_pull(&pkt, all < PULL ? all : PULL)) {
            drop(pkt);
            return;
        }
    }
    if (pkt->len < LINK_HDR) {
        drop(pkt);
        return;
    }
    unsigned type = get16(pkt->data + 12);
    if (type != ETH_IPV4 && type != ETH_IPV6) {
        NET_COUNT(in_control);
        net_control->input(ifp, pkt);
        return;
    }
    pkt->data += LINK_HDR;
    pkt->len -= LINK_HDR;
    if (type == ETH_IPV4 && pkt->len >= IPV4_HDR)
        NET_ADD(in_octets, get16(pkt->data + 2));
    if (!pkt->len || pkt->data[0] >> 4 != (type == ETH_IPV4 ? 4 : 6))
        drop(pkt);
    else
        input_ip(ifp, pkt, LINK_HDR);
}

void net_input(void *arg, struct netdev *dev, unsigned queue, struct pkt *list)
{
    struct netif *ifp = netif_of(dev);

    (void)arg;
    (void)queue;
    if (!ifp) {
        pkt_free_list(list);
        return;
    }
    net_round_begin();
    while (list) {
        struct pkt *pkt = list;
        list = pkt->link;
        pkt->link = NULL;
        input_frame(ifp, pkt);
    }
    tcp_round_end();
    net_round_end();
}

void net_input_ip(struct netif *ifp, struct pkt *pkt)
{
    net_round_begin();
    if (pkt->len < PULL && pkt->next) {
        size_t all = pkt_length(pkt);
        if (!pkt_pull(&pkt, all < PULL ? all : PULL)) {
            drop(pkt);
            net_round_end();
            return;
        }
    }
    input_ip(ifp, pkt, 0);
    tcp_round_end();
    net_round_end();
}
