/* tcp_xmit.c - sends one segment: header, options, payload as a view or a copy, checksum. */
#include "gort/net/private.h"

enum { OPT_NOP = 1, OPT_SACK = 5, OPT_TS = 8 };

/* ---- options and header ----------------------------------------------------------------- */

static uint8_t *put_ts(uint8_t *o, uint32_t val, uint32_t ecr)
{
    put32(o, OPT_NOP << 24 | OPT_NOP << 16 | OPT_TS << 8 | 10);
    put32(o + 4, val);
    put32(o + 8, ecr);
    return o + TCP_TS_LEN;
}

static uint8_t *put_block(uint8_t *o, uint32_t start, uint32_t end)
{
    put32(o, start);
    put32(o + 4, end);
    return o + 8;
}

/* The SACK block of adjacent pieces that begins with p; *next is the first piece after it. */
static void ooo_block(struct pkt *p, uint32_t *start, uint32_t *end, struct pkt **next)
{
    *start = (uint32_t)p->user[0];
    *end = (uint32_t)p->user[1];
    while ((p = p->link) && (uint32_t)p->user[0] == *end)
        *end = (uint32_t)p->user[1];
    *next = p;
}

/* RFC 2018: the block of the newest arrival first, then others; a duplicate before all (2883). */
static uint8_t *put_sacks(struct tcp_conn *c, uint8_t *o)
{
    unsigned max = c->ts_ok ? 3 : 4, n = 0;
    uint8_t *at = o + 4;
    uint32_t s, e;
    struct pkt *p, *next;

    if (c->has_dsack) {
        at = put_block(at, c->dsack_start, c->dsack_end);
        n++;
        c->has_dsack = false;
    }
    for (p = c->ooo; p && n < max; p = next) {
        ooo_block(p, &s, &e, &next);
        if (seq_le(s, c->last_ooo) && seq_lt(c->last_ooo, e)) {
            at = put_block(at, s, e);
            n++;
        }
    }
    for (p = c->ooo; p && n < max; p = next) {
        ooo_block(p, &s, &e, &next);
        if (!(seq_le(s, c->last_ooo) && seq_lt(c->last_ooo, e))) {
            at = put_block(at, s, e);
            n++;
        }
    }
    if (!n)
        return o;
    put32(o, OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 | (2 + 8 * n));
    return at;
}

static void put_header(uint8_t *h, const struct tcp_key *k, uint32_t seq, uint32_t ack,
                       unsigned hdr, uint8_t flags, uint16_t wnd)
{
    put16(h, k->lport);
    put16(h + 2, k->rport);
    put32(h + 4, seq);
    put32(h + 8, ack);
    h[12] = (uint8_t)(hdr / 4 << 4);
    h[13] = flags;
    put16(h + 14, wnd);
    put16(h + 18, 0);
}

/* The options are written first, since their length decides where the header begins. */
static unsigned prepend(struct pkt *p, const uint8_t *opts, unsigned n)
{
    p->data -= TCP_HDR + n;
    p->len += TCP_HDR + n;
    for (unsigned i = 0; i < n; i += 4)     /* a few words: less than a call */
        __builtin_memcpy(p->data + TCP_HDR + i, opts + i, 4);
    return TCP_HDR + n;
}

/* Room for the header and for what nearly every segment has of options, which is written. */
static unsigned prepend_usual(const struct tcp_conn *c, struct pkt *p)
{
    unsigned hdr = TCP_HDR + (c->ts_ok ? TCP_TS_LEN : 0);

    p->data -= hdr;
    p->len += hdr;
    if (c->ts_ok)
        put_ts(p->data + TCP_HDR, tcp_ts(c), c->ts_recent);
    return hdr;
}

/* The same with the options of a SYN, or with SACK blocks. */
static __attribute__((noinline)) unsigned prepend_more(struct tcp_conn *c, struct pkt *p, bool syn)
{
    uint8_t opts[40], *o = opts;

    if (syn) {
        struct tcp_tx t = {.mss = (uint16_t)tcp_mss_offer(&c->path, c->v4, c->mss_user),
                           .ts = c->ts_ok, .tsval = tcp_ts(c), .tsecr = c->ts_recent,
                           .sack = c->sack_ok, .wscale = c->wscale_ok ? c->rcv_scale : 0xff};
        o += tcp_syn_options(o, &t);
    } else {
        if (c->ts_ok)
            o = put_ts(o, tcp_ts(c), c->ts_recent);
        o = put_sacks(c, o);
    }
    return prepend(p, opts, (unsigned)(o - opts));
}

/* The window field of a segment. The right edge that it advertises is recorded. */
static uint16_t tell_window(struct tcp_conn *c, bool syn)
{
    uint32_t wnd = tcp_window_new(c);

    if (syn) {
        wnd = min32(wnd, 65535);
        c->rcv_adv = c->rcv_nxt + wnd;
        return (uint16_t)wnd;
    }
    wnd = min32(wnd >> c->rcv_scale, 65535);
    c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + (wnd << c->rcv_scale));
    return (uint16_t)wnd;
}

static void acked_now(struct tcp_conn *c)
{
    c->rcv_wup = c->rcv_nxt;
    c->rcv_unacked = 0;
    c->ack_now = false;
    c->ack_due = 0;
    if (c->quick)
        c->quick--;
}

/* Adds TCP header and checksum to p, whose data is the payload, and hands it to IP. */
static void emit(struct tcp_conn *c, struct pkt *p, uint32_t len, uint32_t seq, uint8_t flags,
                 bool sacks)
{
    bool syn = flags & TF_SYN, more = sacks && c->sack_ok && (c->ooo || c->has_dsack);
    unsigned hdr = syn || more ? prepend_more(c, p, syn) : prepend_usual(c, p);
    uint16_t wnd = tell_window(c, syn);
    put_header(p->data, &c->ent.key, seq, flags & TF_ACK ? c->rcv_nxt : 0, hdr, flags, wnd);
    uint32_t all = hdr + len;
    bool gso = len > c->mss;
    put16(p->data + 16, ip_pseudo_sum(&c->ent.key.laddr, &c->ent.key.raddr, PROTO_TCP, all));
    p->flags |= PKT_CSUM_PARTIAL;
    p->csum_offset = 16;
    if (gso) {
        p->gso_type = addr_is_v4(&c->ent.key.raddr) ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
        p->gso_size = (uint16_t)c->mss;
        p->gso_hdr_len = (uint16_t)hdr;
    }
    if (flags & TF_ACK)
        acked_now(c);
    c->last_tx = c->now;
    c->segs_out++;
    NET_COUNT(tcp_out);
    bool v4 = addr_is_v4(&c->ent.key.raddr);
    struct ip_tx ip = {.path = &c->path, .src = &c->ent.key.laddr, .dst = &c->ent.key.raddr,
                       .proto = PROTO_TCP, .ttl = v4 ? c->ttl : c->hops6,
                       .tos = v4 ? c->tos : c->tclass6, .id = c->ip_id,
                       .flow = c->ent.hash};
    c->ip_id += (uint16_t)(gso ? (len + c->mss - 1) / c->mss : 1);
    ip_output(&ip, p, all);
}

/* ---- payload ---------------------------------------------------------------------------- */

typedef uint8_t v16 __attribute__((vector_size(16), aligned(1), may_alias));

/* Like memcpy, which may use no vector registers, since interrupts call it. What is left behind the
 * whole steps is copied as a step that begins in what they have copied. g0. */
static void copy_wide(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n < 16) {
        __builtin_memcpy(to, from, n);
        return;
    }
    uint8_t *end = to + n - 16;
    v16 last = *(const v16 *)(from + n - 16);
    for (; n > 64; n -= 64, to += 64, from += 64) {
        const v16 *s = (const v16 *)from;
        v16 *d = (v16 *)to;
        v16 a = s[0], b = s[1], c = s[2], e = s[3];
        d[0] = a;
        d[1] = b;
        d[2] = c;
        d[3] = e;
    }
    for (; n > 16; n -= 16, to += 16, from += 16)
        *(v16 *)to = *(const v16 *)from;
    *(v16 *)end = last;
}

static bool copy_payload(struct pkt *p, const struct pkt *from, uint32_t off, uint32_t len)
{
    while (len) {
        uint32_t part = min32(len, from->len - off);
        copy_wide(p->data + p->len, from->data + off, part);
        p->len += part;
        len -= part;
        off = 0;
        from = from->link;
    }
    return true;
}

/* Appends views of the send queue's pieces to p, at most GSO_PIECES. */
static bool view_payload(struct pkt *p, struct pkt *from, uint32_t off, uint32_t len)
{
    while (len) {
        uint32_t part = min32(len, from->len - off);
        if (part) {
            p->next = pkt_view(from, from->data + off, part);
            if (!p->next)
                return false;
            p = p->next;
        }
        len -= part;
        off = 0;
        from = from->link;
    }
    return true;
}

static uint8_t flags_of(const struct tcp_conn *c, const struct tcp_seg *s, uint32_t len)
{
    uint8_t f = c->state == TCP_SYN_SENT ? 0 : TF_ACK;

    if (s->flags & SEG_SYN)
        f |= TF_SYN;
    if (s->flags & SEG_FIN)
        f |= TF_FIN;
    if (len && (s->end == c->snd_end || s->flags & SEG_FIN || len > c->mss))
        f |= TF_PSH;
    return f;
}

/* Sends the segment that the record describes. False: no memory; the timer will try again. */
bool tcp_xmit_seg(struct tcp_conn *c, struct tcp_seg *s)
{
    uint32_t len = s->end - s->seq - !!(s->flags & SEG_SYN) - !!(s->flags & SEG_FIN);
    struct pkt *p = pkt_alloc(PKT_SMALL);

    if (p && len && !(len <= COPY_LEN ? copy_payload(p, s->piece, s->offset, len) :
                      view_payload(p, s->piece, s->offset, len))) {
        pkt_free(p);
        p = NULL;
    }
    if (!p) {
        NET_COUNT(tcp_no_memory);
        return false;
    }
    emit(c, p, len, s->seq, flags_of(c, s, len), len <= c->mss - 40 && !(s->flags & SEG_SYN));
    return true;
}

void tcp_send_ack(struct tcp_conn *c)
{
    struct pkt *p = tcp_path_refresh(c) ? NULL : pkt_alloc(PKT_SMALL);

    if (p)
        emit(c, p, 0, c->snd_nxt, TF_ACK, true);
    else
        c->ack_due = c->now + DELACK;   /* later, then */
}

void tcp_send_probe(struct tcp_conn *c)
{
    struct pkt *p = tcp_path_refresh(c) ? NULL : pkt_alloc(PKT_SMALL);

    if (p)
        emit(c, p, 0, c->snd_una - 1, TF_ACK, true);
}

void tcp_send_rst(struct tcp_conn *c)
{
    struct pkt *p = tcp_path_refresh(c) ? NULL : pkt_alloc(PKT_SMALL);

    NET_COUNT(tcp_rst_out);
    if (p)
        emit(c, p, 0, c->snd_nxt, TF_RST | TF_ACK, false);
}

/* ---- without a connection --------------------------------------------------------------- */

void tcp_xmit_plain(const struct tcp_tx *t, const struct net_path *path)
{
    struct net_path found;
    uint8_t opts[40];
    unsigned n = 0;

    if (!path) {
        if (net_path_find(&found, &t->key.raddr, &t->key.laddr, t->key.zone))
            return;
        path = &found;
    }
    struct pkt *p = pkt_alloc(PKT_SMALL);
    if (!p)
        return;
    if (t->flags & TF_SYN)
        n = tcp_syn_options(opts, t);
    else if (t->ts)
        n = (unsigned)(put_ts(opts, t->tsval, t->tsecr) - opts);
    unsigned hdr = prepend(p, opts, n);
    put_header(p->data, &t->key, t->seq, t->ack, hdr, t->flags, (uint16_t)t->wnd);
    put16(p->data + 16, ip_pseudo_sum(&t->key.laddr, &t->key.raddr, PROTO_TCP, hdr));
    p->flags = PKT_CSUM_PARTIAL;
    p->csum_offset = 16;
    NET_COUNT(tcp_out);
    struct ip_tx ip = {.path = path, .src = &t->key.laddr, .dst = &t->key.raddr,
                       .proto = PROTO_TCP, .ttl = t->ttl ? t->ttl : 64, .tos = t->tos};
    ip_output(&ip, p, hdr);
}
