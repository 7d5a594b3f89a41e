/* tcp_cookie.c - SYN cookies: when a listener has as many half-open connections as its backlog
 * allows, a SYN is answered without any record. The SYN-ACK's sequence number encodes the MSS under
 * a secret (tcp_isn.c); window scale and SACK are in the low bits of the timestamp, if there is
 * one. */
#include "gort/net/private.h"

enum { TS_BITS = 6, TS_MASK = 63, SACK_BIT = 16, NO_SCALE = 15 };
#define FLOOD_TIME 120000000ll /* us: after the last cookie, ACKs may return cookies for so long */

/* The present time with its low bits replaced by `bits`, and never later than the present time. */
static uint32_t ts_with(uint32_t now, uint32_t bits)
{
    uint32_t ts = (now & ~(uint32_t)TS_MASK) | bits;

    return seq_lt(now, ts) ? ts - (1u << TS_BITS) : ts;
}

void tcp_cookie_send(struct tcp_conn *l, const struct tcp_rx *rx)
{
    struct tcp_req r = {.cookie = true};

    tcp_req_fill(&r, l, rx);
    r.iss = tcp_cookie_make(&r.ent.key, r.irs, r.mss);
    if (r.ts_ok) {
        uint32_t bits = (r.wscale_ok ? r.snd_scale : NO_SCALE) | (r.sack_ok ? SACK_BIT : 0);
        uint32_t now = (uint32_t)(tcp_now() / 1000) + r.ts_offset;
        r.tsval = ts_with(now, bits);
    } else {
        r.wscale_ok = r.sack_ok = false;
    }
    __atomic_store_n(&l->listen->flooded, tcp_now(), __ATOMIC_RELAXED);
    NET_COUNT(tcp_cookies_sent);
    tcp_synack(&r);
}

bool tcp_cookie_ack(struct tcp_conn *l, const struct tcp_rx *rx, struct pkt *pkt)
{
    int64_t flooded = __atomic_load_n(&l->listen->flooded, __ATOMIC_RELAXED);
    struct tcp_req r = {.cookie = true};
    struct tcp_rx seg = *rx;
    uint16_t mss;

    if (!flooded || tcp_now() - flooded > FLOOD_TIME)
        return false;
    tcp_req_fill(&r, l, rx);
    r.irs = rx->seq - 1;
    r.iss = rx->ack - 1;
    if (!tcp_cookie_check(&r.ent.key, r.irs, r.iss, &mss)) {
        NET_COUNT(tcp_cookies_bad);
        return false;
    }
    NET_COUNT(tcp_cookies_good);
    r.mss = mss;
    r.sack_ok = r.ts_ok && rx->tsecr & SACK_BIT;
    r.snd_scale = r.ts_ok ? rx->tsecr & NO_SCALE : NO_SCALE;
    r.wscale_ok = r.snd_scale != NO_SCALE;
    if (!r.wscale_ok)
        r.snd_scale = 0;
    struct tcp_conn *c = tcp_child(&r, rx);
    if (!c) {
        pkt_free(pkt);
        return true;
    }
    tcp_segment(c, &seg, pkt);
    tcp_unlock(c);
    lock(&l->listen->lock);
    tcp_listen_wake(l);
    unlock(&l->listen->lock);
    return true;
}
