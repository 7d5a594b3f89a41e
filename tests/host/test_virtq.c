/* test_virtq.c - virtqueues against a device that keeps to the rules, and one that does not.
 * sources: drivers/virtq.c */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/virtq.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

#define MAX 256

/* The driver's side: every chain in use, and its segments. */
struct chain { bool out; unsigned nout, nin; struct virtq_seg seg[40]; uint32_t writable; };
static struct chain chains[MAX];
static struct virtq q;
static struct virtq_slot *slots;
static char *mem, *tables;
static bool rules_broken; /* by the driver, as the device sees it */

/* The device's side. Physical addresses are pointers. */
static uint16_t dev_seen, dev_used;
static uint16_t dev_held[MAX];
static unsigned dev_nheld;

static void fresh(unsigned size, bool indirect, bool event)
{
    free(mem);
    free(tables);
    free(slots);
    mem = aligned_alloc(4096, (virtq_bytes(size) + 4095) & ~4095ul);
    tables = indirect ? malloc(virtq_tables_bytes(size)) : NULL;
    slots = malloc(size * sizeof *slots);
    virtq_init(&q, size, mem, (uintptr_t)mem, slots, tables, (uintptr_t)tables, event);
    memset(chains, 0, sizeof chains);
    dev_seen = dev_used = 0;
    dev_nheld = 0;
    rules_broken = false;
}

static uint16_t *avail(void) { return (uint16_t *)(mem + virtq_avail_offset(q.size)); }
static uint16_t *used(void) { return (uint16_t *)(mem + virtq_used_offset(q.size)); }
static struct virtq_used_elem *elem(unsigned i)
{
    return (struct virtq_used_elem *)(used() + 2) + i % q.size;
}

static uint16_t *avail_event(void) { return (uint16_t *)((char *)used() + 4 + 8 * q.size); }

/* Walks a chain as the specification says; the chain it is meant to be carries its number in
 * the address of its first segment. */
static unsigned dev_walk(uint16_t head)
{
    const struct virtq_desc *t = (const void *)mem, *d = &t[head];
    unsigned n = 0, limit = q.size;

    if (d->flags & 4) {
        t = (const void *)(uintptr_t)d->addr;
        limit = d->len / sizeof *d;
        d = t;
    }
    unsigned number = (unsigned)(d->addr >> 32);
    struct chain *c = &chains[number];
    rules_broken |= !c->out;
    for (;; d = &t[d->next]) {
        bool write = d->flags & 2;
        rules_broken |= n >= limit || n >= c->nout + c->nin || d->addr != c->seg[n].pa ||
                        d->len != c->seg[n].len || write != (n >= c->nout);
        n++;
        if (rules_broken || !(d->flags & 1))
            break;
    }
    rules_broken |= n != c->nout + c->nin;
    return number;
}

static void dev_fetch(void)
{
    uint16_t idx = avail()[1];

    rules_broken |= (uint16_t)(idx - dev_seen) > q.size;
    while (dev_seen != idx && !rules_broken) {
        uint16_t head = avail()[2 + dev_seen++ % q.size];
        dev_walk(head);
        dev_held[dev_nheld++] = head;
    }
}

/* Gives one chain back, in any order. True: the device would interrupt. */
static bool dev_complete(bool event)
{
    unsigned k = (unsigned)rand() % dev_nheld;
    uint16_t head = dev_held[k], old = dev_used;
    unsigned number = dev_walk(head);
    uint32_t w = chains[number].writable;

    dev_held[k] = dev_held[--dev_nheld];
    *elem(dev_used) = (struct virtq_used_elem){ head, w ? (uint32_t)rand() % (w + 1) : 7 };
    used()[1] = ++dev_used;
    if (event)
        return (uint16_t)(dev_used - avail()[2 + q.size] - 1) < (uint16_t)(dev_used - old);
    return !(avail()[0] & 1);
}

static bool drv_add(unsigned *live)
{
    unsigned k = 0;

    while (k < MAX && chains[k].out)
        k++;
    if (k == MAX)
        return false;
    struct chain *c = &chains[k];
    c->nout = (unsigned)rand() % 5;
    c->nin = (unsigned)rand() % 5 + !c->nout;
    if (rand() % 10 == 0)
        c->nout += 22; /* longer than a table */
    c->writable = 0;
    for (unsigned i = 0; i < c->nout + c->nin; i++) {
        c->seg[i] = (struct virtq_seg){ (uint64_t)k << 32 | (unsigned)rand(),
                                        1 + (uint32_t)rand() % 5000 };
        c->writable += i >= c->nout ? c->seg[i].len : 0;
    }
    bool room = virtq_has_room(&q, c->nout + c->nin);
    int err = virtq_add(&q, c->seg, c->nout, c->nin, c);
    if (err != (room ? 0 : -ENOSPC))
        return false;
    c->out = err == 0;
    *live += c->out;
    return true;
}

static bool drv_take(unsigned *live)
{
    uint32_t n;
    struct chain *c = virtq_take(&q, &n);

    if (!c)
        return !q.broken;
    if (!c->out || n > c->writable)
        return false;
    c->out = false;
    (*live)--;
    return true;
}

static bool honest(unsigned size, bool indirect, bool event)
{
    unsigned live = 0;

    fresh(size, indirect, event);
    for (int i = 0; i < 200000 && !rules_broken; i++) {
        switch (rand() % 4) {
        case 0:
        case 1:
            if (!drv_add(&live))
                return false;
            break;
        case 2:
            if (virtq_publish(&q) || rand() % 8 == 0)
                dev_fetch();
            *avail_event() = (uint16_t)rand();
            while (dev_nheld && rand() % 3)
                dev_complete(event);
            break;
        default:
            if (!drv_take(&live))
                return false;
        }
    }
    virtq_publish(&q);
    dev_fetch();
    while (dev_nheld && !rules_broken)
        dev_complete(event);
    while (virtq_pending(&q))
        if (!drv_take(&live))
            return false;
    return !rules_broken && live == 0 && q.nfree == size && q.chains == 0;
}

/* Notifications and interrupts: the side that sleeps is woken. */
static bool wakes(bool event)
{
    uint32_t n;

    fresh(8, false, event);
    for (int i = 0; i < 100000; i++) {
        bool asleep = rand() % 2;
        if (asleep) { /* it waits for the next entry */
            *avail_event() = dev_seen;
            used()[0] = 0;
        } else {
            *avail_event() = (uint16_t)(dev_seen - 1);
            used()[0] = 1;
        }
        struct virtq_seg s = { 0, 4 };
        chains[0] = (struct chain){ true, 1, 0, { s }, 0 };
        if (virtq_add(&q, &s, 1, 0, &chains[0]) || virtq_publish(&q) != asleep)
            return false;
        dev_fetch();
        bool on = rand() % 2;
        if (on && virtq_irq_on(&q, 1))
            return false;
        if (!on)
            virtq_irq_off(&q);
        if (dev_complete(event) != on)
            return false;
        if (!virtq_irq_on(&q, 1)) /* it has come already: virtq_irq_on says so */
            return false;
        if (virtq_take(&q, &n) != &chains[0] || virtq_irq_on(&q, 1))
            return false;
    }
    return !rules_broken;
}

static bool delayed(void)
{
    struct virtq_seg s = { 0, 4 };
    uint32_t n;

    fresh(16, false, true);
    chains[0] = (struct chain){ true, 1, 0, { s }, 0 };
    for (int i = 0; i < 6; i++)
        virtq_add(&q, &s, 1, 0, &chains[0]);
    virtq_publish(&q);
    dev_fetch();
    if (virtq_irq_on(&q, 3) || dev_complete(true) || dev_complete(true) || !dev_complete(true))
        return false;
    return virtq_take(&q, &n) && virtq_irq_on(&q, 2) && !virtq_irq_on(&q, 3);
}

/* ---- lies ---------------------------------------------------------------------------- */
static bool lie(uint16_t idx, uint32_t id, uint32_t len, const char *expected)
{
    struct virtq_seg s[3] = { { 0, 10 }, { 0, 20 }, { 0, 30 } };
    uint32_t n;

    fresh(8, false, false);
    for (unsigned i = 0; i < 3; i++) /* one descriptor, two, one: heads 0, 1, 3 */
        virtq_add(&q, s, i == 1, 1, &chains[i]);
    virtq_publish(&q);
    *elem(0) = (struct virtq_used_elem){ id, len };
    used()[1] = idx;
    bool taken = virtq_take(&q, &n);
    if (!expected)
        return taken && !q.broken;
    if (taken || !q.broken || strcmp(q.broken, expected))
        return false;
    return virtq_add(&q, s, 1, 0, &chains[0]) == -EIO && !virtq_publish(&q) &&
           !virtq_take(&q, &n) && virtq_detach(&q) && virtq_detach(&q) && virtq_detach(&q) &&
           !virtq_detach(&q) && q.nfree == 8;
}

static bool lies(void)
{
    static const char more[] = "claims more than it was given",
                      none[] = "returns what it does not have",
                      behind[] = "claims to have written behind a buffer";

    return lie(1, 0, 10, NULL) && lie(1, 1, 20, NULL) && lie(3, 3, 0, NULL) &&
           lie(4, 0, 0, more) && lie(0xffff, 0, 0, more) && lie(1, 2, 0, none) &&
           lie(1, 4, 0, none) && lie(1, 8, 0, none) && lie(1, 0xffffffff, 0, none) &&
           lie(1, 0, 11, behind) && lie(1, 1, 21, behind) && lie(1, 0, 0x80000000, behind);
}

static bool twice(void)
{
    struct virtq_seg s = { 0, 10 };
    uint32_t n;

    fresh(8, false, true);
    virtq_add(&q, &s, 0, 1, &chains[0]);
    virtq_add(&q, &s, 0, 1, &chains[1]);
    virtq_publish(&q);
    *elem(0) = *elem(1) = (struct virtq_used_elem){ 1, 3 };
    used()[1] = 2;
    return virtq_take(&q, &n) == &chains[1] && n == 3 && !virtq_take(&q, &n) && q.broken &&
           virtq_detach(&q) == &chains[0] && !virtq_detach(&q);
}

/* Shared memory that changes at random: every chain comes back once, by take or by detach. */
static bool noise(void)
{
    for (int round = 0; round < 3000; round++) {
        unsigned size = 1u << rand() % 7, live = 0;
        fresh(size, rand() % 2, rand() % 2);
        for (int i = 0; i < 200; i++) {
            if (rand() % 2 && !q.broken)
                drv_add(&live);
            virtq_publish(&q);
            if (rand() % 2) /* nearly right */
                *elem(dev_used) = (struct virtq_used_elem){ (uint32_t)rand() % size,
                                                            (uint32_t)rand() % 50 };
            if (rand() % 2)
                used()[1] = ++dev_used;
            if (rand() % 8 == 0)
                mem[rand() % virtq_bytes(size)] = (char)rand();
            if (tables && rand() % 8 == 0)
                tables[rand() % virtq_tables_bytes(size)] = (char)rand();
            if (!drv_take(&live) && !q.broken)
                return false;
            virtq_irq_on(&q, (unsigned)rand() % 4);
        }
        for (struct chain *c; (c = virtq_detach(&q)); live--) {
            if (!c->out)
                return false;
            c->out = false;
        }
        if (live || q.nfree != size || q.chains)
            return false;
    }
    return true;
}

int main(void)
{
    srand(1);
    for (int i = 0; i < 4; i++)
        report("virtq_honest", honest(i % 2 ? 64 : 4, i & 2, i % 3));
    report("virtq_wakes", wakes(false) && wakes(true));
    report("virtq_delayed", delayed());
    report("virtq_lies", lies());
    report("virtq_twice", twice());
    report("virtq_noise", noise());
    free(mem);
    free(tables);
    free(slots);
    return failures != 0;
}
