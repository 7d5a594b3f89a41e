/* duplex.c - see duplex.h. */
#include "gort/sock/duplex.h"
#include <string.h>
#include "gort/os/mem.h"
#include "gort/sock/ring.h"
#include "kernel/check.h"

/* One direction: the bytes and files that one end reads. */
struct way {
    struct ring ring;
    struct rights *marks, **marks_end; /* files that were sent with some of the bytes */
    struct sock *reader;    /* the socket of this end; NULL: closed */
    bool closed, released;
    bool fin;               /* of TCP: this end's last byte is sent, and the other reads an end */
    bool said_end;          /* and it did so without a reset */
    bool mute;              /* this end sends no more */
    bool deaf;              /* and this: it receives no more */
};

/* Bytes that a stream moves at most under one hold of its lock; for more, the call takes it
 * again. */
enum { STREAM_STEP = 64 << 10 };

struct duplex {
    struct lock lock;       /* RANK_FILE: guards all */
    enum duplex_kind kind;  /* [const] */
    struct way way[2];
};

struct duplex *duplex_new(enum duplex_kind kind, uint32_t cap0, uint32_t cap1)
{
    struct duplex *d = os_alloc(sizeof *d);

    if (!d)
        return NULL;
    lock_init(&d->lock, "connection", RANK_FILE);
    d->kind = kind;
    d->way[0].ring.cap = cap0;
    d->way[1].ring.cap = cap1;
    for (unsigned i = 0; i < 2; i++)
        d->way[i].marks_end = &d->way[i].marks;
    return d;
}

void duplex_attach(struct duplex *d, unsigned side, struct sock *s)
{
    lock(&d->lock);
    d->way[side].reader = s;
    unlock(&d->lock);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void add_mark_locked(struct way *to, struct rights *r, uint64_t at, size_t len)
{
    r->at = at;
    r->len = len;
    r->next = NULL;
    *to->marks_end = r;
    to->marks_end = &r->next;
    rights_queued(r, to->reader);
}

/* A stream takes as many bytes as there is room for; a message is put whole or not at all. */
static int64_t put_locked(struct duplex *d, struct way *to, struct msg *m)
{
    bool packets = d->kind == DUPLEX_PACKETS;
    size_t room = ring_room(&to->ring), n = m->v.left;
    uint32_t header = (uint32_t)n;

    if (packets && n + sizeof header > to->ring.cap)
        return -L_EMSGSIZE;
    if (packets ? room < n + sizeof header : !room && n)
        return -L_EAGAIN;
    if (!packets && !n)
        return 0;
    if (n > room)
        n = room;
    if (!packets && n > STREAM_STEP)
        n = STREAM_STEP;
    size_t had = ring_used(&to->ring), needs = packets ? n + sizeof header : n;
    size_t ready = ring_ready(&to->ring, needs);
    if (packets ? ready < needs : !ready)
        return had ? -L_EAGAIN : -L_ENOBUFS; /* of an empty one nobody would tell */
    if (!packets)
        n = ready;
    uint64_t head = to->ring.head;
    int err = packets ? ring_put_bytes(&to->ring, NULL, &header, sizeof header) : 0;
    if (!err)
        err = ring_put_bytes(&to->ring, &m->v, NULL, n);
    if (err) {
        to->ring.head = head;
        return err;
    }
    if (m->rights)
        add_mark_locked(to, m->rights, head, n);
    m->rights = NULL;
    return (int64_t)n;
}

/* The first write of TCP to a closed end succeeds: on a wire, the segment would go out and be
 * answered by a reset. */
static int64_t send_to_closed_locked(struct duplex *d, struct way *me, struct msg *m)
{
    if (d->kind != DUPLEX_TCP)
        return -L_EPIPE;
    size_t n = m->v.left < STREAM_STEP ? m->v.left : STREAM_STEP;
    if (!n)
        return 0;
    me->fin = me->mute = me->deaf = true;
    sock_fail(me->reader, L_EPIPE);
    return (int64_t)n;
}

int64_t duplex_send(struct duplex *d, unsigned side, struct msg *m)
{
    struct way *me = &d->way[side], *to = &d->way[!side];
    int64_t r;

    lock(&d->lock);
    if (me->closed)
        r = d->kind == DUPLEX_TCP ? -L_EPIPE : -L_ENOTCONN;
    else if (me->mute || (d->kind != DUPLEX_TCP && to->deaf))
        r = -L_EPIPE;
    else if (to->closed)
        r = send_to_closed_locked(d, me, m);
    else
        r = put_locked(d, to, m);
    if (r >= 0 && to->reader)
        queue_wake(&to->reader->rq);
    unlock(&d->lock);
    return r;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void take_mark_locked(struct way *me, struct msg *m)
{
    struct rights *r = me->marks;

    me->marks = r->next;
    if (!me->marks)
        me->marks_end = &me->marks;
    r->next = NULL;
    rights_taken(r);
    m->rights = r;
}

/* The most bytes that a read may return now: it ends before the next files in flight, and a message
 * with files is read alone. */
static size_t stream_limit_locked(const struct way *me)
{
    const struct rights *k = me->marks;

    if (k && k->at == me->ring.tail)
        return k->len;
    return k ? (size_t)(k->at - me->ring.tail) : ring_used(&me->ring);
}

static int64_t take_bytes_locked(enum duplex_kind kind, struct way *me, struct msg *m)
{
    size_t n = stream_limit_locked(me);
    bool peek = m->flags & L_MSG_PEEK;

    if (n > m->v.left)
        n = m->v.left;
    if (n > STREAM_STEP)
        n = STREAM_STEP;
    bool discard = m->flags & L_MSG_TRUNC && kind == DUPLEX_TCP; /* tcp(7): dropped unseen */
    int err = discard ? 0 : ring_copy(&me->ring, 0, &m->v, NULL, n);
    if (err)
        return err;
    if (discard)
        vec_skip(&m->v, n);
    if (!peek && me->marks && me->marks->at == me->ring.tail)
        take_mark_locked(me, m); /* also by who has room for no byte */
    if (!peek)
        ring_drop(&me->ring, n);
    return (int64_t)n;
}

static int64_t take_packet_locked(struct way *me, struct msg *m)
{
    uint32_t len;

    ring_copy(&me->ring, 0, NULL, &len, sizeof len);
    size_t n = len < m->v.left ? len : m->v.left;
    int err = ring_copy(&me->ring, sizeof len, &m->v, NULL, n);
    if (err)
        return err;
    m->full_length = len;
    if (n < len)
        m->out_flags |= L_MSG_TRUNC;
    if (m->flags & L_MSG_PEEK)
        return (int64_t)n;
    if (me->marks && me->marks->at == me->ring.tail)
        take_mark_locked(me, m);
    ring_drop(&me->ring, sizeof len + len);
    return (int64_t)n;
}

/* Wakes a stream's writer when a third of the ring is free, a message's writer when the message
 * fits. */
static void woken_by_room_locked(struct duplex *d, unsigned side, bool before)
{
    const struct ring *r = &d->way[side].ring;
    struct sock *writer = d->way[!side].reader;

    if (writer && (d->kind == DUPLEX_PACKETS || (!before && ring_is_writable(r))))
        queue_wake(&writer->wq);
}

/* Nothing comes after what that side has not read yet. */
static bool over_locked(const struct duplex *d, unsigned side)
{
    return d->way[side].deaf || (d->kind == DUPLEX_TCP && d->way[!side].fin);
}

int64_t duplex_recv(struct duplex *d, unsigned side, struct msg *m)
{
    struct way *me = &d->way[side];
    int64_t r;

    lock(&d->lock);
    bool writable = ring_is_writable(&me->ring);
    bool packets = d->kind == DUPLEX_PACKETS;
    m->creds = d->kind != DUPLEX_TCP && ring_used(&me->ring);
    if (me->closed)
        r = -L_ENOTCONN;
    else if (packets && (r = sock_take_error(me->reader)) != 0)
        ;
    else if (ring_used(&me->ring))
        r = packets ? take_packet_locked(me, m) : take_bytes_locked(d->kind, me, m);
    else if (d->way[!side].said_end) /* that came first, so an error stays for other calls */
        r = 0;
    else if ((r = sock_take_error(me->reader)) == 0)
        r = over_locked(d, side) ? 0 : -L_EAGAIN;
    if (r > 0 || d->kind == DUPLEX_PACKETS)
        woken_by_room_locked(d, side, writable);
    unlock(&d->lock);
    return r;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void wake_locked(struct sock *s)
{
    if (!s)
        return;
    queue_wake(&s->rq);
    queue_wake(&s->wq);
}

unsigned duplex_poll(struct duplex *d, unsigned side)
{
    struct way *me = &d->way[side], *to = &d->way[!side];
    unsigned r = 0;

    lock(&d->lock);
    bool over = over_locked(d, side);
    if (ring_used(&me->ring) || over)
        r |= L_POLLIN;
    if (over)
        r |= L_POLLRDHUP;
    if (me->mute || to->closed || ring_is_writable(&to->ring))
        r |= L_POLLOUT;
    if (over && me->mute)
        r |= L_POLLHUP;
    unlock(&d->lock);
    return r;
}

int duplex_shutdown(struct duplex *d, unsigned side, unsigned how)
{
    struct way *me = &d->way[side], *to = &d->way[!side];

    lock(&d->lock);
    bool tcp = d->kind == DUPLEX_TCP;
    if (how != L_SHUT_RD) {
        me->mute = me->fin = true;
        me->said_end |= tcp;
        to->deaf |= !tcp;
    }
    if (how != L_SHUT_WR) {
        me->deaf = true;
        to->mute |= !tcp;
    }
    wake_locked(me->reader);
    wake_locked(to->reader);
    unlock(&d->lock);
    return 0;
}

void duplex_begin_shut(struct duplex *d, unsigned side, unsigned shut)
{
    struct way *me = &d->way[side];

    lock(&d->lock);
    me->mute |= (shut & SHUT_OUT) != 0;
    me->deaf |= (shut & SHUT_IN) != 0;
    unlock(&d->lock);
}

/* Bytes of the program's that wait, without headers. */
static size_t unread_locked(const struct duplex *d, const struct way *me)
{
    size_t used = ring_used(&me->ring), sum = 0;
    uint32_t len;

    if (d->kind != DUPLEX_PACKETS)
        return used;
    for (size_t at = 0; at < used; at += sizeof len + len) {
        ring_copy(&me->ring, at, NULL, &len, sizeof len);
        sum += len;
    }
    return sum;
}

/* The files that have not been received: their number is bounded by the bytes alone. */
static struct rights *marks_take_locked(struct way *me, struct rights ***end)
{
    struct rights *first = me->marks;

    *end = me->marks_end;
    me->marks = NULL;
    me->marks_end = &me->marks;
    return first;
}

void duplex_end(struct duplex *d, unsigned side, bool reset)
{
    struct way *me = &d->way[side], *to = &d->way[!side];

    lock(&d->lock);
    CHECK(!me->closed, "end %u of a connection is closed twice", side);
    if (unread_locked(d, me))
        reset = true;
    struct rights **end, *marks = marks_take_locked(me, &end);
    me->said_end |= d->kind == DUPLEX_TCP && !reset;
    me->closed = me->fin = me->mute = me->deaf = true;
    me->reader = NULL;
    ring_free(&me->ring);
    if (d->kind != DUPLEX_TCP)
        to->mute = to->deaf = true;
    if (!to->closed && reset) {
        to->fin = to->mute = true;
        if (to->reader)
            sock_fail(to->reader, L_ECONNRESET);
    }
    wake_locked(to->reader);
    unlock(&d->lock);
    rights_free_list(marks, end);
}

void duplex_drop(struct duplex *d, unsigned side)
{
    struct way *me = &d->way[side], *to = &d->way[!side];

    lock(&d->lock);
    struct rights **end, *marks = marks_take_locked(me, &end);
    ring_drop(&me->ring, ring_used(&me->ring));
    wake_locked(to->reader);
    unlock(&d->lock);
    rights_free_list(marks, end);
}

void duplex_release(struct duplex *d, unsigned side)
{
    struct way *me = &d->way[side], *to = &d->way[!side];

    lock(&d->lock);
    CHECK(me->closed && !me->released, "end %u of a connection is released early", side);
    me->released = true;
    bool last = to->released;
    unlock(&d->lock);
    if (!last)
        return;
    ring_free(&me->ring);
    ring_free(&to->ring);
    os_free(d, sizeof *d);
}

void duplex_close(struct duplex *d, unsigned side, bool reset)
{
    duplex_end(d, side, reset);
    duplex_release(d, side);
}

size_t duplex_unread(struct duplex *d, unsigned side)
{
    lock(&d->lock);
    size_t n = unread_locked(d, &d->way[side]);
    unlock(&d->lock);
    return n;
}

void duplex_peer_name(struct duplex *d, unsigned side, struct sock_addr *a)
{
    lock(&d->lock);
    const struct sock *peer = d->way[!side].reader;
    if (peer)
        *a = peer->local;
    unlock(&d->lock);
}

void duplex_leave_name(struct duplex *d, unsigned side)
{
    lock(&d->lock);
    const struct sock *leaves = d->way[side].reader;
    struct sock *peer = d->way[!side].reader;
    if (leaves && peer)
        peer->peer = leaves->local;
    unlock(&d->lock);
}

unsigned duplex_tcp_state(struct duplex *d, unsigned side)
{
    enum { ESTABLISHED = 1, FIN_WAIT_2 = 5, CLOSED = 7, CLOSE_WAIT = 8 };

    lock(&d->lock);
    bool sent = d->way[side].fin, came = d->way[!side].fin;
    unlock(&d->lock);
    return sent && came ? CLOSED : sent ? FIN_WAIT_2 : came ? CLOSE_WAIT : ESTABLISHED;
}
