/* tcp_in.c - received segments: the header, the connection it belongs to, header prediction.
 *
 * The usual segment of an established connection (the next bytes in order, or an ACK of bytes in
 * flight, nothing else) is done here; all others go through RFC 9293's list in tcp_state.c. A
 * connection that owes an ACK or may send joins this CPU's round and does so once, at its end. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

static struct round {
    struct tcp_conn *head;
} __attribute__((aligned(64))) rounds[NET_CPUS];

/* ---- rounds ------------------------------------------------------------------------------ */

void tcp_need_output(struct tcp_conn *c)
{
    struct round *r = &rounds[net_cpu()];

    if (c->in_round)
        return;
    c->in_round = true;
    tcp_get_ref(c);
    c->round_next = r->head;
    r->head = c;
}

void tcp_round_end(void)
{
    struct round *r = &rounds[net_cpu()];
    struct tcp_conn *c;

    while ((c = r->head)) {
        tcp_lock(c);
        r->head = c->round_next;
        c->in_round = false;
        if (!c->gone) {
            tcp_output(c);
            tcp_timer_update(c);
        }
        tcp_unlock(c);
        tcp_put(c);
    }
}

/* ---- answers without a connection -------------------------------------------------------- */

static void tx_of(struct tcp_tx *t, const struct tcp_rx *rx)
{
    *t = (struct tcp_tx){.key = {rx->ip->dst, rx->ip->src, rx->dport, rx->sport, 0},
                         .wscale = 0xff};
    if (addr_link_local(&rx->ip->src))
        t->key.zone = rx->ip->ifp->index;
}

/* RFC 9293, 3.10.7.1: answers with the reset that this segment asks for. */
void tcp_reply_rst(const struct tcp_rx *rx)
{
    struct tcp_tx t;

    if (rx->flags & TF_RST || addr_multicast(&rx->ip->dst) || addr_multicast(&rx->ip->src))
        return;
    tx_of(&t, rx);
    if (rx->flags & TF_ACK) {
        t.flags = TF_RST;
        t.seq = rx->ack;
    } else {
        t.flags = TF_RST | TF_ACK;
        t.ack = rx->end;
    }
    NET_COUNT(tcp_rst_out);
    tcp_xmit_plain(&t, NULL);
}

/* RFC 5961, 7: at most ten challenge ACKs a second on a connection. */
void tcp_challenge_ack(struct tcp_conn *c)
{
    if (c->now - c->challenge_at >= 1000000) {
        c->challenge_at = c->now;
        c->challenges = 0;
    }
    if (c->challenges++ >= 10) {
        c->challenges = 10;
        return;
    }
    NET_COUNT(tcp_challenge);
    c->ack_now = true;
    tcp_need_output(c);
}

/* ---- header prediction ------------------------------------------------------------------- */

/* The only option is a timestamp, in the layout that common stacks send. */
static bool plain_ts(struct tcp_rx *rx)
{
    if (rx->optlen != TCP_TS_LEN || get32(rx->opts) != 0x0101080a)
        return false;
    rx->has_ts = true;
    rx->tsval = get32(rx->opts + 4);
    rx->tsecr = get32(rx->opts + 8);
    return true;
}

static bool predicted(struct tcp_conn *c, struct tcp_rx *rx)
{
    if (c->state != TCP_ESTABLISHED || rx->seq != c->rcv_nxt || c->ooo || c->rcv_shut ||
        (rx->flags & ~TF_PSH) != TF_ACK || c->ca != CA_OPEN || c->sacked)
        return false;
    if (c->ts_ok ? !plain_ts(rx) || seq_lt(rx->tsval, c->ts_recent) : rx->optlen)
        return false;
    return !seq_lt(rx->ack, c->snd_una) && !seq_lt(c->snd_nxt, rx->ack) &&
           rx->len <= tcp_rcv_window(c) && c->rcv_memory <= 2 * c->rcv_space;
}

static void ts_update(struct tcp_conn *c, const struct tcp_rx *rx)
{
    if (rx->has_ts && seq_le(rx->seq, c->rcv_wup)) {
        c->ts_recent = rx->tsval;
        c->ts_recent_at = c->now;
    }
}

void tcp_segment(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt)
{
    c->segs_in++;
    if (!predicted(c, rx)) {
        if (rx->optlen && !rx->has_ts)
            tcp_options_parse(rx);
        tcp_slow_segment(c, rx, pkt);
        return;
    }
    NET_COUNT(tcp_predicted);
    ts_update(c, rx);
    c->last_rx = c->now;
    tcp_ack(c, rx);
    if (rx->len) {
        tcp_queue_in_order(c, pkt, rx->len);
        tcp_ack_later(c, rx->len);
        tcp_wake(c, NET_IN);
    } else {
        pkt_free(pkt);
    }
    if (c->ack_now || c->to_rtx || seq_lt(c->snd_nxt, c->snd_end))
        tcp_need_output(c);
    tcp_timer_update(c);
}

/* ---- whose it is ------------------------------------------------------------------------- */

/* Parses the TCP header; pkt's data is the payload afterwards. False: malformed, and pkt is
 * freed. */
static bool parse(const struct ip_rx *ip, struct pkt *pkt, struct tcp_rx *rx)
{
    const uint8_t *h = pkt->data;
    unsigned hdr = pkt->len >= TCP_HDR ? (h[12] >> 4) * 4u : 0;

    if (hdr < TCP_HDR || hdr > pkt->len || hdr > ip->len) {
        NET_COUNT(tcp_bad);
        return false;
    }
    if (!ip_sum_good(ip, PROTO_TCP, pkt)) {
        NET_COUNT(in_bad_sum);
        return false;
    }
    *rx = (struct tcp_rx){.ip = ip, .opts = h + TCP_HDR, .optlen = (uint16_t)(hdr - TCP_HDR),
                          .sport = get16(h), .dport = get16(h + 2), .seq = get32(h + 4),
                          .ack = get32(h + 8), .flags = h[13] & 0x3f, .wnd = get16(h + 14)};
    rx->len = ip->len - hdr;
    rx->end = rx->seq + rx->len + !!(rx->flags & TF_SYN) + !!(rx->flags & TF_FIN);
    pkt->data += hdr;
    pkt->len -= hdr;
    return rx->sport && rx->dport;
}

/* Gives a segment without a connection to a listener, or answers with a reset. */
static void to_listener(struct tcp_rx *rx, struct pkt *pkt, uint32_t isn)
{
    struct tcp_conn *l = tcp_port_listener(rx->ip, rx->dport, rx->sport);

    tcp_options_parse(rx);
    if (l) {
        tcp_listen_segment(l, rx, pkt, isn);
        tcp_put(l);
        return;
    }
    pkt_free(pkt);
    tcp_reply_rst(rx);
}

static void to_conn(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt)
{
    tcp_lock(c);
    if (c->gone || c->state == TCP_CLOSED) {
        tcp_unlock(c);
        pkt_free(pkt);      /* the connection ended between the search and the lock */
        return;
    }
    tcp_segment(c, rx, pkt);
    tcp_unlock(c);
}

void tcp_input(const struct ip_rx *ip, struct pkt *pkt)
{
    struct tcp_rx rx;
    uint32_t isn = 0;

    NET_COUNT(tcp_in);
    if (pkt->len < 60 && pkt->next && !pkt_pull(&pkt, ip->len < 60 ? ip->len : 60)) {
        pkt_free(pkt);
        return;
    }
    if (!parse(ip, pkt, &rx)) {
        pkt_free(pkt);
        return;
    }
    struct tcp_key key = {ip->dst, ip->src, rx.dport, rx.sport, 0};
    if (addr_link_local(&ip->src))
        key.zone = ip->ifp->index;
    struct tcp_ent *e = tcp_hash_find(&key, tcp_hash_key(&key));
    if (!e) {
        to_listener(&rx, pkt, 0);
        return;
    }
    if (e->kind == TCP_KIND_CONN) {
        to_conn(tcp_conn_of(e), &rx, pkt);
    } else if (e->kind == TCP_KIND_REQ) {
        tcp_options_parse(&rx);
        tcp_req_segment((struct tcp_req *)e, &rx, pkt);
    } else {
        tcp_options_parse(&rx);
        if (tcp_tw_segment((struct tcp_tw *)e, &rx, &isn))
            to_listener(&rx, pkt, isn);
        else
            pkt_free(pkt);
    }
    tcp_ent_put(e);
}
