/* tcp_conn.c - the life of a connection: allocated, established, ended, freed. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

struct tcp_conn *tcp_conn_new(bool v4)
{
    struct tcp_conn *c = net_alloc(sizeof *c);

    if (!c)
        return NULL;
    lock_init(&c->lock, "TCP connection", RANK_TCP);
    c->ent.refs = 1;
    c->ent.kind = TCP_KIND_CONN;
    c->state = TCP_CLOSED;
    c->v4 = v4;
    c->ttl = c->hops6 = 64;
    c->snd_buf = SND_SPACE;
    c->rcv_space = RCV_SPACE;
    c->rcv_low = 1;
    c->rto = RTO_FIRST;
    c->ssthresh = UINT32_MAX;
    c->reo_mult = 1;
    c->linger = -1;
    c->syn_retries = SYN_RETRIES;
    c->keep_idle = 7200;
    c->keep_intvl = 75;
    c->keep_cnt = 9;
    c->wscale_ok = c->ts_ok = c->sack_ok = true;
    c->rcv_scale = WSCALE;
    c->timer.fire = NULL;
    NET_GAUGE(tcp_conns, 1);
    return c;
}

static void free_queues(struct tcp_conn *c)
{
    tcp_snd_free(c);
    if (c->ooo)
        pkt_free_list(c->ooo);
    c->ooo = NULL;
    c->ooo_memory = 0;
}

void tcp_conn_free(struct tcp_conn *c)
{
    free_queues(c);
    if (c->rcv_head)
        pkt_free(c->rcv_head);
    if (c->seg_spare)
        net_free(c->seg_spare, sizeof *c->seg_spare);
    if (c->listen)
        tcp_listen_free(c);
    NET_GAUGE(tcp_conns, -1);
    net_free(c, sizeof *c);
}

void tcp_wake(struct tcp_conn *c, unsigned events)
{
    if (c->wake)
        c->wake(c->wake_arg, events);
}

void tcp_set_state(struct tcp_conn *c, enum tcp_state s)
{
    __atomic_store_n(&c->state, (uint8_t)s, __ATOMIC_RELEASE);
}

/* The caller holds a reference of its own besides the table's and the timer's. Received bytes stay
 * readable, and are read before the error is reported, as on Linux. */
void tcp_done(struct tcp_conn *c, int error)
{
    if (c->gone)
        return;
    c->gone = true;
    if (error)
        tcp_set_seen(c->error, error);
    tcp_set_state(c, TCP_CLOSED);
    free_queues(c);
    c->snd_shut = true;
    tcp_set_seen(c->rcv_shut, true);
    c->ack_now = false;
    tcp_timer_stop(c);
    tcp_hash_remove(&c->ent);
    tcp_port_release(c);
    tcp_wake(c, NET_IN | NET_OUT | NET_HUP | NET_RDHUP | (error ? NET_ERR : 0));
}

void tcp_reset_and_done(struct tcp_conn *c, int error)
{
    if (!c->gone && c->state != TCP_SYN_SENT && c->state != TCP_CLOSED)
        tcp_send_rst(c);
    NET_COUNT(tcp_aborts);
    tcp_done(c, error);
}

/* ---- path and MSS ------------------------------------------------------------------------ */

uint32_t tcp_mss_offer(const struct net_path *p, bool v4, uint32_t user)
{
    uint32_t hdr = (v4 || addr_is_v4(&p->source) ? IPV4_HDR : IPV6_HDR) + TCP_HDR;
    uint32_t mtu = p->ifp->mtu, mss = mtu > hdr + MSS_MIN ? mtu - hdr : MSS_MIN;

    return user && user < mss ? user : min32(mss, 65535);
}

/* RFC 6691: the options that every segment carries are subtracted from the MSS. */
void tcp_mss_update(struct tcp_conn *c)
{
    uint32_t hdr = (addr_is_v4(&c->ent.key.raddr) ? IPV4_HDR : IPV6_HDR) + TCP_HDR;
    uint32_t mss = c->path.mtu > hdr + MSS_MIN ? c->path.mtu - hdr : MSS_MIN;

    mss = min32(mss, c->mss_peer);
    if (c->mss_user)
        mss = min32(mss, c->mss_user);
    mss = max32(mss, MSS_MIN);
    c->mss = mss - (c->ts_ok ? TCP_TS_LEN : 0);
}

int tcp_path_refresh(struct tcp_conn *c)
{
    if (net_path_fresh(&c->path, c->now * 1000))
        return 0;
    struct net_path p;
    int err = net_path_find(&p, &c->ent.key.raddr, &c->ent.key.laddr, c->ifindex);
    if (err) {
        NET_COUNT(out_no_route);
        return err;
    }
    bool changed = p.mtu != c->path.mtu;
    c->path = p;
    if (changed || !c->mss)
        tcp_mss_update(c);
    if (tcp_is_synced(c) && c->now - c->last_rx < PATH_AGE / 1000)
        net_control->reachable(p.ifp, &p.next_hop);
    return 0;
}

/* ---- established ------------------------------------------------------------------------- */

void tcp_established(struct tcp_conn *c)
{
    if (!c->wscale_ok)
        c->rcv_scale = c->snd_scale = 0;
    tcp_mss_update(c);
    c->cwnd = INIT_SEGS * c->mss;       /* RFC 6928 */
    c->rcv_mss = min32(c->mss, MSS_DEFAULT4);
    c->quick = 16;
    c->rtt_seq = c->rcv_nxt + c->rcv_space;
    c->mark_at = c->last_rx = c->now;
    c->last_tx = 0;
    c->snd_sml = c->snd_una;
    c->fack = c->snd_una;
    c->rcv_wup = c->rcv_nxt;
    tcp_cubic_init(c);
    tcp_set_state(c, TCP_ESTABLISHED);
    tcp_keep_arm(c);
}
