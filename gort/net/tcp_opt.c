/* tcp_opt.c - options of a segment: reading them, and writing a SYN's. */
#include "gort/net/private.h"

enum { OPT_END, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACK_OK, OPT_SACK, OPT_TS = 8 };

static void take(struct tcp_rx *rx, unsigned kind, const uint8_t *v, unsigned n)
{
    bool syn = rx->flags & TF_SYN;

    if (kind == OPT_MSS && n == 2 && syn) {
        rx->has_mss = true;
        rx->mss = get16(v);
    } else if (kind == OPT_WSCALE && n == 1 && syn) {
        rx->has_wscale = true;
        rx->wscale = v[0] > 14 ? 14 : v[0];     /* RFC 7323, 2.3 */
    } else if (kind == OPT_SACK_OK && n == 0 && syn) {
        rx->sack_ok = true;
    } else if (kind == OPT_TS && n == 8) {
        rx->has_ts = true;
        rx->tsval = get32(v);
        rx->tsecr = get32(v + 4);
    } else if (kind == OPT_SACK && !syn && n && n % 8 == 0 && n / 8 <= TCP_SACKS) {
        rx->nsacks = (uint8_t)(n / 8);
        for (unsigned i = 0; i < rx->nsacks; i++) {
            rx->sack[i].start = get32(v + 8 * i);
            rx->sack[i].end = get32(v + 8 * i + 4);
        }
    }
}

/* An option of impossible length ends the list; the options before it count. */
void tcp_options_parse(struct tcp_rx *rx)
{
    const uint8_t *o = rx->opts;
    unsigned n = rx->optlen;

    while (n) {
        if (o[0] == OPT_END)
            return;
        unsigned len = o[0] == OPT_NOP ? 1 : n > 1 ? o[1] : 0;
        if (o[0] != OPT_NOP && (len < 2 || len > n))
            return;
        if (o[0] != OPT_NOP)
            take(rx, o[0], o + 2, len - 2);
        o += len;
        n -= len;
    }
}

/* A SYN's options, padded to words; at most 20 bytes. */
uint32_t tcp_syn_options(uint8_t *o, const struct tcp_tx *t)
{
    uint8_t *p = o;

    if (t->mss) {
        p[0] = OPT_MSS;
        p[1] = 4;
        put16(p + 2, t->mss);
        p += 4;
    }
    if (t->ts) {
        p[0] = t->sack ? OPT_SACK_OK : OPT_NOP;
        p[1] = t->sack ? 2 : OPT_NOP;
        p[2] = OPT_TS;
        p[3] = 10;
        put32(p + 4, t->tsval);
        put32(p + 8, t->tsecr);
        p += 12;
    } else if (t->sack) {
        p[0] = p[1] = OPT_NOP;
        p[2] = OPT_SACK_OK;
        p[3] = 2;
        p += 4;
    }
    if (t->wscale != 0xff) {
        p[0] = OPT_NOP;
        p[1] = OPT_WSCALE;
        p[2] = 3;
        p[3] = t->wscale;
        p += 4;
    }
    return (uint32_t)(p - o);
}
