/* private.h - TCP as its own files see it.
 *
 *   snd_una          snd_nxt         snd_end          rcv_nxt            rcv_nxt + window
 *      | in flight      | queued        |                | ooo pieces         |
 *   ---+----------------+---------------+---          ---+---###----####------+---
 *      segs (struct tcp_seg)                          rcv_head: read by nobody yet
 *
 * All counts of congestion control are bytes, all times microseconds of net_now_ns. */
#ifndef NET_PRIVATE_H
#define NET_PRIVATE_H

#include "kernel/check.h"
#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/platform.h"
#include "gort/net/tcp.h"
#include "gort/net/wheel.h"

enum { TCP_HDR = 20, TCP_TS_LEN = 12, TCP_SACKS = 4 };
enum { TF_FIN = 1, TF_SYN = 2, TF_RST = 4, TF_PSH = 8, TF_ACK = 16, TF_URG = 32 };

enum {
    RTO_MIN = 200000, RTO_MAX = 120000000, RTO_FIRST = 1000000, RTO_RETRIES = 15,
    DELACK = 40000, DELACK_MAX = 200000, CORK_TIME = 200000,
    TW_TIME = 60000000, MEM_RETRY = 10000, SYN_RETRIES = 6, SYNACK_RETRIES = 5, ORPHAN_RETRIES = 8,
    RCV_SPACE = 65536, SND_SPACE = 65536, SPACE_MAX = 4 << 20, WSCALE = 7,
    INIT_SEGS = 10, MSS_MIN = 88, MSS_DEFAULT4 = 536, MSS_DEFAULT6 = 1220,
    GSO_PIECES = 16, COPY_LEN = 512, BACKLOG_MAX = 65535, TW_MAX = 65536,
};

static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_le(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_lt(a, b) ? b : a; }
static inline uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t max32(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline int64_t tcp_now(void) { return net_now_ns() / 1000; }

/* ---- the table of 4-tuples (tcp_hash.c) ------------------------------------------------- */

struct tcp_key {
    struct net_addr laddr, raddr;
    uint16_t lport, rport;
    uint32_t zone;              /* interface of link-local addresses, else 0 */
};

enum tcp_kind { TCP_KIND_CONN, TCP_KIND_REQ, TCP_KIND_TW };

struct tcp_ent {
    struct tcp_ent *next;       /* [bucket] */
    struct tcp_key key;         /* [const while hashed] */
    uint32_t refs;              /* [atomic] */
    uint32_t hash;              /* [const while hashed] */
    uint8_t kind;               /* [const] enum tcp_kind */
    bool hashed;                /* [bucket] */
};

void tcp_hash_init(void);
uint32_t tcp_hash_key(const struct tcp_key *k);
struct tcp_ent *tcp_hash_find(const struct tcp_key *k, uint32_t hash); /* referenced, or NULL */
/* Adds e; the table takes a reference. False: another entry has the key (*old is that entry, with a
 * reference, unless old is NULL). */
bool tcp_hash_insert(struct tcp_ent *e, struct tcp_ent **old);
/* Replaces old by e in one step and drops the table's reference to old. False: old has left the
 * table. */
bool tcp_hash_replace(struct tcp_ent *old, struct tcp_ent *e);
void tcp_hash_remove(struct tcp_ent *e);  /* drops the table's reference, if it is hashed */
void tcp_ent_put(struct tcp_ent *e);
static inline void tcp_ent_get(struct tcp_ent *e)
{
    __atomic_fetch_add(&e->refs, 1, __ATOMIC_RELAXED);
}
void tcp_hash_walk(void (*fn)(void *arg, struct tcp_ent *e), void *arg); /* referenced, unlocked */

/* ---- a segment that came (tcp_in.c) ----------------------------------------------------- */

struct tcp_rx {
    const struct ip_rx *ip;
    const uint8_t *opts;
    uint32_t seq, end, ack, wnd; /* end: seq + payload + SYN + FIN; wnd: not scaled */
    uint32_t len;               /* payload */
    uint32_t tsval, tsecr;
    uint16_t optlen, sport, dport, mss;
    uint8_t flags, wscale, nsacks;
    bool has_ts, has_mss, has_wscale, sack_ok;
    struct { uint32_t start, end; } sack[TCP_SACKS];
};

/* Reads the options. A SYN's own options are taken from a SYN only, SACK blocks from other segments
 * only. */
void tcp_options_parse(struct tcp_rx *rx);

/* ---- segments in flight (tcp_seg.c) ----------------------------------------------------- */

enum { SEG_SYN = 1, SEG_FIN = 2, SEG_SACKED = 4, SEG_LOST = 8, SEG_OUT = 16, SEG_RETRANS = 32 };
/* SEG_OUT: a retransmission is in flight. A segment is on the time list while it is in flight: it
 * is not SACKED, and if it is LOST it is OUT too. */

struct tcp_seg {
    struct tcp_seg *next, *prev;    /* by sequence */
    struct tcp_seg *tnext, *tprev;  /* by time of the last transmission */
    struct pkt *piece;              /* piece of the send queue that holds the first byte */
    uint32_t offset;                /* in piece */
    uint32_t seq, end;              /* SYN and FIN included */
    uint32_t tsval;                 /* of the last transmission */
    uint8_t flags;
    uint8_t tries;
    bool timed;                     /* on the time list */
    int64_t sent;                   /* last transmission */
};

/* ---- a connection ----------------------------------------------------------------------- */

struct tcp_listen;

struct tcp_cubic {
    uint32_t w_max, w_est;      /* bytes */
    uint32_t cwnd_prior, k_ms;
    int64_t epoch;              /* 0 = none */
    uint32_t acked;             /* bytes not yet turned into growth */
    uint32_t est_acked;
    uint32_t round_end;         /* HyStart++: RFC 9406 */
    uint32_t round_rtt, last_rtt, css_rtt;
    uint8_t samples, css_rounds;
};

enum tcp_ca { CA_OPEN, CA_RECOVERY, CA_LOSS };
enum tcp_rtx { RTX_NONE, RTX_RTO, RTX_TLP, RTX_REO, RTX_PERSIST };

/* Every field is guarded by `lock` unless its comment names another guard. */
struct tcp_conn {
    struct tcp_ent ent;         /* first: tcp_ent_put frees it */
    struct lock lock;
    int64_t now;                /* when the lock was taken */

    /* What header prediction reads. */
    uint8_t state;              /* enum tcp_state; [atomic] reads without the lock */
    uint8_t rcv_scale, snd_scale;
    bool ts_ok, sack_ok, nodelay, cork, v4, v6only, reuse_addr, reuse_port,
        freebind;           /* takes an address that no interface has as yet */
    bool fin_queued, fin_rcvd, fin_early, rcv_shut, snd_shut, orphan, bound, in_round, want_out;
    bool gone;                  /* tcp_done has ended the connection */
    bool ack_now, quick_forever, wscale_ok, explicit_port, snd_fixed, rcv_fixed, more, keep_on;
    uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_max_wnd, snd_end, iss;
    uint32_t fin_seq;           /* of a FIN that arrived out of order */
    uint32_t rcv_nxt, rcv_adv, rcv_wup, irs;  /* adv: right edge advertised; wup: last ACK sent */
    uint32_t ts_recent, ts_offset;
    int64_t ts_recent_at;
    uint32_t mss, mss_peer, mss_user, rcv_mss;
    struct tcp_seg *seg_head, *seg_tail, *time_head, *time_tail, *seg_spare, *rtx_hint;
    struct pkt *snd_head, *snd_tail, *nxt_piece; /* link-chained; nxt: of snd_nxt */
    uint32_t head_off, nxt_off, snd_sml;         /* sml: end of the last short segment */
    struct pkt *rcv_head, *rcv_tail;             /* next-chained, in order */
    struct pkt *ooo;                             /* link-chained packets by sequence */
    uint32_t rcv_queued, rcv_memory, ooo_memory, rcv_unacked;
    uint32_t snd_buf, rcv_space, rcv_low, notsent_low;

    /* Path. */
    struct net_path path;
    uint16_t ip_id;
    uint8_t ttl, tos, hops6, tclass6; /* of packets of IPv4; of IPv6 */
    unsigned ifindex;

    /* Acknowledging. */
    uint8_t quick;              /* ACKs to send at once */
    bool pingpong;              /* a dialogue: an ACK waits for the program's answer */
    uint32_t dsack_start, dsack_end, last_ooo;
    bool has_dsack;
    int64_t last_rx, last_tx, challenge_at;
    uint8_t challenges;

    /* RTT: RFC 6298. */
    uint32_t srtt, rttvar, rto, min_rtt;    /* srtt 0 = none yet */
    int64_t min_rtt_at;
    uint8_t backoff, retries;

    /* Congestion: RFC 9438, 6937; loss: 8985. */
    uint8_t ca;                 /* enum tcp_ca */
    uint8_t dupacks;            /* peers without SACK */
    uint32_t cwnd, ssthresh, sacked, lost, retrans, to_rtx, high_seq;
    uint32_t prr_delivered, prr_out, recover_fs;
    uint32_t undo_cwnd, undo_ssthresh, undo_ts;
    bool undo_ok, cwnd_limited, reordering, rack_valid, tlp_retrans;
    uint8_t reo_mult;
    uint32_t rack_end, rack_rtt, fack, tlp_high;
    uint32_t reo_seq;           /* fack before the ACK that is looked at */
    bool tlp_out, dsack_seen;
    int64_t rack_sent, reo_wait;
    struct tcp_cubic cubic;

    /* Receive autotuning. */
    uint32_t rtt_seq, copied, copied_at_mark;
    int64_t mark_at;
    uint32_t rcv_rtt;

    /* Timers: due times, 0 = off. */
    struct net_timer timer;
    int64_t timer_at;           /* when the armed timer fires */
    int64_t rtx_due, ack_due, keep_due, life_due, retry_due, rtx_since;
    uint8_t rtx_kind;           /* enum tcp_rtx */
    uint8_t keep_probes, keep_cnt, syn_retries;
    uint32_t keep_idle, keep_intvl, user_timeout; /* s, s, ms */
    int32_t linger;

    /* Socket, ports, listener. */
    tcp_wake_fn *wake;
    void *wake_arg;
    int error;
    struct tcp_conn *bind_next;         /* [port bucket] */
    struct tcp_listen *listen;          /* of a listener */
    struct tcp_conn *accept_next;       /* [listener's queues] */
    struct tcp_conn *parent;            /* while on its accept queue: referenced */
    struct tcp_conn *round_next;        /* [this CPU's round] */

    uint64_t bytes_acked, bytes_received, segs_in, segs_out, total_retrans;
};

static inline struct tcp_conn *tcp_conn_of(struct tcp_ent *e) { return (struct tcp_conn *)e; }

static inline void tcp_lock(struct tcp_conn *c)
{
    lock(&c->lock);
    c->now = tcp_now();
}

/* The state, for readers without the lock. */
static inline enum tcp_state tcp_state(const struct tcp_conn *c)
{
    return (enum tcp_state)__atomic_load_n(&c->state, __ATOMIC_ACQUIRE);
}

/* Writes a field that tcp_recv looks at without the lock: rcv_queued, error, fin_rcvd, rcv_shut. */
#define tcp_set_seen(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)

static inline void tcp_unlock(struct tcp_conn *c) { unlock(&c->lock); }
static inline void tcp_get_ref(struct tcp_conn *c) { tcp_ent_get(&c->ent); }
static inline void tcp_put(struct tcp_conn *c) { tcp_ent_put(&c->ent); }

static inline uint32_t tcp_ts(const struct tcp_conn *c)
{
    return (uint32_t)(c->now / 1000) + c->ts_offset;
}

/* Estimate of the bytes in flight: RFC 6675's pipe. */
static inline uint32_t tcp_pipe(const struct tcp_conn *c)
{
    return c->snd_nxt - c->snd_una - c->sacked - c->lost + c->retrans;
}

/* The most bytes that may be queued to send. A buffer that is larger than any that grows by itself
 * (SO_SNDBUFFORCE) is what the packet memory has for it. */
static inline uint32_t tcp_snd_limit(const struct tcp_conn *c)
{
    if (c->snd_buf <= SPACE_MAX)
        return c->snd_buf;
    uint64_t left = net_memory_left();
    return left < SND_SPACE ? SND_SPACE : left < c->snd_buf ? (uint32_t)left : c->snd_buf;
}

static inline uint32_t tcp_rcv_window(const struct tcp_conn *c)
{
    return seq_lt(c->rcv_nxt, c->rcv_adv) ? c->rcv_adv - c->rcv_nxt : 0;
}

static inline bool tcp_is_synced(const struct tcp_conn *c)
{
    return c->state != TCP_CLOSED && c->state != TCP_LISTEN && c->state != TCP_SYN_SENT &&
           c->state != TCP_SYN_RECEIVED;
}

/* tcp_conn.c */
struct tcp_conn *tcp_conn_new(bool v4);
void tcp_conn_free(struct tcp_conn *c);         /* by tcp_ent_put */
void tcp_wake(struct tcp_conn *c, unsigned events);
void tcp_set_state(struct tcp_conn *c, enum tcp_state s);
/* Ends the connection: sets the socket's error (0 = none), leaves the table, frees the queues.
 * Locked. */
void tcp_done(struct tcp_conn *c, int error);
void tcp_reset_and_done(struct tcp_conn *c, int error); /* with a RST */
int tcp_path_refresh(struct tcp_conn *c);       /* 0 or error; updates mss */
void tcp_mss_update(struct tcp_conn *c);
uint32_t tcp_mss_offer(const struct net_path *p, bool v4, uint32_t user);
void tcp_established(struct tcp_conn *c);       /* congestion, buffers, keepalive */

/* tcp_in.c, tcp_state.c, tcp_data.c, tcp_ack.c */
void tcp_segment(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt); /* locked; owns pkt */
void tcp_slow_segment(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt);
void tcp_reply_rst(const struct tcp_rx *rx);    /* answers a segment without a connection */
void tcp_challenge_ack(struct tcp_conn *c);
void tcp_need_output(struct tcp_conn *c);       /* at the end of this round */
void tcp_data(struct tcp_conn *c, struct tcp_rx *rx, struct pkt *pkt);
void tcp_queue_in_order(struct tcp_conn *c, struct pkt *pkt, uint32_t len);
void tcp_ack_later(struct tcp_conn *c, uint32_t len);
uint32_t tcp_piece_memory(const struct pkt *p);
bool tcp_ack(struct tcp_conn *c, const struct tcp_rx *rx);  /* false: drop the segment */
void tcp_rtt_sample(struct tcp_conn *c, int64_t rtt);

/* tcp_sack.c, tcp_loss.c, tcp_cubic.c */
uint32_t tcp_sack(struct tcp_conn *c, const struct tcp_rx *rx, bool *dsack); /* newly SACKed */
void tcp_rack_delivered(struct tcp_conn *c, const struct tcp_seg *s, const struct tcp_rx *rx);
void tcp_rack_detect(struct tcp_conn *c);       /* marks what is lost, sets reo_wait */
void tcp_rack_wait(struct tcp_conn *c);         /* arms the timer for reo_wait, if it is set */
void tcp_undo(struct tcp_conn *c);              /* nothing was lost after all */
void tcp_loss_ack(struct tcp_conn *c, uint32_t acked, uint32_t delivered, bool dup,
                  const struct tcp_rx *rx);
void tcp_loss_timeout(struct tcp_conn *c);      /* the RTO expired: all in flight counts as lost */
void tcp_mark_lost(struct tcp_conn *c, struct tcp_seg *s);
void tcp_enter_recovery(struct tcp_conn *c);
void tcp_tlp_fire(struct tcp_conn *c);
int64_t tcp_tlp_due(const struct tcp_conn *c);  /* 0: none */
void tcp_cubic_init(struct tcp_conn *c);
void tcp_cubic_ack(struct tcp_conn *c, uint32_t acked);
void tcp_cubic_loss(struct tcp_conn *c);        /* sets ssthresh */
void tcp_cubic_rtt(struct tcp_conn *c, uint32_t rtt);
void tcp_cubic_timeout(struct tcp_conn *c);

/* tcp_seg.c */
struct tcp_seg *tcp_seg_append(struct tcp_conn *c, uint32_t len, uint8_t flags); /* at snd_nxt */
/* The peer has the segment: it counts neither as lost nor as in flight any more. */
void tcp_seg_arrived(struct tcp_conn *c, struct tcp_seg *s);
void tcp_seg_free(struct tcp_conn *c, struct tcp_seg *s);   /* unlinks and uncounts */
bool tcp_seg_split(struct tcp_conn *c, struct tcp_seg *s, uint32_t at); /* at: sequence */
void tcp_seg_sent(struct tcp_conn *c, struct tcp_seg *s);   /* to the end of the time list */
void tcp_seg_untime(struct tcp_conn *c, struct tcp_seg *s);
void tcp_snd_acked(struct tcp_conn *c, uint32_t n);         /* frees n acknowledged bytes */
void tcp_snd_free(struct tcp_conn *c);
int tcp_snd_copy(struct tcp_conn *c, const uint8_t *buf, uint32_t n); /* bytes taken, 0, -EFAULT */
void tcp_snd_append(struct tcp_conn *c, struct pkt *piece);  /* without a copy */

/* tcp_out.c, tcp_xmit.c */
void tcp_output(struct tcp_conn *c);            /* all that may be sent, and a due ACK */
bool tcp_retransmit(struct tcp_conn *c, struct tcp_seg *s, uint32_t max);
bool tcp_xmit_seg(struct tcp_conn *c, struct tcp_seg *s);
void tcp_send_ack(struct tcp_conn *c);
void tcp_send_probe(struct tcp_conn *c);        /* an old sequence number: the peer must answer */
void tcp_send_rst(struct tcp_conn *c);
uint32_t tcp_window_new(struct tcp_conn *c);    /* the window to advertise now */

/* A segment without a connection: RST, SYN-ACK of a request, ACK of a TIME-WAIT record. */
struct tcp_tx {
    struct tcp_key key;
    uint32_t seq, ack, wnd, tsval, tsecr;
    uint16_t mss;               /* of a SYN; 0 = no option */
    uint8_t flags, wscale;      /* wscale 0xff = no option */
    bool ts, sack;
    uint8_t tos, ttl;
};
void tcp_xmit_plain(const struct tcp_tx *t, const struct net_path *path); /* path NULL: find it */
uint32_t tcp_syn_options(uint8_t *o, const struct tcp_tx *t);

/* tcp_timer.c */
void tcp_timer_update(struct tcp_conn *c);      /* arms the wheel if a due time is earlier */
void tcp_rtx_arm(struct tcp_conn *c);           /* after an ACK or a transmission */
void tcp_keep_arm(struct tcp_conn *c);
void tcp_timer_stop(struct tcp_conn *c);

/* tcp_port.c */
void tcp_port_init(void);
int tcp_port_bind(struct tcp_conn *c, const struct net_addr *a, uint16_t port);
void tcp_port_release(struct tcp_conn *c);
int tcp_port_listen(struct tcp_conn *c);        /* LISTEN, unless another socket has it */
int tcp_port_connect(struct tcp_conn *c);       /* chooses lport if 0, enters the table */
void tcp_port_walk(void (*fn)(void *arg, struct tcp_ent *e), void *arg); /* listeners */
struct tcp_conn *tcp_port_listener(const struct ip_rx *ip, uint16_t port, uint16_t sport);

/* tcp_listen.c, tcp_req.c, tcp_cookie.c */
struct tcp_req {
    struct tcp_ent ent;
    struct tcp_conn *listener;          /* [const] referenced */
    struct tcp_req *next, **pprev;      /* [listener's queues] */
    struct net_path path;
    uint32_t iss, irs, ts_recent, ts_offset, wnd;
    uint16_t mss;
    uint8_t snd_scale, tries, tos;
    bool ts_ok, sack_ok, wscale_ok, listed, cookie; /* cookie: never in the table */
    uint32_t tsval;                     /* of a cookie's SYN-ACK */
    int64_t sent;
    struct net_timer timer;
};
/* Owns pkt; isn 0 = choose. */
void tcp_listen_segment(struct tcp_conn *l, struct tcp_rx *rx, struct pkt *pkt, uint32_t isn);
void tcp_req_segment(struct tcp_req *r, struct tcp_rx *rx, struct pkt *pkt);  /* owns pkt */
void tcp_req_free(struct tcp_req *r);
void tcp_listen_close(struct tcp_conn *l);      /* no lock held */
void tcp_listen_free(struct tcp_conn *l);
struct tcp_listen {
    struct lock lock;
    unsigned backlog, nreqs, naccept;   /* [lock], also read without it */
    struct tcp_req *reqs;               /* [lock] */
    struct tcp_conn *head, **tail;      /* [lock] established, not accepted */
    bool closed;                        /* [lock] */
    int64_t flooded;                    /* [atomic] when a cookie was sent last; 0 = never */
};
/* Makes the connection that an ACK completes. It takes r's place in the table (r of a cookie was
 * not there) and is on the accept queue, which holds a reference; returned locked. NULL: no
 * room. */
struct tcp_conn *tcp_child(struct tcp_req *r, const struct tcp_rx *rx);
void tcp_synack(struct tcp_req *r);
void tcp_req_new(struct tcp_conn *l, const struct tcp_rx *rx, uint32_t isn);
void tcp_req_fill(struct tcp_req *r, struct tcp_conn *l, const struct tcp_rx *rx);
void tcp_req_drop(struct tcp_req *r);   /* off its listener's list and out of the table */
void tcp_listen_wake(struct tcp_conn *l);
void tcp_cookie_send(struct tcp_conn *l, const struct tcp_rx *rx);
/* An ACK to a listener: if it returns a cookie that was sent, a connection is made and pkt is
 * owned. False: no such cookie; pkt is still the caller's. */
bool tcp_cookie_ack(struct tcp_conn *l, const struct tcp_rx *rx, struct pkt *pkt);

/* tcp_isn.c */
void tcp_isn_init(void);
uint32_t tcp_isn(const struct tcp_key *k);
uint32_t tcp_ts_offset(const struct tcp_key *k);
uint32_t tcp_port_offset(const struct tcp_key *k);
uint32_t tcp_cookie_make(const struct tcp_key *k, uint32_t irs, uint16_t mss);
bool tcp_cookie_check(const struct tcp_key *k, uint32_t irs, uint32_t cookie, uint16_t *mss);

/* tcp_tw.c */
struct tcp_tw {
    struct tcp_ent ent;
    struct lock lock;           /* of the timer */
    struct net_timer timer;
    uint32_t snd_nxt, rcv_nxt, rcv_wnd, ts_recent, ts_offset;
    int64_t since;
    bool ts_ok;
    uint8_t tos;
};
void tcp_tw_enter(struct tcp_conn *c);          /* the connection's place in the table */
/* True: the SYN may open a new connection, whose initial sequence number must be *isn. */
bool tcp_tw_segment(struct tcp_tw *t, const struct tcp_rx *rx, uint32_t *isn);
bool tcp_tw_reusable(const struct tcp_tw *t, uint32_t *isn);  /* by connect() */
void tcp_tw_free(struct tcp_tw *t);

#endif
