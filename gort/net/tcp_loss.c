/* tcp_loss.c - finding losses and repairing them: RACK-TLP (RFC 8985), PRR (RFC 6937), undo by
 * timestamps (RFC 3522), and three duplicates for a peer without SACK (RFC 6582).
 *
 *   OPEN --something lost--> RECOVERY --all of then acknowledged--> OPEN
 *     \---RTO--> LOSS (slow start) -----all of then acknowledged------/
 *
 * Without SACK, `sacked` counts the bytes that duplicate ACKs stand for, and no record is
 * marked. */
#include "gort/net/private.h"

enum { TLP_MIN = 2000, TLP_DELACK = 200000, DUP_THRESH = 3 };

/* ---- RACK -------------------------------------------------------------------------------- */

void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_seg *s, const struct tcp_rx *rx)
{
    int64_t rtt = c->now - s->sent;

    if (s->flags & SEG_RETRANS) {
        /* The first transmission may have arrived late, and not the retransmission. */
        if (rx->has_ts && seq_lt(rx->tsecr, s->tsval))
            return;
        if (rtt < c->min_rtt)
            return;
    } else if (seq_lt(s->end, c->reo_seq)) {
        c->reordering = true;
    }
    c->fack = seq_max(c->fack, s->end);
    if (!c->rack_valid || s->sent > c->rack_sent ||
        (s->sent == c->rack_sent && seq_lt(c->rack_end, s->end))) {
        c->rack_valid = true;
        c->rack_rtt = (uint32_t)(rtt > 0 ? rtt : 1);
        c->rack_sent = s->sent;
        c->rack_end = s->end;
    }
}

static uint32_t reo_window(const struct tcp_conn *c)
{
    if (!c->reordering && (c->ca != CA_OPEN || c->sacked >= DUP_THRESH * c->mss))
        return 0;
    return min32(c->min_rtt / 4 * c->reo_mult, c->srtt);
}

void tcp_mark_lost(struct tcp_conn *c, struct tcp_seg *s)
{
    uint32_t len = s->end - s->seq;

    if (s->flags & SEG_SACKED || (s->flags & (SEG_LOST | SEG_OUT)) == SEG_LOST)
        return;
    tcp_seg_untime(c, s);
    if (s->flags & SEG_OUT)
        c->retrans -= len;
    if (!(s->flags & SEG_LOST))
        c->lost += len;
    c->to_rtx += len;
    s->flags = (uint8_t)((s->flags & ~SEG_OUT) | SEG_LOST);
    if (!c->rtx_hint || seq_lt(s->seq, c->rtx_hint->seq))
        c->rtx_hint = s;
    if (!c->sack_ok)
        c->sacked = min32(c->sacked, c->snd_nxt - c->snd_una - c->lost);
}

void tcp_rack_detect(struct tcp_conn *c)
{
    int64_t wnd = reo_window(c), wait = 0;

    c->reo_wait = 0;
    if (!c->rack_valid || !c->sack_ok)
        return;
    for (struct tcp_seg *s = c->time_head, *next; s; s = next) {
        next = s->tnext;
        if (s->sent > c->rack_sent || (s->sent == c->rack_sent && !seq_lt(s->end, c->rack_end)))
            break;
        int64_t left = s->sent + c->rack_rtt + wnd - c->now;
        if (left <= 0)
            tcp_mark_lost(c, s);
        else if (left > wait)
            wait = left;
    }
    c->reo_wait = wait;
}

void tcp_rack_wait(struct tcp_conn *c)
{
    if (!c->reo_wait || !c->seg_head)
        return;
    int64_t due = c->now + c->reo_wait;
    if (c->rtx_due && c->rtx_due <= due)
        return;
    c->rtx_kind = RTX_REO;
    c->rtx_due = due;
}

/* ---- recovery ---------------------------------------------------------------------------- */

static void remember_for_undo(struct tcp_conn *c)
{
    c->undo_cwnd = c->cwnd;
    c->undo_ssthresh = c->ssthresh;
    c->undo_ts = 0;
    c->undo_ok = c->ts_ok;
}

void tcp_enter_recovery(struct tcp_conn *c)
{
    NET_COUNT(tcp_recoveries);
    remember_for_undo(c);
    c->high_seq = c->snd_nxt;
    c->recover_fs = max32(c->snd_nxt - c->snd_una, c->mss);
    c->prr_delivered = c->prr_out = 0;
    tcp_cubic_loss(c);
    c->ca = CA_RECOVERY;
    c->tlp_out = false;
}

void tcp_undo(struct tcp_conn *c)
{
    NET_COUNT(tcp_undo);
    for (struct tcp_seg *s = c->seg_head; s; s = s->next) {
        if (s->flags & SEG_LOST && !(s->flags & SEG_OUT)) {
            uint32_t len = s->end - s->seq;
            s->flags &= (uint8_t)~SEG_LOST;
            c->lost -= len;
            c->to_rtx -= len;
            int64_t sent = s->sent;
            tcp_seg_sent(c, s);     /* in flight again */
            s->sent = sent;
        }
    }
    c->cwnd = max32(c->cwnd, c->undo_cwnd);
    c->ssthresh = max32(c->ssthresh, c->undo_ssthresh);
    c->ca = CA_OPEN;
    c->undo_ok = false;
    c->reordering = true;
}

static void leave_recovery(struct tcp_conn *c)
{
    if (c->ca == CA_RECOVERY)
        c->cwnd = max32(c->ssthresh, 2 * c->mss);
    c->ca = CA_OPEN;
    c->undo_ok = false;
    c->dupacks = 0;
    if (c->reo_mult > 1 && !c->dsack_seen)
        c->reo_mult--;
}

/* Sets how much may be sent for this ACK: while more is in flight than ssthresh, in proportion to
 * what was delivered; afterwards up to ssthresh. */
static void prr(struct tcp_conn *c, uint32_t acked, uint32_t delivered)
{
    uint32_t pipe = tcp_pipe(c);
    int64_t may;

    c->prr_delivered += delivered;
    if (pipe > c->ssthresh) {
        may = ((int64_t)c->prr_delivered * c->ssthresh + c->recover_fs - 1) / c->recover_fs -
              c->prr_out;
    } else {
        int64_t limit = (int64_t)c->prr_delivered - c->prr_out;
        if (limit < delivered)
            limit = delivered;
        if (acked)
            limit += c->mss;
        may = (int64_t)c->ssthresh - pipe;
        may = may < limit ? may : limit;
    }
    if (may < c->mss && !c->prr_out)
        may = c->mss;       /* the first retransmission always goes */
    c->cwnd = pipe + (uint32_t)(may > 0 ? may : 0);
}

void tcp_loss_timeout(struct tcp_conn *c)
{
    bool reneged = c->seg_head && c->seg_head->flags & SEG_SACKED;

    if (c->ca == CA_OPEN || (c->ca == CA_RECOVERY && c->retries == 1)) {
        if (c->ca == CA_OPEN)
            remember_for_undo(c);
        tcp_cubic_loss(c);
    }
    tcp_cubic_timeout(c);
    if (!c->sack_ok)
        c->sacked = c->dupacks = 0;
    for (struct tcp_seg *s = c->seg_head; s; s = s->next) {
        if (reneged && s->flags & SEG_SACKED) {     /* the peer has dropped what it had SACKed */
            c->sacked -= s->end - s->seq;
            s->flags &= (uint8_t)~SEG_SACKED;
        }
        tcp_mark_lost(c, s);
    }
    c->rtx_hint = c->seg_head;
    c->cwnd = c->mss;
    c->high_seq = c->snd_nxt;
    c->ca = CA_LOSS;
    c->tlp_out = false;
    c->cwnd_limited = true;
}

/* ---- peers without SACK ------------------------------------------------------------------ */

/* Marks the first segment in flight as lost. */
static void mark_head_lost(struct tcp_conn *c)
{
    struct tcp_seg *s = c->seg_head;

    if (!s || s->flags & SEG_LOST)
        return;
    if (s->end - s->seq > c->mss && !(s->flags & SEG_SYN))
        tcp_seg_split(c, s, s->seq + c->mss);
    tcp_mark_lost(c, s);
}

/* Each duplicate stands for a segment that has left the network. */
static uint32_t count_duplicate(struct tcp_conn *c)
{
    uint32_t flight = c->snd_nxt - c->snd_una - c->lost - c->sacked;
    uint32_t n = min32(c->mss, flight > c->mss ? flight - c->mss : 0);

    if (c->dupacks < 255)
        c->dupacks++;
    c->sacked += n;
    if (c->dupacks == DUP_THRESH && c->ca == CA_OPEN)
        mark_head_lost(c);
    return n;
}

/* ---- tail loss probes -------------------------------------------------------------------- */

int64_t tcp_tlp_due(const struct tcp_conn *c)
{
    uint32_t flight = c->snd_nxt - c->snd_una;

    if (!c->sack_ok || c->ca != CA_OPEN || c->tlp_out || !c->srtt || c->sacked || c->backoff ||
        !tcp_is_synced(c))
        return 0;
    int64_t pto = 2 * (int64_t)c->srtt + (flight <= c->mss ? TLP_DELACK : 0);
    return c->now + (pto < TLP_MIN ? TLP_MIN : pto);
}

void tcp_tlp_fire(struct tcp_conn *c)
{
    struct tcp_seg *s = c->seg_tail;
    uint32_t queued = c->snd_end - c->snd_nxt, right = c->snd_una + c->snd_wnd;
    uint32_t room = seq_lt(c->snd_nxt, right) ? right - c->snd_nxt : 0;

    NET_COUNT(tcp_tlp);
    if (tcp_path_refresh(c))
        return;
    c->tlp_retrans = !(seq_lt(c->snd_nxt, c->snd_end) && room >= min32(queued, c->mss));
    if (!c->tlp_retrans) {
        s = tcp_seg_append(c, min32(queued, c->mss), 0);
        if (!s)
            return;
        tcp_seg_sent(c, s);
        s->tries = 1;
        tcp_xmit_seg(c, s);
    } else {
        uint32_t len = s->end - s->seq;
        if (len > c->mss && tcp_seg_split(c, s, s->seq + (len - 1) / c->mss * c->mss))
            s = s->next;
        tcp_retransmit(c, s, c->mss);
    }
    c->tlp_out = true;
    c->tlp_high = c->snd_nxt;
}

/* If a tail loss probe repaired a loss, the window is reduced as for any loss (RFC 8985, 7.4). */
static void tlp_acked(struct tcp_conn *c, bool dup, const struct tcp_rx *rx)
{
    if (!c->tlp_out || seq_lt(rx->ack, c->tlp_high))
        return;
    if (!c->tlp_retrans || c->dsack_seen) {
        c->tlp_out = false;
    } else if (seq_lt(c->tlp_high, rx->ack)) {
        c->tlp_out = false;
        tcp_cubic_loss(c);
        c->cwnd = c->ssthresh;
    } else if (dup && !rx->nsacks) {
        c->tlp_out = false;
    }
}

/* ---- an ACK ------------------------------------------------------------------------------ */

void tcp_loss_ack(struct tcp_conn *c, uint32_t acked, uint32_t delivered, bool dup,
                  const struct tcp_rx *rx)
{
    bool past = !seq_lt(c->snd_una, c->high_seq);

    if (c->tlp_out)
        tlp_acked(c, dup, rx);
    if (!c->sack_ok && dup && c->seg_head)
        delivered += count_duplicate(c);
    if (c->ca != CA_OPEN && past)
        leave_recovery(c);
    else if (c->ca == CA_RECOVERY && !c->sack_ok && acked)
        mark_head_lost(c);
    if (c->sacked || c->ca != CA_OPEN || c->retrans)
        tcp_rack_detect(c);
    else
        c->reo_wait = 0;
    if (c->ca == CA_OPEN && c->to_rtx)
        tcp_enter_recovery(c);
    if (c->ca == CA_RECOVERY)
        prr(c, acked, delivered);
    else if (acked)
        tcp_cubic_ack(c, acked);
}
