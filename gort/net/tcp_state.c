/* tcp_state.c - RFC 9293, 3.10.7: what a segment means in each state, with RFC 5961's answers to
 * segments that may be forged and RFC 7323's to those that are old. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

#define PAWS_IDLE (24ll * 86400 * 1000000) /* us: after this ts_recent is no longer valid */

static void want_output(struct tcp_conn *c)
{
    if (c->ack_now || c->to_rtx || seq_lt(c->snd_nxt, c->snd_end + c->fin_queued))
        tcp_need_output(c);
}

/* ---- SYN-SENT ---------------------------------------------------------------------------- */

static void take_syn(struct tcp_conn *c, const struct tcp_rx *rx)
{
    c->irs = rx->seq;
    c->rcv_nxt = c->rcv_wup = rx->seq + 1;
    c->rcv_adv += c->rcv_nxt;       /* our SYN's window was counted from 0 */
    c->ts_ok = c->ts_ok && rx->has_ts;
    c->sack_ok = c->sack_ok && rx->sack_ok;
    c->wscale_ok = c->wscale_ok && rx->has_wscale;
    c->snd_scale = c->wscale_ok ? rx->wscale : 0;
    c->mss_peer = rx->has_mss ? rx->mss : c->v4 ? MSS_DEFAULT4 : MSS_DEFAULT6;
    if (c->ts_ok) {
        c->ts_recent = rx->tsval;
        c->ts_recent_at = c->now;
    }
    c->snd_wnd = c->snd_max_wnd = rx->wnd;
    c->snd_wl1 = rx->seq;
    c->snd_wl2 = rx->ack;
}

static void syn_sent(struct tcp_conn *c, const struct tcp_rx *rx)
{
    bool ack = rx->flags & TF_ACK;

    if (ack && (seq_le(rx->ack, c->iss) || seq_lt(c->snd_nxt, rx->ack))) {
        if (!(rx->flags & TF_RST))
            tcp_reply_rst(rx);
        return;
    }
    if (rx->flags & TF_RST) {
        if (ack)
            tcp_done(c, ECONNREFUSED);
        return;
    }
    if (!(rx->flags & TF_SYN))
        return;
    take_syn(c, rx);
    if (!ack) {         /* both have opened at once: our SYN again, with an ACK */
        tcp_set_state(c, TCP_SYN_RECEIVED);
        if (!tcp_path_refresh(c))
            tcp_retransmit(c, c->seg_head, c->mss);
        return;
    }
    tcp_ack(c, rx);
    tcp_established(c);
    c->ack_now = true;
    tcp_wake(c, NET_OUT);
}

/* ---- is it acceptable? ------------------------------------------------------------------- */

static void duplicate_ack(struct tcp_conn *c, const struct tcp_rx *rx)
{
    if (rx->len || rx->flags & (TF_SYN | TF_FIN))
        c->ack_now = true;
    else
        tcp_challenge_ack(c);   /* bounded: two peers must not answer each other for ever */
    if (rx->len && c->sack_ok && !c->has_dsack && seq_lt(rx->seq, c->rcv_nxt)) {
        c->has_dsack = true;
        c->dsack_start = rx->seq;
        c->dsack_end = rx->seq + rx->len;
    }
}

/* RFC 7323, 5 (PAWS): is the segment older than ts_recent? */
static bool paws_rejects(struct tcp_conn *c, const struct tcp_rx *rx)
{
    if (!c->ts_ok || !rx->has_ts || !seq_lt(rx->tsval, c->ts_recent) || rx->flags & TF_RST)
        return false;
    if (c->now - c->ts_recent_at > PAWS_IDLE)
        return false;
    NET_COUNT(tcp_paws);
    return true;
}

static bool in_window(const struct tcp_conn *c, const struct tcp_rx *rx)
{
    uint32_t right = c->rcv_nxt + tcp_rcv_window(c);

    if (rx->seq == c->rcv_nxt)
        return true;    /* its ACK counts even if none of its bytes fit */
    return seq_lt(rx->seq, right) && (rx->end == rx->seq ? seq_le(c->rcv_nxt, rx->seq) :
                                      seq_lt(c->rcv_nxt, rx->end));
}

static void take_ts(struct tcp_conn *c, const struct tcp_rx *rx)
{
    if (c->ts_ok && rx->has_ts && seq_le(rx->seq, c->rcv_wup) &&
        (seq_le(c->ts_recent, rx->tsval) || c->now - c->ts_recent_at > PAWS_IDLE)) {
        c->ts_recent = rx->tsval;
        c->ts_recent_at = c->now;
    }
}

/* RFC 5961, 3.2: a reset counts only with exactly the next sequence number. */
static void reset_came(struct tcp_conn *c, const struct tcp_rx *rx)
{
    NET_COUNT(tcp_rst_in);
    if (rx->seq != c->rcv_nxt)
        tcp_challenge_ack(c);
    else if (c->state == TCP_SYN_RECEIVED)
        tcp_done(c, ECONNREFUSED);
    else
        tcp_done(c, c->state == TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
}

/* ---- ACK, data, FIN ---------------------------------------------------------------------- */

static bool fin_acked(const struct tcp_conn *c)
{
    return c->fin_queued && c->snd_una == c->snd_end + 1;
}

/* State changes after an ACK was taken. False: the connection has ended. */
static bool after_ack(struct tcp_conn *c)
{
    if (!fin_acked(c))
        return true;
    if (c->state == TCP_FIN_WAIT_1) {
        tcp_set_state(c, TCP_FIN_WAIT_2);
        if (c->orphan)
            c->life_due = c->now + TW_TIME;
        tcp_wake(c, NET_OUT);
    } else if (c->state == TCP_CLOSING) {
        tcp_tw_enter(c);
        return false;
    } else if (c->state == TCP_LAST_ACK) {
        tcp_done(c, 0);
        return false;
    }
    return true;
}

/* The peer's FIN is in order: no more bytes will come. */
static void fin_came(struct tcp_conn *c)
{
    c->rcv_nxt++;
    tcp_set_seen(c->fin_rcvd, true);
    c->fin_early = false;
    c->ack_now = true;
    if (c->ooo) {       /* nothing can follow */
        pkt_free_list(c->ooo);
        c->ooo = NULL;
        c->ooo_memory = 0;
    }
    switch (c->state) {
    case TCP_ESTABLISHED:
        tcp_set_state(c, TCP_CLOSE_WAIT);
        break;
    case TCP_FIN_WAIT_1:
        tcp_set_state(c, TCP_CLOSING);
        break;
    case TCP_FIN_WAIT_2:
        tcp_send_ack(c);
        tcp_tw_enter(c);
        return;
    default:
        break;
    }
    tcp_wake(c, NET_IN | NET_RDHUP | (c->snd_shut ? NET_HUP : 0));
}

static bool takes_data(const struct tcp_conn *c)
{
    return c->state == TCP_ESTABLISHED || c->state == TCP_FIN_WAIT_1 || c->state == TCP_FIN_WAIT_2;
}

/* Payload and FIN of an acceptable segment; owns pkt. */
static void payload(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt)
{
    uint32_t fin = rx->seq + rx->len;

    if (!takes_data(c)) {
        pkt_free(pkt);
        if (rx->len || rx->flags & TF_FIN)
            c->ack_now = true;
        return;
    }
    if (rx->len && c->rcv_shut && seq_lt(c->rcv_nxt, fin) && c->state != TCP_ESTABLISHED) {
        pkt_free(pkt);      /* the socket is closed: the peer must learn of it */
        tcp_reset_and_done(c, ECONNRESET);
        return;
    }
    if (rx->len)
        tcp_data(c, rx, pkt);
    else
        pkt_free(pkt);
    if (rx->flags & TF_FIN && seq_lt(c->rcv_nxt, fin)) {
        c->fin_early = true;
        c->fin_seq = fin;
        c->ack_now = true;
    } else if ((rx->flags & TF_FIN && fin == c->rcv_nxt) ||
               (c->fin_early && c->fin_seq == c->rcv_nxt)) {
        fin_came(c);
    }
}

/* The handshake's last ACK after both have opened at once. */
static bool syn_received(struct tcp_conn *c, const struct tcp_rx *rx)
{
    if (!seq_lt(c->snd_una, rx->ack) || seq_lt(c->snd_nxt, rx->ack)) {
        tcp_reply_rst(rx);
        return false;
    }
    c->snd_wl1 = rx->seq - 1;
    tcp_established(c);
    if (c->fin_queued)
        tcp_set_state(c, TCP_FIN_WAIT_1);
    tcp_wake(c, NET_OUT);
    return true;
}

static bool drop_early(struct tcp_conn *c, struct tcp_rx *rx)
{
    if (paws_rejects(c, rx) || !in_window(c, rx)) {
        if (!(rx->flags & TF_RST))
            duplicate_ack(c, rx);
        return true;
    }
    if (rx->flags & TF_RST) {
        reset_came(c, rx);
        return true;
    }
    if (rx->flags & TF_SYN) {
        tcp_challenge_ack(c);   /* RFC 5961, 4 */
        return true;
    }
    return !(rx->flags & TF_ACK) || (c->state == TCP_SYN_RECEIVED && !syn_received(c, rx));
}

void tcp_slow_segment(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt)
{
    if (c->state == TCP_SYN_SENT) {
        syn_sent(c, rx);
        pkt_free(pkt);
    } else if (drop_early(c, rx)) {
        pkt_free(pkt);
    } else {
        take_ts(c, rx);
        c->last_rx = c->now;
        if (tcp_ack(c, rx) && after_ack(c))
            payload(c, rx, pkt);
        else
            pkt_free(pkt);
    }
    if (c->gone)
        return;
    want_output(c);
    tcp_timer_update(c);
}
