/* backlog.c - connections that wait to be accepted, and connects that wait for room. */
#include "gort/sock/sock.h"

int backlog_listen(struct sock *s, unsigned max)
{
    lock(&s->lock);
    int err = s->state == SS_CONNECTED || s->state == SS_CONNECTING ? -L_EINVAL : 0;
    if (!err && s->state != SS_LISTEN) {
        s->queue.last = &s->queue.first;
        s->queue.pending_last = &s->queue.pending;
        sock_set_state(s, SS_LISTEN);
    }
    if (!err)
        s->queue.max = max > L_SOMAXCONN ? L_SOMAXCONN : max;
    unlock(&s->lock);
    return err;
}

/* One more than the backlog says, as on Linux. */
static bool full_locked(const struct sock *l) { return l->queue.n > l->queue.max; }

int backlog_push(struct sock *l, struct sock *p)
{
    lock(&l->lock);
    int err = l->state != SS_LISTEN ? -L_ECONNREFUSED : full_locked(l) ? -L_EAGAIN : 0;
    if (!err) {
        p->accept_next = NULL;
        *l->queue.last = p;
        l->queue.last = &p->accept_next;
        __atomic_store_n(&l->queue.n, l->queue.n + 1, __ATOMIC_RELEASE);
        if (p->domain == L_AF_UNIX)
            flight_arrives(l, p);
        queue_wake(&l->rq);
    }
    unlock(&l->lock);
    return err;
}

int backlog_wait(struct sock *l, struct sock *s)
{
    sock_get(l);
    lock(&s->lock);
    struct sock *old = s->listener;
    s->listener = l;
    unlock(&s->lock);
    if (old)
        sock_put(old);
    lock(&l->lock);
    int err = l->state != SS_LISTEN ? -L_ECONNREFUSED : full_locked(l) ? -L_EINPROGRESS : -L_EAGAIN;
    if (err == -L_EINPROGRESS) {
        sock_get(s);
        s->accept_next = NULL;
        *l->queue.pending_last = s;
        l->queue.pending_last = &s->accept_next;
    }
    unlock(&l->lock);
    return err;
}

void backlog_forget(struct sock *s)
{
    lock(&s->lock);
    struct sock *l = s->listener;
    s->listener = NULL;
    unlock(&s->lock);
    if (!l)
        return;
    bool found = false;
    lock(&l->lock);
    for (struct sock **p = &l->queue.pending; *p; p = &(*p)->accept_next)
        if (*p == s) {
            *p = s->accept_next;
            if (l->queue.pending_last == &s->accept_next)
                l->queue.pending_last = p;
            found = true;
            break;
        }
    unlock(&l->lock);
    if (found)
        sock_put(s);
    sock_put(l);
}

int backlog_take(struct sock *l, struct sock **out, struct sock **again)
{
    lock(&l->lock);
    struct sock *p = l->state == SS_LISTEN ? l->queue.first : NULL;
    int err = l->state != SS_LISTEN ? -L_EINVAL : p ? 0 : -L_EAGAIN;
    if (p) {
        l->queue.first = p->accept_next;
        if (!l->queue.first)
            l->queue.last = &l->queue.first;
        __atomic_store_n(&l->queue.n, l->queue.n - 1, __ATOMIC_RELEASE);
        *out = p;
    }
    struct sock *s = p ? l->queue.pending : NULL;
    if (s) {
        l->queue.pending = s->accept_next;
        if (!l->queue.pending)
            l->queue.pending_last = &l->queue.pending;
        *again = s;
    }
    unlock(&l->lock);
    return err;
}

/* Resets connections that were never accepted and refuses connects that wait. */
void backlog_close(struct sock *l)
{
    lock(&l->lock);
    if (l->state == SS_LISTEN)
        sock_set_state(l, SS_BOUND);
    struct sock *p = l->queue.first, *s = l->queue.pending;
    l->queue.first = l->queue.pending = NULL;
    l->queue.last = &l->queue.first;
    l->queue.pending_last = &l->queue.pending;
    __atomic_store_n(&l->queue.n, 0, __ATOMIC_RELEASE);
    queue_wake(&l->rq);
    unlock(&l->lock);
    for (struct sock *next; p; p = next) {
        next = p->accept_next;
        p->linger = 0;
        p->ops->close(p);
        sock_put(p);
    }
    for (struct sock *next; s; s = next) {
        next = s->accept_next;
        lock(&s->lock);
        if (s->state == SS_CONNECTING)
            sock_set_state(s, SS_BOUND);
        unlock(&s->lock);
        sock_fail(s, L_ECONNREFUSED);
        sock_put(s);
    }
}
