/* tcp_tw.c - TIME-WAIT: a small record keeps the 4-tuple for a minute, so that segments of the old
 * connection cannot fall into a new one. As on Linux, a SYN may reuse the 4-tuple before if its
 * timestamp or its sequence number is later than all of the old connection's. */
#include "gort/net/private.h"

static uint32_t count; /* [atomic] records */

void tcp_tw_free(struct tcp_tw *t)
{
    __atomic_fetch_sub(&count, 1, __ATOMIC_RELAXED);
    NET_GAUGE(tcp_tws, -1);
    net_free(t, sizeof *t);
}

static void fire(struct net_timer *timer)
{
    struct tcp_tw *t = (struct tcp_tw *)((char *)timer - offsetof(struct tcp_tw, timer));

    tcp_hash_remove(&t->ent);
    tcp_ent_put(&t->ent);
}

static void linger(struct tcp_tw *t)
{
    lock(&t->lock);
    if (wheel_start(&t->timer, (tcp_now() + TW_TIME) * 1000))
        tcp_ent_get(&t->ent);
    unlock(&t->lock);
}

static void forget(struct tcp_tw *t)
{
    lock(&t->lock);
    bool was = wheel_stop(&t->timer);
    unlock(&t->lock);
    if (was)
        tcp_ent_put(&t->ent);
    tcp_hash_remove(&t->ent);
}

static struct tcp_tw *record_of(const struct tcp_conn *c)
{
    if (__atomic_load_n(&count, __ATOMIC_RELAXED) >= TW_MAX)
        return NULL;
    struct tcp_tw *t = net_alloc(sizeof *t);
    if (!t)
        return NULL;
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
    NET_GAUGE(tcp_tws, 1);
    t->ent = (struct tcp_ent){.key = c->ent.key, .refs = 1, .kind = TCP_KIND_TW};
    lock_init(&t->lock, "TIME-WAIT", RANK_TCP_LISTEN);
    t->timer.fire = fire;
    t->snd_nxt = c->snd_nxt;
    t->rcv_nxt = c->rcv_nxt;
    t->rcv_wnd = tcp_rcv_window(c) >> c->rcv_scale;
    t->ts_ok = c->ts_ok;
    t->ts_recent = c->ts_recent;
    t->ts_offset = c->ts_offset;
    t->tos = addr_is_v4(&c->ent.key.raddr) ? c->tos : c->tclass6;
    t->since = c->now;
    return t;
}

/* Without a record (memory, too many of them) the connection just ends, as on Linux. */
void tcp_tw_enter(struct tcp_conn *c)
{
    struct tcp_tw *t = record_of(c);

    if (c->ack_now)
        tcp_send_ack(c);
    if (t) {
        if (tcp_hash_replace(&c->ent, &t->ent))
            linger(t);
        tcp_ent_put(&t->ent);
    }
    tcp_done(c, 0);
    tcp_set_state(c, TCP_TIME_WAIT);
}

static uint32_t isn_after(const struct tcp_tw *t)
{
    uint32_t isn = t->snd_nxt + 65535 + 2;

    return isn ? isn : 1;
}

static void acknowledge(const struct tcp_tw *t)
{
    struct tcp_tx tx = {.key = t->ent.key, .seq = t->snd_nxt, .ack = t->rcv_nxt, .flags = TF_ACK,
                        .wnd = t->rcv_wnd, .ts = t->ts_ok, .tsecr = t->ts_recent, .tos = t->tos,
                        .tsval = (uint32_t)(tcp_now() / 1000) + t->ts_offset, .wscale = 0xff};

    tcp_xmit_plain(&tx, NULL);
}

bool tcp_tw_segment(struct tcp_tw *t, const struct tcp_rx *rx, uint32_t *isn)
{
    bool ts = t->ts_ok && rx->has_ts;
    bool old = ts && seq_lt(rx->tsval, t->ts_recent);

    if (rx->flags & TF_RST)
        return false;       /* RFC 1337: a reset does not end TIME-WAIT */
    if ((rx->flags & (TF_SYN | TF_ACK)) == TF_SYN && !old &&
        (seq_lt(t->rcv_nxt, rx->seq) || (ts && seq_lt(t->ts_recent, rx->tsval)))) {
        NET_COUNT(tcp_tw_reused);
        *isn = isn_after(t);
        forget(t);
        return true;
    }
    if (rx->flags & TF_FIN && !old)
        linger(t);
    if (rx->end != rx->seq || old)
        acknowledge(t);
    return false;
}

bool tcp_tw_reusable(const struct tcp_tw *t, uint32_t *isn)
{
    if (!t->ts_ok || tcp_now() - t->since < 1000000)
        return false;
    NET_COUNT(tcp_tw_reused);
    *isn = isn_after(t);
    return true;
}
