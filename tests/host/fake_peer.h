/* fake_peer.h - inject and expect: a peer made of single segments against the stack on eth0.
 *
 *   IN("S.", 0, 0, 1);          the peer sends: flags, its sequence, length, what it acknowledges
 *   IN("S.", 0, 0, 1);          the peer sends: flags, its sequence, length, acknowledgement
 *   NONE(39);                   and nothing more for 39 ms
 *
 * Sequence numbers count from the two initial ones. Flags: S F R P A, '.' = A. */
#include "fake_tcp.h"

struct sg {
    const char *flags;
    uint32_t seq, len, ack;
    uint32_t wnd;               /* 0: PEER_WND; NO_WND: really 0 */
    int64_t ms;                 /* OUT: sent that much later (tolerance 1 ms) */
    uint32_t ts, ecr;           /* a timestamp option, if ts */
    uint32_t sack[8];           /* pairs, relative to the acknowledged side's start */
    uint16_t mss;               /* of a SYN */
    uint8_t wscale;             /* of a SYN: n + 1 */
    bool sack_ok, any_wnd;
};

enum { PEER_WND = 65535, NO_WND = 0x10000, CAPTURED = 4096, PEER_PORT = 5000 };

static struct sent { int64_t at; size_t len; uint8_t b[120]; uint32_t payload; } *captured;
static unsigned ncaptured, ntaken;
static uint32_t peer_iss = 1000000, our_iss;
static uint16_t our_port;
static bool our_iss_known;
static int script_line;

static bool capture(int from, struct pkt *p)
{
    if (from)
        return false;
    size_t n = pkt_length(p);
    struct sent *s = &captured[ncaptured++ % CAPTURED];
    s->at = vnow;
    s->len = n < sizeof s->b ? n : sizeof s->b;
    pkt_copy_out(p, 0, s->b, s->len);
    pkt_free(p);
    return true;
}

static void script_begin(void)
{
    if (!captured)
        captured = calloc(CAPTURED, sizeof *captured);
    wire_tap = capture;
    wire = (struct wire){0};
    ncaptured = ntaken = 0;
    our_iss_known = false;
    peer_iss += 7777;
}

static uint8_t flag_bits(const char *f)
{
    uint8_t bits = 0;

    for (; *f; f++)
        bits |= (uint8_t)(*f == 'S' ? TF_SYN : *f == 'F' ? TF_FIN : *f == 'R' ? TF_RST :
                          *f == 'P' ? TF_PSH : *f == 'U' ? TF_URG : TF_ACK);
    return bits;
}

static uint8_t *peer_options(uint8_t *o, const struct sg *s)
{
    if (s->mss) {
        put32(o, 2u << 24 | 4u << 16 | s->mss);
        o += 4;
    }
    if (s->sack_ok) {
        put32(o, 0x01010402);
        o += 4;
    }
    if (s->wscale) {
        put32(o, 0x01030300u | (s->wscale - 1u));
        o += 4;
    }
    if (s->ts) {
        put32(o, 0x0101080a);
        put32(o + 4, s->ts);
        put32(o + 8, s->ecr);
        o += 12;
    }
    unsigned n = 0;
    while (n < 4 && s->sack[2 * n + 1])
        n++;
    if (n) {
        put32(o, 0x01010500u | (2 + 8 * n));
        for (unsigned i = 0; i < 2 * n; i++)
            put32(o + 4 + 4 * i, our_iss + s->sack[i]);
        o += 4 + 8 * n;
    }
    return o;
}

static void peer_sends(struct sg s)
{
    uint8_t f[1700] = {2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 8, 0}, *ip = f + 14, *t = ip + 20;
    uint8_t bits = flag_bits(s.flags), *end = peer_options(t + 20, &s);
    uint32_t len = (uint32_t)(end - t) + s.len;
    struct net_addr src = host_addr(1, false), dst = host_addr(0, false);

    for (uint32_t i = 0; i < s.len; i++)
        end[i] = pattern(s.seq - 1 + i);
    put16(t, PEER_PORT);
    put16(t + 2, our_port);
    put32(t + 4, peer_iss + s.seq);
    put32(t + 8, bits & TF_ACK ? our_iss + s.ack : 0);
    t[12] = (uint8_t)((end - t) / 4 << 4);
    t[13] = bits;
    put16(t + 14, s.wnd == NO_WND ? 0 : s.wnd ? (uint16_t)s.wnd : PEER_WND);
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(20 + len));
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, src.b + 12, 4);
    memcpy(ip + 16, dst.b + 12, 4);
    put16(ip + 10, (uint16_t)~ip_header_sum(ip, 20));
    struct pkt whole = {.data = t, .len = len};
    uint32_t sum = pkt_sum(&whole, 0, len) + (uint32_t)ip_pseudo_sum(&src, &dst, 6, len);
    put16(t + 16, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
    deliver(0, f, 34 + len, false);
}

static void wrong(const char *what, const struct sg *want, const struct sent *s)
{
    printf("FAIL line %d: %s: want %s %u(%u) ack %u", script_line, what, want->flags, want->seq,
           want->len, want->ack);
    if (s) {
        const uint8_t *t = s->b + 34;
        printf("; is flags %x %u(%u) ack %u wnd %u at %ld us", t[13], get32(t + 4) - our_iss,
               get16(s->b + 16) - 20 - (t[12] >> 4) * 4, get32(t + 8) - peer_iss, get16(t + 14),
               (long)(s->at / 1000));
    }
    printf("\n");
    failures++;
}

/* The next segment that the stack has sent or sends within ms; NULL: none. */
static struct sent *next_sent(int64_t ms)
{
    int64_t until = vnow + ms * 1000000;

    while (ntaken == ncaptured && step(until))
        ;
    return ntaken == ncaptured ? NULL : &captured[ntaken++ % CAPTURED];
}

static bool has_sacks(const uint8_t *t, const struct sg *w)
{
    const uint8_t *o = t + 20, *end = t + (t[12] >> 4) * 4;

    for (; o < end && *o; o += *o == 1 ? 1 : o[1])
        if (*o == 5) {
            for (unsigned i = 0; i < 4 && w->sack[2 * i + 1]; i++)
                if (2 + 8 * i >= o[1] || get32(o + 2 + 8 * i) != peer_iss + w->sack[2 * i] ||
                    get32(o + 6 + 8 * i) != peer_iss + w->sack[2 * i + 1])
                    return false;
            return true;
        }
    return !w->sack[1];
}

static struct sent *stack_sends(struct sg w)
{
    int64_t start = vnow;
    struct sent *s = next_sent(w.ms + 1);

    if (!s) {
        wrong("nothing was sent", &w, NULL);
        return NULL;
    }
    const uint8_t *t = s->b + 34;
    uint8_t bits = flag_bits(w.flags);
    if (t[13] & TF_SYN && !our_iss_known) {
        our_iss = get32(t + 4);
        our_port = get16(t);
        our_iss_known = true;
    }
    uint32_t len = get16(s->b + 16) - 20u - (t[12] >> 4) * 4u;
    if ((t[13] & ~TF_PSH) != (bits & ~TF_PSH) || get32(t + 4) - our_iss != w.seq || len != w.len ||
        (bits & TF_ACK && get32(t + 8) - peer_iss != w.ack))
        wrong("another segment", &w, s);
    else if (w.wnd && get16(t + 14) != (w.wnd == NO_WND ? 0 : w.wnd))
        wrong("another window", &w, s);
    else if (!has_sacks(t, &w))
        wrong("other SACKs", &w, s);
    else if (s->at - start < (w.ms - 1) * 1000000 || s->at - start > (w.ms + 1) * 1000000)
        wrong("another time", &w, s);
    return s;
}

static void stack_silent(int64_t ms)
{
    int64_t until = vnow + ms * 1000000;
    struct sent *s = next_sent(ms);
    struct sg none = {.flags = "nothing"};

    if (s)
        wrong("something was sent", &none, s);
    else
        run_until(until);
}

#define IN(...) (script_line = __LINE__, peer_sends((struct sg){__VA_ARGS__}))
#define OUT(...) (script_line = __LINE__, stack_sends((struct sg){__VA_ARGS__}))
#define NONE(ms) (script_line = __LINE__, stack_silent(ms))

/* ---- usual beginnings -------------------------------------------------------------------- */

static struct app me;

/* An established connection that the stack opened: no timestamps, SACK, MSS 1460, no scale. */
static struct tcp_conn *opened(struct sg syn_ack)
{
    struct net_addr to = host_addr(1, false);

    script_begin();
    me = (struct app){0};
    me.c = tcp_new(true, app_wake, &me);
    EXPECT(tcp_connect(me.c, &to, PEER_PORT) == -EINPROGRESS);
    OUT("S", 0);
    syn_ack.flags = "S.";
    syn_ack.ack = 1;
    if (!syn_ack.mss)
        syn_ack.mss = 1460;
    peer_sends(syn_ack);
    OUT("A", 1, 0, 1);
    return me.c;
}

#define OPENED(...) (script_line = __LINE__, opened((struct sg){__VA_ARGS__}))

static long put(struct tcp_conn *c, size_t n, unsigned flags)
{
    static uint8_t buf[100000];

    return tcp_send(c, buf, n, flags);
}

static long take(struct tcp_conn *c, size_t n)
{
    static uint8_t buf[100000];

    return tcp_recv(c, buf, n, 0);
}

static void script_end(struct tcp_conn *c, const char *name)
{
    static int before;

    if (c)
        tcp_abort(c);
    run_ms(400000);
    if (pieces || objects)
        printf("FAIL %s: %ld pieces, %ld objects are left\n", name, pieces, objects);
    failures += pieces || objects;
    pieces = objects = 0;
    check(failures == before, name);
    before = failures;
}
