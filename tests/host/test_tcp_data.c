// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function -Wno-missing-field-initializers
/* Established connections, segment by segment: Nagle, cork, delayed ACKs, windows and probes of
 * closed ones, out-of-order data with SACK and D-SACK, timestamps and PAWS, keepalive, timeouts. */
#include "fake_peer.h"

static void nagle(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);

    put(c, 10, 0);
    OUT("A", 1, 10, 1);
    put(c, 10, 0);
    put(c, 10, 0);
    NONE(1);                    /* a short one is under way */
    IN("A", 1, 0, 11);
    OUT("A", 11, 20, 1);
    put(c, 1500, 0);            /* a full segment goes at once, its rest waits */
    OUT("A", 31, 1460, 1);
    NONE(1);
    IN("A", 1, 0, 1491);
    OUT("A", 1491, 40, 1);
    put(c, 10, 0);
    NONE(1);
    EXPECT(tcp_set(c, TCP_OPT_NODELAY, 1) == 0);
    OUT("A", 1531, 10, 1);
    put(c, 10, 0);
    OUT("A", 1541, 10, 1);
    script_end(c, "Nagle and NODELAY");
}

static void cork(void)
{
    struct tcp_conn *c = OPENED();

    tcp_set(c, TCP_OPT_CORK, 1);
    put(c, 10, 0);
    NONE(150);
    OUT("A", 1, 10, 1, .ms = 50);       /* 200 ms are the limit */
    IN("A", 1, 0, 11);
    put(c, 1470, 0);
    OUT("A", 11, 1460, 1);
    IN("A", 1, 0, 1471);
    NONE(1);
    tcp_set(c, TCP_OPT_CORK, 0);
    OUT("A", 1471, 10, 1);
    IN("A", 1, 0, 1481);
    put(c, 10, TCP_MORE);
    NONE(1);
    put(c, 10, 0);
    OUT("A", 1481, 20, 1);
    script_end(c, "cork and MSG_MORE");
}

static void delayed_acks(void)
{
    struct tcp_conn *c = OPENED();
    uint32_t at = 1;

    for (int i = 0; i < 14; i++) {      /* at first at once */
        IN("PA", at, 100, 1);
        at += 100;
        OUT("A", 1, 0, at);
    }
    put(c, 10, 0);                      /* an answer: now it is a dialogue */
    OUT("A", 1, 10, at);
    IN("PA", at, 100, 11);
    NONE(38);
    OUT("A", 11, 0, at + 100, .ms = 2);
    tcp_set(c, TCP_OPT_QUICKACK, 0);
    IN("A", at + 100, 1460, 11);
    NONE(1);
    IN("A", at + 1560, 1460, 11);       /* every second full one */
    OUT("A", 11, 0, at + 3020);
    IN("PA", at + 3020, 100, 11);
    put(c, 10, 0);                      /* rides */
    OUT("A", 11, 10, at + 3120);
    NONE(100);
    script_end(c, "delayed ACKs");
}

static void probes(void)
{
    struct tcp_conn *c = OPENED(.wnd = 1460, .sack_ok = true);
    int64_t ms = 0;

    put(c, 5000, 0);
    OUT("A", 1, 1460, 1);
    IN("A", 1, 0, 1461, .wnd = NO_WND);
    for (int i = 0; i < 8; i++) {       /* twice as long each time */
        int64_t before = vnow;
        OUT("A", 1460, 0, 1, .ms = i ? 2 * ms : 200);
        ms = (vnow - before + 500000) / 1000000;
        IN("A", 1, 0, 1461, .wnd = NO_WND);
    }
    IN("A", 1, 0, 1461, .wnd = 2000);
    OUT("A", 1461, 1460, 1);
    IN("A", 1, 0, 2921, .wnd = 500);    /* less than half of what it had: wait for the timer */
    NONE(150);
    OUT("A", 2921, 500, 1, .ms = 50);
    script_end(c, "zero-window probes");
}

/* A connection to a peer that answers probes lives on; without answers it ends. */
static void probes_forever(void)
{
    struct tcp_conn *c = OPENED(.wnd = 1460, .sack_ok = true);

    put(c, 3000, 0);
    OUT("A", 1, 1460, 1);
    IN("A", 1, 0, 1461, .wnd = NO_WND);
    for (int i = 0; i < 40; i++) {
        EXPECT(next_sent(130000) != NULL);
        IN("A", 1, 0, 1461, .wnd = NO_WND);
    }
    EXPECT(!(me.events & NET_ERR));
    run_ms(3000000);
    EXPECT(me.events & NET_ERR && tcp_take_error(c) == ETIMEDOUT);
    script_end(c, "a shut window may last, silence may not");
}

static void our_window(void)
{
    struct tcp_conn *c = OPENED();
    uint32_t at = 1;
    struct sent *s = NULL;

    while (at < 65000) {
        IN("A", at, 1460, 1);
        at += 1460;
        while (ntaken < ncaptured)
            s = &captured[ntaken++ % CAPTURED];
    }
    NONE(50);
    EXPECT(s && get16(s->b + 34 + 14) < 1460);
    IN("A", at, 1460, 1);               /* more than there is room for */
    EXPECT((s = next_sent(1)) && get16(s->b + 48) == 0);
    EXPECT(take(c, 1000) == 1000);
    NONE(50);                           /* not worth telling */
    EXPECT(take(c, 64000) > 60000);
    EXPECT((s = next_sent(1)) && get16(s->b + 48) > 32000);
    script_end(c, "our window shuts and opens");
}

static void out_of_order(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);

    IN("A", 101, 100, 1);
    OUT("A", 1, 0, 1, .sack = {101, 201});
    IN("A", 301, 100, 1);
    OUT("A", 1, 0, 1, .sack = {301, 401, 101, 201});
    IN("A", 501, 100, 1);
    OUT("A", 1, 0, 1, .sack = {501, 601, 101, 201, 301, 401});
    IN("A", 301, 100, 1);               /* twice: D-SACK first */
    OUT("A", 1, 0, 1, .sack = {301, 401, 301, 401, 101, 201, 501, 601});
    IN("A", 201, 100, 1);
    OUT("A", 1, 0, 1, .sack = {101, 401, 501, 601});
    EXPECT(take(c, 1) == -EAGAIN);
    IN("A", 1, 150, 1);                 /* overlaps what is there */
    OUT("A", 1, 0, 401, .sack = {101, 151, 501, 601});
    IN("A", 1, 100, 1);                 /* old */
    OUT("A", 1, 0, 401, .sack = {1, 101, 501, 601});
    IN("A", 351, 60, 1);                /* half of it is old */
    OUT("A", 1, 0, 411, .sack = {351, 401, 501, 601});
    IN("FA", 601, 10, 1);               /* FIN waits for its turn */
    OUT("A", 1, 0, 411, .sack = {501, 611});
    IN("A", 411, 90, 1);
    OUT("A", 1, 0, 612);
    static uint8_t b[1000];
    bool ok = tcp_recv(c, b, 1000, 0) == 610;
    for (unsigned i = 0; i < 610; i++)
        ok &= b[i] == pattern(i);
    EXPECT(ok && take(c, 1) == 0);
    script_end(c, "out of order: SACK, D-SACK, overlaps, FIN");
}

static void timestamps(void)
{
    struct net_addr to = host_addr(1, false);
    struct sent *s;

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    s = OUT("S", 0);
    uint32_t ours = get32(s->b + 34 + 20 + 4 + 4);
    IN("S.", 0, 0, 1, .mss = 1460, .ts = 1000, .ecr = ours);
    s = OUT("A", 1, 0, 1);
    EXPECT(get32(s->b + 54 + 8) == 1000);
    IN("PA", 1, 10, 1, .ts = 1010, .ecr = ours);
    s = OUT("A", 1, 0, 11);
    EXPECT(get32(s->b + 54 + 8) == 1010);
    IN("PA", 11, 10, 1, .ts = 1009, .ecr = ours);       /* PAWS */
    s = OUT("A", 1, 0, 11);
    EXPECT(take(me.c, 100) == 10);
    IN("PA", 31, 10, 1, .ts = 1030, .ecr = ours);       /* not in order: not echoed */
    s = OUT("A", 1, 0, 11);
    EXPECT(get32(s->b + 54 + 8) == 1010);
    run_ms(50);
    put(me.c, 5000, 0);
    s = OUT("A", 1, 1448, 11);
    uint32_t later = get32(s->b + 54 + 4);
    EXPECT(later - ours >= 50 && later - ours < 60);
    IN("R", 11, 0, 0, .ts = 5, .ecr = 5);               /* resets need no timestamp that is new */
    EXPECT(tcp_take_error(me.c) == ECONNRESET);
    script_end(me.c, "timestamps and PAWS");
}

static void keepalive(void)
{
    struct tcp_conn *c = OPENED();

    tcp_set(c, TCP_OPT_KEEPIDLE, 10);
    tcp_set(c, TCP_OPT_KEEPINTVL, 3);
    tcp_set(c, TCP_OPT_KEEPCNT, 3);
    tcp_set(c, TCP_OPT_KEEPALIVE, 1);
    OUT("A", 0, 0, 1, .ms = 10000);
    IN("A", 1, 0, 1);
    OUT("A", 0, 0, 1, .ms = 10000);
    OUT("A", 0, 0, 1, .ms = 3000);
    OUT("A", 0, 0, 1, .ms = 3000);
    OUT("R.", 1, 0, 1, .ms = 3000);
    EXPECT(me.events & NET_ERR && take(c, 1) == -ETIMEDOUT);
    script_end(c, "keepalive");
}

static void user_timeout(void)
{
    struct tcp_conn *c = OPENED();

    tcp_set(c, TCP_OPT_USER_TIMEOUT, 3000);
    put(c, 10, 0);
    OUT("A", 1, 10, 1);
    int64_t start = vnow;
    while (!(me.events & NET_ERR) && step(vnow + 100000000000))
        ;
    EXPECT(vnow - start >= 3000000000 && vnow - start < 7000000000);
    EXPECT(tcp_take_error(c) == ETIMEDOUT);
    script_end(c, "user timeout");
}

/* A peer's own probes and old segments are answered. */
static void answers(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);

    IN("A", 0, 0, 1);                   /* keepalive of the peer */
    OUT("A", 1, 0, 1);
    IN("A", 0, 1, 1);                   /* with a byte */
    OUT("A", 1, 0, 1, .sack = {0, 1});
    IN("A", 70000, 10, 1);              /* outside of the window */
    OUT("A", 1, 0, 1);
    IN("UA", 1, 10, 1);                 /* urgent data is read in line */
    OUT("A", 1, 0, 11);
    EXPECT(take(c, 100) == 10);
    script_end(c, "probes and strays are answered");
}

/* Buffers: EAGAIN when full, one edge when a third is free. */
static void full_buffer(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);
    long n = 0, r;

    tcp_set(c, TCP_OPT_SNDBUF, 10000);
    while ((r = put(c, 3000, 0)) > 0)
        n += r;
    EXPECT(n == 10000 && r == -EAGAIN && !(tcp_poll(c) & NET_OUT));
    me.events = 0;
    IN("A", 1, 0, 1461);
    EXPECT(!(me.events & NET_OUT));
    IN("A", 1, 0, 4381);
    EXPECT(me.events & NET_OUT && tcp_poll(c) & NET_OUT);
    EXPECT(tcp_unacked(c) == 10000 - 4380);
    script_end(c, "a full send buffer");
}

/* A buffer larger than any memory holds what is left for others, though never less than a small
 * one; its writer is woken by acknowledgements, whatever is left then. */
static void huge_buffer(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);
    long n = 0, r;

    tcp_set(c, TCP_OPT_SNDBUF, 32 << 20);
    memory_left = 1 << 20;
    while ((r = put(c, 3000, 0)) > 0) {
        n += r;
        memory_left = n < 1 << 20 ? (1u << 20) - (uint64_t)n : 0;
    }
    EXPECT(r == -EAGAIN && n >= 1 << 19 && n < (1 << 19) + 3000 && !(tcp_poll(c) & NET_OUT));
    memory_left = 0;
    EXPECT(put(c, 1, 0) == -EAGAIN);
    me.events = 0;
    while (tcp_unacked(c) > SND_SPACE / 2) {
        EXPECT(!(me.events & NET_OUT) || tcp_unacked(c) <= SND_SPACE);
        IN("A", 1, 0, (uint32_t)(1 + n - (long)tcp_unacked(c)) + 1460);
    }
    EXPECT(me.events & NET_OUT && tcp_poll(c) & NET_OUT && put(c, 1, 0) == 1);
    memory_left = 1ull << 40;
    script_end(c, "a send buffer larger than any memory");
}

/* Only a timer can find out that there is memory again. */
static void no_memory(void)
{
    struct tcp_conn *c = OPENED();

    fail_one_in = 1;
    me.events = 0;
    EXPECT(put(c, 10, 0) == -EAGAIN);
    run_ms(5);
    EXPECT(!(me.events & NET_OUT));
    fail_one_in = 0;
    run_ms(10);
    EXPECT(me.events & NET_OUT && put(c, 10, 0) == 10);
    OUT("A", 1, 10, 1);
    fail_one_in = 1;
    tcp_close(c);               /* no record for the FIN */
    fail_one_in = 0;
    OUT("F.", 11, 0, 1, .ms = 10);
    script_end(NULL, "a writer is woken when there is memory again");
}

/* Pieces are sent and received without copies; bytes that arrive singly share a piece. */
static void pieces_and_bytes(void)
{
    struct tcp_conn *c = OPENED();
    struct pkt *p = pkt_alloc(PKT_SMALL);
    int err;

    memset(p->data, 7, p->len = 1000);
    p->next = pkt_alloc(PKT_SMALL);
    memset(p->next->data, 8, p->next->len = 400);
    EXPECT(tcp_send_pieces(c, p, 0) == 0);
    OUT("A", 1, 1400, 1);
    IN("A", 1, 0, 1401);
    for (uint32_t i = 0; i < 1000; i++)
        IN("PA", 1 + i, 1, 1401);
    EXPECT(pieces <= 8 && tcp_unread(c) == 1000);
    p = tcp_recv_pieces(c, 300, &err);
    EXPECT(p && pkt_length(p) == 300 && tcp_unread(c) == 700);
    pkt_free(p);
    p = tcp_recv_pieces(c, 100000, &err);
    EXPECT(p && pkt_length(p) == 700);
    bool ok = true;
    uint8_t b[700];
    pkt_copy_out(p, 0, b, 700);
    for (unsigned i = 0; i < 700; i++)
        ok &= b[i] == pattern(300 + i);
    EXPECT(ok);
    pkt_free(p);
    EXPECT(!tcp_recv_pieces(c, 1, &err) && err == -EAGAIN);
    script_end(c, "pieces without copies");
}

int main(void)
{
    wire_setup(0, 1500);
    nagle();
    cork();
    delayed_acks();
    probes();
    probes_forever();
    our_window();
    out_of_order();
    timestamps();
    keepalive();
    user_timeout();
    answers();
    full_buffer();
    huge_buffer();
    no_memory();
    pieces_and_bytes();
    free(captured);
    return failures != 0;
}
