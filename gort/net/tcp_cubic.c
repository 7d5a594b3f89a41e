/* tcp_cubic.c - congestion window: CUBIC (RFC 9438) with HyStart++ (RFC 9406).
 *
 *   W(t) = C (t - K)^3 + W_max,  K = cbrt((W_max - cwnd) / C),  C = 0.4 segments / s^3
 *
 * in bytes and milliseconds: C (t/1000)^3 segments are 4 t^3 / 10^10, times the MSS. */
#include "gort/net/private.h"

enum { HYSTART_SAMPLES = 8, HYSTART_MIN = 4000, HYSTART_MAX = 16000, CSS_ROUNDS = 5,
       CSS_DIVISOR = 4, T_LIMIT = 100000 /* ms: further the curve need not go */ };

void tcp_cubic_init(struct tcp_conn *c)
{
    c->cubic = (struct tcp_cubic){.round_end = c->snd_nxt, .round_rtt = UINT32_MAX,
                                  .last_rtt = UINT32_MAX};
}

/* The integer cube root, computed bit by bit. */
static uint32_t cube_root(uint64_t x)
{
    uint64_t r = 0;

    for (int bit = 20; bit >= 0; bit--) {
        uint64_t t = r | 1ull << bit;
        if (t * t * t <= x)
            r = t;
    }
    return (uint32_t)r;
}

static void epoch_start(struct tcp_conn *c)
{
    struct tcp_cubic *q = &c->cubic;

    q->epoch = c->now;
    q->acked = q->est_acked = 0;
    q->w_est = c->cwnd;
    if (c->cwnd < q->w_max) {
        q->k_ms = cube_root((uint64_t)((q->w_max - c->cwnd) / c->mss) * 2500000000ull);
    } else {
        q->k_ms = 0;
        q->w_max = c->cwnd;
    }
}

/* The window that the cubic curve gives t_ms after now; never negative. */
static int64_t curve(const struct tcp_conn *c, int64_t t_ms)
{
    int64_t t = t_ms - c->cubic.k_ms;

    t = t > T_LIMIT ? T_LIMIT : t < -T_LIMIT ? -T_LIMIT : t;
    int64_t delta = t * t * t / 1000 * 4 * (int64_t)(c->mss / 10 + 1) / 1000000;
    int64_t w = (int64_t)c->cubic.w_max + delta;
    return w > 0 ? w : 0;
}

/* The window that Reno would have: it grows by alpha segments per window, alpha = 0.53 up to the
 * old maximum, then 1. */
static void reno_estimate(struct tcp_conn *c, uint32_t acked)
{
    struct tcp_cubic *q = &c->cubic;
    uint32_t tenths = q->w_est < q->cwnd_prior ? 53 : 100;

    q->est_acked += acked;
    if (q->est_acked >= c->cwnd) {
        q->est_acked -= c->cwnd;
        q->w_est += c->mss * tenths / 100;
    }
}

static void avoid_congestion(struct tcp_conn *c, uint32_t acked)
{
    struct tcp_cubic *q = &c->cubic;

    if (!q->epoch)
        epoch_start(c);
    reno_estimate(c, acked);
    int64_t t = (c->now - q->epoch + c->srtt) / 1000, target = curve(c, t);
    if (target > (int64_t)c->cwnd * 3 / 2)
        target = (int64_t)c->cwnd * 3 / 2;
    uint32_t step = target > c->cwnd ? (uint32_t)(target - c->cwnd) : c->mss / 100 + 1;
    if (q->w_est > c->cwnd)
        step = max32(step, q->w_est - c->cwnd);
    /* step per window's worth of acknowledged bytes */
    uint64_t grow = (uint64_t)step * acked + q->acked;
    c->cwnd += (uint32_t)(grow / c->cwnd);
    q->acked = (uint32_t)(grow % c->cwnd);
}

/* ---- HyStart++ --------------------------------------------------------------------------- */

void tcp_cubic_rtt(struct tcp_conn *c, uint32_t rtt)
{
    struct tcp_cubic *q = &c->cubic;

    if (rtt < q->round_rtt)
        q->round_rtt = rtt;
    if (q->samples < 255)
        q->samples++;
}

static void round_over(struct tcp_conn *c)
{
    struct tcp_cubic *q = &c->cubic;

    q->round_end = c->snd_nxt;
    q->last_rtt = q->round_rtt;
    q->round_rtt = UINT32_MAX;
    q->samples = 0;
    if (q->css_rounds && ++q->css_rounds > CSS_ROUNDS) {
        q->css_rounds = 0;
        c->ssthresh = c->cwnd;
    }
}

static void slow_start(struct tcp_conn *c, uint32_t acked)
{
    struct tcp_cubic *q = &c->cubic;
    bool known = q->samples >= HYSTART_SAMPLES && q->last_rtt != UINT32_MAX;

    if (known && !q->css_rounds) {
        uint32_t thresh = max32(min32(q->last_rtt / 8, HYSTART_MAX), HYSTART_MIN);
        if (q->round_rtt >= q->last_rtt + thresh) {
            q->css_rtt = q->round_rtt;
            q->css_rounds = 1;
        }
    } else if (known && q->round_rtt < q->css_rtt) {
        q->css_rounds = 0;      /* the delay was not a queue: slow start goes on */
    }
    c->cwnd += q->css_rounds ? acked / CSS_DIVISOR : acked;
    if (!seq_lt(c->snd_una, q->round_end))
        round_over(c);
}

/* ---- events ------------------------------------------------------------------------------ */

/* Grows the window only if the window limited the sender (RFC 9438, 4.2.1; RFC 7661). */
void tcp_cubic_ack(struct tcp_conn *c, uint32_t acked)
{
    bool slow = c->cwnd < c->ssthresh;
    uint32_t used = c->snd_nxt - c->snd_una + acked;

    if (!c->cwnd_limited && !(slow && c->cwnd < 2 * used))
        return;
    if (slow)
        slow_start(c, acked);
    else
        avoid_congestion(c, acked);
    if (c->cwnd > 1u << 30)
        c->cwnd = 1u << 30;
    c->cwnd_limited = false;
}

/* beta = 0.7; fast convergence leaves room for new flows. */
void tcp_cubic_loss(struct tcp_conn *c)
{
    struct tcp_cubic *q = &c->cubic;

    q->cwnd_prior = c->cwnd;
    q->w_max = c->cwnd < q->w_max ? (uint32_t)((uint64_t)c->cwnd * 17 / 20) : c->cwnd;
    q->epoch = 0;
    q->css_rounds = 0;
    c->ssthresh = max32((uint32_t)((uint64_t)c->cwnd * 7 / 10), 2 * c->mss);
}

void tcp_cubic_timeout(struct tcp_conn *c)
{
    c->cubic.epoch = 0;
    c->cubic.round_end = c->snd_nxt;
    c->cubic.round_rtt = UINT32_MAX;
    c->cubic.samples = 0;
}
