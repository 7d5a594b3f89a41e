/* tcp_seg.c - the send queue and the records of segments in flight.
 *
 * The queue is a chain of pieces of bytes that never change once written, but for those of a file
 * (tcp_send_pieces); a record notes where a segment's bytes begin, so that a retransmission needs
 * no search. Records hang on two lists: by sequence number, and by the time of their last
 * transmission (RACK's order). */
#include "gort/net/errno.h"
#include "gort/net/private.h"

/* ---- the send queue ------------------------------------------------------------------------ */

void tcp_snd_append(struct tcp_conn *c, struct pkt *p)
{
    if (c->snd_tail)
        c->snd_tail->link = p;
    else
        c->snd_head = p;
    c->snd_tail = p;
    if (!c->nxt_piece) {
        c->nxt_piece = p;
        c->nxt_off = 0;
    }
    c->snd_end += p->len;
}

/* The piece to which new bytes are written; n of them will follow. NULL: no memory. */
static struct pkt *room_for(struct tcp_conn *c, uint32_t n)
{
    struct pkt *t = c->snd_tail;

    if (t && pkt_room_back(t))
        return t;
    struct pkt *p = pkt_alloc(n > PKT_SMALL_ROOM ? PKT_LARGE : PKT_SMALL);
    if (p)
        tcp_snd_append(c, p);
    return p;
}

int tcp_snd_copy(struct tcp_conn *c, const uint8_t *buf, uint32_t n)
{
    uint32_t done = 0;

    while (done < n) {
        struct pkt *p = room_for(c, n - done);
        if (!p)
            break;
        uint32_t part = min32(n - done, (uint32_t)pkt_room_back(p));
        uint32_t left = (uint32_t)net_copy(p->data + p->len, buf + done, part);
        p->len += part - left;
        done += part - left;
        if (left && !done)
            return -EFAULT;
        if (left)
            break;
    }
    c->snd_end += done;
    return (int)done;
}

/* A piece is freed when all its bytes are acknowledged; views that a driver still holds keep its
 * memory until they are gone. */
void tcp_snd_acked(struct tcp_conn *c, uint32_t n)
{
    c->head_off += n;
    while (c->snd_head && c->head_off >= c->snd_head->len) {
        struct pkt *p = c->snd_head;
        c->head_off -= p->len;
        if (c->nxt_piece == p) {
            c->nxt_piece = p->link;
            c->nxt_off = 0;
        }
        c->snd_head = p->link;
        if (!c->snd_head)
            c->snd_tail = NULL;
        p->link = NULL;
        pkt_free(p);
    }
}

void tcp_snd_free(struct tcp_conn *c)
{
    while (c->seg_head)
        tcp_seg_free(c, c->seg_head);
    pkt_free_list(c->snd_head);
    c->snd_head = c->snd_tail = c->nxt_piece = NULL;
    c->head_off = c->nxt_off = 0;
}

/* Advances a position in the queue by n bytes. A position at the end of a piece that has a
 * successor becomes the successor's start. */
static void walk(struct pkt **piece, uint32_t *off, uint32_t n)
{
    *off += n;
    while (*piece && *off >= (*piece)->len && (*piece)->link) {
        *off -= (*piece)->len;
        *piece = (*piece)->link;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static struct tcp_seg *record_new(struct tcp_conn *c)
{
    struct tcp_seg *s = c->seg_spare;

    if (!s)
        return net_alloc(sizeof *s);
    c->seg_spare = NULL;
    __builtin_memset(s, 0, sizeof *s);
    return s;
}

struct tcp_seg *tcp_seg_append(struct tcp_conn *c, uint32_t len, uint8_t flags)
{
    struct tcp_seg *s = record_new(c);

    if (!s)
        return NULL;
    walk(&c->nxt_piece, &c->nxt_off, 0);
    s->piece = c->nxt_piece;
    s->offset = c->nxt_off;
    s->seq = c->snd_nxt;
    s->end = s->seq + len + !!(flags & SEG_SYN) + !!(flags & SEG_FIN);
    s->flags = flags;
    s->prev = c->seg_tail;
    if (c->seg_tail)
        c->seg_tail->next = s;
    else
        c->seg_head = s;
    c->seg_tail = s;
    c->snd_nxt = s->end;
    walk(&c->nxt_piece, &c->nxt_off, len);
    return s;
}

void tcp_seg_untime(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!s->timed)
        return;
    s->timed = false;
    *(s->tprev ? &s->tprev->tnext : &c->time_head) = s->tnext;
    *(s->tnext ? &s->tnext->tprev : &c->time_tail) = s->tprev;
    s->tnext = s->tprev = NULL;
}

static void time_after(struct tcp_conn *c, struct tcp_seg *s, struct tcp_seg *after)
{
    s->timed = true;
    s->tprev = after;
    s->tnext = after ? after->tnext : c->time_head;
    *(s->tprev ? &s->tprev->tnext : &c->time_head) = s;
    *(s->tnext ? &s->tnext->tprev : &c->time_tail) = s;
}

void tcp_seg_sent(struct tcp_conn *c, struct tcp_seg *s)
{
    tcp_seg_untime(c, s);
    s->sent = c->now;
    s->tsval = tcp_ts(c);
    time_after(c, s, c->time_tail);
}

void tcp_seg_arrived(struct tcp_conn *c, struct tcp_seg *s)
{
    uint32_t len = s->end - s->seq;

    tcp_seg_untime(c, s);
    if (s->flags & SEG_LOST) {
        c->lost -= len;
        if (!(s->flags & SEG_OUT))
            c->to_rtx -= len;
    }
    if (s->flags & SEG_OUT)
        c->retrans -= len;
    s->flags &= (uint8_t)~(SEG_LOST | SEG_OUT);
}

void tcp_seg_free(struct tcp_conn *c, struct tcp_seg *s)
{
    tcp_seg_arrived(c, s);
    if (s->flags & SEG_SACKED)
        c->sacked -= s->end - s->seq;
    if (c->rtx_hint == s)
        c->rtx_hint = s->next;
    *(s->prev ? &s->prev->next : &c->seg_head) = s->next;
    *(s->next ? &s->next->prev : &c->seg_tail) = s->prev;
    if (c->seg_spare)
        net_free(s, sizeof *s);
    else
        c->seg_spare = s;
}

/* Makes two records of one. Both halves keep its flags, so the connection's counts do not
 * change. */
bool tcp_seg_split(struct tcp_conn *c, struct tcp_seg *s, uint32_t at)
{
    struct tcp_seg *n = record_new(c);

    if (!n)
        return false;
    *n = *s;
    n->seq = at;
    n->flags &= (uint8_t)~SEG_SYN;
    walk(&n->piece, &n->offset, at - s->seq - !!(s->flags & SEG_SYN));
    s->end = at;
    s->flags &= (uint8_t)~SEG_FIN;
    n->prev = s;
    n->next = s->next;
    *(n->next ? &n->next->prev : &c->seg_tail) = n;
    s->next = n;
    n->timed = false;
    if (s->timed)
        time_after(c, n, s);
    return true;
}
