/* fake_net.h - clock, locks, objects and packet memory for host tests of the network stack.
 *
 * Time is virtual. Packet pieces are blocks of their own, so that the address sanitizer finds
 * accesses past their end. Allocations are counted, and all must have been freed at the end. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/check.h"
#include "kernel/lock.h"
#include "gort/net/net.h"
#include "gort/net/platform.h"

static int failures;
static int64_t vnow = 1000000000;           /* ns */
static uint64_t rnd_state = 1;
static long objects, pieces;                /* allocated now */
static long pieces_max = 1000000;           /* pkt_alloc fails beyond */
static long fail_one_in;                    /* of allocations; 0 = none */
static int memory_short;
static uint64_t memory_left = 1ull << 40;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

#define EXPECT(cond)                                                                      \
    do {                                                                                  \
        if (!(cond)) {                                                                    \
            printf("FAIL %s:%d: %s\n", __func__, __LINE__, #cond);                        \
            failures++;                                                                   \
        }                                                                                 \
    } while (0)

static uint64_t rnd64(void)
{
    rnd_state += 0x9e3779b97f4a7c15ull;
    uint64_t z = rnd_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint64_t rnd(uint64_t n) { return rnd64() % n; }

void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

/* ---- locks know their order, as the kernel's do ----------------------------------------- */

#ifndef FAKE_NET_THREADS
static const struct lock *held[16];
static unsigned nheld;

void lock_init(struct lock *l, const char *name, enum lock_rank rank)
{
    *l = (struct lock){0, rank, name};
}

void lock(struct lock *l)
{
    CHECK(!l->held, "%s is held", l->name);
    CHECK(!nheld || held[nheld - 1]->rank < l->rank, "%s under %s", l->name, held[nheld - 1]->name);
    l->held = 1;
    held[nheld++] = l;
}

void unlock(struct lock *l)
{
    CHECK(l->held, "%s is not held", l->name);
    l->held = 0;
    for (unsigned i = 0; i < nheld; i++)
        if (held[i] == l)
            memmove(&held[i], &held[i + 1], (--nheld - i) * sizeof held[0]);
}

static void no_locks(void) { CHECK(!nheld, "%s is still held", held[0]->name); }

unsigned net_cpu(void) { return 0; }
int64_t net_now_ns(void) { return vnow; }
#endif

/* ---- the platform ----------------------------------------------------------------------- */

void net_secret(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)rnd64();
}

static bool fails(void) { return fail_one_in && !rnd((uint64_t)fail_one_in); }

void *net_alloc(size_t n)
{
    if (fails())
        return NULL;
    __atomic_fetch_add(&objects, 1, __ATOMIC_RELAXED);
    return calloc(1, n);
}

void net_free(void *p, size_t n)
{
    memset(p, 0xdb, n);
    __atomic_fetch_sub(&objects, 1, __ATOMIC_RELAXED);
    free(p);
}

int net_memory_short(void) { return memory_short; }
uint64_t net_memory_left(void) { return memory_left; }
void net_timers_kick(unsigned cpu, int64_t due_ns) { (void)cpu; (void)due_ns; }

/* ---- packet memory ---------------------------------------------------------------------- */

static const size_t pkt_room[PKT_SIZES] = {0, PKT_HEADROOM + PKT_SMALL_ROOM,
                                           PKT_HEADROOM + PKT_LARGE_ROOM};

struct pkt *pkt_alloc(enum pkt_size size)
{
    if (fails() || __atomic_load_n(&pieces, __ATOMIC_RELAXED) >= pieces_max)
        return NULL;
    struct pkt *p = malloc(sizeof *p + pkt_room[size]);
    *p = (struct pkt){.refs = 1, .size = (uint8_t)size};
    p->data = (uint8_t *)(p + 1) + (size ? PKT_HEADROOM : 0);
    __atomic_fetch_add(&pieces, 1, __ATOMIC_RELAXED);
    return p;
}

static void piece_put(struct pkt *p)
{
    if (__atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (p->whole)
        piece_put(p->whole);
    __atomic_fetch_sub(&pieces, 1, __ATOMIC_RELAXED);
    free(p);
}

void pkt_free(struct pkt *p)
{
    while (p) {
        struct pkt *next = p->next;
        piece_put(p);
        p = next;
    }
}

void pkt_free_list(struct pkt *list)
{
    while (list) {
        struct pkt *link = list->link;
        pkt_free(list);
        list = link;
    }
}

void pkt_ref(struct pkt *p) { __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED); }

struct pkt *pkt_view(struct pkt *whole, uint8_t *data, uint32_t len)
{
    struct pkt *p = pkt_alloc(PKT_BARE);

    if (!p)
        return NULL;
    p->whole = whole->whole ? whole->whole : whole;
    pkt_ref(p->whole);
    p->data = data;
    p->len = len;
    return p;
}

size_t pkt_room_front(const struct pkt *p)
{
    return p->size ? (size_t)(p->data - (const uint8_t *)(p + 1)) : 0;
}

size_t pkt_room_back(const struct pkt *p)
{
    const uint8_t *end = (const uint8_t *)(p + 1) + pkt_room[p->size];

    return p->size ? (size_t)(end - (p->data + p->len)) : 0;
}
