/* tcp_listen.c - listeners: their segments, and the queue of established connections.
 *
 * A SYN makes a small request record (tcp_req.c) or, when there are too many, a cookie
 * (tcp_cookie.c); only the ACK that completes a handshake makes a connection. The backlog bounds
 * both queues. The wake function of a listener is guarded by its queues' lock. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

int tcp_listen(struct tcp_conn *c, unsigned backlog)
{
    int err = 0;

    backlog = (backlog < BACKLOG_MAX ? backlog : BACKLOG_MAX) + 1;
    tcp_lock(c);
    if (c->state == TCP_LISTEN) {
        c->listen->backlog = backlog;
        tcp_unlock(c);
        return 0;
    }
    if (c->state != TCP_CLOSED || c->gone)
        err = -EINVAL;
    struct tcp_listen *l = err ? NULL : net_alloc(sizeof *l);
    if (!err && !l)
        err = -ENOMEM;
    struct net_addr any = c->ent.key.laddr;
    if (!err && !c->bound)
        err = tcp_port_bind(c, &any, 0);
    if (!err) {
        lock_init(&l->lock, "TCP listener", RANK_TCP_LISTEN);
        l->backlog = backlog;
        l->tail = &l->head;
        c->listen = l;
        err = tcp_port_listen(c);
    }
    if (err && l) {
        c->listen = NULL;
        net_free(l, sizeof *l);
    }
    tcp_unlock(c);
    return err;
}

struct tcp_conn *tcp_accept(struct tcp_conn *c, int *err)
{
    if (tcp_state(c) != TCP_LISTEN) {
        *err = -EINVAL;
        return NULL;
    }
    struct tcp_listen *l = c->listen;
    lock(&l->lock);
    struct tcp_conn *child = l->head;
    if (child) {
        l->head = child->accept_next;
        if (!l->head)
            l->tail = &l->head;
        __atomic_store_n(&l->naccept, l->naccept - 1, __ATOMIC_RELAXED);
        child->accept_next = NULL;
    }
    unlock(&l->lock);
    *err = child ? 0 : -EAGAIN;
    return child;
}

void tcp_listen_wake(struct tcp_conn *l)
{
    if (l->wake)
        l->wake(l->wake_arg, NET_IN);
}

/* Closes the queues under their lock, so that no entry is added afterwards. Half-open requests are
 * dropped, connections reset. */
void tcp_listen_close(struct tcp_conn *c)
{
    struct tcp_listen *l = c->listen;
    struct tcp_req *r;

    lock(&l->lock);
    l->closed = true;
    c->wake = NULL;
    struct tcp_conn *list = l->head;
    l->head = NULL;
    l->tail = &l->head;
    __atomic_store_n(&l->naccept, 0, __ATOMIC_RELAXED);
    while ((r = l->reqs)) {
        tcp_ent_get(&r->ent);
        unlock(&l->lock);
        tcp_req_drop(r);
        tcp_ent_put(&r->ent);
        lock(&l->lock);
    }
    unlock(&l->lock);
    while (list) {
        struct tcp_conn *child = list;
        list = child->accept_next;
        child->accept_next = NULL;
        tcp_abort(child);
    }
}

void tcp_listen_free(struct tcp_conn *c)
{
    net_free(c->listen, sizeof *c->listen);
}

static bool accept_full(const struct tcp_listen *l)
{
    return __atomic_load_n(&l->naccept, __ATOMIC_RELAXED) >= l->backlog;
}

void tcp_listen_segment(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt, uint32_t isn)
{
    struct tcp_listen *l = c->listen;

    if (rx->flags & TF_ACK && !(rx->flags & (TF_RST | TF_SYN)) && tcp_cookie_ack(c, rx, pkt))
        return;
    pkt_free(pkt);
    if (rx->flags & TF_RST)
        return;
    if (rx->flags & TF_ACK || !(rx->flags & TF_SYN)) {
        if (rx->flags & TF_ACK)
            tcp_reply_rst(rx);
        return;
    }
    if (rx->flags & TF_FIN || addr_multicast(&rx->ip->src) || addr_any(&rx->ip->src) ||
        addr_multicast(&rx->ip->dst))
        return;
    if (accept_full(l)) {
        NET_COUNT(tcp_listen_full);     /* the peer tries again: there may be room then */
        return;
    }
    if (__atomic_load_n(&l->nreqs, __ATOMIC_RELAXED) >= l->backlog && !isn)
        tcp_cookie_send(c, rx);
    else
        tcp_req_new(c, rx, isn);
}
