/* frames.c - packets of gort/net become lwIP's pbufs and the other way round, by copy: such packets
 * are rare, and a copy keeps the memory of both sides apart. */
#include "kernel/check.h"
#include "gort/netctl/private.h"

struct frame_context netctl_frame;
static struct pkt *put_off_list, **put_off_tail = &put_off_list; /* [netctl_lock] */

struct pbuf *frames_pbuf(const struct pkt *pkt, size_t front)
{
    size_t n = pkt_length(pkt);

    if (n + front > 65535)
        return NULL;
    /* Packets that wait (for neighbours or fragments) must leave a quarter of the heap to the
     * rest. */
    if (lwip_stats.mem.used > NETCTL_HEAP / 4 * 3)
        return NULL;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(n + front), PBUF_RAM);
    if (p && !pkt_copy_out(pkt, 0, (uint8_t *)p->payload + front, n)) {
        pbuf_free(p);
        return NULL;
    }
    return p;
}

/* Copies a pbuf, from byte `at` on, to a packet. */
static struct pkt *to_pkt(const struct pbuf *p, size_t at)
{
    struct pkt *first = NULL, **end = &first;

    while (at < p->tot_len) {
        size_t n = p->tot_len - at;
        struct pkt *piece = pkt_alloc(n <= PKT_SMALL_ROOM ? PKT_SMALL : PKT_LARGE);
        if (!piece) {
            if (first)
                pkt_free(first);
            return NULL;
        }
        if (n > PKT_LARGE_ROOM)
            n = PKT_LARGE_ROOM;
        pbuf_copy_partial(p, piece->data, (u16_t)n, (u16_t)at);
        piece->len = (uint32_t)n;
        at += n;
        *end = piece;
        end = &piece->next;
    }
    return first;
}

err_t frames_output(struct lwip_netif *lw, struct pbuf *p)
{
    struct iface *f = lw->state;
    struct pkt *pkt = to_pkt(p, ETH_PAD_SIZE);

    if (!pkt)
        return ERR_MEM;
    net_transmit(f->ifp, pkt);
    return ERR_OK;
}

/* ---- what must wait until the lock is free --------------------------------------------- */

void frames_put_off(enum put_off what, struct netif *ifp, struct pkt *pkt)
{
    if (!pkt)
        return;
    pkt->user[0] = (uintptr_t)ifp;
    pkt->user[1] = what;
    pkt->link = NULL;
    *put_off_tail = pkt;
    put_off_tail = &pkt->link;
}

struct pkt *frames_put_off_take(void)
{
    struct pkt *list = put_off_list;

    put_off_list = NULL;
    put_off_tail = &put_off_list;
    return list;
}

/* ---- lwIP's raw sockets: they see a packet before its protocol does ----------------------- */

/* Two faults of lwIP 2.1.3: the payload length of a reassembled IPv6 datagram lacks the size of a
 * fragment header, and a datagram may count as whole although a piece is missing, in which case it
 * has fewer bytes than counted. Writes the right length; false: a piece is missing. */
static bool whole_v6(struct pkt *p)
{
    size_t have = pkt_length(p) - IPV6_HDR, said = get16(p->data + 4);

    if (p->len < IPV6_HDR || (said != have && said + 8 != have))
        return false;
    put16(p->data + 4, (uint16_t)have);
    return true;
}

/* Takes TCP and UDP packets that lwIP has reassembled from fragments. 1: taken from lwIP. */
static u8_t seen_transport(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *src)
{
    struct pkt *pkt;

    (void)arg, (void)pcb, (void)src;
    if (netctl_frame.kind != FRAME_FRAGMENT)
        return 0;
    pkt = to_pkt(p, 0);
    if (pkt && pkt->data[0] >> 4 == 6 && !whole_v6(pkt)) {
        NET_COUNT(in_bad_header);
        pkt_free(pkt);
        pkt = NULL;
    }
    frames_put_off(WHOLE, netctl_frame.in->ifp, pkt);
    pbuf_free(p);
    return 1;
}

static bool is_error(bool v6, uint8_t type)
{
    return v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
}

/* Drops neighbour discovery messages that came in fragments or behind other headers, since check_nd
 * has not seen them (RFC 6980). */
static u8_t seen_icmp(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *src)
{
    bool v6 = arg != NULL;
    u16_t hdr = ip_current_header_tot_len();
    uint8_t type = hdr < p->tot_len ? pbuf_get_at(p, hdr) : 0;

    (void)pcb, (void)src;
    if (v6 && type >= 133 && type <= 137 && netctl_frame.kind != FRAME_ND) {
        pbuf_free(p);
        return 1;
    }
    if (is_error(v6, type))
        frames_put_off(v6 ? ERROR6 : ERROR4, netctl_frame.in->ifp, to_pkt(p, hdr));
    if (netctl_icmp_seen)
        frames_put_off(v6 ? SEEN6 : SEEN4, netctl_frame.in->ifp, to_pkt(p, 0));
    return 0;
}

static void listen_raw(u8_t type, u8_t proto, raw_recv_fn fn, void *arg)
{
    struct raw_pcb *pcb = raw_new_ip_type(type, proto);

    CHECK(pcb, "no memory at start");
    raw_recv(pcb, fn, arg);
}

void frames_listen(void)
{
    for (int v6 = 0; v6 < 2; v6++) {
        u8_t type = v6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4;
        listen_raw(type, PROTO_TCP, seen_transport, NULL);
        listen_raw(type, PROTO_UDP, seen_transport, NULL);
        listen_raw(type, v6 ? PROTO_ICMP6 : PROTO_ICMP, seen_icmp, v6 ? netctl_ifaces : NULL);
    }
}

/* ---- in ------------------------------------------------------------------------------------- */

/* Checks a frame that lies in p in one piece. */
static bool frame_good(const struct pbuf *p)
{
    const uint8_t *b = (const uint8_t *)p->payload + ETH_PAD_SIZE;
    size_t n = p->tot_len - ETH_PAD_SIZE;

    if (netctl_frame.kind == FRAME_ND)
        return check_nd(b, n);
    return get16(b + 12) != ETH_IPV6 || check_extensions(b, n);
}

void frames_input(struct iface *f, struct pkt *pkt)
{
    struct pbuf *p = frames_pbuf(pkt, ETH_PAD_SIZE);

    if (p && !frame_good(p)) {
        NET_COUNT(in_bad_header);
        pbuf_free(p);
        p = NULL;
    }
    pkt_free(pkt);
    if (p && f->lw.input(p, &f->lw) != ERR_OK)
        pbuf_free(p);
}

void frames_input_ip(struct iface *f, struct pkt *pkt)
{
    struct pbuf *p = frames_pbuf(pkt, 0);

    pkt_free(pkt);
    if (!p)
        return;
    if (*(uint8_t *)p->payload >> 4 == 6)
        ip6_input(p, &f->lw);
    else
        ip4_input(p, &f->lw);
}
