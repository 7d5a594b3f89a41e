/* tcp_sock.c - socket calls that begin and end a connection, and the events that sockets get. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

void tcp_init(void)
{
    tcp_isn_init();
    tcp_hash_init();
    tcp_port_init();
}

struct tcp_conn *tcp_new(bool v4, tcp_wake_fn *wake, void *arg)
{
    struct tcp_conn *c = tcp_conn_new(v4);

    if (c) {
        c->wake = wake;
        c->wake_arg = arg;
    }
    return c;
}

void tcp_attach(struct tcp_conn *c, tcp_wake_fn *wake, void *arg)
{
    tcp_lock(c);
    if (c->listen)
        lock(&c->listen->lock);
    c->wake_arg = arg;
    c->wake = wake;
    if (c->listen)
        unlock(&c->listen->lock);
    tcp_unlock(c);
}

int tcp_bind(struct tcp_conn *c, const struct net_addr *a, uint16_t port, unsigned ifindex)
{
    int err = -EINVAL;

    if (!addr_any(a) && !c->freebind && !netif_has(NULL, a))
        return -EADDRNOTAVAIL;
    tcp_lock(c);
    if (!c->bound && c->state == TCP_CLOSED && !c->gone) {
        c->ifindex = ifindex;
        err = tcp_port_bind(c, a, port);
    }
    tcp_unlock(c);
    return err;
}

/* ---- connect ----------------------------------------------------------------------------- */

static int connect_state(const struct tcp_conn *c)
{
    switch (c->state) {
    case TCP_CLOSED:
        return c->gone ? -ECONNABORTED : 0;
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
        return -EALREADY;
    case TCP_LISTEN:
        return -EOPNOTSUPP;
    default:
        return -EISCONN;
    }
}

/* Chooses path, addresses, port and sequence numbers, and puts the connection into the table. */
static int connect_prepare(struct tcp_conn *c, const struct net_addr *a, uint16_t port)
{
    int err = net_path_find(&c->path, a, &c->ent.key.laddr, c->ifindex);

    if (err)
        return err;
    if (addr_multicast(a))
        return -ENETUNREACH;
    struct net_addr bound = c->ent.key.laddr;
    bool released = c->bound;
    uint16_t lport = c->ent.key.lport;
    /* The port table keeps the bound address, so that other wildcard binds still conflict with
     * it. */
    c->ent.key.laddr = c->path.source;
    c->ent.key.raddr = *a;
    c->ent.key.rport = port;
    c->ent.key.zone = addr_link_local(a) ? c->path.ifp->index : 0;
    err = tcp_port_connect(c);
    if (err) {
        c->ent.key.laddr = bound;
        c->ent.key.raddr = (struct net_addr){0};
        c->ent.key.rport = 0;
        c->ent.key.lport = released ? lport : 0;
    }
    return err;
}

static int send_syn(struct tcp_conn *c)
{
    c->ts_offset = tcp_ts_offset(&c->ent.key);
    c->snd_una = c->snd_nxt = c->fack = c->iss;
    c->snd_end = c->iss + 1;
    c->mss_peer = 65535;
    tcp_mss_update(c);
    c->rtx_since = c->now;
    tcp_set_state(c, TCP_SYN_SENT);
    struct tcp_seg *s = tcp_seg_append(c, 0, SEG_SYN);
    if (!s)
        return -ENOBUFS;
    tcp_seg_sent(c, s);
    s->tries = 1;
    tcp_xmit_seg(c, s);
    tcp_rtx_arm(c);
    tcp_timer_update(c);
    return -EINPROGRESS;
}

int tcp_connect(struct tcp_conn *c, const struct net_addr *a, uint16_t port)
{
    net_round_begin();
    tcp_lock(c);
    int err = connect_state(c);
    if (!err && !port)
        err = -EADDRNOTAVAIL;
    if (!err)
        err = connect_prepare(c, a, port);
    if (!err)
        err = send_syn(c);
    if (err == -ENOBUFS)
        tcp_done(c, 0);
    tcp_unlock(c);
    net_round_end();
    return err;
}

/* ---- the end ----------------------------------------------------------------------------- */

static void queue_fin(struct tcp_conn *c)
{
    c->snd_shut = true;
    c->fin_queued = true;
    tcp_set_state(c, c->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1);
    tcp_output(c);
    tcp_timer_update(c);
}

int tcp_shutdown(struct tcp_conn *c, unsigned how)
{
    int err = 0;

    net_round_begin();
    tcp_lock(c);
    switch (c->state) {
    case TCP_CLOSED:
    case TCP_LISTEN:
        err = -ENOTCONN;
        break;
    case TCP_SYN_SENT:
    case TCP_SYN_RECEIVED:
        tcp_set_seen(c->rcv_shut, c->rcv_shut || how & TCP_SHUT_RD);
        if (how & TCP_SHUT_WR)
            tcp_done(c, 0);
        break;
    default:
        if (how & TCP_SHUT_RD)
            tcp_set_seen(c->rcv_shut, true);
        if (how & TCP_SHUT_WR && (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT))
            queue_fin(c);
        tcp_wake(c, (how & TCP_SHUT_RD ? NET_IN | NET_RDHUP : 0) |
                    (how & TCP_SHUT_WR ? NET_OUT : 0) |
                    (c->snd_shut && (c->rcv_shut || c->fin_rcvd) ? NET_HUP : 0));
        break;
    }
    tcp_unlock(c);
    net_round_end();
    return err;
}

static void drop_unread(struct tcp_conn *c)
{
    if (c->rcv_head)
        pkt_free(c->rcv_head);
    c->rcv_head = c->rcv_tail = NULL;
    c->rcv_memory = 0;
    tcp_set_seen(c->rcv_queued, 0);
}

/* The socket is gone: from here on the connection ends by itself. */
static void orphan(struct tcp_conn *c, bool reset)
{
    bool unread = c->rcv_queued != 0;

    c->wake = NULL;
    c->orphan = true;
    tcp_set_seen(c->rcv_shut, true);
    drop_unread(c);
    if (c->gone || c->state == TCP_CLOSED || c->state == TCP_SYN_SENT)
        tcp_done(c, 0);
    else if (reset || unread || c->linger == 0)
        tcp_reset_and_done(c, ECONNRESET);
    else if (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
             c->state == TCP_SYN_RECEIVED)
        queue_fin(c);
    else if (c->state == TCP_FIN_WAIT_2)
        c->life_due = c->now + TW_TIME;
    tcp_timer_update(c);
}

static void end(struct tcp_conn *c, bool reset)
{
    net_round_begin();
    if (tcp_state(c) == TCP_LISTEN)
        tcp_listen_close(c);
    tcp_lock(c);
    if (c->state == TCP_LISTEN) {
        tcp_port_release(c);
        c->gone = true;
        tcp_set_state(c, TCP_CLOSED);
    } else {
        orphan(c, reset);
    }
    tcp_unlock(c);
    net_round_end();
}

void tcp_stop(struct tcp_conn *c) { end(c, false); }

void tcp_close(struct tcp_conn *c)
{
    end(c, false);
    tcp_put(c);
}

void tcp_abort(struct tcp_conn *c)
{
    end(c, true);
    tcp_put(c);
}

/* ---- ICMP -------------------------------------------------------------------------------- */

static void too_big(struct tcp_conn *c, uint32_t mtu)
{
    if (!pmtu_lower(&c->ent.key.raddr, mtu, c->path.mtu))
        return;
    uint32_t was = c->mss;
    c->path.generation--;
    if (tcp_path_refresh(c) || c->mss >= was || !tcp_is_synced(c))
        return;
    /* Segments larger than the new MTU are lost, but this is no sign of congestion. */
    for (struct tcp_seg *s = c->seg_head; s; s = s->next)
        tcp_mark_lost(c, s);
    tcp_output(c);
    tcp_timer_update(c);
}

/* An ICMP error counts only if it quotes a sequence number in flight; on an established connection
 * it is soft. */
void tcp_icmp(const struct net_addr *local, const struct net_addr *remote, uint16_t lport,
              uint16_t rport, uint32_t seq, enum icmp_error e, uint32_t mtu)
{
    struct tcp_key key = {*local, *remote, lport, rport, 0};
    struct tcp_ent *ent = tcp_hash_find(&key, tcp_hash_key(&key));

    if (!ent)
        return;
    if (ent->kind == TCP_KIND_CONN) {
        struct tcp_conn *c = tcp_conn_of(ent);
        tcp_lock(c);
        bool fits = !c->gone && seq_le(c->snd_una, seq) && seq_lt(seq, c->snd_nxt);
        if (fits && e == ICMP_ERR_TOOBIG)
            too_big(c, mtu);
        else if (fits && (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED))
            tcp_done(c, icmp_errno(e));
        tcp_unlock(c);
    }
    tcp_ent_put(ent);
}
