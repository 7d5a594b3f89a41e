/* tcp_hash.c - the table of 4-tuples: connections, half-open requests, TIME-WAIT records.
 *
 * Chains have a lock per stripe of buckets, held only to walk one chain. The table holds a
 * reference to each entry; a find takes another under the lock, so an entry cannot vanish between
 * the two. The finder then locks the entry and checks that it has not ended. */
#include "gort/net/private.h"

enum { BUCKETS = 32768, STRIPES = 1024 };

static struct tcp_ent *buckets[BUCKETS];
static struct lock stripes[STRIPES];
static uint64_t key[2];

void tcp_hash_init(void)
{
    for (unsigned i = 0; i < STRIPES; i++)
        lock_init(&stripes[i], "TCP table", RANK_TCP_HASH);
    net_secret(key, sizeof key);
}

/* Both halves of a 128-bit product: every bit of the input reaches every bit of the output. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;

    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint32_t tcp_hash_key(const struct tcp_key *k)
{
    uint64_t ports = (uint64_t)k->zone << 32 | (uint32_t)k->lport << 16 | k->rport;
    uint64_t h = mix(k->raddr.d[1] ^ key[0], ports ^ key[1]);

    if (!addr_is_v4(&k->raddr))
        h ^= mix(k->raddr.d[0] ^ key[1], k->laddr.d[0] ^ 0x9e3779b97f4a7c15ull ^ key[0]);
    h = mix(h ^ k->laddr.d[1], 0xbf58476d1ce4e5b9ull ^ key[0]);
    return (uint32_t)(h ^ h >> 32);
}

static inline bool same(const struct tcp_key *a, const struct tcp_key *b)
{
    return a->lport == b->lport && a->rport == b->rport && a->zone == b->zone &&
           addr_equal(&a->raddr, &b->raddr) && addr_equal(&a->laddr, &b->laddr);
}

static inline struct lock *stripe(uint32_t hash) { return &stripes[hash % STRIPES]; }

static struct tcp_ent *look(const struct tcp_key *k, uint32_t hash)
{
    struct tcp_ent *e = buckets[hash % BUCKETS];

    while (e && (e->hash != hash || !same(&e->key, k)))
        e = e->next;
    return e;
}

struct tcp_ent *tcp_hash_find(const struct tcp_key *k, uint32_t hash)
{
    if (!__atomic_load_n(&buckets[hash % BUCKETS], __ATOMIC_RELAXED))
        return NULL;
    lock(stripe(hash));
    struct tcp_ent *e = look(k, hash);
    if (e)
        tcp_ent_get(e);
    unlock(stripe(hash));
    return e;
}

static void link_in(struct tcp_ent *e)
{
    struct tcp_ent **head = &buckets[e->hash % BUCKETS];

    e->next = *head;
    e->hashed = true;
    __atomic_store_n(head, e, __ATOMIC_RELAXED);
}

static void link_out(struct tcp_ent *e)
{
    struct tcp_ent **p = &buckets[e->hash % BUCKETS];

    while (*p != e)
        p = &(*p)->next;
    __atomic_store_n(p, e->next, __ATOMIC_RELAXED);
    e->hashed = false;
}

bool tcp_hash_insert(struct tcp_ent *e, struct tcp_ent **old)
{
    e->hash = tcp_hash_key(&e->key);
    lock(stripe(e->hash));
    struct tcp_ent *there = look(&e->key, e->hash);
    if (!there) {
        tcp_ent_get(e);
        link_in(e);
    } else if (old) {
        tcp_ent_get(there);
        *old = there;
    }
    unlock(stripe(e->hash));
    return !there;
}

bool tcp_hash_replace(struct tcp_ent *old, struct tcp_ent *e)
{
    e->hash = old->hash;
    lock(stripe(e->hash));
    bool there = old->hashed;
    if (there) {
        link_out(old);
        tcp_ent_get(e);
        link_in(e);
    }
    unlock(stripe(e->hash));
    if (there)
        tcp_ent_put(old);
    return there;
}

void tcp_hash_remove(struct tcp_ent *e)
{
    lock(stripe(e->hash));
    bool there = e->hashed;
    if (there)
        link_out(e);
    unlock(stripe(e->hash));
    if (there)
        tcp_ent_put(e);
}

void tcp_ent_put(struct tcp_ent *e)
{
    if (__atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (e->kind == TCP_KIND_CONN)
        tcp_conn_free((struct tcp_conn *)e);
    else if (e->kind == TCP_KIND_REQ)
        tcp_req_free((struct tcp_req *)e);
    else
        tcp_tw_free((struct tcp_tw *)e);
}

/* Entries come and go during the walk. It holds a reference to the entry whose turn it is, and goes
 * on from there if the entry is still in the table, else with the next bucket. */
void tcp_hash_walk(void (*fn)(void *arg, struct tcp_ent *e), void *arg)
{
    for (uint32_t b = 0; b < BUCKETS; b++) {
        struct tcp_ent *e = __atomic_load_n(&buckets[b], __ATOMIC_RELAXED), *last = NULL;
        while (e) {
            lock(stripe(b));
            e = !last ? buckets[b] : last->hashed ? last->next : NULL;
            if (e)
                tcp_ent_get(e);
            unlock(stripe(b));
            if (last)
                tcp_ent_put(last);
            if (e)
                fn(arg, e);
            last = e;
        }
    }
}
