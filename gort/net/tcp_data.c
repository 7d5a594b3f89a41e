/* tcp_data.c - received payload: trimming, the queue in order, the queue out of order, when to
 * acknowledge, and how large the receive window should be.
 *
 * rcv_head chains single pieces by `next`. A packet that arrives out of order waits on `ooo`,
 * chained by `link`, its sequence numbers in user[0] and user[1]; the pieces never overlap
 * there. */
#include "gort/net/private.h"

enum { OVERHEAD = 256, COALESCE = 512 };

uint32_t tcp_piece_memory(const struct pkt *p)
{
    return OVERHEAD + (p->size == PKT_LARGE ? PKT_LARGE_ROOM :
                       p->size == PKT_SMALL ? PKT_SMALL_ROOM : p->len);
}

static uint32_t packet_memory(const struct pkt *p)
{
    uint32_t n = 0;

    for (; p; p = p->next)
        n += tcp_piece_memory(p);
    return n;
}

/* ---- in order ---------------------------------------------------------------------------- */

/* Copies a small packet into the room of the last piece: a peer that sends single bytes must not
 * cost a page per byte. True: pkt was copied and freed. */
static bool coalesce(struct tcp_conn *c, struct pkt *pkt, uint32_t len)
{
    struct pkt *t = c->rcv_tail;

    if (!t || pkt->next || len > COALESCE || pkt_shared(t) || pkt_room_back(t) < len)
        return false;
    __builtin_memcpy(t->data + t->len, pkt->data, len);
    t->len += len;
    pkt_free(pkt);
    return true;
}

void tcp_queue_in_order(struct tcp_conn *c, struct pkt *pkt, uint32_t len)
{
    c->rcv_nxt += len;
    tcp_set_seen(c->rcv_queued, c->rcv_queued + len);
    c->bytes_received += len;
    if (coalesce(c, pkt, len))
        return;
    struct pkt *last = pkt;
    c->rcv_memory += tcp_piece_memory(last);
    while (last->next) {
        last = last->next;
        c->rcv_memory += tcp_piece_memory(last);
    }
    if (c->rcv_tail)
        c->rcv_tail->next = pkt;
    else
        c->rcv_head = pkt;
    c->rcv_tail = last;
}

static struct pkt *append(struct pkt ***end, struct pkt *p)
{
    **end = p;
    *end = &p->next;
    return p;
}

/* Copies p behind `last` into large pieces and returns the new last piece. Without memory, p is
 * appended as it is. */
static struct pkt *pack(struct pkt ***end, struct pkt *last, struct pkt *p)
{
    while (p->len) {
        if (!last || last->size != PKT_LARGE || pkt_shared(last) || !pkt_room_back(last)) {
            struct pkt *n = pkt_alloc(PKT_LARGE);
            if (!n)
                return append(end, p);
            last = append(end, n);
        }
        uint32_t part = min32(p->len, (uint32_t)pkt_room_back(last));
        __builtin_memcpy(last->data + last->len, p->data, part);
        last->len += part;
        p->data += part;
        p->len -= part;
    }
    pkt_free(p);
    return last;
}

/* Copies all bytes that are not yet in large pieces, dense ones too, since a large piece would be
 * needed for each run between dense pieces. This is the last resort before bytes are refused that
 * the window has promised room for. */
static void squeeze(struct tcp_conn *c)
{
    struct pkt *list = NULL, **end = &list, *last = NULL, *p = c->rcv_head;

    NET_COUNT(tcp_squeezed);
    while (p) {
        struct pkt *next = p->next;
        p->next = NULL;
        bool dense = p->size == PKT_LARGE && 2 * p->len > PKT_LARGE_ROOM;
        last = dense ? append(&end, p) : pack(&end, last, p);
        p = next;
    }
    c->rcv_head = list;
    c->rcv_tail = last;
    c->rcv_memory = packet_memory(list);
}

/* ---- autotuning -------------------------------------------------------------------------- */

/* Dynamic right-sizing: the window should hold twice the bytes that the program read in a round
 * trip. The receiver measures a round trip by timestamps, or as the time in which a window's worth
 * of bytes arrives. */
static void tune_window(struct tcp_conn *c)
{
    if (seq_lt(c->rcv_nxt, c->rtt_seq) && !c->srtt)
        return;
    int64_t rtt = c->srtt ? c->srtt : c->now - c->mark_at;
    if (seq_le(c->rtt_seq, c->rcv_nxt)) {
        uint32_t r = (uint32_t)(c->now - c->mark_at);
        if (!c->rcv_rtt || r < c->rcv_rtt)
            c->rcv_rtt = r ? r : 1;
    } else if (c->now - c->mark_at < rtt) {
        return;
    }
    uint32_t copied = c->copied - c->copied_at_mark;
    if (!c->rcv_fixed && !net_memory_short() && copied > c->rcv_space / 2)
        c->rcv_space = min32(max32(c->rcv_space, 2 * copied + 16 * c->rcv_mss), SPACE_MAX);
    c->copied_at_mark = c->copied;
    c->mark_at = c->now;
    c->rtt_seq = c->rcv_nxt + tcp_rcv_window(c);
}

/* ---- when to acknowledge ----------------------------------------------------------------- */

/* RFC 9293, 3.8.6.3: every second full segment is acknowledged at once, others within DELACK. */
void tcp_ack_later(struct tcp_conn *c, uint32_t len)
{
    if (len > c->rcv_mss || (len >= MSS_MIN && len > c->rcv_mss / 2))
        c->rcv_mss = min32(max32(len, c->rcv_mss), max32(c->mss, MSS_MIN));
    c->rcv_unacked += len;
    if (c->rcv_unacked >= 2 * c->rcv_mss || c->ooo || c->quick_forever ||
        (c->quick && !c->pingpong)) {
        c->ack_now = true;
    } else if (!c->ack_due) {
        c->ack_due = c->now + DELACK;
    }
    tune_window(c);
}

/* ---- out of order ------------------------------------------------------------------------ */

static uint32_t seq_of(const struct pkt *p) { return (uint32_t)p->user[0]; }
static uint32_t end_of(const struct pkt *p) { return (uint32_t)p->user[1]; }

/* Takes n bytes off the front of a packet that has more than n. */
static struct pkt *trim_front(struct pkt *p, uint32_t n)
{
    struct pkt *link = p->link;
    uint64_t seq = p->user[0] + n, end = p->user[1];

    while (n >= p->len) {
        struct pkt *next = p->next;
        n -= p->len;
        p->next = NULL;
        pkt_free(p);
        p = next;
    }
    p->data += n;
    p->len -= n;
    p->link = link;
    p->user[0] = (uint32_t)seq;
    p->user[1] = end;
    return p;
}

/* Cuts a packet to its first n bytes, n > 0. */
static void trim_back(struct pkt *p, uint32_t n)
{
    p->user[1] = (uint32_t)p->user[0] + n;
    while (n > p->len) {
        n -= p->len;
        p = p->next;
    }
    p->len = n;
    if (p->next) {
        pkt_free(p->next);
        p->next = NULL;
    }
}

static void tell_duplicate(struct tcp_conn *c, uint32_t start, uint32_t end)
{
    if (!c->sack_ok || c->has_dsack)
        return;
    c->has_dsack = true;
    c->dsack_start = start;
    c->dsack_end = end;
}

/* Drops the whole out-of-order queue. Its bytes were SACKed, but the peer must keep them until they
 * are acknowledged (RFC 2018), so it can send them again. */
static void drop_ooo(struct tcp_conn *c)
{
    NET_COUNT(tcp_squeezed);
    pkt_free_list(c->ooo);
    c->ooo = NULL;
    c->ooo_memory = 0;
}

/* Inserts p by sequence number, without the bytes that are queued already. */
static void insert_ooo(struct tcp_conn *c, struct pkt *p)
{
    struct pkt **at = &c->ooo;

    while (*at && seq_le(end_of(*at), seq_of(p)))
        at = &(*at)->link;
    if (*at && seq_le(seq_of(*at), seq_of(p))) {        /* its front is there */
        uint32_t have = end_of(*at);
        tell_duplicate(c, seq_of(p), seq_lt(have, end_of(p)) ? have : end_of(p));
        if (seq_le(end_of(p), have)) {
            pkt_free(p);
            return;
        }
        p = trim_front(p, have - seq_of(p));
        at = &(*at)->link;
    }
    while (*at && seq_le(end_of(*at), end_of(p))) {     /* p covers this one */
        struct pkt *covered = *at;
        *at = covered->link;
        covered->link = NULL;
        c->ooo_memory -= packet_memory(covered);
        tell_duplicate(c, seq_of(covered), end_of(covered));
        pkt_free(covered);
    }
    if (*at && seq_lt(seq_of(*at), end_of(p))) {        /* its end is there */
        tell_duplicate(c, seq_of(*at), end_of(p));
        trim_back(p, seq_of(*at) - seq_of(p));
    }
    p->link = *at;
    *at = p;
    c->ooo_memory += packet_memory(p);
}

/* Moves packets that are in order now from ooo to the receive queue. */
static void drain_ooo(struct tcp_conn *c)
{
    while (c->ooo && seq_le(seq_of(c->ooo), c->rcv_nxt)) {
        struct pkt *p = c->ooo;
        c->ooo = p->link;
        c->ooo_memory -= packet_memory(p);
        if (seq_lt(seq_of(p), c->rcv_nxt))
            tell_duplicate(c, seq_of(p), seq_lt(end_of(p), c->rcv_nxt) ? end_of(p) : c->rcv_nxt);
        if (seq_le(end_of(p), c->rcv_nxt)) {
            p->link = NULL;
            pkt_free(p);
            continue;
        }
        if (seq_lt(seq_of(p), c->rcv_nxt))
            p = trim_front(p, c->rcv_nxt - seq_of(p));
        p->link = NULL;
        tcp_queue_in_order(c, p, end_of(p) - seq_of(p));
    }
}

/* ---- a segment's payload ----------------------------------------------------------------- */

/* Is there memory for this segment? If not, the out-of-order queue is dropped first, then the
 * segment itself. */
static bool memory_allows(struct tcp_conn *c, const struct pkt *p)
{
    uint32_t limit = 2 * c->rcv_space + 65536, need = packet_memory(p);

    if (c->rcv_memory + c->ooo_memory + need <= limit && !net_memory_short())
        return true;
    if (c->rcv_memory > c->rcv_queued + c->rcv_queued / 2 + PKT_LARGE_ROOM)
        squeeze(c);
    if (c->ooo && c->rcv_memory + c->ooo_memory + need > limit)
        drop_ooo(c);
    return c->rcv_memory + c->ooo_memory + need <= limit && !(net_memory_short() && c->rcv_head);
}

/* The segment is acceptable and has payload or FIN; bytes outside the window are cut here. */
void tcp_data(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *p)
{
    uint32_t right = c->rcv_nxt + tcp_rcv_window(c);

    p->user[0] = rx->seq;
    p->user[1] = rx->seq + rx->len;
    p->link = NULL;
    if (seq_lt(rx->seq, c->rcv_nxt)) {      /* an old front */
        uint32_t old = c->rcv_nxt - rx->seq;
        tell_duplicate(c, rx->seq, rx->seq + min32(old, rx->len));
        c->ack_now = true;
        if (old >= rx->len) {
            pkt_free(p);
            return;
        }
        p = trim_front(p, old);
    }
    if (seq_lt(right, end_of(p))) {
        rx->flags &= (uint8_t)~TF_FIN;      /* the FIN lies outside the window, too */
        c->ack_now = true;
        if (seq_le(right, seq_of(p))) {
            pkt_free(p);
            return;
        }
        trim_back(p, right - seq_of(p));
    }
    if (!memory_allows(c, p)) {
        NET_COUNT(tcp_no_memory);
        c->ack_now = true;
        rx->flags &= (uint8_t)~TF_FIN;
        pkt_free(p);
        return;
    }
    if (seq_of(p) != c->rcv_nxt) {
        NET_COUNT(tcp_out_of_order);
        c->last_ooo = seq_of(p);
        if (p->next && rx->len <= PKT_SMALL_ROOM)
            pkt_pull(&p, pkt_length(p));    /* many small pieces would hold memory for long */
        insert_ooo(c, p);
        c->ack_now = true;
        return;
    }
    uint32_t len = end_of(p) - seq_of(p);
    tcp_queue_in_order(c, p, len);
    if (c->ooo) {
        drain_ooo(c);
        c->ack_now = true;
    }
    tcp_ack_later(c, len);
    tcp_wake(c, NET_IN);
}
