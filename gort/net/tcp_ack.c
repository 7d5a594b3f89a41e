/* tcp_ack.c - processing of an ACK: the window, acknowledged bytes, round-trip time. */
#include "gort/net/private.h"

enum { MIN_RTT_AGE = 10000000, G = 1000 }; /* us; clock granularity of RFC 6298: RTO_MIN rules */

/* ---- RFC 6298 ---------------------------------------------------------------------------- */

void tcp_rtt_sample(struct tcp_conn *c, int64_t sample)
{
    uint32_t r = sample < 1 ? 1 : sample > RTO_MAX ? RTO_MAX : (uint32_t)sample;

    if (!c->min_rtt || r <= c->min_rtt || c->now - c->min_rtt_at > MIN_RTT_AGE) {
        c->min_rtt = r;
        c->min_rtt_at = c->now;
    }
    if (!c->srtt) {
        c->srtt = r;
        c->rttvar = r / 2;
    } else {
        uint32_t d = r > c->srtt ? r - c->srtt : c->srtt - r;
        c->rttvar = c->rttvar - c->rttvar / 4 + d / 4;
        c->srtt = c->srtt - c->srtt / 8 + r / 8;
    }
    uint32_t var = max32(4 * c->rttvar, RTO_MIN);   /* as on Linux: the variance has a floor */
    c->rto = min32(c->srtt + var, RTO_MAX);
    tcp_cubic_rtt(c, r);
}

/* Takes an RTT sample: of a segment that was sent only once (Karn's rule), or from a timestamp. */
static void take_rtt(struct tcp_conn *c, const struct tcp_rx *rx, int64_t sent)
{
    if (sent) {
        tcp_rtt_sample(c, c->now - sent);
    } else if (c->ts_ok && rx->has_ts && rx->tsecr) {
        uint32_t ms = tcp_ts(c) - rx->tsecr;
        if (ms < RTO_MAX / 1000)
            tcp_rtt_sample(c, (int64_t)(ms ? ms : 1) * 1000);
    }
}

/* ---- window ------------------------------------------------------------------------------ */

/* RFC 9293, 3.10.7.4: only from a segment newer than the last that set it. True: it changed. */
static bool update_window(struct tcp_conn *c, const struct tcp_rx *rx)
{
    uint32_t wnd = rx->flags & TF_SYN ? rx->wnd : rx->wnd << c->snd_scale;

    if (!(seq_lt(c->snd_wl1, rx->seq) || (c->snd_wl1 == rx->seq && seq_le(c->snd_wl2, rx->ack)) ||
          seq_lt(c->snd_una, rx->ack)))
        return false;
    c->snd_wl1 = rx->seq;
    c->snd_wl2 = rx->ack;
    bool changed = wnd != c->snd_wnd;
    c->snd_wnd = wnd;
    if (wnd > c->snd_max_wnd)
        c->snd_max_wnd = wnd;
    return changed;
}

/* ---- bytes ------------------------------------------------------------------------------- */

struct cleaned {
    uint32_t delivered;     /* bytes not SACKed before */
    int64_t sent;           /* transmission of the newest segment sent only once; 0 = none */
    bool retransmitted;     /* one of them had been sent again */
};

static void clean_one(struct tcp_conn *c, struct tcp_seg *s, const struct tcp_rx *rx,
                      struct cleaned *out)
{
    if (!(s->flags & SEG_SACKED)) {
        out->delivered += s->end - s->seq;
        tcp_rack_delivered(c, s, rx);
    }
    if (s->flags & SEG_RETRANS)
        out->retransmitted = true;
    else if (!(s->flags & SEG_SACKED))
        out->sent = s->sent;
    tcp_seg_free(c, s);
}

/* Removes acknowledged segments from the queue. */
static struct cleaned clean(struct tcp_conn *c, const struct tcp_rx *rx)
{
    struct cleaned out = {0};
    uint32_t bytes = rx->ack - c->snd_una;
    struct tcp_seg *s;

    if (c->seg_head && c->seg_head->flags & SEG_SYN && bytes)
        bytes--;
    if (c->fin_queued && seq_lt(c->snd_end, rx->ack) && bytes)
        bytes--;
    while ((s = c->seg_head) && seq_lt(s->seq, rx->ack)) {
        if (seq_lt(rx->ack, s->end) && !tcp_seg_split(c, s, rx->ack)) {
            /* No memory for a second record: this one is shortened, so its bytes begin later in the
             * queue. */
            bytes -= rx->ack - s->seq;
            break;
        }
        clean_one(c, s, rx, &out);
    }
    if (s && seq_lt(s->seq, rx->ack))
        c->snd_una = s->seq;
    else
        c->snd_una = rx->ack;
    tcp_snd_acked(c, bytes);
    c->bytes_acked += bytes;
    return out;
}

/* Wakes a waiting writer once a third of the send buffer is free: on the edge, not at every ACK. */
static void tell_writer(struct tcp_conn *c)
{
    uint32_t used = c->snd_end - c->snd_una;

    if (!c->snd_fixed) {
        uint32_t want = c->cwnd < SPACE_MAX / 2 ? 2 * c->cwnd : SPACE_MAX;
        if (want > c->snd_buf && !net_memory_short())
            c->snd_buf = want;
    }
    if (c->want_out && used <= tcp_snd_limit(c) - tcp_snd_limit(c) / 3) {
        c->want_out = false;
        tcp_wake(c, NET_OUT);
    }
}

static void progress(struct tcp_conn *c, const struct tcp_rx *rx, const struct cleaned *done)
{
    c->backoff = c->retries = 0;
    if (done->sent || done->retransmitted)
        take_rtt(c, rx, done->retransmitted ? 0 : done->sent);
    if (seq_lt(c->snd_sml, c->snd_una))
        c->snd_sml = c->snd_una;
}

/* Handles an ACK older than snd_una, of which only the SACK blocks matter. */
static bool old_ack(struct tcp_conn *c, const struct tcp_rx *rx)
{
    bool dsack;

    if (c->snd_una - rx->ack > max32(c->snd_max_wnd, 65535)) {
        tcp_challenge_ack(c);   /* RFC 5961, 5.2 */
        return false;
    }
    c->reo_seq = c->fack;
    uint32_t delivered = tcp_sack(c, rx, &dsack);
    if (delivered)
        tcp_loss_ack(c, 0, delivered, false, rx);
    return true;
}

bool tcp_ack(struct tcp_conn *c, const struct tcp_rx *rx)
{
    bool dsack = false;

    if (seq_lt(rx->ack, c->snd_una))
        return old_ack(c, rx);
    if (seq_lt(c->snd_nxt, rx->ack)) {
        tcp_challenge_ack(c);   /* acknowledges bytes never sent */
        return false;
    }
    bool window = update_window(c, rx);
    uint32_t acked = rx->ack - c->snd_una, delivered = 0;
    c->reo_seq = c->fack;
    if (acked && !c->sack_ok)
        c->sacked = c->dupacks = 0;     /* counted by duplicates: see tcp_loss.c */
    bool waiting = c->seg_head != NULL;
    if (rx->nsacks)
        delivered = tcp_sack(c, rx, &dsack);
    if (acked) {
        struct cleaned done = clean(c, rx);
        delivered += done.delivered;
        progress(c, rx, &done);
        if (done.retransmitted && c->undo_ok && rx->has_ts && c->undo_ts &&
            seq_lt(rx->tsecr, c->undo_ts))
            tcp_undo(c);
    } else if (c->retries && c->rtx_kind == RTX_PERSIST) {
        c->retries = 0;                 /* a shut window is no silence: RFC 9293, 3.8.6.1 */
        c->rtx_since = c->now;
    }
    if (dsack && c->reo_mult < 20)
        c->reo_mult++;
    if (waiting) {
        bool dup = !acked && !rx->len && !window && !(rx->flags & (TF_SYN | TF_FIN));
        c->dsack_seen = dsack;
        tcp_loss_ack(c, acked, delivered, dup, rx);
    }
    if (acked || window)
        tcp_rtx_arm(c);
    if (c->ca != CA_OPEN || c->sacked)
        tcp_rack_wait(c);
    if (acked)
        tell_writer(c);
    return true;
}
