/* check.c - frames are checked before lwIP gets them. Dropped are frames that lwIP has no use for,
 * and frames beyond whose end lwIP 2.1.3 would read.
 *
 * Headers up to the transport's first bytes lie in one piece (ip_in.c pulls them); IP
 * headers were checked there. */
#include "gort/netctl/private.h"

enum { NH_HOP = 0, NH_ROUTING = 43, NH_FRAGMENT = 44, NH_DESTOPT = 60, PROTO_IGMP = 2 };
enum { ND_FIRST = 133, ND_RA = 134, ND_NS = 135, ND_NA = 136, ND_LAST = 137 };

static enum frame_kind check_arp(const uint8_t *a, size_t n)
{
    static const uint8_t start[6] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4 */

    if (n < ARP_BYTES || __builtin_memcmp(a, start, sizeof start) || (a[8] & 1) ||
        a[14] >> 4 >= 14)
        return FRAME_DROP;
    return FRAME_ARP;
}

static enum frame_kind check_v4(const uint8_t *h, size_t n)
{
    size_t hdr = (h[0] & 15u) * 4u;

    if (get16(h + 6) & 0x3fff)
        return FRAME_FRAGMENT;
    if (h[9] == PROTO_UDP)
        return n >= hdr + 8 && get16(h + hdr + 2) == DHCP_PORT ? FRAME_DHCP : FRAME_DROP;
    return h[9] == PROTO_ICMP || h[9] == PROTO_IGMP ? FRAME_OTHER : FRAME_DROP;
}

static enum frame_kind check_v6(const uint8_t *h, size_t n)
{
    const uint8_t *t = h + IPV6_HDR;

    switch (h[6]) {
    case PROTO_ICMP6:
        if (n < IPV6_HDR + 8)
            return FRAME_DROP;
        return t[0] >= ND_FIRST && t[0] <= ND_LAST ? FRAME_ND : FRAME_OTHER;
    case PROTO_UDP:
        return n >= IPV6_HDR + 8 && get16(t + 2) == DHCP6_PORT ? FRAME_DHCP : FRAME_DROP;
    case NH_FRAGMENT:
        return FRAME_FRAGMENT;
    case NH_HOP: case NH_ROUTING: case NH_DESTOPT:
        return FRAME_OTHER;
    default:
        return FRAME_DROP;
    }
}

enum frame_kind check_frame(const uint8_t *f, size_t n)
{
    const uint8_t *h = f + LINK_HDR;

    if (n < LINK_HDR + IPV4_HDR)
        return FRAME_DROP;
    switch (get16(f + 12)) {
    case ETH_ARP:
        return check_arp(h, n - LINK_HDR);
    case ETH_IPV4:
        return check_v4(h, n - LINK_HDR);
    case ETH_IPV6:
        return n < LINK_HDR + IPV6_HDR ? FRAME_DROP : check_v6(h, n - LINK_HDR);
    default:
        return FRAME_DROP;
    }
}

/* Are the options of a hop-by-hop or destination header, n bytes in all, each within it? */
static bool options_good(const uint8_t *o, size_t n)
{
    for (size_t at = 2; at < n;) {
        if (o[at] == 0) {       /* Pad1 has no length */
            at++;
            continue;
        }
        if (at + 2 > n || at + 2u + o[at + 1] > n)
            return false;
        at += 2u + o[at + 1];
    }
    return true;
}

bool check_extensions(const uint8_t *f, size_t n)
{
    const uint8_t *h = f + LINK_HDR;
    uint8_t next = h[6];

    for (size_t at = LINK_HDR + IPV6_HDR;;) {
        const uint8_t *e = f + at;
        if (next != NH_HOP && next != NH_ROUTING && next != NH_DESTOPT)
            return next != NH_FRAGMENT || at + 8 <= n;
        if (at + 8 > n || at + 8u * (1u + e[1]) > n)
            return false;
        if (next != NH_ROUTING && !options_good(e, 8u * (1u + e[1])))
            return false;
        next = e[0];
        at += 8u * (1u + e[1]);
    }
}

/* Bytes in front of the options of each message of neighbour discovery (RFC 4861, 4). */
static size_t nd_fixed(uint8_t type)
{
    static const uint8_t fixed[] = {8, 16, 24, 24, 40};

    return fixed[type - ND_FIRST];
}

/* Each option has a length, lies in the message, and those of known kind have their size: a link
 * address 8, a prefix 32, an MTU 8 bytes. Hop limit 255 proves that no router forwarded the
 * packet. */
bool check_nd(const uint8_t *f, size_t n)
{
    const uint8_t *h = f + LINK_HDR, *t = h + IPV6_HDR;
    size_t len = get16(h + 4), at = nd_fixed(t[0]);

    if (h[7] != 255 || n < LINK_HDR + IPV6_HDR + len || len < at || t[1] != 0)
        return false;
    while (at < len) {
        size_t size = at + 2 <= len ? t[at + 1] * 8u : 0;
        if (!size || size > len - at)
            return false;
        uint8_t kind = t[at];
        if (((kind == 1 || kind == 2 || kind == 5) && size != 8) || (kind == 3 && size != 32))
            return false;
        at += size;
    }
    /* In these messages lwIP takes the first option for the link address without reading its
     * type. */
    size_t fixed = nd_fixed(t[0]);
    if ((t[0] == ND_NS || t[0] == ND_NA) && len > fixed)
        return t[fixed] == (t[0] == ND_NS ? 1 : 2);
    return true;
}
