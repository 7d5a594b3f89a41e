/* tcp_sack.c - the scoreboard: which segments the peer says it has (RFC 2018, RFC 2883). */
#include "gort/net/private.h"

/* Marks a segment that the peer has received out of order; returns its bytes. */
static uint32_t mark_sacked(struct tcp_conn *c, struct tcp_seg *s, const struct tcp_rx *rx)
{
    uint32_t len = s->end - s->seq;

    tcp_seg_arrived(c, s);
    s->flags |= SEG_SACKED;
    c->sacked += len;
    tcp_rack_delivered(c, s, rx);
    return len;
}

/* Cuts a record so that [start, end) falls on its boundaries. Cuts are made only at whole
 * segments of the record, or a peer could force a record per byte. NULL: no whole segment of the
 * record lies inside. */
static struct tcp_seg *fit(struct tcp_conn *c, struct tcp_seg *s, uint32_t start, uint32_t end)
{
    if (seq_lt(s->seq, start)) {
        uint32_t at = s->seq + (start - s->seq + c->mss - 1) / c->mss * c->mss;
        if (!seq_lt(at, s->end) || !tcp_seg_split(c, s, at))
            return NULL;
        s = s->next;
    }
    if (seq_lt(end, s->end)) {
        uint32_t at = seq_lt(s->seq, end) ? s->seq + (end - s->seq) / c->mss * c->mss : s->seq;
        if (at == s->seq || !tcp_seg_split(c, s, at))
            return NULL;
    }
    return s;
}

static uint32_t block(struct tcp_conn *c, const struct tcp_rx *rx, uint32_t start, uint32_t end)
{
    uint32_t delivered = 0;

    for (struct tcp_seg *s = c->seg_head; s && seq_lt(s->seq, end); s = s->next) {
        if (seq_le(s->end, start) || s->flags & (SEG_SACKED | SEG_SYN))
            continue;
        struct tcp_seg *in = fit(c, s, start, end);
        if (in) {
            delivered += mark_sacked(c, in, rx);
            s = in;
        }
    }
    return delivered;
}

/* The first block is a D-SACK, which reports a duplicate, if it lies below the ACK or inside the
 * second block. */
static bool is_dsack(const struct tcp_rx *rx)
{
    if (seq_lt(rx->sack[0].start, rx->ack))
        return true;
    return rx->nsacks > 1 && seq_le(rx->sack[1].start, rx->sack[0].start) &&
           seq_le(rx->sack[0].end, rx->sack[1].end);
}

uint32_t tcp_sack(struct tcp_conn *c, const struct tcp_rx *rx, bool *dsack)
{
    uint32_t delivered = 0;

    *dsack = false;
    if (!c->sack_ok || !rx->nsacks)
        return 0;
    *dsack = is_dsack(rx);
    for (unsigned i = *dsack; i < rx->nsacks; i++) {
        uint32_t start = rx->sack[i].start, end = rx->sack[i].end;
        if (seq_lt(start, end) && seq_le(c->snd_una, start) && seq_le(end, c->snd_nxt))
            delivered += block(c, rx, start, end);
    }
    return delivered;
}
