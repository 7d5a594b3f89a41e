/* pkt_bytes.c - the bytes of a packet, which lie in several pieces. */
#include <string.h>
#include "drivers/net.h"

size_t pkt_length(const struct pkt *p)
{
    size_t n = 0;

    for (; p; p = p->next)
        n += p->len;
    return n;
}

bool pkt_copy_out(const struct pkt *p, size_t at, void *to, size_t n)
{
    uint8_t *out = to;

    for (; p && n; p = p->next) {
        if (at >= p->len) {
            at -= p->len;
            continue;
        }
        size_t part = p->len - at < n ? p->len - at : n;
        memcpy(out, p->data + at, part);
        out += part;
        n -= part;
        at = 0;
    }
    return n == 0;
}

/* Takes n bytes off the front; pieces that become empty are freed. */
static struct pkt *drop_front(struct pkt *p, size_t n)
{
    while (p && n >= p->len) {
        struct pkt *next = p->next;
        n -= p->len;
        p->next = NULL;
        pkt_free(p);
        p = next;
    }
    if (p) {
        p->data += n;
        p->len -= (uint32_t)n;
    }
    return p;
}

static void take_over_head(struct pkt *to, const struct pkt *from)
{
    to->link = from->link;
    to->flags = from->flags;
    to->csum_start = from->csum_start;
    to->csum_offset = from->csum_offset;
    to->gso_size = from->gso_size;
    to->gso_hdr_len = from->gso_hdr_len;
    to->gso_type = from->gso_type;
    to->hash = from->hash;
    to->queue = from->queue;
    memcpy(to->user, from->user, sizeof to->user);
}

bool pkt_pull(struct pkt **packet, size_t n)
{
    struct pkt *p = *packet;

    if (n <= p->len)
        return true;
    if (n > PKT_SMALL_ROOM || pkt_length(p) < n)
        return false;
    struct pkt *head = pkt_alloc(PKT_SMALL);
    if (!head)
        return false;
    take_over_head(head, p);
    pkt_copy_out(p, 0, head->data, n);
    head->len = (uint32_t)n;
    head->next = drop_front(p, n);
    *packet = head;
    return true;
}

/* Eight bytes at a time with end-around carry: RFC 1071, section 2. The sum comes out in the
 * machine's byte order of big-endian words, so the caller swaps. */
static uint64_t add(uint64_t sum, uint64_t v)
{
    sum += v;
    return sum + (sum < v);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint16_t sum_bytes(const uint8_t *b, size_t n)
{
    uint64_t sum = 0, v;

    for (; n >= 8; n -= 8, b += 8) {
        memcpy(&v, b, 8);
        sum = add(sum, v);
    }
    if (n) {
        v = 0;
        memcpy(&v, b, n);
        sum = add(sum, v);
    }
    return fold(sum);
}

uint16_t pkt_sum(const struct pkt *p, size_t at, size_t n)
{
    uint64_t sum = 0;
    size_t done = 0;

    for (; p && n; p = p->next) {
        if (at >= p->len) {
            at -= p->len;
            continue;
        }
        size_t part = p->len - at < n ? p->len - at : n;
        uint16_t s = sum_bytes(p->data + at, part);
        sum += done & 1 ? __builtin_bswap16(s) : s; /* an odd number of bytes lies before */
        done += part;
        n -= part;
        at = 0;
    }
    return __builtin_bswap16(fold(sum));
}

/* Stores a byte at an offset of the packet, which is known to be there. */
static void put_byte(struct pkt *p, size_t at, uint8_t v)
{
    for (; at >= p->len; p = p->next)
        at -= p->len;
    p->data[at] = v;
}

bool pkt_csum_complete(struct pkt *p)
{
    size_t len = pkt_length(p), at = (size_t)p->csum_start + p->csum_offset;

    if (p->csum_start >= len || at + 2 > len)
        return false;
    uint16_t sum = (uint16_t)~pkt_sum(p, p->csum_start, len - p->csum_start);
    if (!sum) /* to UDP, 0 means that there is none: RFC 768 */
        sum = 0xffff;
    put_byte(p, at, (uint8_t)(sum >> 8));
    put_byte(p, at + 1, (uint8_t)sum);
    p->flags &= (uint16_t)~PKT_CSUM_PARTIAL;
    return true;
}
