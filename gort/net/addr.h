/* addr.h - network addresses and big-endian fields.
 *
 * One type for both families: an IPv4 address is ::ffff:a.b.c.d, so that a dual-stack socket
 * compares and hashes one kind of key. Ports are kept in host order. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

struct net_addr {
    union {
        uint8_t b[16];
        uint64_t d[2];
    };
};

static inline uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    __builtin_memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline void put16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    __builtin_memcpy(p, &v, 2);
}

static inline void put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    __builtin_memcpy(p, &v, 4);
}

static inline bool addr_is_v4(const struct net_addr *a)
{
    return a->d[0] == 0 && (uint32_t)a->d[1] == 0xffff0000u; /* bytes 8..11: 0 0 ff ff */
}

static inline bool addr_equal(const struct net_addr *a, const struct net_addr *b)
{
    return ((a->d[0] ^ b->d[0]) | (a->d[1] ^ b->d[1])) == 0;
}

/* :: or 0.0.0.0. */
static inline bool addr_any(const struct net_addr *a)
{
    return a->d[0] == 0 && (a->d[1] == 0 || a->d[1] == 0xffff0000u);
}

/* From 4 bytes of a header. */
static inline struct net_addr addr_v4(const uint8_t *b)
{
    uint32_t w;
    struct net_addr a;

    __builtin_memcpy(&w, b, 4);
    a.d[0] = 0;
    a.d[1] = 0xffff0000u | (uint64_t)w << 32;
    return a;
}

static inline struct net_addr addr_v6(const uint8_t *b)
{
    struct net_addr a;

    __builtin_memcpy(a.b, b, 16);
    return a;
}

/* The IPv4 address as a number, 127.0.0.1 = 0x7f000001. */
static inline uint32_t addr_v4_number(const struct net_addr *a)
{
    return get32(a->b + 12);
}

/* 224.0.0.0/4, 255.255.255.255, ff00::/8. */
static inline bool addr_multicast(const struct net_addr *a)
{
    if (addr_is_v4(a))
        return a->b[12] >> 4 == 14 || addr_v4_number(a) == 0xffffffffu;
    return a->b[0] == 0xff;
}

static inline bool addr_link_local(const struct net_addr *a)
{
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Are the first `bits` bits of both addresses equal? An IPv4 prefix of n has bits = 96 + n. */
static inline bool addr_match(const struct net_addr *a, const struct net_addr *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return !__builtin_memcmp(a->b, b->b, whole) &&
           (!rest || !((a->b[whole] ^ b->b[whole]) >> (8 - rest)));
}

#endif
