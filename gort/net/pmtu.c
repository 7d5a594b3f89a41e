/* pmtu.c - path MTU discovery (RFC 1191, RFC 8201): destinations whose path is narrower than the
 * interface. A table of fixed size: a new entry overwrites an old one in its place, whose path MTU
 * is then discovered again. */
#include "kernel/lock.h"
#include "gort/net/ip.h"
#include "gort/net/platform.h"

enum { ENTRIES = 256 };
#define LIFETIME 600000000000ll /* ns: after this a larger MTU is tried */

static struct entry {
    struct net_addr dst;
    uint32_t mtu;       /* 0: empty */
    int64_t until;
} table[ENTRIES];
static struct lock pmtu_lock;
static uint32_t known;  /* [atomic] entries ever made; 0: lookups return at once */
static uint64_t key;

static struct entry *slot(const struct net_addr *dst)
{
    uint64_t h = (dst->d[0] ^ key) * 0x9e3779b97f4a7c15ull;

    h = (h ^ h >> 32 ^ dst->d[1]) * 0x9e3779b97f4a7c15ull;
    return &table[h >> 56 & (ENTRIES - 1)];
}

uint32_t pmtu_get(const struct net_addr *dst, uint32_t limit)
{
    if (!__atomic_load_n(&known, __ATOMIC_RELAXED))
        return limit;
    lock(&pmtu_lock);
    struct entry *e = slot(dst);
    if (e->mtu && e->mtu < limit && addr_equal(&e->dst, dst) && net_now_ns() < e->until)
        limit = e->mtu;
    unlock(&pmtu_lock);
    return limit;
}

/* The MTU to assume when a router's error reports 0: the next lower of RFC 1191's plateaus. */
static uint32_t plateau(uint32_t was)
{
    static const uint16_t p[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 576};

    for (unsigned i = 0; i < sizeof p / sizeof p[0]; i++)
        if (p[i] < was)
            return p[i];
    return IP_MIN_MTU;
}

bool pmtu_lower(const struct net_addr *dst, uint32_t mtu, uint32_t was)
{
    uint32_t floor = addr_is_v4(dst) ? IP_MIN_MTU : IP6_MIN_MTU;

    if (!mtu)
        mtu = plateau(was);
    if (mtu < floor)    /* a forged error must not shrink packets further */
        mtu = floor;
    if (mtu >= was)
        return false;
    lock(&pmtu_lock);
    *slot(dst) = (struct entry){*dst, mtu, net_now_ns() + LIFETIME};
    unlock(&pmtu_lock);
    __atomic_fetch_add(&known, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&net_generation, 1, __ATOMIC_RELEASE);
    return true;
}

void pmtu_init(void)
{
    lock_init(&pmtu_lock, "path MTUs", RANK_NET);
    net_secret(&key, sizeof key);
    __builtin_memset(table, 0, sizeof table);
    known = 0;
}
