/* tcp_opts.c - a connection's socket options, addresses and statistics. */
#include "gort/net/errno.h"
#include "gort/net/private.h"

enum { BUF_MIN = 4096, BUF_MAX = 64 << 20 };

static uint32_t clamp(long v, uint32_t lo, uint32_t hi)
{
    return v < (long)lo ? lo : v > (long)hi ? hi : (uint32_t)v;
}

static int set_flag(struct tcp_conn *c, enum tcp_opt opt, bool on)
{
    switch (opt) {
    case TCP_OPT_NODELAY: c->nodelay = on; break;
    case TCP_OPT_CORK: c->cork = on; break;
    case TCP_OPT_KEEPALIVE: c->keep_on = on; tcp_keep_arm(c); break;
    case TCP_OPT_REUSEADDR: c->reuse_addr = on; break;
    case TCP_OPT_REUSEPORT: c->reuse_port = on; break;
    case TCP_OPT_V6ONLY: c->v6only = on; break;
    case TCP_OPT_FREEBIND: c->freebind = on; break;
    default: return -EINVAL;
    }
    return 0;
}

static int set_buffer(struct tcp_conn *c, enum tcp_opt opt, long v)
{
    if (opt == TCP_OPT_SNDBUF) {
        c->snd_buf = clamp(v, BUF_MIN, BUF_MAX);
        c->snd_fixed = true;
    } else if (opt == TCP_OPT_RCVBUF) {
        c->rcv_space = clamp(v, BUF_MIN, SPACE_MAX);
        c->rcv_fixed = true;
    } else if (opt == TCP_OPT_RCVLOWAT) {
        c->rcv_low = clamp(v, 1, c->rcv_space / 2);
    } else {
        c->notsent_low = clamp(v, 0, UINT32_MAX);
    }
    return 0;
}

static int set_number(struct tcp_conn *c, enum tcp_opt opt, long v)
{
    switch (opt) {
    case TCP_OPT_KEEPIDLE: c->keep_idle = (uint32_t)v; tcp_keep_arm(c); break;
    case TCP_OPT_KEEPINTVL: c->keep_intvl = (uint32_t)v; break;
    case TCP_OPT_KEEPCNT: c->keep_cnt = (uint8_t)v; break;
    case TCP_OPT_SYNCNT: c->syn_retries = (uint8_t)v; break;
    case TCP_OPT_MAXSEG: c->mss_user = (uint32_t)v; if (c->path.ifp) tcp_mss_update(c); break;
    case TCP_OPT_TTL: c->ttl = (uint8_t)v; break;
    case TCP_OPT_HOPS6: c->hops6 = (uint8_t)v; break;
    case TCP_OPT_TOS: c->tos = (uint8_t)v; break;
    case TCP_OPT_TCLASS6: c->tclass6 = (uint8_t)v; break;
    default: return -EINVAL;
    }
    return 0;
}

/* Is v in the range that Linux accepts for opt? */
static bool in_range(enum tcp_opt opt, long v)
{
    switch (opt) {
    case TCP_OPT_KEEPIDLE:
    case TCP_OPT_KEEPINTVL: return v >= 1 && v <= 32767;
    case TCP_OPT_KEEPCNT:
    case TCP_OPT_SYNCNT: return v >= 1 && v <= 127;
    case TCP_OPT_MAXSEG: return v == 0 || (v >= MSS_MIN && v <= 32767);
    case TCP_OPT_TTL: return v >= 1 && v <= 255;
    case TCP_OPT_HOPS6:
    case TCP_OPT_TCLASS6:
    case TCP_OPT_TOS: return v >= 0 && v <= 255;
    case TCP_OPT_USER_TIMEOUT: return v >= 0 && v <= INT32_MAX;
    default: return true;
    }
}

static int set_one(struct tcp_conn *c, enum tcp_opt opt, long v)
{
    switch (opt) {
    case TCP_OPT_SNDBUF:
    case TCP_OPT_RCVBUF:
    case TCP_OPT_RCVLOWAT:
    case TCP_OPT_NOTSENT_LOWAT:
        return set_buffer(c, opt, v);
    case TCP_OPT_USER_TIMEOUT:
        c->user_timeout = (uint32_t)v;
        return 0;
    case TCP_OPT_LINGER:
        c->linger = v < 0 ? -1 : (int32_t)clamp(v, 0, INT32_MAX);
        return 0;
    case TCP_OPT_QUICKACK:
        c->quick = v ? 16 : 0;
        c->pingpong = !v;
        if (v && c->ack_due)
            tcp_send_ack(c);
        return 0;
    case TCP_OPT_DEFER_ACCEPT:
        return 0;
    case TCP_OPT_KEEPIDLE:
    case TCP_OPT_KEEPINTVL:
    case TCP_OPT_KEEPCNT:
    case TCP_OPT_SYNCNT:
    case TCP_OPT_MAXSEG:
    case TCP_OPT_TTL:
    case TCP_OPT_TOS:
    case TCP_OPT_HOPS6:
    case TCP_OPT_TCLASS6:
        return set_number(c, opt, v);
    default:
        return set_flag(c, opt, v != 0);
    }
}

int tcp_set(struct tcp_conn *c, enum tcp_opt opt, long v)
{
    if (!in_range(opt, v))
        return -EINVAL;
    net_round_begin();
    tcp_lock(c);
    int err = set_one(c, opt, v);
    bool pushes = (opt == TCP_OPT_NODELAY && v) || (opt == TCP_OPT_CORK && !v);
    if (pushes && !c->gone && tcp_is_synced(c))
        tcp_output(c);
    tcp_timer_update(c);
    tcp_unlock(c);
    net_round_end();
    return err;
}

void tcp_name(struct tcp_conn *c, struct tcp_name *out)
{
    tcp_lock(c);
    *out = (struct tcp_name){c->ent.key.laddr, c->ent.key.raddr, c->ent.key.lport,
                             c->ent.key.rport, (enum tcp_state)c->state, c->ifindex};
    tcp_unlock(c);
}

void tcp_info(struct tcp_conn *c, struct tcp_info *out)
{
    tcp_lock(c);
    *out = (struct tcp_info){
        .state = (enum tcp_state)c->state, .timestamps = c->ts_ok, .sack = c->sack_ok,
        .wscale = c->wscale_ok, .ca_state = c->ca == CA_OPEN ? 0 : c->ca == CA_LOSS ? 4 : 3,
        .retransmits = c->retries, .backoff = c->backoff, .snd_scale = c->snd_scale,
        .rcv_scale = c->rcv_scale, .rto_us = c->rto, .rtt_us = c->srtt, .rttvar_us = c->rttvar,
        .min_rtt_us = c->min_rtt, .mss = c->mss, .pmtu = c->path.mtu, .rcv_mss = c->rcv_mss,
        .cwnd = c->cwnd, .ssthresh = c->ssthresh, .in_flight = c->seg_head ? tcp_pipe(c) : 0,
        .sacked = c->sacked, .lost = c->lost, .retrans = c->retrans, .snd_wnd = c->snd_wnd,
        .rcv_wnd = tcp_rcv_window(c), .rcv_space = c->rcv_space,
        .unacked = c->snd_nxt - c->snd_una,
        .notsent = seq_lt(c->snd_nxt, c->snd_end) ? c->snd_end - c->snd_nxt : 0,
        .bytes_acked = c->bytes_acked, .bytes_received = c->bytes_received,
        .segs_in = c->segs_in, .segs_out = c->segs_out, .total_retrans = c->total_retrans};
    if (c->listen) {
        out->backlog = c->listen->naccept;
        out->max_backlog = c->listen->backlog - 1;
    }
    tcp_unlock(c);
}

struct visit {
    void (*fn)(void *arg, const struct tcp_name *name, const struct tcp_info *info);
    void *arg;
};

static void visit(void *arg, struct tcp_ent *e)
{
    struct visit *v = arg;
    struct tcp_name name = {e->key.laddr, e->key.raddr, e->key.lport, e->key.rport,
                            e->kind == TCP_KIND_TW ? TCP_TIME_WAIT : TCP_SYN_RECEIVED, 0};
    struct tcp_info info = {.state = name.state};

    if (e->kind == TCP_KIND_CONN) {
        tcp_name(tcp_conn_of(e), &name);
        tcp_info(tcp_conn_of(e), &info);
    }
    v->fn(v->arg, &name, &info);
}

void tcp_for_each(void (*fn)(void *arg, const struct tcp_name *name, const struct tcp_info *info),
                  void *arg)
{
    struct visit v = {fn, arg};

    tcp_hash_walk(visit, &v);
    tcp_port_walk(visit, &v);
}
