// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function -Wno-missing-field-initializers
/* Losses, segment by segment: retransmission timeouts, tail loss probes, RACK with and without
 * reordering, peers without SACK, undo; and how the congestion window grows and falls. */
#include "fake_peer.h"

enum { M = 1460 };

/* Expects n segments to be sent now, from segment `first` on. */
static void out_segments(unsigned first, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        OUT("A", 1 + (first + i) * M, M, 1);
}

static void ack_segments(unsigned upto) { IN("A", 1, 0, 1 + upto * M); }

/* A connection with a measured round trip of 50 ms and a window of 10 segments. */
static struct tcp_conn *ready(bool sack)
{
    struct net_addr to = host_addr(1, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    OUT("S", 0);
    run_ms(50);
    IN("S.", 0, 0, 1, .mss = M, .sack_ok = sack);
    OUT("A", 1, 0, 1);
    return me.c;
}

static void slow_start(void)
{
    struct tcp_conn *c = ready(true);
    struct tcp_info ti;

    put(c, 60 * M, 0);
    out_segments(0, 10);
    NONE(1);
    run_ms(49);
    for (unsigned i = 2; i <= 10; i += 2) {     /* two more for each one acknowledged */
        ack_segments(i);
        out_segments(10 + (i - 2) * 2, 4);
        NONE(1);
    }
    tcp_info(c, &ti);
    EXPECT(ti.cwnd == 20 * M && ti.ssthresh == UINT32_MAX);
    script_end(c, "initial window and slow start");
}

static void timeouts(void)
{
    struct tcp_conn *c = ready(false);
    struct tcp_info ti;

    put(c, 3 * M, 0);
    out_segments(0, 3);
    OUT("A", 1, M, 1, .ms = 250);       /* srtt 50 + 4 x 25 -> 200 at least */
    OUT("A", 1, M, 1, .ms = 500);
    OUT("A", 1, M, 1, .ms = 1000);
    tcp_info(c, &ti);
    EXPECT(ti.cwnd == M && ti.ca_state == 4 && ti.ssthresh == 7 * M);
    run_ms(50);
    ack_segments(1);
    out_segments(1, 2);                 /* slow start again */
    ack_segments(3);
    tcp_info(c, &ti);
    EXPECT(ti.ca_state == 0 && ti.backoff == 0);
    run_ms(1000);
    put(c, M, 0);
    OUT("A", 1 + 3 * M, M, 1);
    script_end(c, "retransmission timeout, backoff");
}

static void gives_up(void)
{
    struct tcp_conn *c = ready(true);
    int64_t start = vnow;

    put(c, M, 0);
    while (!(me.events & NET_ERR) && step(vnow + 1000000000000))
        ;
    EXPECT(tcp_take_error(c) == ETIMEDOUT);
    EXPECT(vnow - start > 600000000000 && vnow - start < 1500000000000); /* 10 to 25 minutes */
    script_end(c, "fifteen retries, then ETIMEDOUT");
}

static void tail_probe(void)
{
    struct tcp_conn *c = ready(true);

    put(c, 4 * M, 0);
    out_segments(0, 4);
    OUT("A", 1 + 3 * M, M, 1, .ms = 100);       /* two round trips: the last one again */
    run_ms(50);
    IN("A", 1, 0, 1 + 2 * M, .sack = {1 + 3 * M, 1 + 4 * M});
    OUT("A", 1 + 2 * M, M, 1);          /* so the third was lost: no timeout was needed */
    ack_segments(4);
    NONE(1000);
    script_end(c, "a tail loss probe");
}

static void probe_with_new_data(void)
{
    struct tcp_conn *c = ready(true);

    IN("A", 1, 0, 1, .wnd = 2 * M);
    put(c, 3 * M, 0);
    out_segments(0, 2);
    IN("A", 1, 0, 1, .wnd = 3 * M);
    OUT("A", 1 + 2 * M, M, 1);
    script_end(c, "the window opens");
}

static void fast_retransmit(void)
{
    struct tcp_conn *c = ready(true);
    struct tcp_info ti;

    put(c, 30 * M, 0);
    out_segments(0, 10);
    run_ms(50);
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 2 * M});
    out_segments(10, 1);                /* RFC 3042: segments that have left make room */
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 3 * M});
    out_segments(11, 1);
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 4 * M});
    OUT("A", 1, M, 1);                  /* three segments are above it */
    tcp_info(c, &ti);
    EXPECT(ti.ca_state == 3 && ti.ssthresh == 7 * M);
    for (unsigned i = 4; i < 10; i++)
        IN("A", 1, 0, 1, .sack = {1 + M, 1 + (i + 1) * M});
    unsigned n = 0;
    while (ntaken < ncaptured) {        /* PRR: down to ssthresh in one round trip */
        ntaken++;
        n++;
    }
    EXPECT(n >= 2 && n <= 4);
    run_ms(50);
    ack_segments(12);
    tcp_info(c, &ti);
    EXPECT(ti.ca_state == 0 && ti.cwnd >= 7 * M && ti.cwnd <= 8 * M && ti.total_retrans == 1);
    script_end(c, "fast retransmit by SACK, PRR");
}

static void lost_retransmission(void)
{
    struct tcp_conn *c = ready(true);

    put(c, 30 * M, 0);
    out_segments(0, 10);
    run_ms(50);
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 4 * M});
    OUT("A", 1, M, 1);
    for (unsigned i = 4; i < 10; i++)
        IN("A", 1, 0, 1, .sack = {1 + M, 1 + (i + 1) * M});
    unsigned n = 0;
    while (ntaken < ncaptured) {
        ntaken++;
        n++;
    }
    run_ms(50);
    /* New segments that were sent after the retransmission arrive: it was lost, too. */
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + (10 + n) * M});
    OUT("A", 1, M, 1);
    script_end(c, "a lost retransmission is found without a timeout");
}

static void reordering(void)
{
    struct tcp_conn *c = ready(true);
    struct tcp_info ti;

    put(c, 4 * M, 0);
    out_segments(0, 4);
    run_ms(50);
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 2 * M});
    NONE(11);                           /* a quarter of the round trip is waited for */
    IN("A", 1, 0, 1 + 2 * M);
    NONE(1);
    IN("A", 1, 0, 1 + 2 * M, .sack = {1 + 3 * M, 1 + 4 * M});
    OUT("A", 1 + 2 * M, M, 1, .ms = 12);
    ack_segments(4);
    tcp_info(c, &ti);
    EXPECT(ti.total_retrans == 1);
    script_end(c, "RACK waits for what is late");
}

static void without_sack(void)
{
    struct tcp_conn *c = ready(false);
    struct tcp_info ti;

    put(c, 30 * M, 0);
    out_segments(0, 10);
    run_ms(50);
    ack_segments(1);
    out_segments(10, 2);
    for (unsigned i = 0; i < 2; i++) {
        ack_segments(1);
        out_segments(12 + i, 1);
    }
    ack_segments(1);
    OUT("A", 1 + M, M, 1);
    ack_segments(1);
    tcp_info(c, &ti);
    EXPECT(ti.ca_state == 3);
    while (ntaken < ncaptured)
        ntaken++;
    run_ms(50);
    ack_segments(4);                    /* a partial ACK: the next one is missing, too */
    OUT("A", 1 + 4 * M, M, 1);
    run_ms(50);
    ack_segments(14);
    tcp_info(c, &ti);
    EXPECT(ti.ca_state == 0 && ti.cwnd >= 7 * M);
    script_end(c, "three duplicates, partial ACKs");
}

/* The ACK of the first transmission comes after the retransmission: nothing was lost. */
static void undo(void)
{
    struct net_addr to = host_addr(1, false);
    struct tcp_info ti;
    struct sent *s;

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    s = OUT("S", 0);
    uint32_t ts = get32(s->b + 54 + 4 + 4);
    run_ms(50);
    IN("S.", 0, 0, 1, .mss = 1472, .sack_ok = true, .ts = 1, .ecr = ts);
    OUT("A", 1, 0, 1);
    put(me.c, 10 * 1448, 0);
    for (unsigned i = 0; i < 10; i++)
        s = OUT("A", 1 + i * 1448, 1448, 1);
    ts = get32(s->b + 54 + 4);
    OUT("A", 1 + 9 * 1448, 1448, 1, .ms = 100);
    OUT("A", 1, 1448, 1, .ms = 250);    /* a spike of delay: the timer fires */
    tcp_info(me.c, &ti);
    EXPECT(ti.cwnd == 1448 && ti.ca_state == 4);
    IN("A", 1, 0, 1 + 1448, .ts = 2, .ecr = ts);
    tcp_info(me.c, &ti);
    EXPECT(ti.cwnd >= 10 * 1448 && ti.ca_state == 0 && ti.lost == 0 && ti.ssthresh == UINT32_MAX);
    NONE(1);
    script_end(me.c, "a spurious timeout is undone");
}

/* A peer that takes back what it has SACKed. */
static void reneging(void)
{
    struct tcp_conn *c = ready(true);

    put(c, 3 * M, 0);
    out_segments(0, 3);
    IN("A", 1, 0, 1, .sack = {1 + M, 1 + 3 * M});
    OUT("A", 1, M, 1, .ms = 13);
    ack_segments(1);                    /* and not the others, which the peer has dropped */
    int64_t start = vnow;
    OUT("A", 1 + M, M, 1, .ms = 200 + 50);
    EXPECT(vnow - start < 700000000);
    ack_segments(2);
    OUT("A", 1 + 2 * M, M, 1);
    ack_segments(3);
    NONE(1000);
    script_end(c, "a peer that takes SACKs back");
}

/* Invalid SACK blocks change nothing. */
static void wild_sacks(void)
{
    struct tcp_conn *c = ready(true);
    struct tcp_info ti;

    put(c, 5 * M, 0);
    out_segments(0, 5);
    IN("A", 1, 0, 1, .sack = {1 + 4 * M, 1 + 9 * M});   /* never sent */
    IN("A", 1, 0, 1, .sack = {1 + 3 * M, 1 + 2 * M});   /* upside down */
    IN("A", 1, 0, 1, .sack = {1 + 2 * M + 5, 1 + 2 * M + 9}); /* a few bytes of one */
    for (unsigned i = 0; i < 200; i++)
        IN("A", 1, 0, 1, .sack = {1 + (uint32_t)rnd(6 * M), 1 + (uint32_t)rnd(6 * M)});
    EXPECT(objects < 20);
    ack_segments(5);
    tcp_info(c, &ti);
    EXPECT(ti.sacked == 0 && ti.lost == 0 && ti.unacked == 0);
    script_end(c, "SACKs of nothing");
}

/* CUBIC: after a loss the window returns to where it was along the curve, then goes on. */
static void cubic_curve(void)
{
    struct tcp_conn *c = tcp_new(true, NULL, NULL);

    c->mss = M;
    c->srtt = 100000;
    c->cwnd = 100 * M;
    c->now = 1000000000;
    tcp_cubic_init(c);
    tcp_cubic_loss(c);
    c->cwnd = c->ssthresh;
    EXPECT(c->ssthresh == 70 * M);
    uint32_t last = c->cwnd, at_k = 0, end = 0;
    for (int rtt = 0; rtt < 80; rtt++) {        /* K = cbrt(30 / 0.4) = 4.2 s */
        for (unsigned i = 0; i < 10; i++) {
            c->cwnd_limited = true;
            tcp_cubic_ack(c, c->cwnd / 10);
            c->now += 10000;
        }
        EXPECT(c->cwnd >= last && c->cwnd < last + last / 4);
        last = c->cwnd;
        if (rtt == 41)
            at_k = c->cwnd;
        end = c->cwnd;
    }
    EXPECT(at_k >= 95 * M && at_k <= 103 * M && end > 115 * M && end < 130 * M);
    c->cwnd_limited = false;
    tcp_cubic_ack(c, c->cwnd);          /* an unused window does not grow */
    EXPECT(c->cwnd == end);
    tcp_abort(c);
    script_end(NULL, "CUBIC's curve");
}

int main(void)
{
    wire_setup(0, 1500);
    slow_start();
    timeouts();
    gives_up();
    tail_probe();
    probe_with_new_data();
    fast_retransmit();
    lost_retransmission();
    reordering();
    without_sack();
    undo();
    reneging();
    wild_sacks();
    cubic_curve();
    free(captured);
    return failures != 0;
}
