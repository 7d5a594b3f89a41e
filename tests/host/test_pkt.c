/* test_pkt.c - packet memory and the bytes of packets, against plain arrays.
 * sources: drivers/pkt.c drivers/pkt_bytes.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/boot_info.h"
#include "drivers/net.h"
#include "kernel/check.h"
#include "kernel/lock.h"
#include "mm/mm.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

unsigned pkt_test_cpu;
static uint64_t frames; /* bytes that are out */
void lock(struct lock *l) { l->held++; }
void unlock(struct lock *l) { l->held--; }
bool mm_can_spare(uint64_t n) { (void)n; return true; }
void *phys_to_virt(uint64_t pa) { return (void *)(pa + DIRECT_MAP_BASE); }
uint64_t frame_alloc(unsigned order)
{
    frames += PAGE_SIZE << order;
    return (uintptr_t)aligned_alloc(PAGE_SIZE << order, PAGE_SIZE << order) - DIRECT_MAP_BASE;
}
void frame_free(uint64_t pa, unsigned order)
{
    frames -= PAGE_SIZE << order;
    free(phys_to_virt(pa));
}
void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    printf("FAIL panic %s:%d %s\n", file, line, fmt);
    exit(1);
}

/* All packets are free again, and their frames are given back. */
static bool all_back(void)
{
    struct pkt_stats s;

    pkt_stats_read(&s);
    bool good = s.used == 0 && s.bytes == frames;
    for (pkt_test_cpu = 0; pkt_test_cpu < 3; pkt_test_cpu++)
        pkt_trim();
    pkt_test_cpu = 0;
    pkt_trim(); /* halves that other CPUs held */
    pkt_stats_read(&s);
    return good && s.bytes == 0 && frames == 0;
}

static bool traffic(void)
{
    static struct pkt *live[3000];
    unsigned n = 0;

    for (int i = 0; i < 300000; i++) {
        pkt_test_cpu = (unsigned)rand() % 3;
        if (rand() % 5000 == 0)
            pkt_trim();
        if (n < 3000 && rand() % 2) {
            struct pkt *p = pkt_alloc((enum pkt_size)(rand() % PKT_SIZES));
            if (!p)
                return false;
            if (p->size != PKT_BARE)
                memset(p->data - pkt_room_front(p), i, PKT_HEADROOM + pkt_room_back(p));
            if (n && rand() % 4 == 0 && !(p->next = pkt_view(live[0], live[0]->data, 1)))
                return false;
            live[n++] = p;
        } else if (n) {
            unsigned k = (unsigned)rand() % n;
            pkt_free(live[k]);
            live[k] = live[--n];
        }
    }
    while (n)
        pkt_free(live[--n]);
    return all_back();
}

static int released;
static void release(void *arg) { released += arg == &released; }

static bool references(void)
{
    static uint8_t bytes[100];
    struct pkt *whole = pkt_alloc(PKT_SMALL), *f = pkt_foreign(bytes, 100, release, &released);
    struct pkt *v = pkt_view(whole, whole->data, 5), *w = pkt_view(v, v->data + 1, 2);
    struct pkt *x = pkt_view(f, bytes + 3, 4);
    bool good = w->whole == whole && whole->refs == 3 && pkt_shared(whole) && !pkt_shared(w);

    pkt_free(whole);
    pkt_free(v);
    good &= whole->refs == 1 && !pkt_room_front(w) && !pkt_room_back(w);
    pkt_free(w);
    pkt_free(f);
    good &= released == 0;
    pkt_free(x);
    return good && released == 1 && all_back();
}

static bool capped(void)
{
    struct pkt *list = NULL;
    struct pkt_stats s;
    int n = 0;

    pkt_init(20 * PAGE_SIZE);
    for (struct pkt *p; (p = pkt_alloc(PKT_SMALL)); n++) {
        p->link = list;
        list = p;
    }
    pkt_stats_read(&s);
    bool good = n == 40 && s.failures == 1 && s.bytes == 20 * PAGE_SIZE && s.used == s.bytes &&
                pkt_left() == 0;
    pkt_free_list(list);
    good &= pkt_left() <= 20 * PAGE_SIZE && pkt_trim() && pkt_left() == 20 * PAGE_SIZE;
    pkt_init(1ull << 40);
    return good && all_back();
}

/* A packet of random pieces that holds exactly bytes[0..n). */
static struct pkt *scatter(const uint8_t *bytes, size_t n)
{
    struct pkt *first = NULL, **end = &first;

    for (size_t at = 0; at < n;) {
        struct pkt *p = pkt_alloc(rand() % 3 ? PKT_SMALL : PKT_LARGE);
        size_t part = (size_t)rand() % 97;
        if (part > n - at)
            part = n - at;
        memcpy(p->data, bytes + at, part);
        p->len = (uint32_t)part;
        at += part;
        *end = p;
        end = &p->next;
    }
    return first ? first : pkt_alloc(PKT_SMALL);
}

static uint16_t sum_slowly(const uint8_t *b, size_t n)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += i & 1 ? b[i] : b[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static bool bytes_of(void)
{
    static uint8_t b[1500], got[1500];

    for (int round = 0; round < 3000; round++) {
        size_t n = (size_t)rand() % sizeof b, at = n ? (size_t)rand() % n : 0, part = n - at;
        for (size_t i = 0; i < n; i++)
            b[i] = (uint8_t)rand();
        struct pkt *p = scatter(b, n);
        p->flags = PKT_CSUM_OK;
        if (pkt_length(p) != n || !pkt_copy_out(p, at, got, part) || memcmp(got, b + at, part) ||
            pkt_copy_out(p, at, got, part + 1) || pkt_sum(p, at, part) != sum_slowly(b + at, part))
            return false;
        if (pkt_pull(&p, n + 1) || !pkt_pull(&p, part) || p->len < part || pkt_length(p) != n ||
            !pkt_copy_out(p, 0, got, n) || memcmp(got, b, n) || p->flags != PKT_CSUM_OK)
            return false;
        pkt_free(p);
    }
    return all_back();
}

static bool checksums(void)
{
    static uint8_t b[600], got[600];

    for (int round = 0; round < 2000; round++) {
        size_t n = 60 + (size_t)rand() % 500;
        for (size_t i = 0; i < n; i++)
            b[i] = (uint8_t)rand();
        struct pkt *p = scatter(b, n);
        p->flags = PKT_CSUM_PARTIAL;
        p->csum_start = (uint16_t)(rand() % 40);
        p->csum_offset = (uint16_t)(2 * (rand() % 8));
        if (!pkt_csum_complete(p) || p->flags)
            return false;
        size_t at = (size_t)p->csum_start + p->csum_offset;
        pkt_copy_out(p, 0, got, n);
        uint16_t old = (uint16_t)(b[at] << 8 | b[at + 1]);
        uint32_t all = (uint32_t)sum_slowly(got + p->csum_start, n - p->csum_start) + old;
        if (all % 0xffff) /* the field's old value and the new sum of everything cancel out */
            return false;
        p->csum_offset = (uint16_t)n;
        if (pkt_csum_complete(p))
            return false;
        pkt_free(p);
    }
    return all_back();
}

int main(void)
{
    pkt_init(1ull << 40);
    srand(1);
    report("pkt_traffic", traffic());
    report("pkt_references", references());
    report("pkt_capped", capped());
    report("pkt_bytes", bytes_of());
    report("pkt_checksums", checksums());
    return failures != 0;
}
