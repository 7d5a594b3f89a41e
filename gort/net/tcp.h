/* tcp.h - TCP's interface for sockets.
 *
 * No call blocks: it returns -EAGAIN, and `wake` is called when a retry makes sense. `wake` is
 * called under the connection's lock (RANK_TCP, or RANK_TCP_LISTEN for a listener) after the state
 * is visible and may take locks of RANK_POLL and above only. Every call: g0 or a host thread, no
 * lock of RANK_TCP or above held. Buffers are copied under the connection's lock, at most
 * TCP_COPY_MAX bytes at a time, by platform.h's net_copy, which returns -EFAULT where the program
 * has no such memory.
 *
 * A listener is a connection in TCP_LISTEN; what tcp_accept hands out is one without a socket
 * until tcp_attach. After tcp_close (or tcp_abort) the pointer is gone for the caller. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "gort/net/net.h"

struct tcp_conn;

/* Numbers as Linux' TCP_INFO has them. */
enum tcp_state { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_FIN_WAIT_1,
                 TCP_FIN_WAIT_2, TCP_TIME_WAIT, TCP_CLOSED, TCP_CLOSE_WAIT, TCP_LAST_ACK,
                 TCP_LISTEN, TCP_CLOSING };

enum { TCP_COPY_MAX = 65536 };

typedef void tcp_wake_fn(void *arg, unsigned events); /* NET_IN, NET_OUT, NET_ERR, ... */

/* ---- life -------------------------------------------------------------------------------- */

struct tcp_conn *tcp_new(bool v4, tcp_wake_fn *wake, void *arg); /* NULL: no memory */
void tcp_attach(struct tcp_conn *c, tcp_wake_fn *wake, void *arg);
/* Binds; port 0 chooses a free one. 0, -EINVAL (already bound), -EADDRINUSE, -EADDRNOTAVAIL. */
int tcp_bind(struct tcp_conn *c, const struct net_addr *a, uint16_t port, unsigned ifindex);
/* Listens, or changes a listener's backlog. 0; -EADDRINUSE, -EINVAL (connected), -ENOMEM. */
int tcp_listen(struct tcp_conn *c, unsigned backlog);
/* The next established connection; NULL: *err is -EAGAIN, or -EINVAL (c is no listener). */
struct tcp_conn *tcp_accept(struct tcp_conn *c, int *err);
/* -EINPROGRESS: wake gets NET_OUT at the end, and tcp_take_error has the result. -EISCONN,
 * -EALREADY, -ENETUNREACH, -EADDRNOTAVAIL (no port left), -EADDRINUSE (that 4-tuple),
 * -EOPNOTSUPP. */
int tcp_connect(struct tcp_conn *c, const struct net_addr *a, uint16_t port);
enum { TCP_SHUT_RD = 1, TCP_SHUT_WR = 2 };
int tcp_shutdown(struct tcp_conn *c, unsigned how); /* -ENOTCONN */
/* Closes: with a reset if bytes are unread or SO_LINGER is 0, else with a FIN after the queued
 * bytes. */
void tcp_close(struct tcp_conn *c);
void tcp_abort(struct tcp_conn *c); /* reset, whatever the state */
/* Ends a listener or a connection as tcp_close does, but the pointer stays the caller's. */
void tcp_stop(struct tcp_conn *c);

/* ---- bytes ------------------------------------------------------------------------------- */

enum { TCP_MORE = 1,            /* more data follows: a short segment waits for it */
       TCP_PEEK = 2, TCP_DISCARD = 4 /* recv: buf is not written */ };
/* Returns the bytes queued, at least 1 (0 for n = 0); -EAGAIN, -EPIPE, -ENOTCONN, or the pending
 * error. */
long tcp_send(struct tcp_conn *c, const void *buf, size_t n, unsigned flags);
/* How many bytes the send buffer has room for, at least 1, or an error as of tcp_send. */
long tcp_room(struct tcp_conn *c);
/* Queues pieces without copying, also more than tcp_room has said, if that is not 0. What changes
 * in them until they are freed may be seen or not; a checksum that was computed before (drivers do
 * it, for a device that does not) makes the peer ask again. All or nothing: 0 and the packet is
 * owned, or an error as above and it is still the caller's. */
int tcp_send_pieces(struct tcp_conn *c, struct pkt *pieces, unsigned flags);
/* Returns bytes received; 0 = end of stream; -EAGAIN, -ENOTCONN, or the pending error. */
long tcp_recv(struct tcp_conn *c, void *buf, size_t n, unsigned flags);
/* Returns up to max bytes as a chain of pieces that the caller owns; NULL: *err is what tcp_recv
 * would return. */
struct pkt *tcp_recv_pieces(struct tcp_conn *c, size_t max, int *err);
size_t tcp_unread(struct tcp_conn *c);  /* FIONREAD */
size_t tcp_unacked(struct tcp_conn *c); /* SIOCOUTQ */

/* ---- state ------------------------------------------------------------------------------- */

unsigned tcp_poll(struct tcp_conn *c);
int tcp_take_error(struct tcp_conn *c); /* SO_ERROR: errno or 0, once */

struct tcp_name {
    struct net_addr laddr, raddr;
    uint16_t lport, rport;
    enum tcp_state state;
    unsigned ifindex;
};
void tcp_name(struct tcp_conn *c, struct tcp_name *out);

enum tcp_opt {
    TCP_OPT_NODELAY, TCP_OPT_CORK, TCP_OPT_KEEPALIVE,
    TCP_OPT_KEEPIDLE, TCP_OPT_KEEPINTVL, TCP_OPT_KEEPCNT,   /* s, s, probes */
    TCP_OPT_USER_TIMEOUT,   /* ms, 0 = none */
    TCP_OPT_LINGER,         /* s; -1 = off (what 0 means: tcp_close) */
    TCP_OPT_SYNCNT, TCP_OPT_MAXSEG, TCP_OPT_QUICKACK, TCP_OPT_NOTSENT_LOWAT,
    TCP_OPT_SNDBUF, TCP_OPT_RCVBUF, /* bytes; ends autotuning */
    TCP_OPT_RCVLOWAT,
    TCP_OPT_REUSEADDR, TCP_OPT_REUSEPORT, TCP_OPT_V6ONLY, TCP_OPT_FREEBIND, /* before bind */
    TCP_OPT_TTL, TCP_OPT_TOS, TCP_OPT_HOPS6, TCP_OPT_TCLASS6, /* for IPv4; for IPv6 */
    TCP_OPT_DEFER_ACCEPT,         /* s: kept, not acted on */
};
int tcp_set(struct tcp_conn *c, enum tcp_opt opt, long v);  /* 0, -EINVAL */

struct tcp_info {
    enum tcp_state state;
    bool timestamps, sack, wscale;
    uint8_t ca_state, retransmits, backoff, snd_scale, rcv_scale; /* 0 open, 3 recovery, 4 loss */
    uint32_t rto_us, rtt_us, rttvar_us, min_rtt_us, mss, pmtu, rcv_mss;
    uint32_t cwnd, ssthresh, in_flight, sacked, lost, retrans; /* bytes; ssthresh ~0 = none yet */
    uint32_t snd_wnd, rcv_wnd, rcv_space, unacked, notsent;
    uint64_t bytes_acked, bytes_received, segs_in, segs_out, total_retrans;
    uint32_t backlog, max_backlog;  /* of a listener */
};
void tcp_info(struct tcp_conn *c, struct tcp_info *out);

/* Calls fn for every connection and listener, with no lock held (for /proc/net/tcp). */
void tcp_for_each(void (*fn)(void *arg, const struct tcp_name *name, const struct tcp_info *info),
                  void *arg);

#endif
