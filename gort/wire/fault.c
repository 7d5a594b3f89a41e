/* fault.c - the boot option netfault=N: received packets are lost, doubled and reordered.
 *
 * One received packet in N is lost, received twice, or swapped with the next one; and once in
 * 200 N packets the device is reset, as if it had been stuck, while sockets are open. */
#include "gort/wire/private.h"
#include "kernel/options.h"

enum { RESET_IN = 200 };

static struct late { struct pkt *pkt; } late[NET_CPUS]; /* [owner] waits for its successor */
static uint64_t state;                                  /* [atomic] */

static uint64_t chance(uint64_t n)
{
    uint64_t x = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED) + options.seed;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return (x ^ x >> 31) % n;
}

/* Copies a packet into one piece. NULL: it is too long for one, or there is no memory. */
static struct pkt *twin(const struct pkt *p)
{
    size_t n = pkt_length(p);
    struct pkt *c = n <= PKT_SMALL_ROOM ? pkt_alloc(PKT_SMALL) : NULL;

    if (!c)
        return NULL;
    pkt_copy_out(p, 0, c->data, n);
    c->len = (uint32_t)n;
    c->flags = p->flags;
    c->csum_start = p->csum_start;
    c->csum_offset = p->csum_offset;
    return c;
}

static struct pkt **append(struct pkt **end, struct pkt *p)
{
    if (!p)
        return end;
    p->link = NULL;
    *end = p;
    return &p->link;
}

static struct pkt **one(struct pkt **end, struct pkt *p, struct late *l)
{
    struct pkt *before = l->pkt;

    l->pkt = NULL;
    switch (chance(options.netfault) ? 3 : chance(3)) {
    case 0:
        pkt_free(p);
        break;
    case 1:
        end = append(end, twin(p));
        end = append(end, p);
        break;
    case 2:
        l->pkt = p;
        break;
    default:
        end = append(end, p);
    }
    return append(end, before);
}

struct pkt *wire_fault(struct netdev *d, struct pkt *list)
{
    struct late *l = &late[net_cpu()];
    struct pkt *first = NULL, **end = &first;

    while (list) {
        struct pkt *p = list;
        list = p->link;
        end = one(end, p, l);
        if (!chance(RESET_IN * options.netfault))
            d->ops->reset(d);
    }
    return first;
}
