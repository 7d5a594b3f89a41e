/* lease.c - options of a DHCP lease that lwIP does not know: the link's MTU (26), the domain in
 * which names are looked up (15), classless routes (121, RFC 3442).
 *
 * Options of an ACK are valid until the next request. Their lengths are checked against the
 * message. */
#include <string.h>
#include "gort/netctl/private.h"

enum { OPT_DOMAIN = 15, OPT_MTU = 26, OPT_REQUESTS = 55, OPT_ROUTES = 121, LEAST_MTU = 1280 };

static struct lease *lease_of(const struct lwip_netif *lw)
{
    return &((struct iface *)lw->state)->lease;
}

/* Adds three codes to the message's list of requested options. */
void lease_ask(struct lwip_netif *lw, struct dhcp_msg *m, u8_t type, u16_t *len)
{
    static const uint8_t more[] = {OPT_ROUTES, OPT_MTU, OPT_DOMAIN};
    uint8_t *o = m->options;
    u16_t at = 0;

    if (type == DHCP_REQUEST)
        memset(lease_of(lw), 0, sizeof *lease_of(lw));
    while (at + 2 <= *len && o[at] != OPT_REQUESTS)
        at = (u16_t)(at + 2 + o[at + 1]);
    if (at + 2 > *len || *len + sizeof more + 1 > DHCP_OPTIONS_LEN)
        return;
    /* At the front: RFC 3442 requires its routes to be requested before the router. */
    memmove(o + at + 2 + sizeof more, o + at + 2, *len - at - 2u);
    memcpy(o + at + 2, more, sizeof more);
    o[at + 1] = (uint8_t)(o[at + 1] + sizeof more);
    *len = (u16_t)(*len + sizeof more);
}

/* Takes the domain if resolv.conf may contain it. */
static void take_domain(struct lease *l, const uint8_t *b, size_t n)
{
    while (n && !b[n - 1])      /* some servers send the NUL */
        n--;
    if (!n || n >= sizeof l->domain)
        return;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = b[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return;
    }
    memcpy(l->domain, b, n);
    l->domain[n] = 0;
    dns_note_change();
}

/* Each route: prefix length, the network's bytes that it needs, router (0.0.0.0: on the link). */
static void take_routes(struct lease *l, const uint8_t *b, size_t n)
{
    while (n && l->nroutes < LEASE_ROUTES) {
        size_t width = b[0], bytes = (width + 7) / 8;
        uint8_t net[4] = {0};
        if (width > 32 || n < 1 + bytes + 4)
            return;
        memcpy(net, b + 1, bytes);
        struct net_route r = {.dst = addr_v4(net), .prefix = (uint8_t)(96 + width),
                              .gateway = addr_v4(b + 1 + bytes)};
        l->routes[l->nroutes++] = r;
        b += 1 + bytes + 4;
        n -= 1 + bytes + 4;
    }
}

void lease_take(struct lwip_netif *lw, u8_t type, u8_t option, u8_t len, struct pbuf *p, u16_t at)
{
    struct iface *f = lw->state;
    uint8_t b[255];

    if (type != DHCP_ACK || pbuf_copy_partial(p, b, len, at) != len)
        return;
    if (option == OPT_DOMAIN)
        take_domain(&f->lease, b, len);
    else if (option == OPT_ROUTES)
        take_routes(&f->lease, b, len);
    else if (option == OPT_MTU && len == 2 && get16(b) >= LEAST_MTU && get16(b) <= f->ifp->dev->mtu)
        f->lw.mtu = get16(b);
}
