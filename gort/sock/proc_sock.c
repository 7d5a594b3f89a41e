/* proc_sock.c - /proc/net/tcp and its like: the program's sockets, a line each. The columns are
 * proc(5)'s, which ss(8), netstat(8) and packages for Go read. Connections that nobody has accepted
 * yet are no descriptors, and not listed. */
#include <stdio.h>
#include <string.h>
#include "gort/net/udp.h"
#include "gort/os/fs/nodes.h"
#include "gort/os/mem.h"
#include "gort/sock/far.h"
#include "gort/sock/interfaces.h"
#include "gort/sock/memory.h"
#include "gort/sock/stream.h"

/* ---- which there are ------------------------------------------------------------------------ */

struct listing {
    struct outbuf *o;
    unsigned domain, protocol, type; /* of the sockets that are listed */
    unsigned ifindex;                /* of groups */
    unsigned n;                      /* lines so far */
    void (*line)(struct listing *l, struct sock *s, uint64_t ino);
};

/* Each socket once, though it may have several descriptors. No locks are held. */
static void sockets_each(struct listing *l)
{
    static uint32_t rounds;
    uint32_t round = __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);

    for (int64_t fd = 0; fd_next(&fd); fd++) {
        struct file *f = fd_get(fd);
        struct sock *s = f ? sock_of_file(f) : NULL;
        if (s && s->domain == l->domain && (!l->type || s->type == l->type) &&
            (!l->protocol || (s->protocol == l->protocol && s->type != L_SOCK_RAW)) &&
            __atomic_exchange_n(&s->listed, round, __ATOMIC_RELAXED) != round) {
            l->line(l, s, f->inode->ino);
            l->n++;
        }
        if (f)
            file_put(f);
    }
}

/* ---- TCP, UDP ------------------------------------------------------------------------------- */

/* An address as words in memory order. */
static void address(struct outbuf *o, const struct sock *s, const struct sock_addr *a)
{
    uint32_t w[4] = { 0 };

    if (a->family)
        memcpy(w, a->in.ip.b, sizeof w);
    if (s->domain == L_AF_INET6)
        out_printf(o, " %08X%08X%08X", w[0], w[1], w[2]);
    else
        out_printf(o, " ");
    out_printf(o, "%08X:%04X", w[3], a->family ? a->in.port : 0);
}

static void inet_columns(struct listing *l, struct sock *s, unsigned state, size_t tx, size_t rx)
{
    struct sock_addr local = { 0 }, peer = { 0 };

    s->ops->name(s, false, &local);
    if (s->ops->name(s, true, &peer))
        peer.family = 0;
    out_printf(l->o, "%4u:", l->n);
    address(l->o, s, &local);
    address(l->o, s, &peer);
    out_printf(l->o, " %02X %08X:%08X 00:00000000 00000000     0        0 ", state, (unsigned)tx,
               (unsigned)rx);
}

static void tcp_line(struct listing *l, struct sock *s, uint64_t ino)
{
    bool listens = sock_state(s) == SS_LISTEN;
    bool far = !listens && __atomic_load_n(&s->conn, __ATOMIC_ACQUIRE);
    size_t waiting = listens ? __atomic_load_n(&s->queue.n, __ATOMIC_ACQUIRE) : s->ops->unread(s);

    if (sock_state(s) == SS_NEW || sock_state(s) == SS_BOUND)
        return; /* Linux lists neither */
    inet_columns(l, s, tcp_sock_state(s), far ? far_unacked(s) : 0, waiting);
    out_printf(l->o, "%llu 1 0000000000000000 100 0 0 10 0\n", (unsigned long long)ino);
}

static void udp_line(struct listing *l, struct sock *s, uint64_t ino)
{
    enum { ESTABLISHED = 1, CLOSE = 7 };

    if (!s->in_table)
        return;
    inet_columns(l, s, s->peer.family ? ESTABLISHED : CLOSE, 0, s->ops->unread(s));
    out_printf(l->o, "%llu 2 0000000000000000 %u\n", (unsigned long long)ino,
               __atomic_load_n(&s->drops, __ATOMIC_RELAXED) + far_udp_drops(s));
}

static void inet_text(struct outbuf *o, unsigned domain, unsigned protocol)
{
    bool tcp = protocol == L_IPPROTO_TCP;
    struct listing l = { .o = o, .domain = domain, .protocol = protocol,
                         .line = tcp ? tcp_line : udp_line };
    const char *wide = domain == L_AF_INET6 ? "                      " : "";

    out_printf(o, "  sl  local_address %s%s%s%s  st tx_queue rx_queue tr tm->when retrnsmt   uid  "
               "timeout inode%s\n", wide, domain == L_AF_INET6 ? "  remote_address" : "rem_address",
               wide, domain == L_AF_INET6 ? "" : " ", tcp ? "" : " ref pointer drops");
    sockets_each(&l);
}

static void tcp_text(struct outbuf *o) { inet_text(o, L_AF_INET, L_IPPROTO_TCP); }
static void tcp6_text(struct outbuf *o) { inet_text(o, L_AF_INET6, L_IPPROTO_TCP); }
static void udp_text(struct outbuf *o) { inet_text(o, L_AF_INET, L_IPPROTO_UDP); }
static void udp6_text(struct outbuf *o) { inet_text(o, L_AF_INET6, L_IPPROTO_UDP); }

/* ---- AF_UNIX -------------------------------------------------------------------------------- */

static void unix_line(struct listing *l, struct sock *s, uint64_t ino)
{
    enum { UNCONNECTED = 1, CONNECTED = 3, ACCEPTS = 0x10000 };
    struct sock_addr a = { 0 };
    bool listens = sock_state(s) == SS_LISTEN;

    s->ops->name(s, false, &a);
    out_printf(l->o, "0000000000000000: %08X 00000000 %08X %04X %02X %5llu", 2u,
               listens ? ACCEPTS : 0u, s->type,
               sock_state(s) == SS_CONNECTED ? CONNECTED : UNCONNECTED, (unsigned long long)ino);
    for (unsigned i = 0; i < a.un.len; i++)
        out_printf(l->o, "%s%c", i ? "" : " ", a.un.path[i] ? a.un.path[i] : '@');
    out_printf(l->o, "\n");
}

static void unix_text(struct outbuf *o)
{
    struct listing l = { .o = o, .domain = L_AF_UNIX, .line = unix_line };

    out_printf(o, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    sockets_each(&l);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void no_line(struct listing *l, struct sock *s, uint64_t ino)
{
    (void)l; (void)s; (void)ino;
}

static unsigned sum(unsigned domain, unsigned protocol, unsigned type)
{
    struct listing l = { .domain = domain, .protocol = protocol, .type = type, .line = no_line };

    sockets_each(&l);
    return l.n;
}

static unsigned long long pages(uint64_t bytes) { return (bytes + OS_PAGE - 1) / OS_PAGE; }

/* mem: of what was sent within the machine, those of AF_UNIX too. */
static void sockstat_text(struct outbuf *o)
{
    struct sock_memory m;
    unsigned tcp = sum(L_AF_INET, L_IPPROTO_TCP, 0), raw = sum(L_AF_INET, 0, L_SOCK_RAW);
    unsigned all = sum(L_AF_UNIX, 0, 0) + sum(L_AF_INET, 0, 0) + sum(L_AF_INET6, 0, 0) +
                   sum(L_AF_NETLINK, 0, 0);

    sock_memory_read(&m);
    out_printf(o, "sockets: used %u\nTCP: inuse %u orphan 0 tw 0 alloc %u mem %llu\n"
               "UDP: inuse %u mem %llu\nUDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse 0 memory 0\n",
               all, tcp, tcp + sum(L_AF_INET6, L_IPPROTO_TCP, 0),
               pages(m.used[SOCK_MEMORY_STREAMS]), sum(L_AF_INET, L_IPPROTO_UDP, 0),
               pages(m.used[SOCK_MEMORY_DATAGRAMS]), raw);
}

static void sockstat6_text(struct outbuf *o)
{
    out_printf(o, "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\nRAW6: inuse %u\n"
               "FRAG6: inuse 0 memory 0\n", sum(L_AF_INET6, L_IPPROTO_TCP, 0),
               sum(L_AF_INET6, L_IPPROTO_UDP, 0), sum(L_AF_INET6, 0, L_SOCK_RAW));
}

/* What Linux counts under these names, of TCP and of IPv4 to and from other machines: inside this
 * one there are no packets, but streams that wanted more memory than there was. A name that we do
 * not count is not there, as in an older Linux. */
static void netstat_text(struct outbuf *o)
{
    struct net_stats s;
    struct sock_memory m;

    net_stats_read(&s);
    sock_memory_read(&m);
    const struct { const char *name; uint64_t n; } tcp[] = {
        {"SyncookiesSent", s.tcp_cookies_sent}, {"SyncookiesRecv", s.tcp_cookies_good},
        {"SyncookiesFailed", s.tcp_cookies_bad}, {"PAWSEstab", s.tcp_paws},
        {"ListenOverflows", s.tcp_listen_full}, {"TCPHPHits", s.tcp_predicted},
        {"TCPSackRecovery", s.tcp_recoveries}, {"TCPTimeouts", s.tcp_rto},
        {"TCPLossProbes", s.tcp_tlp}, {"TCPOFOQueue", s.tcp_out_of_order},
        {"TCPChallengeACK", s.tcp_challenge},
        {"TCPMemoryPressures", m.refused[SOCK_MEMORY_STREAMS]},
    };
    out_printf(o, "TcpExt:");
    for (size_t i = 0; i < sizeof tcp / sizeof tcp[0]; i++)
        out_printf(o, " %s", tcp[i].name);
    out_printf(o, "\nTcpExt:");
    for (size_t i = 0; i < sizeof tcp / sizeof tcp[0]; i++)
        out_printf(o, " %llu", (unsigned long long)tcp[i].n);
    out_printf(o, "\nIpExt: InOctets OutOctets\nIpExt: %llu %llu\n",
               (unsigned long long)s.in_octets, (unsigned long long)s.out_octets);
}

/* ---- groups --------------------------------------------------------------------------------- */

/* What a socket has joined on one interface. */
static void group_line(struct listing *l, struct sock *s, uint64_t ino)
{
    struct udp_sock *u = __atomic_load_n(&s->wired, __ATOMIC_ACQUIRE);
    const struct netif *ifp = netif_get(l->ifindex);

    (void)ino;
    if (!u)
        return;
    lock(&u->lock);
    for (unsigned i = 0; i < u->ngroups; i++) {
        const uint8_t *b = u->groups[i].group.b;
        if (u->groups[i].ifindex != l->ifindex)
            continue;
        if (addr_is_v4(&u->groups[i].group) && l->domain == L_AF_INET)
            out_printf(l->o, "\t\t\t\t%02X%02X%02X%02X     1 0:00000000\t\t0\n", b[15], b[14],
                       b[13], b[12]);
        if (addr_is_v4(&u->groups[i].group) || l->domain == L_AF_INET)
            continue;
        out_printf(l->o, "%-4u %-15s ", l->ifindex, ifp->dev->name);
        for (unsigned k = 0; k < 16; k++)
            out_printf(l->o, "%02x", b[k]);
        out_printf(l->o, "     1 00000004 0\n");
    }
    unlock(&u->lock);
}

/* 224.0.0.1, which every host is in, and what sockets have joined. */
static void igmp_text(struct outbuf *o)
{
    const struct netif *ifp;

    out_printf(o, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    for (unsigned i = 1; i == 1 || netif_get(i); i++) {
        struct listing l = { .o = o, .domain = L_AF_INET, .protocol = L_IPPROTO_UDP,
                             .line = group_line, .ifindex = i };
        ifp = netif_get(i);
        out_printf(o, "%u\t%-10s:     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n", i,
                   ifp ? ifp->dev->name : "lo");
        if (ifp)
            sockets_each(&l);
    }
}

static void igmp6_text(struct outbuf *o)
{
    const struct netif *ifp;

    for (unsigned i = 1; i == 1 || netif_get(i); i++) {
        struct listing l = { .o = o, .domain = L_AF_INET6, .protocol = L_IPPROTO_UDP,
                             .line = group_line, .ifindex = i };
        ifp = netif_get(i);
        for (unsigned scope = 2; scope >= 1; scope--)
            out_printf(o, "%-4u %-15s ff0%u0000000000000000000000000001     1 0000000C 0\n", i,
                       ifp ? ifp->dev->name : "lo", scope);
        if (ifp)
            sockets_each(&l);
    }
}

#define TEXT(n) static const struct node_ops n##_ops = {.text = n##_text}
TEXT(tcp); TEXT(tcp6); TEXT(udp); TEXT(udp6); TEXT(unix); TEXT(sockstat); TEXT(sockstat6);
TEXT(igmp); TEXT(igmp6); TEXT(netstat);

static const struct { const char *name; const struct node_ops *ops; } files[] = {
    {"tcp", &tcp_ops}, {"tcp6", &tcp6_ops}, {"udp", &udp_ops}, {"udp6", &udp6_ops},
    {"unix", &unix_ops}, {"sockstat", &sockstat_ops}, {"sockstat6", &sockstat6_ops},
    {"igmp", &igmp_ops}, {"igmp6", &igmp6_ops}, {"netstat", &netstat_ops},
};

void proc_sock_fill(struct inode *dir)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        vfs_synthetic(dir, files[i].name, L_S_IFREG | 0444, files[i].ops);
}
