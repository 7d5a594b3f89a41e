/* tcp_out.c - what may be sent now: retransmissions first, then new bytes as far as the peer's
 * window, the congestion window and Nagle allow, FIN, and an ACK that is due. */
#include "gort/net/private.h"

/* ---- our window ------------------------------------------------------------------------- */

/* The window to advertise: the free room of the receive buffer. Its right edge never moves back,
 * and moves forward only by a segment's worth or more (RFC 9293, 3.8.6.2.2). */
uint32_t tcp_window_new(struct tcp_conn *c)
{
    uint32_t now = tcp_rcv_window(c);
    uint32_t room = c->rcv_space > c->rcv_queued ? c->rcv_space - c->rcv_queued : 0;
    uint32_t step = min32(c->rcv_space / 2, max32(c->rcv_mss, 1));

    room = min32(room, 65535u << c->rcv_scale);
    if (room < step)
        room = 0;
    return room > now && room - now >= min32(step, 1u << c->rcv_scale) ? room : now;
}

/* ---- new bytes -------------------------------------------------------------------------- */

/* The most bytes that one packet may carry: whole segments, as many as the device can split. */
static uint32_t packet_limit(const struct tcp_conn *c)
{
    bool v4 = addr_is_v4(&c->ent.key.raddr);
    uint32_t limit = 65535 - IPV6_HDR - 60;

    if (!(c->path.ifp->dev->features & (v4 ? NETDEV_TSO4 : NETDEV_TSO6)))
        return c->mss;
    return limit - limit % c->mss;
}

/* Bytes that GSO_PIECES pieces of the queue hold, from (piece, off) on; at most n. */
static uint32_t bytes_in_pieces(const struct pkt *p, uint32_t off, uint32_t n)
{
    uint32_t have = 0;

    for (unsigned i = 0; p && i < GSO_PIECES && have < n; i++) {
        have += p->len - off;
        off = 0;
        p = p->link;
    }
    return min32(have, n);
}

/* May a segment be sent that is not full? RFC 1122's Nagle with Minshall's change: only if no other
 * short segment is in flight. */
static bool short_one_may(const struct tcp_conn *c, bool window_limits)
{
    if (window_limits)
        return c->snd_nxt == c->snd_una && c->snd_wnd >= c->snd_max_wnd / 2;
    if (c->fin_queued)
        return true;
    if (c->cork || c->more)
        return false;
    return c->nodelay || !seq_lt(c->snd_una, c->snd_sml);
}

/* How many new bytes the next packet carries; 0: none now. */
static uint32_t next_length(struct tcp_conn *c)
{
    uint32_t queued = c->snd_end - c->snd_nxt, pipe = tcp_pipe(c);
    uint32_t right = c->snd_una + c->snd_wnd;
    uint32_t window = seq_lt(c->snd_nxt, right) ? right - c->snd_nxt : 0;
    uint32_t cwnd = c->cwnd > pipe ? c->cwnd - pipe : 0;
    uint32_t n = min32(min32(queued, window), packet_limit(c));

    if (!n)
        return 0;
    if (cwnd < min32(n, c->mss)) {
        c->cwnd_limited = true;
        return 0;
    }
    n = min32(n, max32(cwnd - cwnd % c->mss, min32(cwnd, c->mss)));
    if (n > c->mss) {
        n = bytes_in_pieces(c->nxt_piece, c->nxt_off, n);
        if (n > c->mss && n < queued)
            n -= n % c->mss;        /* the remainder is sent with later bytes */
    }
    if (n < c->mss && !short_one_may(c, n < queued))
        return 0;
    return n;
}

static bool send_new(struct tcp_conn *c, uint32_t len, uint8_t flags)
{
    struct tcp_seg *s = tcp_seg_append(c, len, flags);

    if (!s) {
        c->retry_due = c->now + MEM_RETRY;
        return false;
    }
    if (len && len < c->mss)
        c->snd_sml = s->end;
    if (c->now - c->last_rx < DELACK && len)
        c->pingpong = true;
    tcp_seg_sent(c, s);
    s->tries = 1;
    tcp_xmit_seg(c, s); /* without memory the segment counts as lost */
    if (c->ca != CA_OPEN)
        c->prr_out += s->end - s->seq;
    return true;
}

/* RFC 2861: cwnd says little about the network after a pause, so it is halved for each RTO of
 * it. */
static void restart_after_idle(struct tcp_conn *c)
{
    int64_t idle = c->now - c->last_tx;
    uint32_t floor = min32(INIT_SEGS * c->mss, c->cwnd);

    if (c->snd_nxt != c->snd_una || !c->last_tx || idle < c->rto)
        return;
    for (; idle >= c->rto && c->cwnd > floor; idle -= c->rto)
        c->cwnd /= 2;
    c->cwnd = max32(c->cwnd, floor);
    c->cubic.epoch = 0;
    c->cwnd_limited = false;
}

static bool may_send_data(const struct tcp_conn *c)
{
    return c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
           c->state == TCP_FIN_WAIT_1 || c->state == TCP_LAST_ACK || c->state == TCP_CLOSING;
}

/* True: something was sent. */
static bool output_new(struct tcp_conn *c)
{
    bool sent = false;
    uint32_t n;

    if (c->snd_nxt != c->snd_end && seq_lt(c->snd_nxt, c->snd_end))
        restart_after_idle(c);
    while (seq_lt(c->snd_nxt, c->snd_end) && (n = next_length(c))) {
        bool fin = c->fin_queued && c->snd_nxt + n == c->snd_end;
        if (!send_new(c, n, fin ? SEG_FIN : 0))
            return sent;
        sent = true;
    }
    if (c->fin_queued && c->snd_nxt == c->snd_end)
        sent |= send_new(c, 0, SEG_FIN);
    return sent;
}

/* ---- again ------------------------------------------------------------------------------ */

/* Sends the first max bytes of a record again, splitting the record if it is longer. False: nothing
 * could be sent. */
bool tcp_retransmit(struct tcp_conn *c, struct tcp_seg *s, uint32_t max)
{
    uint32_t len = s->end - s->seq, take = min32(packet_limit(c), max);

    take = max32(take - take % c->mss, c->mss);
    if (len > c->mss)
        take = min32(take, max32(bytes_in_pieces(s->piece, s->offset, take), 1));
    if (len > take && !(s->flags & SEG_SYN) && !tcp_seg_split(c, s, s->seq + take))
        return false;
    if (s->flags & SEG_LOST && !(s->flags & SEG_OUT))
        c->to_rtx -= s->end - s->seq;
    if (!(s->flags & SEG_OUT))
        c->retrans += s->end - s->seq;
    s->flags |= SEG_OUT | SEG_RETRANS;
    if (s->tries < 255)
        s->tries++;
    tcp_seg_sent(c, s);
    c->total_retrans++;
    NET_COUNT(tcp_retrans);
    if (!c->undo_ts)
        c->undo_ts = tcp_ts(c);
    tcp_xmit_seg(c, s);
    return true;
}

static bool output_lost(struct tcp_conn *c)
{
    bool sent = false;
    struct tcp_seg *s = c->rtx_hint;

    while (c->to_rtx) {
        while (s && (s->flags & (SEG_LOST | SEG_OUT)) != SEG_LOST)
            s = s->next;
        if (!s)
            break;
        uint32_t pipe = tcp_pipe(c);
        if (c->cwnd < pipe + min32(c->mss, s->end - s->seq)) {
            c->cwnd_limited = true;
            break;
        }
        uint32_t before = c->retrans;
        if (!tcp_retransmit(c, s, c->cwnd - pipe))
            break;
        c->prr_out += c->retrans - before;
        sent = true;
        s = s->next;    /* the part that was split off, if any */
    }
    c->rtx_hint = s;
    return sent;
}

/* ---- all of it -------------------------------------------------------------------------- */

void tcp_output(struct tcp_conn *c)
{
    bool sent = false;

    if (may_send_data(c) && (seq_lt(c->snd_nxt, c->snd_end + c->fin_queued) || c->to_rtx)) {
        if (tcp_path_refresh(c) == 0) {
            sent = c->to_rtx && output_lost(c);
            if (!c->to_rtx)
                sent |= output_new(c);
        }
        if (sent || (c->rtx_kind == RTX_NONE && seq_lt(c->snd_nxt, c->snd_end)))
            tcp_rtx_arm(c);
    }
    if (c->ack_now)
        tcp_send_ack(c);
}
