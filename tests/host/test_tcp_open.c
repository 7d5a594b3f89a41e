// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function -Wno-missing-field-initializers
/* Opening and closing, segment by segment: handshakes, retries, resets and forged segments
 * (RFC 5961), half and simultaneous closing, TIME-WAIT, close(). */
#include "fake_peer.h"

static void active(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);

    EXPECT(me.events & NET_OUT && tcp_poll(c) == NET_OUT && tcp_take_error(c) == 0);
    script_end(c, "active open");
}

static void syn_retries(void)
{
    struct net_addr to = host_addr(1, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    EXPECT(tcp_connect(me.c, &to, PEER_PORT) == -EINPROGRESS);
    EXPECT(tcp_connect(me.c, &to, PEER_PORT) == -EALREADY);
    OUT("S", 0);
    for (int64_t ms = 1000; ms <= 32000; ms *= 2)
        OUT("S", 0, .ms = ms);
    NONE(63000);
    run_ms(2000);
    EXPECT(me.events & NET_ERR && tcp_take_error(me.c) == ETIMEDOUT);
    script_end(me.c, "SYN: six retries, then ETIMEDOUT");
}

static void refused(void)
{
    struct net_addr to = host_addr(1, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    OUT("S", 0);
    IN("R", 0);                 /* no ACK: it may be forged */
    IN("R.", 0, 0, 77);         /* of nothing that was sent */
    NONE(10);
    EXPECT(!(me.events & NET_ERR));
    IN("S.", 0, 0, 77);         /* an old SYN-ACK */
    OUT("R", 77);
    IN("R.", 0, 0, 1);
    EXPECT(me.events & NET_ERR && tcp_take_error(me.c) == ECONNREFUSED);
    script_end(me.c, "a refused SYN, and forged refusals");
}

static struct app lis, kid;

static void listening(unsigned backlog)
{
    script_begin();
    lis = kid = (struct app){0};
    listener(0, false, 80, backlog, &lis);
    our_port = 80;
}

static void accepted(void)
{
    int err;

    kid.c = tcp_accept(lis.c, &err);
    EXPECT(kid.c != NULL);
    tcp_attach(kid.c, app_wake, &kid);
}

static void passive(void)
{
    int err;

    listening(5);
    EXPECT(!tcp_accept(lis.c, &err) && err == -EAGAIN);
    IN("S", 0, .mss = 1460, .sack_ok = true);
    OUT("S.", 0, 0, 1);
    IN("S", 0, .mss = 1460, .sack_ok = true);   /* our SYN-ACK was lost */
    OUT("S.", 0, 0, 1);
    OUT("S.", 0, 0, 1, .ms = 1000);
    OUT("S.", 0, 0, 1, .ms = 2000);
    EXPECT(!(lis.events & NET_IN));
    IN("A", 1, 0, 2);           /* no such number */
    OUT("R", 2);
    IN("A", 1, 0, 1);
    EXPECT(lis.events & NET_IN && tcp_poll(lis.c) == NET_IN);
    accepted();
    IN("PA", 1, 10, 1);
    EXPECT(take(kid.c, 100) == 10);
    tcp_close(lis.c);
    script_end(kid.c, "passive open");
}

static void passive_gives_up(void)
{
    listening(5);
    IN("S", 0, .mss = 1460);
    OUT("S.", 0, 0, 1);
    for (int64_t ms = 1000; ms <= 16000; ms *= 2)
        OUT("S.", 0, 0, 1, .ms = ms);
    NONE(100000);
    IN("A", 1, 0, 1);           /* far too late */
    OUT("R", 1);
    IN("S", 0, .mss = 1460);
    our_iss_known = false;
    OUT("S.", 0, 0, 1);
    IN("R", 5);                 /* not exact: RFC 5961 */
    OUT("S.", 0, 0, 1, .ms = 1000);
    IN("R", 1);
    NONE(10000);
    tcp_close(lis.c);
    script_end(NULL, "a SYN-ACK five times again; resets of half-open ones");
}

/* Data and FIN in the segment that completes the handshake. */
static void ack_with_data(void)
{
    listening(5);
    IN("S", 0, .mss = 1460);
    OUT("S.", 0, 0, 1);
    IN("FA", 1, 10, 1);
    OUT("A", 1, 0, 12);
    accepted();
    EXPECT(take(kid.c, 100) == 10 && take(kid.c, 100) == 0);
    EXPECT(tcp_poll(kid.c) == (NET_IN | NET_OUT | NET_RDHUP));
    tcp_close(lis.c);
    tcp_close(kid.c);
    OUT("F.", 1, 0, 12);
    IN("A", 12, 0, 2);
    script_end(NULL, "the last ACK carries data and FIN");
}

static void simultaneous_open(void)
{
    struct net_addr to = host_addr(1, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    OUT("S", 0);
    IN("S", 0, .mss = 1460);
    OUT("S.", 0, 0, 1);
    IN("S.", 0, 0, 1);
    OUT("A", 1, 0, 1);
    IN("A", 1, 0, 1);
    EXPECT(me.events & NET_OUT);
    IN("PA", 1, 5, 1);
    EXPECT(take(me.c, 10) == 5);
    script_end(me.c, "simultaneous open");
}

/* Figures 12 and 13 of RFC 9293. */
static void close_first(void)
{
    struct tcp_conn *c = OPENED();

    EXPECT(tcp_shutdown(c, TCP_SHUT_WR) == 0 && put(c, 1, 0) == -EPIPE);
    OUT("F.", 1, 0, 1);
    IN("A", 1, 0, 2);
    IN("PA", 1, 10, 2);         /* half closed: it may still send */
    EXPECT(take(c, 100) == 10 && take(c, 100) == -EAGAIN);
    OUT("A", 2, 0, 11);
    IN("FA", 11, 0, 2);
    OUT("A", 2, 0, 12);
    EXPECT(take(c, 100) == 0 && tcp_poll(c) & NET_HUP);
    IN("FA", 11, 0, 2);         /* our ACK was lost: TIME-WAIT answers */
    OUT("A", 2, 0, 12);
    IN("R", 12);                /* RFC 1337 */
    IN("FA", 11, 0, 2);
    OUT("A", 2, 0, 12);
    tcp_close(c);
    NONE(59000);
    run_ms(2000);
    IN("A", 12, 0, 2);          /* a minute later there is no connection */
    OUT("R", 2);
    script_end(NULL, "half close, TIME-WAIT");
}

static void close_second(void)
{
    struct tcp_conn *c = OPENED();

    IN("FA", 1, 0, 1);
    OUT("A", 1, 0, 2);
    EXPECT(take(c, 1) == 0 && put(c, 100, 0) == 100);
    OUT("A", 1, 100, 2);
    tcp_close(c);
    OUT("F.", 101, 0, 2);
    IN("A", 2, 0, 101);
    IN("A", 2, 0, 102);
    IN("A", 2, 0, 102);
    OUT("R", 102);
    script_end(NULL, "passive close");
}

static void close_both(void)
{
    struct tcp_conn *c = OPENED();

    tcp_close(c);
    OUT("F.", 1, 0, 1);
    IN("FA", 1, 0, 1);
    OUT("A", 2, 0, 2);
    IN("A", 2, 0, 2);
    IN("FA", 1, 0, 2);
    OUT("A", 2, 0, 2);
    script_end(NULL, "simultaneous close");
}

static void fin_lost(void)
{
    struct tcp_conn *c = OPENED(.sack_ok = true);

    put(c, 100, 0);
    OUT("A", 1, 100, 1);
    IN("A", 1, 0, 101);
    tcp_close(c);
    OUT("F.", 101, 0, 1);
    OUT("F.", 101, 0, 1, .ms = 200);    /* a probe of the tail */
    IN("A", 1, 0, 102);
    NONE(59000);                        /* FIN-WAIT-2 of an orphan ends after a minute */
    run_ms(2000);
    IN("FA", 1, 0, 102);
    OUT("R", 102);
    script_end(NULL, "FIN is sent again; an orphan does not wait for ever");
}

static void what_close_means(void)
{
    struct tcp_conn *c = OPENED();

    IN("PA", 1, 10, 1);
    OUT("A", 1, 0, 11);
    tcp_close(c);               /* unread */
    OUT("R.", 1, 0, 11);
    script_end(NULL, "close with unread bytes resets");
    c = OPENED();
    EXPECT(tcp_set(c, TCP_OPT_LINGER, 0) == 0 && put(c, 10, 0) == 10);
    OUT("A", 1, 10, 1);
    tcp_close(c);
    OUT("R.", 11, 0, 1);
    script_end(NULL, "SO_LINGER 0 resets");
    c = OPENED();
    tcp_close(c);
    OUT("F.", 1, 0, 1);
    IN("A", 1, 0, 2);
    IN("PA", 1, 10, 2);
    OUT("R.", 2, 0, 1);
    script_end(NULL, "data for nobody resets");
}

static void resets(void)
{
    struct tcp_conn *c = OPENED();

    IN("R", 500);               /* in the window, not exact */
    OUT("A", 1, 0, 1);
    IN("R", 70000);             /* outside */
    NONE(1);
    IN("S", 300);               /* RFC 5961, 4 */
    OUT("A", 1, 0, 1);
    IN("A", 1, 0, 500000);      /* ACK of bytes never sent */
    OUT("A", 1, 0, 1);
    IN("PA", 1, 10, 1);
    OUT("A", 1, 0, 11);
    IN("R", 11);
    EXPECT(me.events & NET_ERR && tcp_poll(c) & NET_HUP);
    EXPECT(take(c, 100) == 10 && take(c, 100) == -ECONNRESET && take(c, 100) == 0);
    EXPECT(put(c, 1, 0) == -EPIPE);
    script_end(c, "resets: exact ones only");
}

/* At most ten challenge ACKs a second. */
static void challenge_limit(void)
{
    struct tcp_conn *c = OPENED();
    unsigned n = 0;

    for (int i = 0; i < 100; i++)
        IN("S", 300);
    while (ntaken < ncaptured) {
        ntaken++;
        n++;
    }
    EXPECT(n == 10);
    run_ms(1001);
    IN("S", 300);
    OUT("A", 1, 0, 1);
    script_end(c, "challenge ACKs are bounded");
}

/* A SYN in TIME-WAIT: later numbers open anew, others do not. */
static void reuse(void)
{
    struct net_addr to = host_addr(0, false);

    (void)to;
    listening(5);
    IN("S", 0, .mss = 1460);
    OUT("S.", 0, 0, 1);
    IN("A", 1, 0, 1);
    accepted();
    tcp_close(kid.c);
    OUT("F.", 1, 0, 1);
    IN("FA", 1, 0, 2);
    OUT("A", 2, 0, 2);
    IN("S", 0, .mss = 1460);            /* an old SYN */
    OUT("A", 2, 0, 2);
    peer_iss += 100;
    uint32_t old = our_iss;
    IN("S", 0, .mss = 1460);
    our_iss_known = false;
    OUT("S.", 0, 0, 1);
    EXPECT(seq_lt(old + 2, our_iss));
    IN("A", 1, 0, 1);
    accepted();
    tcp_close(lis.c);
    script_end(kid.c, "TIME-WAIT is reused by a later SYN");
}

/* An ICMP error is hard for a SYN, soft for an established connection, ignored for other
 * numbers. */
static void icmp(void)
{
    struct net_addr to = host_addr(1, false), from = host_addr(0, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    tcp_connect(me.c, &to, PEER_PORT);
    OUT("S", 0);
    tcp_icmp(&from, &to, our_port, PEER_PORT, our_iss + 5, ICMP_ERR_PORT, 0);
    EXPECT(!(me.events & NET_ERR));
    tcp_icmp(&from, &to, our_port, PEER_PORT, our_iss, ICMP_ERR_HOST, 0);
    EXPECT(me.events & NET_ERR && tcp_take_error(me.c) == EHOSTUNREACH);
    script_end(me.c, "ICMP errors of a SYN");
    struct tcp_conn *c = OPENED(.sack_ok = true);
    put(c, 1460, 0);
    OUT("A", 1, 1460, 1);
    tcp_icmp(&from, &to, our_port, PEER_PORT, our_iss + 1, ICMP_ERR_HOST, 0);
    EXPECT(!(me.events & NET_ERR));
    tcp_icmp(&from, &to, our_port, PEER_PORT, our_iss + 1, ICMP_ERR_TOOBIG, 1000);
    OUT("A", 1, 960, 1);
    OUT("A", 961, 500, 1);
    IN("A", 1, 0, 1461);
    put(c, 1460, 0);
    OUT("A", 1461, 960, 1);
    pmtu_init();
    script_end(c, "ICMP errors of a connection; path MTU");
}

int main(void)
{
    wire_setup(0, 1500);
    active();
    syn_retries();
    refused();
    passive();
    passive_gives_up();
    ack_with_data();
    simultaneous_open();
    close_first();
    close_second();
    close_both();
    fin_lost();
    what_close_means();
    resets();
    challenge_limit();
    reuse();
    icmp();
    free(captured);
    return failures != 0;
}
