/* sock.h - sockets: their interface for system calls, and the kinds that implement it.
 *
 *   calls.c, msg.c, opts.c   socket(2) ... setsockopt(2): check arguments, wait, copy
 *            |  struct sock_ops
 *   tcp.c    streams over TCP          }   both move bytes through a duplex (duplex.h):
 *   unix.c   AF_UNIX, all three types  }   the two ends are in this machine
 *   udp.c    datagrams over UDP        }   queues of datagrams (dgram.h)
 *            |  far.h: to and from other machines, over gort/net
 *   icmp.c   raw sockets of all protocols, and ICMP for ping
 *   filter.c what a program of SO_ATTACH_FILTER leaves of datagrams
 *   netlink.c  what interfaces and addresses there are
 *   flight.c files that are sent, and sockets that nobody can receive any more
 *
 * A socket is made by socket(2), accept(2) or connect's far side, and lives while a file, a queue
 * of a listener or a table of names holds it (refs). Its kind's state has locks of its own;
 * sock.lock guards what bind, listen, connect and the options change.
 *
 * Operations never block: they return -L_EAGAIN, and calls.c waits on rq (input, connections) or
 * wq (room, the end of connect). A change of state is made visible before waiters are woken.
 *
 * Locks: sock.lock (RANK_SOCK) < table of ports or names (RANK_SOCK_NAMES) < duplex, queue of
 * datagrams (RANK_FILE) < files in flight (RANK_FLIGHT) < gort/net (RANK_TCP ... RANK_NET) < waitq
 * (RANK_POLL). Two sockets are never locked at once. */
#ifndef GORT_SOCK_SOCK_H
#define GORT_SOCK_SOCK_H

#include "gort/net/addr.h"
#include "gort/os/file.h"
#include "gort/sock/flight.h"
#include "gort/sock/linux_net.h"
#include "gort/sock/vec.h"

struct pkt;
struct sock;
struct duplex;
struct sock_filter;
struct tcp_conn;
struct udp_sock;
struct far_old;
struct duplex_old;

struct inet_name { struct net_addr ip; uint16_t port; uint32_t scope; };

/* An address of any family. Names of AF_UNIX: len bytes of path, without the NUL of a path; 0 =
 * none; path[0] == 0 = abstract. */
struct sock_addr {
    uint16_t family;
    union {
        struct inet_name in;
        struct { uint8_t len; char path[108]; } un;
        struct { uint32_t pid, groups; } nl;
    };
};

/* One message of send or recv. */
struct msg {
    struct vec v;             /* the caller's bytes */
    unsigned flags;           /* L_MSG_* */
    bool has_addr;            /* send: addr is the destination; recv: the caller asks for it */
    bool creds;               /* recv: a sender is known */
    bool waits;               /* recv: the call does, as long as nothing comes */
    uint8_t ttl, tos;         /* recv: of the packet */
    unsigned ifindex;         /* of which interface it came by; 0 = the loopback */
    unsigned out_flags;       /* recv: L_MSG_TRUNC, L_MSG_CTRUNC, L_MSG_EOR */
    struct rights *rights;    /* send: taken if the message goes; recv: the caller's */
    uint64_t full_length;     /* recv of datagrams: before it was cut */
    int64_t time;             /* recv: when it came, ns since 1970; 0: nobody has asked */
    int error;                /* recv with L_MSG_ERRQUEUE: what became of this datagram */
    /* send, from control messages: */
    unsigned from_if;         /* interface, 0: as routes say */
    int16_t hop, service;     /* TTL and TOS, or hop limit and traffic class; -1: the socket's */
    uint16_t segment;         /* bytes of each of the datagrams that this is; 0: the socket's */
    struct net_addr from_ip;  /* source; any: as routes say */
    /* These two are last, for they are large: msg_begin clears what stands before them. */
    struct sock_addr addr;    /* recv: the sender's; family 0: it has none */
    struct sock_addr to;      /* recv: where it went to, for IP_PKTINFO */
};
_Static_assert(offsetof(struct msg, to) + sizeof(struct sock_addr) == sizeof(struct msg),
               "the addresses are a message's last fields");

static inline void msg_begin(struct msg *m, struct vec v, unsigned flags)
{
    __builtin_memset(m, 0, offsetof(struct msg, addr));
    m->addr.family = m->to.family = 0;
    m->v = v;
    m->flags = flags;
    m->hop = m->service = -1;
}

struct sock_ops {
    int (*bind)(struct sock *s, const struct sock_addr *a);
    int (*listen)(struct sock *s, unsigned backlog);
    /* 0, -L_EINPROGRESS (at the end wq is woken and sock.error holds the result), or an error. */
    int (*connect)(struct sock *s, const struct sock_addr *a);
    /* The error that s's state alone means for a connect, or 0. NULL: the address counts first. */
    int (*may_connect)(struct sock *s);
    /* A socket that has no port gets one: before send and connect look where to. NULL: not so. */
    int (*autobind)(struct sock *s);
    /* Returns the next connection in *out, with one reference; or -L_EAGAIN. */
    int (*accept)(struct sock *s, struct sock **out);
    int64_t (*send)(struct sock *s, struct msg *m); /* bytes taken */
    int64_t (*recv)(struct sock *s, struct msg *m); /* bytes given */
    int64_t (*room)(struct sock *s);                              /* these three as in file_ops; */
    int64_t (*give)(struct sock *s, struct pkt *pieces, bool more);  /* NULL: not this kind */
    struct pkt *(*take)(struct sock *s, size_t most, int64_t *err);  /* likewise */
    unsigned (*poll)(struct sock *s);
    int (*shutdown)(struct sock *s, unsigned how);
    void (*close)(struct sock *s);  /* the last file is gone; s lives on while referenced */
    void (*free)(struct sock *s);   /* the last reference is */
    int (*name)(struct sock *s, bool peer, struct sock_addr *a);
    size_t (*unread)(struct sock *s);
    int (*pair)(struct sock *a, struct sock *b); /* NULL: socketpair is not for this kind */
    /* Of AF_UNIX: nobody can read what has come and the connections that wait: they go. */
    void (*drop)(struct sock *s);
};

/* What has been shut down of a socket that has no connection; that of a connection is duplex.c's
 * or gort/net's. */
enum { SHUT_IN = 1, SHUT_OUT = 2, SHUT_BOTH = 3 };

/* What levels IP and IPV6 each have of their own. Level IP's count for IPv4, on a socket of IPv6,
 * too. */
struct ip_opts {
    int32_t ttl, tos, mcast_ttl, mtu_discover; /* TTL or hop limit, and so on */
    uint32_t mcast_if;              /* interface for groups, 0 = as routes say */
    bool mcast_loop, errors_kept;   /* errors_kept: IP_RECVERR, IPV6_RECVERR */
};

/* SO_TIMESTAMP, SO_TIMESTAMPNS. */
enum stamps { STAMPS_NONE, STAMPS_US, STAMPS_NS };

enum sock_state { SS_NEW, SS_BOUND, SS_LISTEN, SS_CONNECTING, SS_CONNECTED, SS_CLOSED };

/* A listener's queue of connections that are up and not yet accepted, and of connects that found
 * it full. Also the queue of a listening socket of AF_UNIX. */
struct backlog {
    struct sock *first, **last;     /* [sock.lock] by accept_next; each with a reference */
    struct sock *pending, **pending_last; /* [sock.lock] connecting, each with a reference */
    unsigned n, max;                /* [sock.lock] */
};

/* net.ipv4.ip_default_ttl and its like; packets to groups stay on the link. */
enum { DEFAULT_TTL = 64, DEFAULT_MCAST_TTL = 1 };

struct sock {
    uint32_t refs;                  /* [atomic] */
    uint16_t domain, type, protocol;/* [const] */
    const struct sock_ops *ops;     /* [const] */
    struct lock lock;               /* RANK_SOCK */
    uint32_t state;                 /* [lock to write, atomic reads] enum sock_state */
    int error;                      /* [atomic] pending, positive: SO_ERROR */
    uint32_t shut;                  /* [atomic] SHUT_* */
    struct waitq rq, wq;
    struct sock_addr local, peer;   /* [lock] family 0: none */
    /* Options [lock to write]. */
    bool reuse_addr, reuse_port, keepalive, broadcast, nodelay, cork, v6only, passcred, oobinline,
        buffers_set,
        pktinfo4, ttl4, tos4, pktinfo6, hops6, tclass6, /* control messages that are wanted */
        dst4, dst6,                     /* too */
        path_mtu6,      /* kept alone: Linux sends it where IPV6_DONTFRAG is set */
        gro, freebind,
        hdrincl;                    /* raw: what is sent begins with its IP header */
    uint8_t stamps;                 /* enum stamps */
    bool port_chosen, addr_chosen;  /* [lock] by bind(2): they outlive a connection */
    bool in_table;                  /* [table's lock] */
    bool far_turn;                  /* [atomic] a listener looks at conn's queue first */
    uint8_t side;                   /* [const once pipe is set] which end of it we are */
    uint16_t shown_family;          /* [lock] 0: none */
    struct ip_opts ip4, ip6;        /* by_family */
    union {
        int32_t segment;            /* UDP_SEGMENT, 0 = none */
        int32_t sum_at;             /* IPV6_CHECKSUM of a raw socket, -1: none */
    };
    int32_t linger;                 /* seconds, -1 = off */
    int64_t rcvtimeo, sndtimeo;     /* ns, 0 = for ever */
    uint32_t rcvbuf, sndbuf, priority, mark;
    struct sock_filter *filter;     /* [atomic] filter.h: of datagrams that come; NULL: never had */
    uint32_t drops;                 /* [atomic] datagrams not queued: filtered, or no room */
    int32_t keepidle, keepintvl, keepcnt, user_timeout, defer_accept, syncnt, maxseg, notsent_lowat,
        rcvlowat, fast_open;
    /* Kinds. */
    uint32_t listed;                /* [atomic] proc_sock.c: in which listing it was last */
    struct duplex *pipe;            /* [lock to write, atomic reads] of a connected stream */
    union {
        struct duplex_old *pipe_old;/* [lock] of a stream: what connect(2) to nobody has ended */
        uint32_t *icmp_filter;      /* [atomic] raw: a bit for each type not wanted; or NULL */
    };
    struct inet_name shown;         /* [lock] that it had, which getsockname(2) still tells */
    struct backlog queue;
    struct sock *accept_next;       /* [listener's lock] */
    struct sock *listener;          /* [lock] that a pending connect waits for; referenced */
    struct sock *table_next;        /* [table's lock] */
    /* Other machines: far.h. */
    struct tcp_conn *conn;          /* [lock to write, atomic reads] of a stream or a listener */
    struct udp_sock *wired;         /* [lock to write, atomic reads] */
    union {
        struct udp_sock *unbound;   /* [lock] wired, once bound: has joined groups before */
        uint64_t bound_ino;         /* [names' lock] AF_UNIX bound to a path */
    };
    struct dgramq *inbox;           /* datagrams that have come; NULL: none of that kind */
    struct dgramq *errors;          /* [atomic] IP_RECVERR: what became of those sent; or NULL */
    union {
        struct far_old *conn_old;   /* [lock] of TCP: those of connects that have failed */
        struct cork *corked;        /* [lock to write, atomic reads] of UDP: unfinished; or NULL */
        struct room_waiter *writers;/* [lock] of AF_UNIX: who waits for room in our inbox */
    };
};
/* The next class of os_alloc has 816 bytes: an idle connection has two of these. */
_Static_assert(sizeof(struct sock) <= 672, "a socket of a TCP connection costs 672 bytes");

/* A new socket of no kind yet, with one reference; NULL: no memory. */
struct sock *sock_new(unsigned domain, unsigned type, unsigned protocol,
                      const struct sock_ops *ops);
static inline void sock_get(struct sock *s) { __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); }
void sock_put(struct sock *s);
/* The socket of an open file, or NULL. */
struct sock *sock_of_file(struct file *f);
/* Makes a file and a descriptor for s; takes the reference to s. The descriptor, or an error. */
int64_t sock_install(struct sock *s, unsigned flags);
/* ioctl.c: for the file's operations. */
int64_t sock_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg);
/* Makes s->errors, which takes what comes of datagrams sent. False: no memory. */
bool sock_errors_keep(struct sock *s);
/* Stores an error (positive) for the next call and wakes all waiters. */
void sock_fail(struct sock *s, int error);
/* Takes the pending error: negative, or 0. */
int sock_take_error(struct sock *s);
/* A raw socket of UDP's number is none of UDP's. */
static inline bool sock_is_udp(const struct sock *s)
{
    return s->type == L_SOCK_DGRAM && s->protocol == L_IPPROTO_UDP;
}
/* The options for packets to that address. */
static inline const struct ip_opts *by_family(const struct sock *s, const struct net_addr *to)
{
    return addr_is_v4(to) ? &s->ip4 : &s->ip6;
}
static inline uint32_t sock_state(const struct sock *s)
{
    return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}
static inline uint32_t sock_shut(const struct sock *s)
{
    return __atomic_load_n(&s->shut, __ATOMIC_ACQUIRE);
}
/* What poll(2) says because of SHUT_*. */
unsigned sock_shut_poll(const struct sock *s);
/* Shuts down more, and wakes whom it concerns. how: L_SHUT_*. */
void sock_shut_down(struct sock *s, unsigned how);
static inline void sock_set_state(struct sock *s, enum sock_state st)
{
    __atomic_store_n(&s->state, st, __ATOMIC_RELEASE);
}

/* UDP_CORK has been turned off: sends what the program has written so far. No locks. */
void udp_uncork(struct sock *s);
/* Kinds. NULL: *err says why. */
struct sock *tcp_sock_new(unsigned domain);
/* As TCP_INFO says it: 1 = established ... 10 = listens. s is of TCP. */
unsigned tcp_sock_state(struct sock *s);
struct sock *udp_sock_new(unsigned domain);
struct sock *unix_sock_new(unsigned type);
struct sock *netlink_sock_new(unsigned type);

/* ---- backlog.c: listeners -------------------------------------------------------------- */
/* Makes s, which is bound or new, a listener. */
int backlog_listen(struct sock *s, unsigned max);
/* Adds a connection to listener l: peer is its far end, whose reference passes to the queue. 0;
 * -L_EAGAIN: l is full; -L_ECONNREFUSED: it does not listen. */
int backlog_push(struct sock *l, struct sock *peer);
/* l is full: registers s to be connected when there is room, unless backlog_forget gives it up.
 * -L_EINPROGRESS; -L_EAGAIN: there is room now; -L_ECONNREFUSED. */
int backlog_wait(struct sock *l, struct sock *s);
void backlog_forget(struct sock *s);
/* Takes the next connection, with a reference; *again is a connect that may be retried, with a
 * reference.
 * 0, -L_EAGAIN, -L_EINVAL (does not listen). */
int backlog_take(struct sock *l, struct sock **out, struct sock **again);
void backlog_close(struct sock *l);

/* ---- addr.c ------------------------------------------------------------------------------- */
/* Converts the program's bytes to *a, for that call on s. Family 0 in *a: to nobody (connect), or
 * as if there were no address (send). 0, -L_EINVAL, -L_EAFNOSUPPORT, -L_ENETUNREACH. */
enum addr_use { ADDR_BIND, ADDR_CONNECT, ADDR_SEND };
int addr_from_user(const struct sock *s, const void *raw, uint32_t len, enum addr_use use,
                   struct sock_addr *a);
/* Writes an address to raw, cut to cap bytes; returns its full length. */
uint32_t addr_to_user(const struct sock *s, const struct sock_addr *a, void *raw, uint32_t cap);
/* bind(2) to a has succeeded: notes what a names, and so what outlives a connection. A port that
 * the kernel drew does not. On a socket of IPv6 any address of IPv4 is named, and one of IPv6
 * makes the socket one for IPv6 alone, as on Linux. s->lock is held. */
void sock_named_locked(struct sock *s, const struct sock_addr *a);
struct net_addr net_addr_any(bool v4);
struct net_addr net_addr_loopback(bool v4);
bool net_addr_is_loopback(const struct net_addr *a);

/* ---- ports.c: TCP's and UDP's local ports ------------------------------------------------- */
enum port_kind { PORTS_TCP, PORTS_UDP, PORT_KINDS };
/* Gives s the local address a; port 0: any that is free. 0, -L_EADDRINUSE, -L_EADDRNOTAVAIL. */
int ports_bind(enum port_kind k, struct sock *s, const struct sock_addr *a);
/* Gives s a port for a connection from src to dst. */
int ports_connect(enum port_kind k, struct sock *s, const struct net_addr *src,
                  const struct sock_addr *dst);
/* The socket that listens at dst (TCP), or receives datagrams from `from` to dst (UDP), with a
 * reference; or NULL. */
struct sock *ports_find(enum port_kind k, const struct sock_addr *dst,
                        const struct sock_addr *from);
/* Calls give(s, arg) for each UDP socket at dst's port that is a member of dst's group on that
 * interface. No locks are held meanwhile. */
void ports_members(const struct sock_addr *dst, unsigned ifindex,
                   void (*give)(struct sock *s, void *arg), void *arg);
void ports_release(enum port_kind k, struct sock *s);
/* Changes the addresses of s under the table's lock, since others read them. sock.lock is held. */
void ports_change(enum port_kind k, struct sock *s, const struct net_addr *local,
                  const struct sock_addr *peer);
/* May s listen at its address beside the other sockets there? */
int ports_may_listen(struct sock *s);

void sock_init(void); /* boot: the calls, files of /proc and /etc */

#endif
