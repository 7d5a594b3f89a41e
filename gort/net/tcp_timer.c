/* tcp_timer.c - deadlines of a connection and what happens when they pass.
 *
 *   rtx_due   RTO, tail loss probe, RACK's reordering wait or a zero-window probe: one at a time
 *   ack_due   a delayed ACK       keep_due  keepalive      life_due  an orphan's end
 *   retry_due memory was missing to send or queue
 *
 * One wheel timer serves them all and is armed for the earliest; a deadline that moves to later
 * is only stored: the timer then finds nothing due and arms itself again. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

static void fire(struct net_timer *t);

static int64_t earlier(int64_t a, int64_t b) { return !a ? b : !b || a < b ? a : b; }

static int64_t next_due(const struct tcp_conn *c)
{
    int64_t due = earlier(earlier(c->rtx_due, c->ack_due), earlier(c->keep_due, c->life_due));

    return earlier(due, c->retry_due);
}

void tcp_timer_update(struct tcp_conn *c)
{
    int64_t due = next_due(c);

    if (!due || c->gone || (c->timer_at && c->timer_at <= due))
        return;
    c->timer.fire = fire;
    c->timer_at = due;
    if (wheel_start(&c->timer, due * 1000))
        tcp_get_ref(c);
}

void tcp_timer_stop(struct tcp_conn *c)
{
    c->rtx_due = c->ack_due = c->keep_due = c->life_due = c->retry_due = c->timer_at = 0;
    c->rtx_kind = RTX_NONE;
    if (wheel_stop(&c->timer))
        tcp_put(c);     /* not the last: the caller has one */
}

/* ---- retransmission ---------------------------------------------------------------------- */

static int64_t rto_now(const struct tcp_conn *c)
{
    int64_t rto = (int64_t)c->rto << (c->backoff < 16 ? c->backoff : 16);

    return rto < RTO_MAX ? rto : RTO_MAX;
}

void tcp_rtx_arm(struct tcp_conn *c)
{
    if (!c->seg_head) {
        bool waits = seq_lt(c->snd_nxt, c->snd_end) && c->state != TCP_SYN_SENT;
        /* Bytes to send and none in flight: the window is closed, or Nagle or cork holds the bytes
         * back. */
        if (waits && c->snd_wnd < min32(c->snd_end - c->snd_nxt, c->mss)) {
            if (c->rtx_kind != RTX_PERSIST)
                c->rtx_since = c->now;
            c->rtx_kind = RTX_PERSIST;
            c->rtx_due = c->now + rto_now(c);
        } else if (waits && c->cork) {
            c->rtx_kind = RTX_PERSIST;
            c->rtx_due = c->now + CORK_TIME;
        } else {
            c->rtx_kind = RTX_NONE;
            c->rtx_due = 0;
        }
        return;
    }
    int64_t rto = c->now + rto_now(c), tlp = tcp_tlp_due(c);
    bool probe = tlp && tlp < rto;
    c->rtx_kind = probe ? RTX_TLP : RTX_RTO;
    c->rtx_due = probe ? tlp : rto;
}

/* Has the peer been silent for as long as the user, or the number of tries, allows? */
static bool given_up(const struct tcp_conn *c, unsigned tries)
{
    if (c->user_timeout)
        return c->now - c->rtx_since >= (int64_t)c->user_timeout * 1000;
    return c->retries >= tries;
}

static void syn_again(struct tcp_conn *c)
{
    if (given_up(c, c->syn_retries)) {
        tcp_done(c, ETIMEDOUT);
        return;
    }
    c->retries++;
    c->backoff++;
    tcp_path_refresh(c);
    tcp_mark_lost(c, c->seg_head);
    if (c->path.ifp)
        tcp_retransmit(c, c->seg_head, c->mss);
}

static void rto_fired(struct tcp_conn *c)
{
    NET_COUNT(tcp_rto);
    if (!c->retries)
        c->rtx_since = c->seg_head->sent;
    if (given_up(c, c->orphan ? ORPHAN_RETRIES : RTO_RETRIES)) {
        tcp_reset_and_done(c, ETIMEDOUT);
        return;
    }
    c->retries++;
    if (c->retries == 3)
        c->path.generation = 0;     /* the path may be dead: look it up again */
    tcp_loss_timeout(c);
    c->backoff++;
    if (tcp_path_refresh(c) == 0 && c->seg_head) {
        tcp_retransmit(c, c->seg_head, c->mss);
        c->rtx_hint = c->seg_head;
    }
}

/* Zero-window probe: the peer answers an old sequence number with an ACK, which has its window. */
static void probe_fired(struct tcp_conn *c)
{
    uint32_t queued = c->snd_end - c->snd_nxt;

    if (c->snd_wnd && min32(queued, c->snd_wnd)) {
        /* The window is smaller than a segment, or cork has held bytes for too long: send what
         * fits. */
        uint32_t n = min32(min32(queued, c->snd_wnd), c->mss);
        struct tcp_seg *s = tcp_path_refresh(c) ? NULL : tcp_seg_append(c, n, 0);
        if (s) {
            c->snd_sml = s->end;
            tcp_seg_sent(c, s);
            s->tries = 1;
            tcp_xmit_seg(c, s);
        }
        return;
    }
    if (given_up(c, c->orphan ? ORPHAN_RETRIES : RTO_RETRIES)) {
        tcp_reset_and_done(c, ETIMEDOUT);
        return;
    }
    c->retries++;
    if (c->backoff < 12)
        c->backoff++;
    tcp_send_probe(c);
}

static void rtx_fired(struct tcp_conn *c)
{
    enum tcp_rtx kind = (enum tcp_rtx)c->rtx_kind;

    c->rtx_due = 0;
    c->rtx_kind = RTX_NONE;
    if (kind == RTX_PERSIST) {
        probe_fired(c);
    } else if (!c->seg_head) {
        return;
    } else if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED) {
        syn_again(c);
    } else if (kind == RTX_REO) {
        tcp_rack_detect(c);
        if (c->to_rtx && c->ca == CA_OPEN)
            tcp_enter_recovery(c);
        tcp_rack_wait(c);
        tcp_output(c);
    } else if (kind == RTX_TLP) {
        tcp_tlp_fire(c);
    } else {
        rto_fired(c);
    }
    if (!c->gone && !c->rtx_due)
        tcp_rtx_arm(c);
}

/* ---- keepalive --------------------------------------------------------------------------- */

void tcp_keep_arm(struct tcp_conn *c)
{
    bool live = c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT ||
                c->state == TCP_FIN_WAIT_2 || c->state == TCP_FIN_WAIT_1;

    c->keep_probes = 0;
    c->keep_due = c->keep_on && live ? c->now + (int64_t)c->keep_idle * 1000000 : 0;
}

static void keep_fired(struct tcp_conn *c)
{
    int64_t idle = (int64_t)c->keep_idle * 1000000, silent = c->now - c->last_rx;

    if (c->seg_head || seq_lt(c->snd_nxt, c->snd_end)) {
        c->keep_due = c->now + idle;    /* retransmissions detect a dead peer meanwhile */
        return;
    }
    if (silent < idle) {
        c->keep_probes = 0;
        c->keep_due = c->last_rx + idle;
        return;
    }
    bool over = c->user_timeout ? silent >= (int64_t)c->user_timeout * 1000 && c->keep_probes :
                c->keep_probes >= c->keep_cnt;
    if (over) {
        tcp_reset_and_done(c, ETIMEDOUT);
        return;
    }
    c->keep_probes++;
    tcp_send_probe(c);
    c->keep_due = c->now + (int64_t)c->keep_intvl * 1000000;
}

/* ---- the timer --------------------------------------------------------------------------- */

static bool passed(int64_t due, int64_t now) { return due && due <= now; }

static void run_due(struct tcp_conn *c)
{
    if (passed(c->ack_due, c->now)) {
        c->ack_due = 0;
        c->pingpong = false;    /* the program did not answer in time */
        tcp_send_ack(c);
    }
    if (!c->gone && passed(c->rtx_due, c->now))
        rtx_fired(c);
    if (!c->gone && passed(c->retry_due, c->now)) {
        c->retry_due = 0;
        tcp_output(c);
        if (c->want_out) {
            c->want_out = false;
            tcp_wake(c, NET_OUT);
        }
    }
    if (!c->gone && passed(c->keep_due, c->now))
        keep_fired(c);
    if (!c->gone && passed(c->life_due, c->now))
        tcp_done(c, 0);
}

/* The wheel's reference to the connection passes to this function. */
static void fire(struct net_timer *t)
{
    struct tcp_conn *c = (struct tcp_conn *)((char *)t - offsetof(struct tcp_conn, timer));

    tcp_lock(c);
    if (!__atomic_load_n(&t->armed, __ATOMIC_RELAXED))
        c->timer_at = 0;
    if (!c->gone)
        run_due(c);
    tcp_timer_update(c);
    tcp_unlock(c);
    tcp_put(c);
}
