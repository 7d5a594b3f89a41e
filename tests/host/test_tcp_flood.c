// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function -Wno-missing-field-initializers
/* Floods and limits: SYNs beyond the backlog and cookies, accept queues, ports per 4-tuple and
 * their end, TIME-WAIT by the thousand, memory caps, allocations that fail, and random bytes. */
#include "fake_peer.h"

static struct app lis;

/* A segment of any peer to port 80 of eth0. */
static void from_peer(uint32_t addr, uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack,
                      const uint8_t *opts, unsigned nopts)
{
    uint8_t f[200] = {2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 8, 0}, *ip = f + 14, *t = ip + 20;
    uint32_t len = 20 + nopts;

    put16(t, port);
    put16(t + 2, 80);
    put32(t + 4, seq);
    put32(t + 8, ack);
    t[12] = (uint8_t)(len / 4 << 4);
    t[13] = flags;
    put16(t + 14, 60000);
    if (nopts)
        memcpy(t + 20, opts, nopts);
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(20 + len));
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, addr);
    memcpy(ip + 16, host_addr(0, false).b + 12, 4);
    put16(ip + 10, (uint16_t)~ip_header_sum(ip, 20));
    deliver(0, f, 34 + len, true);
}

static struct net_stats stats(void)
{
    struct net_stats s;

    net_stats_read(&s);
    return s;
}

static void route_everywhere(void)
{
    struct net_addr any = v4(0);
    struct net_route r = {.dst = any, .prefix = 96, .gateway = host_addr(1, false),
                          .ifindex = ifs[0]->index};

    net_route_add(&r);
}

/* Half-open connections are bounded by the backlog; beyond it a SYN takes no memory, and an honest
 * client still gets its connection, with its options. */
static void syn_flood(void)
{
    static const uint8_t opts[] = {2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0,
                                   1, 3, 3, 5, 1, 1, 4, 2};
    struct net_stats before = stats();
    struct tcp_info ti;
    int err;

    script_begin();
    listener(0, false, 80, 100, &lis);
    for (uint32_t i = 0; i < 20000; i++)
        from_peer(0x0b000000 + i, (uint16_t)(1024 + i % 1000), TF_SYN, i * 7919, 0, opts, 4);
    struct net_stats now = stats();
    EXPECT(now.tcp_reqs == 101 && now.tcp_cookies_sent - before.tcp_cookies_sent == 19899);
    EXPECT(objects < 110 && ncaptured == 20000);
    from_peer(0x0c000001, 1024, TF_SYN, 500, 0, opts, sizeof opts);
    const uint8_t *t = captured[(ncaptured - 1) % CAPTURED].b + 34;
    uint32_t iss = get32(t + 4), tsval = get32(t + 28);
    EXPECT(t[13] == (TF_SYN | TF_ACK) && get32(t + 8) == 501);
    uint8_t ts[12] = {1, 1, 8, 10, 0, 0, 0, 10};
    put32(ts + 8, tsval);
    run_ms(70000);                      /* a slow peer */
    from_peer(0x0c000001, 1024, TF_ACK, 501, iss + 1, ts, 12);
    struct tcp_conn *c = tcp_accept(lis.c, &err);
    EXPECT(c != NULL && stats().tcp_cookies_good - before.tcp_cookies_good == 1);
    if (c) {
        tcp_info(c, &ti);
        EXPECT(ti.sack && ti.timestamps && ti.wscale && ti.snd_scale == 5 && ti.mss == 1448);
        tcp_close(c);
    }
    for (uint32_t i = 0; i < 5000; i++) /* guessed ones */
        from_peer(0x0d000000 + i, 99, TF_ACK, 501, (uint32_t)rnd64(), ts, 12);
    EXPECT(!tcp_accept(lis.c, &err));
    tcp_close(lis.c);
    script_end(NULL, "a flood of SYNs");
}

/* The handshake's last ACK finds the accept queue full: it is dropped, so that the peer tries
 * again. */
static void accept_queue(void)
{
    uint32_t iss[6];
    int err;
    unsigned got = 0;

    script_begin();
    listener(0, false, 80, 2, &lis);
    for (unsigned i = 0; i < 6; i++) {
        from_peer(0x0b000001, (uint16_t)(2000 + i), TF_SYN, 1, 0, NULL, 0);
        iss[i] = get32(captured[(ncaptured - 1) % CAPTURED].b + 38);
    }
    for (unsigned i = 0; i < 6; i++)
        from_peer(0x0b000001, (uint16_t)(2000 + i), TF_ACK, 2, iss[i] + 1, NULL, 0);
    unsigned before = ncaptured;
    from_peer(0x0b000001, 2999, TF_SYN, 1, 0, NULL, 0);
    EXPECT(ncaptured == before);        /* a SYN, too, waits for room */
    struct tcp_conn *c;
    while ((c = tcp_accept(lis.c, &err))) {
        tcp_abort(c);
        got++;
    }
    EXPECT(got == 3);
    from_peer(0x0b000001, 3000, TF_SYN, 1, 0, NULL, 0);
    uint32_t last = get32(captured[(ncaptured - 1) % CAPTURED].b + 38);
    from_peer(0x0b000001, 3000, TF_ACK, 2, last + 1, NULL, 0);
    from_peer(0x0b000001, 3000, TF_RST, 2, 0, NULL, 0);  /* gone again, still in the queue */
    c = tcp_accept(lis.c, &err);
    EXPECT(c && tcp_recv(c, iss, 1, 0) == -ECONNRESET);
    tcp_close(c);
    from_peer(0x0b000001, 3001, TF_SYN, 1, 0, NULL, 0);
    last = get32(captured[(ncaptured - 1) % CAPTURED].b + 38);
    from_peer(0x0b000001, 3001, TF_ACK, 2, last + 1, NULL, 0);
    tcp_close(lis.c);                   /* connections not accepted are reset */
    EXPECT(captured[(ncaptured - 1) % CAPTURED].b[34 + 13] & TF_RST);
    script_end(NULL, "a full accept queue, and its end");
}

static void binds(void)
{
    struct net_addr at = host_addr(0, false), any4 = v4(0), any6 = {0}, odd = v4(0x09090909);
    struct tcp_conn *a = tcp_new(true, NULL, NULL), *b = tcp_new(true, NULL, NULL);
    struct tcp_conn *d = tcp_new(false, NULL, NULL), *e = tcp_new(false, NULL, NULL);

    EXPECT(tcp_bind(a, &odd, 80, 0) == -EADDRNOTAVAIL && tcp_bind(a, &any4, 80, 0) == 0);
    EXPECT(tcp_bind(a, &any4, 81, 0) == -EINVAL && tcp_bind(b, &at, 80, 0) == -EADDRINUSE);
    EXPECT(tcp_bind(d, &any6, 80, 0) == -EADDRINUSE);
    tcp_set(d, TCP_OPT_V6ONLY, 1);
    EXPECT(tcp_bind(d, &any6, 80, 0) == 0);
    tcp_set(a, TCP_OPT_REUSEADDR, 1);
    tcp_set(b, TCP_OPT_REUSEADDR, 1);
    EXPECT(tcp_bind(b, &at, 80, 0) == 0);
    EXPECT(tcp_listen(a, 5) == 0 && tcp_listen(b, 5) == -EADDRINUSE && tcp_listen(d, 5) == 0);
    tcp_set(e, TCP_OPT_REUSEADDR, 1);
    EXPECT(tcp_bind(e, &any6, 80, 0) == -EADDRINUSE);    /* there is a listener */
    EXPECT(tcp_bind(e, &any6, 0, 0) == 0);
    EXPECT(tcp_connect(a, &at, 1) == -EOPNOTSUPP && tcp_shutdown(a, TCP_SHUT_WR) == -ENOTCONN);
    tcp_close(a);
    tcp_close(b);
    tcp_close(d);
    tcp_close(e);
    script_end(NULL, "who may bind what");
}

/* 28,232 connections to one address and port, as many to the next; then there are no more. */
static void port_exhaustion(void)
{
    enum { N = 60999 - 32768 + 1 };
    static struct tcp_conn *c[N];
    struct net_addr to = host_addr(1, false), any4 = v4(0);
    struct tcp_conn *bound = tcp_new(true, NULL, NULL);
    unsigned made = 0, low = 0;

    script_begin();
    EXPECT(tcp_bind(bound, &any4, 40000, 0) == 0);
    for (unsigned i = 0; i < N; i++) {
        struct tcp_name name;
        c[i] = tcp_new(true, NULL, NULL);
        made += tcp_connect(c[i], &to, 80) == -EINPROGRESS;
        tcp_name(c[i], &name);
        low += (name.lport && name.lport < 32768) || name.lport > 60999 || name.lport == 40000;
    }
    EXPECT(made == N - 1 && !low);      /* one is bound */
    struct tcp_conn *more = tcp_new(true, NULL, NULL), *other = tcp_new(true, NULL, NULL);
    EXPECT(tcp_connect(more, &to, 80) == -EADDRNOTAVAIL);
    EXPECT(tcp_connect(other, &to, 81) == -EINPROGRESS);
    tcp_close(c[17]);
    EXPECT(tcp_connect(more, &to, 80) == -EINPROGRESS);
    for (unsigned i = 0; i < N; i++)
        if (i != 17)
            tcp_close(c[i]);
    tcp_close(bound);
    tcp_close(more);
    tcp_close(other);
    script_end(NULL, "ports per peer, and their end");
}

/* Connections from one bound port to one peer: TIME-WAIT is in the way for a second. */
static void reuse_by_connect(bool ts)
{
    struct net_addr to = host_addr(1, false), from = host_addr(0, false);
    struct tcp_conn *c = tcp_new(true, NULL, NULL), *d = tcp_new(true, NULL, NULL);
    struct sg syn_ack = {.flags = "S.", .ack = 1, .mss = 1460, .ts = ts};

    script_begin();
    tcp_bind(c, &from, 7777, 0);
    tcp_connect(c, &to, PEER_PORT);
    OUT("S", 0);
    uint32_t first = our_iss;
    peer_sends(syn_ack);
    OUT("A", 1, 0, 1);
    tcp_close(c);
    OUT("F.", 1, 0, 1);
    IN("FA", 1, 0, 2, .ts = ts ? 2 : 0);
    OUT("A", 2, 0, 2);
    EXPECT(tcp_bind(d, &from, 7777, 0) == 0);
    EXPECT(tcp_connect(d, &to, PEER_PORT) == -EADDRNOTAVAIL);
    run_ms(1100);
    our_iss_known = false;
    EXPECT(tcp_connect(d, &to, PEER_PORT) == (ts ? -EINPROGRESS : -EADDRNOTAVAIL));
    if (ts) {
        OUT("S", 0);
        EXPECT(seq_lt(first + 65535, our_iss));
    }
    script_end(d, ts ? "TIME-WAIT is reused by connect" : "but not without timestamps");
}

/* Whichever allocation fails, nothing crashes and no memory is lost. */
static void failing_memory(void)
{
    wire_tap = NULL;
    for (int round = 0; round < 40; round++) {
        struct app l = {0}, a, b;
        wire = (struct wire){.delay = 1000000, .loss = 100};
        listener(1, false, 80, 5, &l);
        if (pair_up(false, &a, &b, &l, 100000)) {
            struct flow f = {.from = a.c, .to = b.c, .total = 100000, .max_write = 9000,
                             .max_read = 9000};
            fail_one_in = 8 + (long)rnd(30);
            int64_t ms = run_flows(&f, 1, 3600000);
            EXPECT((ms >= 0 && f.got == f.total && !f.wrong) || f.error == -ETIMEDOUT);
            fail_one_in = 0;
            tcp_close(b.c);
        }
        tcp_close(a.c);
        tcp_close(l.c);
        run_ms(200000);
    }
    script_end(NULL, "allocations that fail");
}

/* A peer fills the window with tiny segments, in order or not, and the program does not read. */
static void caps(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);
    struct tcp_info ti;

    for (int i = 0; i < 60000; i++) {
        uint32_t at = 1 + (uint32_t)rnd(66000), n = 1 + (uint32_t)rnd(20);
        if (i % 3 == 0)
            at = c->rcv_nxt - peer_iss;
        IN("A", at, n, 1);
    }
    tcp_info(c, &ti);
    EXPECT(ti.rcv_space == RCV_SPACE && pieces < (2 * RCV_SPACE + 65536) / 1000);
    memory_short = 1;
    for (int i = 0; i < 1000; i++)
        IN("A", 1 + (uint32_t)rnd(66000), 10, 1);
    EXPECT(pieces < 100);
    memory_short = 0;
    script_end(c, "memory caps");
}

/* A driver delivers tiny pieces: all bytes for which the window promised room must be taken. */
static void crumbs(void)
{
    struct tcp_conn *c = OPENED();
    uint32_t at = 1;

    wire.split = true;
    for (; at < 60000; at += 700)
        IN("A", at, 700, 1);
    EXPECT(c->rcv_nxt - peer_iss == at && tcp_unread(c) == at - 1 && pieces < 110);
    static uint8_t b[70000];
    bool ok = tcp_recv(c, b, sizeof b, 0) == (long)at - 1;
    for (uint32_t i = 0; i < at - 1; i++)
        ok &= b[i] == pattern(i);
    EXPECT(ok);
    script_end(c, "pieces in crumbs");
}

/* Valid segments with damage, of every state, and noise with a right checksum. */
static void fuzz(void)
{
    static const uint8_t states[] = {TF_SYN, TF_ACK, TF_ACK | TF_PSH, TF_ACK | TF_FIN, TF_RST,
                                     TF_SYN | TF_ACK, TF_FIN, 0, 0x3f};

    for (int round = 0; round < 60; round++) {
        int err;
        struct tcp_conn *c = OPENED(.sack_ok = round & 1, .ts = round & 2 ? 5 : 0), *k;
        listener(0, false, 80, 5, &lis);
        put(c, rnd(20000), 0);
        if (rnd(2))
            tcp_shutdown(c, TCP_SHUT_WR);
        for (int i = 0; i < 400; i++) {
            uint8_t o[40];
            for (unsigned j = 0; j < 40; j++)
                o[j] = (uint8_t)(rnd(3) ? rnd(12) : rnd64());
            uint8_t flags = states[rnd(sizeof states)];
            if (rnd(3) == 0) {
                from_peer(0x0a000002, (uint16_t)(1 + rnd(5)), flags, (uint32_t)rnd(9),
                          (uint32_t)rnd64(), o, 4 * (unsigned)rnd(11));
                continue;
            }
            our_port = c->ent.key.lport;
            char text[8] = "A";
            if (flags & TF_FIN)
                strcat(text, "F");
            if (rnd(50) == 0)
                strcat(text, rnd(2) ? "S" : "R");
            peer_sends((struct sg){.flags = text, .len = (uint32_t)rnd(1500),
                .seq = c->rcv_nxt - peer_iss - 500 + (uint32_t)rnd(3000),
                .ack = c->snd_una - our_iss - 10 + (uint32_t)rnd(3000), .ts = (uint32_t)rnd(10),
                .wnd = 1 + (uint32_t)rnd(65535), .mss = rnd(20) ? 0 : (uint16_t)rnd(1500),
                .sack = {(uint32_t)rnd(20000), (uint32_t)rnd(20000), (uint32_t)rnd(20000),
                         (uint32_t)rnd(3) ? (uint32_t)rnd(20000) : 0}});
            if (rnd(10) == 0)
                run_ms((int64_t)rnd(400));
            if (rnd(10) == 0)
                take(c, rnd(5000));
        }
        while ((k = tcp_accept(lis.c, &err)))
            tcp_close(k);
        tcp_close(lis.c);
        tcp_abort(c);
        run_ms(400000);
    }
    script_end(NULL, "segments of every kind");
}

static void noise(void)
{
    uint8_t f[300];

    script_begin();
    listener(0, false, 80, 5, &lis);
    for (int i = 0; i < 50000; i++) {
        size_t n = rnd(sizeof f);
        bool v6 = rnd(2);
        for (size_t j = 0; j < n; j++)
            f[j] = (uint8_t)rnd64();
        if (n > 60 && rnd(5)) {
            put16(f + 12, v6 ? ETH_IPV6 : ETH_IPV4);
            f[14] = v6 ? 0x60 : 0x45;
            put16(f + (v6 ? 18 : 16), (uint16_t)rnd(n));
            f[v6 ? 20 : 23] = 6;
            put16(f + 20, v6 ? get16(f + 20) : 0);
            if (v6)
                memcpy(f + 38, host_addr(0, true).b, 16);
            else
                memcpy(f + 30, host_addr(0, false).b + 12, 4);
            put16(f + 36 + (v6 ? 20 : 0), 80);
            if (!v6) {
                put16(f + 24, 0);
                put16(f + 24, (uint16_t)~ip_header_sum(f + 14, 20));
            }
        }
        deliver(0, f, n, true);
    }
    tcp_close(lis.c);
    script_end(NULL, "random bytes");
}

/* States that tcp_for_each reports, as for /proc/net/tcp. */
static unsigned seen[12];
static void see(void *arg, const struct tcp_name *name, const struct tcp_info *info)
{
    (void)arg;
    (void)info;
    seen[name->state]++;
}

static void walk_all(void)
{
    struct tcp_conn *c = OPENED();

    listener(0, false, 80, 5, &lis);
    from_peer(0x0a000002, 9, TF_SYN, 1, 0, NULL, 0);
    tcp_for_each(see, NULL);
    EXPECT(seen[TCP_ESTABLISHED] == 1 && seen[TCP_LISTEN] == 1 && seen[TCP_SYN_RECEIVED] == 1);
    tcp_close(lis.c);
    script_end(c, "all connections are seen");
}

int main(void)
{
    wire_setup(0, 1500);
    route_everywhere();
    walk_all();
    binds();
    syn_flood();
    accept_queue();
    port_exhaustion();
    reuse_by_connect(false);
    reuse_by_connect(true);
    failing_memory();
    caps();
    crumbs();
    noise();
    fuzz();
    free(captured);
    return failures != 0;
}
