// sources: gort/net/netif.c gort/net/path.c gort/net/pmtu.c gort/net/ip_in.c gort/net/ip_out.c
// sources: gort/net/icmp.c gort/net/udp.c gort/net/udp_in.c gort/net/wheel.c drivers/pkt_bytes.c
// sources: gort/net/tcp_ack.c gort/net/tcp_conn.c gort/net/tcp_cookie.c gort/net/tcp_cubic.c
// sources: gort/net/tcp_data.c gort/net/tcp_hash.c gort/net/tcp_in.c gort/net/tcp_io.c
// sources: gort/net/tcp_isn.c gort/net/tcp_listen.c gort/net/tcp_loss.c gort/net/tcp_opt.c
// sources: gort/net/tcp_opts.c gort/net/tcp_out.c gort/net/tcp_port.c gort/net/tcp_req.c
// sources: gort/net/tcp_sack.c gort/net/tcp_seg.c gort/net/tcp_sock.c gort/net/tcp_state.c
// sources: gort/net/tcp_timer.c gort/net/tcp_tw.c gort/net/tcp_xmit.c
// flags: -Wno-unused-function
/* TCP against itself over the bad wire of fake_wire.h: everything arrives, once and in order, for
 * losses of 0 to 5 % and delays of 0 to 100 ms, with reordering, duplicates and damage; and all
 * memory is back at the end. */
#include "fake_tcp.h"

static void settle(void)
{
    run_ms(400000); /* TIME-WAIT, orphans */
    wire_empty();
    if (pieces || objects)
        printf("FAIL %ld pieces, %ld objects are left\n", pieces, objects);
    failures += pieces || objects;
}

/* One transfer each way at once; the ms it took. */
static int64_t transfer(bool v6, uint64_t total, int64_t limit)
{
    struct app l, a, b;
    int64_t ms = -1;

    memset(&l, 0, sizeof l);
    listener(1, v6, 80, 10, &l);
    bool up = pair_up(v6, &a, &b, &l, 120000);
    EXPECT(up);
    if (up) {
        struct flow f[2] = {
            {.from = a.c, .to = b.c, .total = total, .max_write = 100000, .max_read = 100000},
            {.from = b.c, .to = a.c, .total = total / 4, .max_write = 2000, .max_read = 5000}};
        ms = run_flows(f, 2, limit);
        for (int i = 0; i < 2; i++)
            if (ms < 0 || f[i].wrong || f[i].got != f[i].total || f[i].error) {
                struct tcp_info ti;
                tcp_info(f[i].from, &ti);
                printf("FAIL flow %d: sent %lu got %lu of %lu, wrong %d error %ld, %ld ms, state %d"
                       " cwnd %u pipe %u wnd %u lost %u sacked %u rto %u backoff %u\n", i,
                       f[i].sent, f[i].got, f[i].total, f[i].wrong, f[i].error, ms, ti.state,
                       ti.cwnd, ti.in_flight, ti.snd_wnd, ti.lost, ti.sacked, ti.rto_us,
                       ti.backoff);
                failures++;
            }
        tcp_close(b.c);
    }
    tcp_close(a.c);
    tcp_close(l.c);
    return ms;
}

static void one_wire(bool v6, bool tso, unsigned loss, int64_t delay_ms, uint64_t total, bool say)
{
    struct net_stats s;
    int before = failures;

    net_stats_read(&s);
    uint64_t retrans = s.tcp_retrans, in = s.in_octets, out = s.out_octets;
    wire_setup(tso ? NETDEV_TSO4 | NETDEV_TSO6 : 0, 1500);
    wire = (struct wire){.delay = delay_ms * 500000 + 10000, .loss = loss * 100, .split = true,
                         .hear_sums = !loss && rnd(2)};
    if (loss) {
        wire.dup = 100;
        wire.reorder = 200;
        wire.corrupt = 20;
        wire.jitter = wire.delay / 2 + 100000;
    }
    int64_t ms = transfer(v6, total, 3600000);
    net_stats_read(&s);
    EXPECT(loss || s.tcp_retrans == retrans);   /* without loss no retransmission */
    EXPECT(v6 ? s.in_octets == in : s.in_octets - in > total);      /* IPv4's are counted */
    EXPECT(v6 ? s.out_octets == out : s.out_octets - out > total);
    if (say || failures != before)
        printf("%sv%d tso %d loss %u delay %ld: %ld ms; rtx %lu rto %lu tlp %lu rec %lu undo %lu\n",
               failures != before ? "FAIL " : "", v6 ? 6 : 4, tso, loss, delay_ms, ms,
               s.tcp_retrans, s.tcp_rto, s.tcp_tlp, s.tcp_recoveries, s.tcp_undo);
    wire.loss = wire.corrupt = 0;
    settle();
}

/* With an argument, the number of bytes, each transfer is reported. */
int main(int argc, char **argv)
{
    uint64_t total = argc > 1 ? strtoull(argv[1], NULL, 0) : 200000;
    static const unsigned losses[] = {0, 1, 2, 5};
    static const int64_t delays[] = {0, 10, 100};

    for (int i = 0; i < 4; i++)
        for (int l = 0; l < 4; l++)
            for (int d = 0; d < 3; d++)
                one_wire(i & 1, i & 2, losses[l], delays[d], losses[l] ? total : 5 * total,
                         argc > 1);
    check(!failures, "transfers over a bad wire");
    return failures != 0;
}
