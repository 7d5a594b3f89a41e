/* icmp_out.c - ICMP "port unreachable" for datagrams to a port without a socket.
 *
 * RFC 1122, 3.2.2 and RFC 4443, 2.4: no ICMP error answers an ICMP error, a multicast or a
 * broadcast. At most BURST errors at once and RATE a second are sent, so that other hosts cannot
 * use this one to flood a third. */
#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/platform.h"

enum { RATE = 1000, BURST = 50, ICMP_HDR = 8 };
/* Bytes of the packet that are quoted: IPv4 fills 576 bytes, IPv6 its minimum MTU. */
enum { QUOTE4 = IP_MIN_MTU - IPV4_HDR - ICMP_HDR, QUOTE6 = IP6_MIN_MTU - IPV6_HDR - ICMP_HDR };

static uint64_t tokens_at;      /* [atomic] ns: when the bucket was or will be empty */

/* Takes one of BURST tokens, which are refilled at RATE a second. False: none is left. */
static bool may_send(void)
{
    const uint64_t cost = 1000000000ull / RATE;
    uint64_t now = (uint64_t)net_now_ns(), at = __atomic_load_n(&tokens_at, __ATOMIC_RELAXED), to;

    do {
        to = (at > now ? at : now) + cost;
        if (to > now + BURST * cost)
            return false;
    } while (!__atomic_compare_exchange_n(&tokens_at, &at, to, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

/* Writes the ICMP message in front of the quoted bytes, with the checksum of both. */
static void finish(struct pkt *p, bool v6, const struct net_addr *src, const struct net_addr *dst)
{
    p->data -= ICMP_HDR;
    p->len += ICMP_HDR;
    __builtin_memset(p->data, 0, ICMP_HDR);
    p->data[0] = v6 ? 1 : 3;    /* destination unreachable */
    p->data[1] = v6 ? 4 : 3;    /* port */
    uint32_t sum = pkt_sum(p, 0, p->len);
    if (v6)
        sum += ip_pseudo_sum(src, dst, PROTO_ICMP6, p->len);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(p->data + 2, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
}

static void send(struct netif *ifp, const struct pkt *about, bool v6)
{
    const uint8_t *h = about->data;
    struct net_addr src = v6 ? addr_v6(h + 24) : addr_v4(h + 16);
    struct net_addr dst = v6 ? addr_v6(h + 8) : addr_v4(h + 12);
    size_t n = pkt_length(about), most = v6 ? QUOTE6 : QUOTE4;
    struct net_path path;

    if (addr_multicast(&src) || addr_multicast(&dst) || addr_any(&dst) || !netif_has(NULL, &src) ||
        !may_send() || net_path_find(&path, &dst, &src, ifp->index))
        return;
    struct pkt *p = pkt_alloc(PKT_SMALL);
    if (!p)
        return;
    p->len = (uint32_t)(n < most ? n : most);
    pkt_copy_out(about, 0, p->data, p->len);
    finish(p, v6, &src, &dst);
    struct ip_tx t = {.path = &path, .src = &src, .dst = &dst, .ttl = 64, .may_fragment = true,
                      .proto = v6 ? PROTO_ICMP6 : PROTO_ICMP};
    ip_output(&t, p, p->len);
}

void net_send_unreachable(struct netif *ifp, struct pkt *pkt)
{
    if (pkt->len >= IPV4_HDR)
        send(ifp, pkt, pkt->data[0] >> 4 == 6);
    pkt_free(pkt);
}
