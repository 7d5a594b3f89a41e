/* tcp_isn.c - numbers that others must not be able to guess: initial sequence numbers (RFC 6528),
 * timestamp offsets, port offsets (RFC 6056) and SYN cookies. All are SipHash-2-4 of the 4-tuple
 * under a secret; the purpose is part of what is hashed. */
#include "gort/net/private.h"

static uint64_t secret[2];

enum purpose { FOR_ISN, FOR_TS, FOR_PORT, FOR_COOKIE, FOR_COOKIE_DATA };

void tcp_isn_init(void)
{
    net_secret(secret, sizeof secret);
}

static inline uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }

static inline void rounds(uint64_t v[4], int n)
{
    while (n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] = rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] = rotl(v[2], 32);
    }
}

static uint64_t siphash(const uint64_t *m, unsigned n)
{
    uint64_t v[4] = {0x736f6d6570736575ull ^ secret[0], 0x646f72616e646f6dull ^ secret[1],
                     0x6c7967656e657261ull ^ secret[0], 0x7465646279746573ull ^ secret[1]};

    for (unsigned i = 0; i <= n; i++) {
        uint64_t w = i < n ? m[i] : (uint64_t)n << 59;  /* the length, in bytes, on top */
        v[3] ^= w;
        rounds(v, 2);
        v[0] ^= w;
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash(const struct tcp_key *k, enum purpose purpose, uint64_t extra)
{
    uint64_t ports = purpose == FOR_PORT ? 0 : k->lport;
    uint64_t m[6] = {k->laddr.d[0], k->laddr.d[1], k->raddr.d[0], k->raddr.d[1],
                     ports << 48 | (uint64_t)k->rport << 32 | (uint32_t)purpose, extra};

    return siphash(m, 6);
}

/* A clock of 250 kHz plus the hash: the numbers of one 4-tuple rise, and those of another cannot be
 * inferred. */
uint32_t tcp_isn(const struct tcp_key *k)
{
    return (uint32_t)hash(k, FOR_ISN, 0) + (uint32_t)(tcp_now() / 4);
}

/* Hashes the addresses without the ports, so that a later connection of the same hosts has later
 * timestamps (RFC 7323, 5.4). */
uint32_t tcp_ts_offset(const struct tcp_key *k)
{
    struct tcp_key hosts = *k;

    hosts.lport = hosts.rport = 0;
    return (uint32_t)hash(&hosts, FOR_TS, 0);
}

uint32_t tcp_port_offset(const struct tcp_key *k)
{
    return (uint32_t)hash(k, FOR_PORT, 0);
}

/* ---- SYN cookies ---------------------------------------------------------------------------
 * cookie = H(tuple) + irs + minute * 2^24 + (H(tuple, minute) + index of MSS mod 2^24): good for
 * two minutes, about one in 2^22 guesses hits. */

static const uint16_t cookie_mss[] = {536, 1220, 1300, 1440, 1460, 4312, 8960};
enum { COOKIE_MSS = sizeof cookie_mss / sizeof cookie_mss[0], COOKIE_MASK = 0xffffff };

static uint32_t minute(void) { return (uint32_t)(tcp_now() / 60000000); }

uint32_t tcp_cookie_make(const struct tcp_key *k, uint32_t irs, uint16_t mss)
{
    uint32_t at = minute(), i = COOKIE_MSS - 1;

    while (i && cookie_mss[i] > mss)
        i--;
    return (uint32_t)hash(k, FOR_COOKIE, 0) + irs + (at << 24) +
           (((uint32_t)hash(k, FOR_COOKIE_DATA, at) + i) & COOKIE_MASK);
}

bool tcp_cookie_check(const struct tcp_key *k, uint32_t irs, uint32_t cookie, uint16_t *mss)
{
    uint32_t rest = cookie - (uint32_t)hash(k, FOR_COOKIE, 0) - irs, now = minute();
    uint32_t age = (now - (rest >> 24)) & 0xff;

    if (age >= 2)
        return false;
    uint32_t i = (rest - (uint32_t)hash(k, FOR_COOKIE_DATA, now - age)) & COOKIE_MASK;
    if (i >= COOKIE_MSS)
        return false;
    *mss = cookie_mss[i];
    return true;
}
