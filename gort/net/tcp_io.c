/* tcp_io.c - bytes between a socket's caller and the queues. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

/* ---- send -------------------------------------------------------------------------------- */

static int take_error(struct tcp_conn *c)
{
    int e = c->error;

    tcp_set_seen(c->error, 0);
    return -e;
}

/* May bytes be queued? 0 or an error. */
static int may_write(struct tcp_conn *c)
{
    if (c->error)
        return take_error(c);
    if (c->snd_shut)
        return -EPIPE;
    if (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT)
        return 0;
    return c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED ? -EAGAIN : -EPIPE;
}

static uint32_t space(const struct tcp_conn *c)
{
    uint32_t used = c->snd_end - c->snd_una, most = tcp_snd_limit(c);

    return used < most ? most - used : 0;
}

static void push(struct tcp_conn *c, bool more)
{
    c->more = more;
    tcp_output(c);
    c->more = false;
    tcp_timer_update(c);
}

/* Queues up to TCP_COPY_MAX bytes under the lock. Returns the bytes taken, or an error. */
static long send_some(struct tcp_conn *c, const uint8_t *buf, size_t n, unsigned flags)
{
    long done = may_write(c);

    if (done == -EAGAIN)
        c->want_out = true;
    if (done || !n)
        return done;
    uint32_t take = space(c);
    if (take > n)
        take = (uint32_t)n;
    if (take > TCP_COPY_MAX)
        take = TCP_COPY_MAX;
    if (take) {
        int r = tcp_snd_copy(c, buf, take);
        if (r < 0)
            return r;
        take = (uint32_t)r;
    }
    if (take < n)
        c->want_out = space(c) < tcp_snd_limit(c) / 3 || !take;
    if (!take) {
        if (space(c)) {     /* memory is missing, not room: only a timer can wake the writer */
            c->retry_due = c->now + MEM_RETRY;
            tcp_timer_update(c);
        }
        return -EAGAIN;
    }
    push(c, flags & TCP_MORE || (take < n && take == TCP_COPY_MAX));
    return take;
}

long tcp_send(struct tcp_conn *c, const void *buf, size_t n, unsigned flags)
{
    size_t done = 0;
    long r;

    net_round_begin();
    do {
        tcp_lock(c);
        r = send_some(c, (const uint8_t *)buf + done, n - done, flags);
        tcp_unlock(c);
        if (r > 0)
            done += (size_t)r;
    } while (r > 0 && done < n);
    net_round_end();
    return done ? (long)done : r;
}

long tcp_room(struct tcp_conn *c)
{
    tcp_lock(c);
    long r = may_write(c);
    if (!r)
        r = space(c);
    if (!r)
        r = -EAGAIN;
    if (r == -EAGAIN)
        c->want_out = true;
    tcp_unlock(c);
    return r;
}

int tcp_send_pieces(struct tcp_conn *c, struct pkt *pieces, unsigned flags)
{
    size_t n = pkt_length(pieces);

    net_round_begin();
    tcp_lock(c);
    int err = may_write(c);
    if (!err && (!space(c) || n > SPACE_MAX)) {
        c->want_out = true;
        err = -EAGAIN;
    }
    if (!err) {
        for (struct pkt *p = pieces, *next; p; p = next) {
            next = p->next;
            p->next = p->link = NULL;
            tcp_snd_append(c, p);
        }
        push(c, flags & TCP_MORE);
    }
    tcp_unlock(c);
    net_round_end();
    return err;
}

/* ---- receive ----------------------------------------------------------------------------- */

/* What recv returns when no bytes are queued. */
static long no_bytes(struct tcp_conn *c)
{
    if (c->fin_rcvd) /* a reset that came later is for other calls, as on Linux */
        return 0;
    if (c->error)
        return take_error(c);
    if (c->rcv_shut)
        return 0;
    if (c->state == TCP_CLOSED || c->state == TCP_LISTEN)
        return c->gone ? 0 : -ENOTCONN;
    return -EAGAIN;
}

/* Frees empty pieces in front and returns the first with bytes. */
static struct pkt *first(struct tcp_conn *c)
{
    struct pkt *p;

    while ((p = c->rcv_head) && !p->len) {
        c->rcv_head = p->next;
        if (!p->next)
            c->rcv_tail = NULL;
        c->rcv_memory -= tcp_piece_memory(p);
        p->next = NULL;
        pkt_free(p);
    }
    return p;
}

/* The program has read n bytes: sends a window update if the window has at least doubled. */
static void tell_room(struct tcp_conn *c, uint32_t n)
{
    tcp_set_seen(c->rcv_queued, c->rcv_queued - n);
    c->copied += n;
    if (!tcp_is_synced(c) || c->gone || c->fin_rcvd)
        return;
    uint32_t now = tcp_rcv_window(c);
    if (2 * now > c->rcv_space)
        return;
    uint32_t room = tcp_window_new(c);
    if (room > now && room >= 2 * now) {
        c->now = tcp_now();
        tcp_send_ack(c);
        tcp_timer_update(c);
    }
}

/* Takes n bytes off the queue into buf, or fewer if the program's memory ends before. */
static uint32_t consume(struct tcp_conn *c, uint8_t *buf, uint32_t n, bool copy)
{
    uint32_t done = 0, left = 0;
    struct pkt *p;

    while (done < n && !left && (p = first(c))) {
        uint32_t part = min32(n - done, p->len), memory = tcp_piece_memory(p);
        if (copy)
            left = (uint32_t)net_copy(buf + done, p->data, part);
        part -= left;
        p->data += part;
        p->len -= part;
        c->rcv_memory += tcp_piece_memory(p) - memory;  /* a bare piece is counted by length */
        done += part;
    }
    first(c);
    return done;
}

static uint32_t peek(const struct tcp_conn *c, uint8_t *buf, uint32_t n)
{
    uint32_t done = 0, left = 0;

    for (const struct pkt *p = c->rcv_head; p && done < n && !left; p = p->next) {
        uint32_t part = min32(n - done, p->len);
        left = (uint32_t)net_copy(buf + done, p->data, part);
        done += part - left;
    }
    return done;
}

static long recv_some(struct tcp_conn *c, uint8_t *buf, size_t n, unsigned flags)
{
    uint32_t take = n < TCP_COPY_MAX ? (uint32_t)n : TCP_COPY_MAX;

    if (!c->rcv_queued)
        return no_bytes(c);
    if (flags & TCP_PEEK) {
        take = peek(c, buf, take);
    } else {
        take = consume(c, buf, take, !(flags & TCP_DISCARD));
        tell_room(c, take);
    }
    return take ? (long)take : -EFAULT;
}

/* Programs that wait by readiness try in vain before each wait: then there were no bytes when this
 * looked first, and what no_bytes asks for had not come before either. Written by tcp_set_seen. */
static bool nothing_yet(const struct tcp_conn *c)
{
    return !__atomic_load_n(&c->rcv_queued, __ATOMIC_ACQUIRE) && tcp_state(c) == TCP_ESTABLISHED &&
           !__atomic_load_n(&c->error, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&c->fin_rcvd, __ATOMIC_RELAXED) &&
           !__atomic_load_n(&c->rcv_shut, __ATOMIC_RELAXED);
}

long tcp_recv(struct tcp_conn *c, void *buf, size_t n, unsigned flags)
{
    size_t done = 0;
    long r = 0;

    if (!n)
        return 0;
    if (nothing_yet(c))
        return -EAGAIN;
    do {
        lock(&c->lock); /* without a look at the clock, which only tell_room needs */
        if (!done || c->rcv_queued)
            r = recv_some(c, flags & TCP_DISCARD ? NULL : (uint8_t *)buf + done, n - done, flags);
        else
            r = 0;
        tcp_unlock(c);
        if (r > 0)
            done += (size_t)r;
    } while (r == TCP_COPY_MAX && done < n && !(flags & TCP_PEEK));
    return done ? (long)done : r;
}

struct pkt *tcp_recv_pieces(struct tcp_conn *c, size_t max, int *err)
{
    struct pkt *list = NULL, **end = &list, *p;
    uint32_t n = 0;

    *err = 0;
    net_round_begin();
    tcp_lock(c);
    while ((p = first(c)) && n + p->len <= max) {
        c->rcv_memory -= tcp_piece_memory(p);
        c->rcv_head = p->next;
        if (!p->next)
            c->rcv_tail = NULL;
        p->next = NULL;
        *end = p;
        end = &p->next;
        n += p->len;
    }
    if (p && n < max) {     /* a part of the next one, as a view */
        uint32_t part = (uint32_t)(max - n);
        struct pkt *v = pkt_view(p, p->data, part);
        if (v) {
            *end = v;
            n += consume(c, NULL, part, false);
        }
    }
    if (n)
        tell_room(c, n);
    else
        *err = p ? -ENOBUFS : (int)no_bytes(c);
    tcp_unlock(c);
    net_round_end();
    return list;
}

/* ---- counts ------------------------------------------------------------------------------ */

size_t tcp_unread(struct tcp_conn *c)
{
    tcp_lock(c);
    size_t n = c->rcv_queued;
    tcp_unlock(c);
    return n;
}

size_t tcp_unacked(struct tcp_conn *c)
{
    tcp_lock(c);
    uint32_t una = c->snd_una == c->iss ? c->iss + 1 : c->snd_una;
    size_t n = seq_lt(una, c->snd_end) ? c->snd_end - una : 0;
    tcp_unlock(c);
    return n;
}

int tcp_take_error(struct tcp_conn *c)
{
    tcp_lock(c);
    int e = -take_error(c);
    tcp_unlock(c);
    return e;
}

/* ---- readiness --------------------------------------------------------------------------- */

static unsigned poll_listener(struct tcp_conn *c)
{
    lock(&c->listen->lock);
    unsigned ev = c->listen->head ? NET_IN : 0;
    unlock(&c->listen->lock);
    return ev;
}

static bool may_read(const struct tcp_conn *c)
{
    return c->fin_rcvd || c->rcv_shut || (c->rcv_queued && c->rcv_queued >= c->rcv_low);
}

static bool has_room(const struct tcp_conn *c)
{
    uint32_t unsent = c->snd_end - c->snd_nxt;

    return space(c) >= tcp_snd_limit(c) / 3 && (!c->notsent_low || unsent < c->notsent_low);
}

unsigned tcp_poll(struct tcp_conn *c)
{
    unsigned ev = 0;

    if (tcp_state(c) == TCP_LISTEN)
        return poll_listener(c);
    tcp_lock(c);
    bool connecting = c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED;
    if (c->error)
        ev |= NET_ERR | NET_IN | NET_OUT;
    if (may_read(c))
        ev |= NET_IN;
    if (c->fin_rcvd || c->rcv_shut)
        ev |= NET_IN | NET_RDHUP;
    if (c->snd_shut || c->state == TCP_CLOSED || (!connecting && has_room(c)))
        ev |= NET_OUT;
    else
        c->want_out = true;
    if (c->state == TCP_CLOSED || (c->snd_shut && (c->fin_rcvd || c->rcv_shut)))
        ev |= NET_HUP;
    tcp_unlock(c);
    return ev;
}
