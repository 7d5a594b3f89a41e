#include "drivers/virtq.h"
#include <errno.h>
#include <string.h>

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };
enum { FLAGS = 0, IDX = 1, RING = 2 }; /* words of both rings */
#define NIL 0xffffu

static size_t align(size_t n, size_t to)
{
    return (n + to - 1) & ~(to - 1);
}

size_t virtq_avail_offset(unsigned size)
{
    return size * sizeof(struct virtq_desc);
}

size_t virtq_used_offset(unsigned size)
{
    return align(virtq_avail_offset(size) + 2 * (3 + size), 64);
}

size_t virtq_bytes(unsigned size)
{
    return virtq_used_offset(size) + 2 * 3 + size * sizeof(struct virtq_used_elem);
}

size_t virtq_tables_bytes(unsigned size)
{
    return size * VIRTQ_TABLE * sizeof(struct virtq_desc);
}

void virtq_init(struct virtq *q, unsigned size, void *mem, uint64_t pa, struct virtq_slot *slots,
                void *tables, uint64_t tables_pa, bool event_idx)
{
    memset(mem, 0, virtq_bytes(size));
    *q = (struct virtq){
        .size = (uint16_t)size, .event_idx = event_idx, .desc = mem,
        .avail = (void *)((char *)mem + virtq_avail_offset(size)),
        .used = (void *)((char *)mem + virtq_used_offset(size)),
        .slot = slots, .tables = tables, .desc_pa = pa, .tables_pa = tables_pa,
        .nfree = (uint16_t)size,
    };
    for (unsigned i = 0; i < size; i++)
        slots[i] = (struct virtq_slot){ NULL, 0, (uint16_t)(i + 1 < size ? i + 1 : NIL), 0 };
    virtq_irq_off(q);
}

static volatile uint16_t *used_event(const struct virtq *q)
{
    return &q->avail[RING + q->size];
}

static uint16_t avail_event(const struct virtq *q)
{
    const volatile uint16_t *p = q->used + RING + q->size * sizeof(struct virtq_used_elem) / 2;

    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static uint16_t used_idx(const struct virtq *q)
{
    return __atomic_load_n(&q->used[IDX], __ATOMIC_ACQUIRE);
}

bool virtq_has_room(const struct virtq *q, unsigned segments)
{
    bool one = q->tables && segments > 1 && segments <= VIRTQ_TABLE;

    return !q->broken && q->nfree >= (one ? 1 : segments);
}

static inline void desc_set(volatile struct virtq_desc *d, const struct virtq_seg *s,
                            unsigned flags, unsigned next)
{
    d->addr = s->pa;
    d->len = s->len;
    d->flags = (uint16_t)flags;
    d->next = (uint16_t)next;
}

/* The chain of segment i goes on, and the device may write to it. */
static unsigned seg_flags(unsigned i, unsigned nout, unsigned n)
{
    return (i + 1 < n ? DESC_NEXT : 0) | (i >= nout ? DESC_WRITE : 0);
}

static inline uint16_t slot_take(struct virtq *q)
{
    uint16_t i = q->free;

    q->free = q->slot[i].next;
    q->nfree--;
    return i;
}

static uint16_t add_indirect(struct virtq *q, const struct virtq_seg *seg, unsigned nout,
                             unsigned n)
{
    uint16_t head = slot_take(q);
    size_t first = (size_t)head * VIRTQ_TABLE;
    struct virtq_seg table = { q->tables_pa + first * sizeof(struct virtq_desc),
                               (uint32_t)(n * sizeof(struct virtq_desc)) };

    for (unsigned i = 0; i < n; i++)
        desc_set(&q->tables[first + i], &seg[i], seg_flags(i, nout, n), i + 1);
    desc_set(&q->desc[head], &table, DESC_INDIRECT, 0);
    q->slot[head].count = 1;
    return head;
}

static uint16_t add_direct(struct virtq *q, const struct virtq_seg *seg, unsigned nout, unsigned n)
{
    uint16_t head = q->free;

    for (unsigned i = 0; i < n; i++) {
        uint16_t d = slot_take(q); /* a chain keeps the order of the free list */
        desc_set(&q->desc[d], &seg[i], seg_flags(i, nout, n), q->slot[d].next);
    }
    q->slot[head].count = (uint16_t)n;
    return head;
}

static inline void offer(struct virtq *q, uint16_t head, uint32_t writable, void *cookie)
{
    q->slot[head].cookie = cookie;
    q->slot[head].writable = writable;
    q->chains++;
    q->avail[RING + (q->next_avail++ & (q->size - 1))] = head;
}

static __attribute__((noinline)) void add_several(struct virtq *q, const struct virtq_seg *seg,
                                                  unsigned nout, unsigned n, void *cookie)
{
    bool table = q->tables && n <= VIRTQ_TABLE;
    uint32_t writable = 0;

    for (unsigned i = nout; i < n; i++)
        writable += seg[i].len;
    offer(q, table ? add_indirect(q, seg, nout, n) : add_direct(q, seg, nout, n), writable, cookie);
}

/* Most packets are one buffer. */
int virtq_add(struct virtq *q, const struct virtq_seg *seg, unsigned nout, unsigned nin,
              void *cookie)
{
    unsigned n = nout + nin;

    if (q->broken)
        return -EIO;
    if (!virtq_has_room(q, n))
        return -ENOSPC;
    if (n != 1) {
        add_several(q, seg, nout, n, cookie);
        return 0;
    }
    uint16_t head = slot_take(q);
    desc_set(&q->desc[head], seg, nin ? DESC_WRITE : 0, 0);
    q->slot[head].count = 1;
    offer(q, head, nin ? seg->len : 0, cookie);
    return 0;
}

/* Has the index `event` been passed on the way from `from` to `to`? (section 2.6.7.2) */
static bool passed(uint16_t event, uint16_t from, uint16_t to)
{
    return (uint16_t)(to - event - 1) < (uint16_t)(to - from);
}

bool virtq_publish(struct virtq *q)
{
    uint16_t from = q->published;

    if (q->broken || from == q->next_avail)
        return false;
    q->published = q->next_avail;
    __atomic_store_n(&q->avail[IDX], q->published, __ATOMIC_RELEASE);
    /* The index must be visible before the device's wish is read; otherwise both sides could
     * wait for each other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (q->event_idx)
        return passed(avail_event(q), from, q->published);
    return !(__atomic_load_n(&q->used[FLAGS], __ATOMIC_RELAXED) & USED_NO_NOTIFY);
}

bool virtq_pending(const struct virtq *q)
{
    return used_idx(q) != q->seen;
}

static void slots_free(struct virtq *q, uint16_t head)
{
    uint16_t last = head;

    for (unsigned i = 1; i < q->slot[head].count; i++)
        last = q->slot[last].next;
    q->slot[last].next = q->free;
    q->free = head;
    q->nfree = (uint16_t)(q->nfree + q->slot[head].count);
    q->slot[head].cookie = NULL;
    q->chains--;
}

static void *broken(struct virtq *q, const char *what)
{
    q->broken = what;
    return NULL;
}

void *virtq_take(struct virtq *q, uint32_t *written)
{
    uint16_t ready = (uint16_t)(used_idx(q) - q->seen);

    if (q->broken || !ready)
        return NULL;
    if (ready > q->chains)
        return broken(q, "claims more than it was given");
    const volatile struct virtq_used_elem *e =
        (const volatile struct virtq_used_elem *)(q->used + RING) + (q->seen & (q->size - 1));
    uint32_t id = __atomic_load_n(&e->id, __ATOMIC_RELAXED);
    uint32_t len = __atomic_load_n(&e->len, __ATOMIC_RELAXED);
    if (id >= q->size || !q->slot[id].cookie)
        return broken(q, "returns what it does not have");
    const struct virtq_slot *s = &q->slot[id];
    if (s->writable && len > s->writable)
        return broken(q, "claims to have written behind a buffer");
    void *cookie = s->cookie;
    *written = s->writable ? len : 0;
    slots_free(q, (uint16_t)id);
    q->seen++;
    return cookie;
}

bool virtq_irq_on(struct virtq *q, unsigned after)
{
    if (!after)
        after = 1;
    if (!q->event_idx)
        after = 1;
    *used_event(q) = (uint16_t)(q->seen + after - 1);
    __atomic_store_n(&q->avail[FLAGS], 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* as in virtq_publish, the other way round */
    return (uint16_t)(used_idx(q) - q->seen) >= after;
}

/* With the event index the device ignores the flag; an index that was passed long ago is off. */
void virtq_irq_off(struct virtq *q)
{
    if (q->event_idx)
        *used_event(q) = (uint16_t)(q->seen - 1);
    else
        __atomic_store_n(&q->avail[FLAGS], AVAIL_NO_INTERRUPT, __ATOMIC_RELAXED);
}

void *virtq_detach(struct virtq *q)
{
    q->broken = "was reset";
    for (unsigned i = 0; q->chains && i < q->size; i++) {
        void *cookie = q->slot[i].cookie;
        if (cookie) {
            slots_free(q, (uint16_t)i);
            return cookie;
        }
    }
    return NULL;
}
