/* tcp_req.c - half-open connections: a request per SYN until the ACK comes. A request is guarded
 * by its listener's queue lock; one that is off the list has ended. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

void tcp_req_free(struct tcp_req *r)
{
    NET_GAUGE(tcp_reqs, -1);
    tcp_put(r->listener);
    net_free(r, sizeof *r);
}

/* Fills a request with the SYN's options and with those that are granted. */
void tcp_req_fill(struct tcp_req *r, struct tcp_conn *l, const struct tcp_rx *rx)
{
    r->ent = (struct tcp_ent){.key = {rx->ip->dst, rx->ip->src, rx->dport, rx->sport, 0},
                              .refs = 1, .kind = TCP_KIND_REQ};
    if (addr_link_local(&rx->ip->src))
        r->ent.key.zone = rx->ip->ifp->index;
    r->listener = l;
    r->irs = rx->seq;
    r->mss = rx->has_mss ? rx->mss : addr_is_v4(&rx->ip->src) ? MSS_DEFAULT4 : MSS_DEFAULT6;
    r->ts_ok = rx->has_ts;
    r->sack_ok = rx->sack_ok;
    r->wscale_ok = rx->has_wscale;
    r->snd_scale = rx->has_wscale ? rx->wscale : 0;
    r->ts_recent = rx->tsval;
    r->ts_offset = tcp_ts_offset(&r->ent.key);
    r->wnd = min32(l->rcv_space, 65535);
    r->tos = addr_is_v4(&rx->ip->src) ? l->tos : l->tclass6;
}

void tcp_synack(struct tcp_req *r)
{
    struct tcp_tx t = {.key = r->ent.key, .seq = r->iss, .ack = r->irs + 1,
                       .flags = TF_SYN | TF_ACK, .wnd = r->wnd, .ts = r->ts_ok,
                       .tsval = r->cookie ? r->tsval :
                                (uint32_t)(tcp_now() / 1000) + r->ts_offset,
                       .tsecr = r->ts_recent, .sack = r->sack_ok, .tos = r->tos,
                       .wscale = r->wscale_ok ? WSCALE : 0xff};

    if (!net_path_fresh(&r->path, net_now_ns()) &&
        net_path_find(&r->path, &t.key.raddr, &t.key.laddr, t.key.zone))
        return;
    t.mss = (uint16_t)tcp_mss_offer(&r->path, addr_is_v4(&t.key.raddr), r->listener->mss_user);
    tcp_xmit_plain(&t, &r->path);
}

/* Takes a request off the list. False: another CPU already has. */
static bool unlist(struct tcp_req *r)
{
    struct tcp_listen *l = r->listener->listen;

    lock(&l->lock);
    bool was = r->listed, armed = false;
    if (was) {
        r->listed = false;
        *r->pprev = r->next;
        if (r->next)
            r->next->pprev = r->pprev;
        __atomic_store_n(&l->nreqs, l->nreqs - 1, __ATOMIC_RELAXED);
        armed = wheel_stop(&r->timer);
    }
    unlock(&l->lock);
    if (armed)
        tcp_ent_put(&r->ent);
    return was;
}

void tcp_req_drop(struct tcp_req *r)
{
    if (unlist(r))
        tcp_hash_remove(&r->ent);
}

/* Sends the SYN-ACK again after 1, 2, 4 ... seconds; the sixth timeout ends the request. */
static void fire(struct net_timer *timer)
{
    struct tcp_req *r = (struct tcp_req *)((char *)timer - offsetof(struct tcp_req, timer));
    struct tcp_listen *l = r->listener->listen;

    lock(&l->lock);
    bool again = r->listed && r->tries < SYNACK_RETRIES;
    if (again) {
        r->tries++;
        if (wheel_start(&r->timer, (tcp_now() + ((int64_t)RTO_FIRST << r->tries)) * 1000))
            tcp_ent_get(&r->ent);
    }
    unlock(&l->lock);
    if (again)
        tcp_synack(r);
    else
        tcp_req_drop(r);
    tcp_ent_put(&r->ent);
}

/* False: the listener has closed. */
static bool enlist(struct tcp_req *r)
{
    struct tcp_listen *l = r->listener->listen;

    lock(&l->lock);
    bool open = !l->closed;
    if (open) {
        r->listed = true;
        r->next = l->reqs;
        r->pprev = &l->reqs;
        if (r->next)
            r->next->pprev = &r->next;
        l->reqs = r;
        __atomic_store_n(&l->nreqs, l->nreqs + 1, __ATOMIC_RELAXED);
        if (wheel_start(&r->timer, (r->sent + RTO_FIRST) * 1000))
            tcp_ent_get(&r->ent);
    }
    unlock(&l->lock);
    return open;
}

void tcp_req_new(struct tcp_conn *l, const struct tcp_rx *rx, uint32_t isn)
{
    struct tcp_req *r = net_alloc(sizeof *r);

    if (!r) {
        NET_COUNT(tcp_no_memory);
        return;
    }
    tcp_get_ref(l);
    NET_GAUGE(tcp_reqs, 1);
    tcp_req_fill(r, l, rx);
    r->iss = isn ? isn : tcp_isn(&r->ent.key);
    r->sent = tcp_now();
    r->timer.fire = fire;
    if (tcp_hash_insert(&r->ent, NULL)) {
        if (enlist(r))
            tcp_synack(r);
        else
            tcp_hash_remove(&r->ent);
    }
    tcp_ent_put(&r->ent);
}

/* ---- the connection ---------------------------------------------------------------------- */

static void inherit(struct tcp_conn *c, const struct tcp_conn *l)
{
    c->nodelay = l->nodelay;
    c->cork = l->cork;
    c->keep_on = l->keep_on;
    c->keep_idle = l->keep_idle;
    c->keep_intvl = l->keep_intvl;
    c->keep_cnt = l->keep_cnt;
    c->user_timeout = l->user_timeout;
    c->linger = l->linger;
    c->mss_user = l->mss_user;
    c->snd_buf = l->snd_buf;
    c->snd_fixed = l->snd_fixed;
    c->rcv_space = l->rcv_space;
    c->rcv_fixed = l->rcv_fixed;
    c->rcv_low = l->rcv_low;
    c->notsent_low = l->notsent_low;
    c->quick_forever = l->quick_forever;
    c->reuse_addr = l->reuse_addr;
    c->reuse_port = l->reuse_port;
    c->v6only = l->v6only;
    c->ttl = l->ttl;
    c->tos = l->tos;
    c->hops6 = l->hops6;
    c->tclass6 = l->tclass6;
    c->ifindex = l->ifindex;
}

/* Sets the connection's sequence numbers as if it had handled the SYN: both are past the SYNs. */
static void fill_child(struct tcp_conn *c, const struct tcp_req *r, const struct tcp_rx *rx)
{
    c->ent.key = r->ent.key;
    if (r->ent.key.zone)
        c->ifindex = r->ent.key.zone;
    c->iss = r->iss;
    c->snd_una = c->snd_nxt = c->snd_end = c->snd_wl2 = r->iss + 1;
    c->irs = r->irs;
    c->rcv_nxt = c->rcv_wup = r->irs + 1;
    c->rcv_adv = c->rcv_nxt + r->wnd;
    c->snd_wl1 = rx->seq - 1;
    c->ts_ok = r->ts_ok;
    c->sack_ok = r->sack_ok;
    c->wscale_ok = r->wscale_ok;
    c->snd_scale = r->snd_scale;
    c->ts_offset = r->ts_offset;
    c->ts_recent = r->ts_recent;
    c->ts_recent_at = c->now;
    c->mss_peer = r->mss;
    c->snd_wnd = c->snd_max_wnd = rx->wnd << r->snd_scale;
    c->path = r->path;
    tcp_path_refresh(c);
    if (!r->tries && r->sent)
        tcp_rtt_sample(c, c->now - r->sent);
    tcp_established(c);
}

static bool queue_child(struct tcp_conn *l, struct tcp_conn *c)
{
    struct tcp_listen *q = l->listen;

    lock(&q->lock);
    bool ok = !q->closed && q->naccept < q->backlog;
    if (ok) {
        *q->tail = c;
        q->tail = &c->accept_next;
        __atomic_store_n(&q->naccept, q->naccept + 1, __ATOMIC_RELAXED);
    }
    unlock(&q->lock);
    return ok;
}

struct tcp_conn *tcp_child(struct tcp_req *r, const struct tcp_rx *rx)
{
    struct tcp_conn *l = r->listener, *c = tcp_conn_new(l->v4);

    if (!c) {
        NET_COUNT(tcp_no_memory);
        return NULL;
    }
    tcp_lock(c);
    inherit(c, l);
    fill_child(c, r, rx);
    if (c->path.ifp && (r->cookie ? tcp_hash_insert(&c->ent, NULL) :
                        tcp_hash_replace(&r->ent, &c->ent))) {
        if (queue_child(l, c))
            return c;
        NET_COUNT(tcp_listen_full);
        tcp_reset_and_done(c, ECONNRESET);
    }
    c->gone = true;
    tcp_timer_stop(c);
    tcp_unlock(c);
    tcp_put(c);
    return NULL;
}

/* ---- segments ---------------------------------------------------------------------------- */

static void complete(struct tcp_req *r, struct tcp_rx *rx, struct pkt *pkt)
{
    struct tcp_conn *l = r->listener;
    struct tcp_listen *q = l->listen;

    if (__atomic_load_n(&q->naccept, __ATOMIC_RELAXED) >= q->backlog) {
        NET_COUNT(tcp_listen_full);     /* the peer takes it for open and sends again */
        pkt_free(pkt);
        return;
    }
    struct tcp_conn *c = tcp_child(r, rx);
    if (!c) {
        pkt_free(pkt);
        return;
    }
    unlist(r);
    tcp_segment(c, rx, pkt);
    tcp_unlock(c);
    lock(&q->lock);
    tcp_listen_wake(l);
    unlock(&q->lock);
}

static void reset_came(struct tcp_req *r, const struct tcp_rx *rx)
{
    NET_COUNT(tcp_rst_in);
    if (rx->seq == r->irs + 1)
        tcp_req_drop(r);
}

void tcp_req_segment(struct tcp_req *r, struct tcp_rx *rx, struct pkt *pkt)
{
    bool old = r->ts_ok && rx->has_ts && seq_lt(rx->tsval, r->ts_recent);
    bool inside = rx->seq - (r->irs + 1) < r->wnd;

    if (rx->flags & TF_RST) {
        reset_came(r, rx);
    } else if (rx->flags & TF_SYN) {
        if (rx->seq == r->irs && !old)
            tcp_synack(r);      /* our SYN-ACK was lost */
    } else if (!(rx->flags & TF_ACK) || old || !inside) {
        NET_COUNT(tcp_bad);
    } else if (rx->ack != r->iss + 1) {
        tcp_reply_rst(rx);
    } else {
        complete(r, rx, pkt);
        return;
    }
    pkt_free(pkt);
}
