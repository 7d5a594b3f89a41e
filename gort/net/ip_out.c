/* ip_out.c - writes the IP headers of packets that are sent, of both families, and cuts large
 * datagrams. */
#include "gort/net/ip.h"
#include "gort/net/platform.h"

enum { PROTO_FRAGMENT = 44, FRAGMENT_HDR = 8 };

static void write_v4(uint8_t *h, const struct ip_tx *t, uint32_t len, unsigned frag)
{
    h[0] = 0x45;
    h[1] = t->tos;
    put16(h + 2, (uint16_t)(len + IPV4_HDR));
    put16(h + 4, (uint16_t)t->id);
    put16(h + 6, (uint16_t)frag);
    h[8] = t->ttl;
    h[9] = t->proto;
    put16(h + 10, 0);
    __builtin_memcpy(h + 12, t->src->b + 12, 4);
    __builtin_memcpy(h + 16, t->dst->b + 12, 4);
    put16(h + 10, (uint16_t)~ip_header_sum(h, IPV4_HDR));
}

static void write_v6(uint8_t *h, const struct ip_tx *t, uint32_t len)
{
    put32(h, 6u << 28 | (uint32_t)t->tos << 20 | (t->flow & 0xfffff));
    put16(h + 4, (uint16_t)len);
    h[6] = t->proto;
    h[7] = t->ttl;
    __builtin_memcpy(h + 8, t->src->b, 16);
    __builtin_memcpy(h + 24, t->dst->b, 16);
}

/* Sends with the path's link header; without one, the control plane resolves the address first. */
static void leave(const struct net_path *p, struct pkt *pkt)
{
    if (!p->resolved) {
        NET_COUNT(out_packets);
        net_control->resolve(p->ifp, &p->next_hop, pkt);
        return;
    }
    pkt->data -= LINK_HDR;
    pkt->len += LINK_HDR;
    __builtin_memcpy(pkt->data, p->link, LINK_HDR);
    net_transmit(p->ifp, pkt);
}

static void offsets_by(struct pkt *pkt, unsigned n)
{
    if (pkt->flags & PKT_CSUM_PARTIAL)
        pkt->csum_start += (uint16_t)n;
    if (pkt->gso_type)
        pkt->gso_hdr_len += (uint16_t)n;
}

void ip_output(const struct ip_tx *t, struct pkt *pkt, uint32_t len)
{
    unsigned hdr = addr_is_v4(t->dst) ? IPV4_HDR : IPV6_HDR;

    pkt->data -= hdr;
    pkt->len += hdr;
    if (hdr == IPV4_HDR)
        write_v4(pkt->data, t, len, t->may_fragment ? 0 : 0x4000);
    else
        write_v6(pkt->data, t, len);
    offsets_by(pkt, hdr + LINK_HDR);
    leave(t->path, pkt);
}

void ip_output_whole(const struct net_path *path, struct pkt *pkt) { leave(path, pkt); }

/* IPv6 keeps a fragment's offset and id, which IPv4 has in its header, in an extension header. */
static void write_fragment(uint8_t *h, const struct ip_tx *t, uint32_t at, uint32_t n, bool more)
{
    if (addr_is_v4(t->dst)) {
        write_v4(h, t, n, at / 8 | (more ? 0x2000u : 0));
        return;
    }
    struct ip_tx f = *t;
    f.proto = PROTO_FRAGMENT;
    write_v6(h, &f, n + FRAGMENT_HDR);
    h += IPV6_HDR;
    h[0] = t->proto;
    h[1] = 0;
    put16(h + 2, (uint16_t)(at | more));
    put32(h + 4, t->id);
}

/* Sends one fragment: n bytes of pkt from `at` on. False: no memory. */
static bool fragment(const struct ip_tx *t, const struct pkt *pkt, uint32_t at, uint32_t n,
                     bool more)
{
    unsigned hdr = addr_is_v4(t->dst) ? IPV4_HDR : IPV6_HDR + FRAGMENT_HDR;
    struct pkt *f = pkt_alloc(n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);

    if (!f)
        return false;
    if (n > PKT_LARGE_ROOM || !pkt_copy_out(pkt, at, f->data, n)) {
        pkt_free(f);
        return false;
    }
    f->len = n + hdr;
    f->data -= hdr;
    write_fragment(f->data, t, at, n, more);
    leave(t->path, f);
    return true;
}

void ip_output_fragments(const struct ip_tx *t, struct pkt *pkt, uint32_t len)
{
    uint32_t hdr = addr_is_v4(t->dst) ? IPV4_HDR : IPV6_HDR + FRAGMENT_HDR;
    uint32_t room = (t->path->mtu - hdr) & ~7u;

    if (pkt->flags & PKT_CSUM_PARTIAL && !pkt_csum_complete(pkt)) {
        pkt_free(pkt);
        return;
    }
    for (uint32_t at = 0; at < len; at += room) {
        uint32_t n = len - at < room ? len - at : room;
        if (!fragment(t, pkt, at, n, at + n < len)) {
            NET_COUNT(out_no_memory);
            break;
        }
    }
    pkt_free(pkt);
}
