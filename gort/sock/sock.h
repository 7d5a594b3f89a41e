/* sock.h - sockets: what the calls see, and the kinds behind them.
 *
 *   calls.c, msg.c, opts.c   socket(2) ... setsockopt(2): check arguments, wait, copy
 *            |  struct sock_ops
 *   tcp.c    streams over TCP          }   both move bytes through a duplex (duplex.h):
 *   unix.c   AF_UNIX, all three types  }   the two ends are in this machine
 *   udp.c    datagrams over UDP        }   queues of datagrams (dgram.h)
 *            |  far.h: to and from other machines, over gort/net
 *   icmp.c   ICMP, raw and for ping
 *   netlink.c  what interfaces and addresses there are
 *
 * A socket is made by socket(2), accept(2) or connect's far side, and lives while a file, a queue
 * of a listener or a table of names holds it (refs). Its kind's state has locks of its own;
 * sock.lock guards what bind, listen, connect and the options change.
 *
 * Operations never wait: they answer -L_EAGAIN, and calls.c waits on rq (input, connections) or
 * wq (room, the end of connect). Whoever changes a state makes it visible first and wakes then.
 *
 * Locks: sock.lock (RANK_SOCK) < table of ports or names (RANK_SOCK_NAMES) < duplex, queue of
 * datagrams (RANK_FILE) < gort/net (RANK_TCP ... RANK_NET) < waitq (RANK_POLL). Two sockets are
 * never locked at once. */
#ifndef GORT_SOCK_SOCK_H
#define GORT_SOCK_SOCK_H

#include "gort/net/addr.h"
#include "gort/os/file.h"
#include "gort/sock/linux_net.h"
#include "gort/sock/vec.h"

struct sock;
struct duplex;
struct dgram;
struct tcp_conn;
struct udp_sock;
struct far_old;

/* An address of any family. Names of AF_UNIX: len bytes of path, without the NUL of a path; 0 =
 * none; path[0] == 0 = abstract. */
struct sock_addr {
    uint16_t family;
    union {
        struct { struct net_addr ip; uint16_t port; uint32_t scope; } in;
        struct { uint8_t len; char path[108]; } un;
        struct { uint32_t pid, groups; } nl;
    };
};

/* Files in flight: SCM_RIGHTS. */
struct rights {
    unsigned n;
    struct file *file[]; /* referenced */
};

/* Puts the files; r may be NULL. No locks: to put a file may close a socket. */
void rights_free(struct rights *r);

/* One message of send or recv. */
struct msg {
    struct vec v;             /* the caller's bytes */
    unsigned flags;           /* L_MSG_* */
    bool has_addr;            /* send: addr is the destination */
    struct sock_addr addr;    /* recv: where it came from; family 0: nobody's */
    struct sock_addr to;      /* recv: where it went to, for IP_PKTINFO */
    struct rights *rights;    /* send: taken if the message goes; recv: the caller's */
    uint64_t full_length;     /* recv of datagrams: before it was cut */
    unsigned out_flags;       /* recv: L_MSG_TRUNC, L_MSG_CTRUNC, L_MSG_EOR */
    bool creds;               /* recv: a sender is known */
    unsigned ifindex;         /* recv: of which interface it came by; 0 = the loopback */
    uint8_t ttl, tos;         /* recv: of the packet, if ifindex is set */
};

struct sock_ops {
    int (*bind)(struct sock *s, const struct sock_addr *a);
    int (*listen)(struct sock *s, unsigned backlog);
    /* 0, -L_EINPROGRESS (wq is woken at the end, sock.error says how), or an error. */
    int (*connect)(struct sock *s, const struct sock_addr *a);
    /* A connection that waits, with one reference; -L_EAGAIN. */
    int (*accept)(struct sock *s, struct sock **out);
    int64_t (*send)(struct sock *s, struct msg *m); /* bytes taken */
    int64_t (*recv)(struct sock *s, struct msg *m); /* bytes given */
    unsigned (*poll)(struct sock *s);
    int (*shutdown)(struct sock *s, unsigned how);
    void (*close)(struct sock *s);  /* the last file is gone; s lives on while referenced */
    void (*free)(struct sock *s);   /* the last reference is */
    int (*name)(struct sock *s, bool peer, struct sock_addr *a);
    size_t (*unread)(struct sock *s);
    int (*pair)(struct sock *a, struct sock *b); /* NULL: socketpair is not for this kind */
};

enum sock_state { SS_NEW, SS_BOUND, SS_LISTEN, SS_CONNECTING, SS_CONNECTED, SS_CLOSED };

/* A listener's queue of connections that are up and not yet accepted, and of connects that found
 * it full. Also the queue of a listening socket of AF_UNIX. */
struct backlog {
    struct sock *first, **last;     /* [sock.lock] by accept_next; each with a reference */
    struct sock *pending, **pending_last; /* [sock.lock] connecting, each with a reference */
    unsigned n, max;                /* [sock.lock] */
};

struct sock {
    uint32_t refs;                  /* [atomic] */
    uint16_t domain, type, protocol;/* [const] */
    const struct sock_ops *ops;     /* [const] */
    struct lock lock;               /* RANK_SOCK */
    uint32_t state;                 /* [lock to write, atomic reads] enum sock_state */
    int error;                      /* [atomic] pending, positive: SO_ERROR */
    struct waitq rq, wq;
    struct sock_addr local, peer;   /* [lock] family 0: none */
    /* Options [lock to write]. */
    bool reuse_addr, reuse_port, keepalive, broadcast, nodelay, cork, v6only, passcred, oobinline,
        recv_pktinfo, recv_ttl, mcast_loop, timestamp, buffers_set;
    int32_t linger;                 /* seconds, -1 = off */
    int64_t rcvtimeo, sndtimeo;     /* ns, 0 = for ever */
    uint32_t rcvbuf, sndbuf, priority, mark;
    uint32_t mcast_if;              /* interface for groups, 0 = as routes say */
    int32_t keepidle, keepintvl, keepcnt, user_timeout, ttl, tos, mcast_ttl, mtu_discover,
        defer_accept, syncnt, maxseg, notsent_lowat, rcvlowat;
    /* Kinds. */
    struct duplex *pipe;            /* [lock to write, atomic reads] of a connected stream */
    unsigned side;                  /* [const once pipe is set] which end of it we are */
    struct backlog queue;
    struct sock *accept_next;       /* [listener's lock] */
    struct sock *listener;          /* [lock] that a pending connect waits for; referenced */
    struct sock *table_next;        /* [table's lock] */
    bool in_table;                  /* [table's lock] */
    /* Other machines: far.h. */
    struct tcp_conn *conn;          /* [lock to write, atomic reads] of a stream or a listener */
    struct far_old *conn_old;       /* [lock] those of connects that have failed */
    bool far_turn;                  /* [atomic] a listener looks at conn's queue first */
    struct udp_sock *wired;         /* [lock to write, atomic reads] */
    struct dgramq *inbox;           /* datagrams that have come; NULL: none of that kind */
    struct room_waiter *writers;    /* [lock] of AF_UNIX: who waits for room in our inbox */
    uint64_t bound_ino;             /* [names' lock] AF_UNIX bound to a path */
};

/* A socket without state; NULL: no memory. refs 1. */
struct sock *sock_new(unsigned domain, unsigned type, unsigned protocol,
                      const struct sock_ops *ops);
static inline void sock_get(struct sock *s) { __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); }
void sock_put(struct sock *s);
/* The socket of an open file, or NULL. */
struct sock *sock_of_file(struct file *f);
/* Makes the file of s, whose reference it takes, and a descriptor. fd or an error. */
int64_t sock_install(struct sock *s, unsigned flags);
/* ioctl.c: for the file's operations. */
int64_t sock_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg);
/* Leaves an error for the next call, positive, and wakes everybody. */
void sock_fail(struct sock *s, int error);
/* The pending error, negative, or 0; it is taken. */
int sock_take_error(struct sock *s);
static inline uint32_t sock_state(const struct sock *s)
{
    return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}
static inline void sock_set_state(struct sock *s, enum sock_state st)
{
    __atomic_store_n(&s->state, st, __ATOMIC_RELEASE);
}

/* Kinds. NULL: *err says why. */
struct sock *tcp_sock_new(unsigned domain);
struct sock *udp_sock_new(unsigned domain);
struct sock *unix_sock_new(unsigned type);
struct sock *netlink_sock_new(unsigned type);

/* ---- backlog.c: listeners -------------------------------------------------------------- */
/* s, which is bound or new, listens. */
int backlog_listen(struct sock *s, unsigned max);
/* A connection for listener l: peer is its far end, whose reference goes to the queue. 0;
 * -L_EAGAIN: l is full; -L_ECONNREFUSED: it does not listen. */
int backlog_push(struct sock *l, struct sock *peer);
/* l is full: s is to be connected when there is room, unless backlog_forget gives it up.
 * -L_EINPROGRESS; -L_EAGAIN: there is room now; -L_ECONNREFUSED. */
int backlog_wait(struct sock *l, struct sock *s);
void backlog_forget(struct sock *s);
/* The next connection, with a reference; *again: a connect that may be tried once more, with one.
 * 0, -L_EAGAIN, -L_EINVAL (does not listen). */
int backlog_take(struct sock *l, struct sock **out, struct sock **again);
void backlog_close(struct sock *l);

/* ---- addr.c ------------------------------------------------------------------------------- */
/* From the program's bytes, for a socket of that domain. 0, -L_EINVAL, -L_EAFNOSUPPORT. */
int addr_from_user(const struct sock *s, const void *raw, uint32_t len, struct sock_addr *a);
/* Into raw; its full length, which may be more than fits in cap. */
uint32_t addr_to_user(const struct sock *s, const struct sock_addr *a, void *raw, uint32_t cap);
struct net_addr net_addr_any(bool v4);
struct net_addr net_addr_loopback(bool v4);
bool net_addr_is_loopback(const struct net_addr *a);

/* ---- ports.c: TCP's and UDP's local ports ------------------------------------------------- */
enum port_kind { PORTS_TCP, PORTS_UDP, PORT_KINDS };
/* Gives s the local address a; port 0: any that is free. 0, -L_EADDRINUSE, -L_EADDRNOTAVAIL. */
int ports_bind(enum port_kind k, struct sock *s, const struct sock_addr *a);
/* A port of its own for a connection from src to dst. */
int ports_connect(enum port_kind k, struct sock *s, const struct net_addr *src,
                  const struct sock_addr *dst);
/* Who listens (TCP), or receives what comes from `from` (UDP), at dst; referenced, or NULL. */
struct sock *ports_find(enum port_kind k, const struct sock_addr *dst,
                        const struct sock_addr *from);
void ports_release(enum port_kind k, struct sock *s);
/* Changes the addresses of s, which others look at while it is in the table. sock.lock is held. */
void ports_change(enum port_kind k, struct sock *s, const struct net_addr *local,
                  const struct sock_addr *peer);
/* Is listening at s's address allowed beside the others there? */
int ports_may_listen(struct sock *s);

void sock_init(void); /* boot: the calls, files of /proc and /etc */

#endif
