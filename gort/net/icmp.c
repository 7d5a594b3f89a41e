/* icmp.c - ICMP errors of IPv4 and IPv6: which socket sent the quoted packet, and what went wrong.
 *
 * Any host can send an ICMP error, so a TCP error counts only if it quotes a sequence number in
 * flight, a path MTU never falls below the family's minimum, and errors of an established
 * connection are soft (RFC 5927). */
#include "gort/net/errno.h"
#include "gort/net/ip.h"

int icmp_errno(enum icmp_error e)
{
    static const int no[] = {ECONNREFUSED, ENOPROTOOPT, EHOSTUNREACH, ENETUNREACH, EHOSTUNREACH,
                             EHOSTUNREACH, EPROTO, EMSGSIZE};

    return no[e];
}

/* Maps an ICMP type and code to *what. False: the message concerns no socket. */
static bool classify(bool v6, uint8_t type, uint8_t code, enum icmp_error *e)
{
    static const uint8_t v4_unreach[] = {ICMP_ERR_NET, ICMP_ERR_HOST, ICMP_ERR_PROTO, ICMP_ERR_PORT,
                                         ICMP_ERR_TOOBIG, ICMP_ERR_HOST};
    static const uint8_t v6_unreach[] = {ICMP_ERR_NET, ICMP_ERR_ADMIN, ICMP_ERR_ADMIN,
                                         ICMP_ERR_HOST, ICMP_ERR_PORT, ICMP_ERR_ADMIN};

    if (v6)
        *e = type == 1 && code < sizeof v6_unreach ? v6_unreach[code] :
             type == 2 ? ICMP_ERR_TOOBIG : type == 3 ? ICMP_ERR_TIME : ICMP_ERR_PARAM;
    else
        *e = type == 3 ? (code < sizeof v4_unreach ? v4_unreach[code] : ICMP_ERR_ADMIN) :
             type == 11 ? ICMP_ERR_TIME : ICMP_ERR_PARAM;
    return v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
}

/* The quoted packet's addresses (ours is the source) and where its transport header starts. */
static bool quoted(bool v6, const uint8_t *q, size_t n, struct net_addr *local,
                   struct net_addr *remote, uint8_t *proto, size_t *hdr)
{
    if (v6) {
        if (n < IPV6_HDR + 8 || q[0] >> 4 != 6)
            return false;
        *local = addr_v6(q + 8);
        *remote = addr_v6(q + 24);
        *proto = q[6];
        *hdr = IPV6_HDR;
        return true;
    }
    if (n < IPV4_HDR + 8 || q[0] >> 4 != 4)
        return false;
    *hdr = (q[0] & 15u) * 4;
    *local = addr_v4(q + 12);
    *remote = addr_v4(q + 16);
    *proto = q[9];
    return *hdr >= IPV4_HDR && n >= *hdr + 8 && !(get16(q + 6) & 0x1fff);
}

void net_icmp_error(bool v6, const struct pkt *pkt)
{
    uint8_t m[8 + 60 + 8];
    size_t n = pkt_length(pkt), hdr;
    struct net_addr local, remote;
    enum icmp_error e;
    uint8_t proto;

    if (n > sizeof m)
        n = sizeof m;
    if (n < 8 || !pkt_copy_out(pkt, 0, m, n) || !classify(v6, m[0], m[1], &e) ||
        !quoted(v6, m + 8, n - 8, &local, &remote, &proto, &hdr) || !netif_has(NULL, &local))
        return;
    const uint8_t *t = m + 8 + hdr;
    uint32_t mtu = e != ICMP_ERR_TOOBIG ? 0 : v6 ? get32(m + 4) : get16(m + 6);

    net_round_begin();
    if (proto == PROTO_TCP)
        tcp_icmp(&local, &remote, get16(t), get16(t + 2), get32(t + 4), e, mtu);
    else if (proto == PROTO_UDP)
        udp_icmp(&local, &remote, get16(t), get16(t + 2), e, mtu);
    net_round_end();
}
