#include "gort/os/mem.h"

#include <string.h>
#include "kernel/check.h"
#include "kernel/lock.h"
#include "mm/mm.h"

/* How much memory an allocation must leave to others: mem.h. */
enum tier { FILES, USUAL, LAST };

/* Sizes of which a whole number fills a page, but for a few bytes. */
static const uint16_t class_size[] = { 32, 48, 64, 80, 96, 112, 128, 160, 176, 192, 224, 256, 288,
                                       336, 400, 448, 512, 576, 672, 816, 1024, 1360, 2048 };
enum { CLASS_COUNT = sizeof class_size / sizeof class_size[0], STEP = 16, SMALL_MAX = 2048 };
_Static_assert(SMALL_MAX == OS_PAGE / 2, "the largest class");

struct freeobj { struct freeobj *next; };

static struct {
    struct lock lock;
    struct freeobj *free[CLASS_COUNT]; /* [lock] */
    uint64_t pages;                    /* [atomic] */
} heap = {.lock = LOCK_INIT("os_mem", RANK_PERSISTENT)};

/* Heap and stacks leave mm_kept() to the kernel, one part in 128 of the RAM. The file tree
 * leaves eight times that to heap and stacks: a program whose files are full must still be
 * able to report it. */
#define KEPT_PARTS 8

bool os_can_have(uint64_t bytes)
{
    uint64_t all;

    return !__builtin_add_overflow(bytes, KEPT_PARTS * mm_kept(), &all) && mm_can_spare(all);
}

static void *frames(unsigned order, enum tier t)
{
    size_t n = OS_PAGE << order;
    bool may = t == LAST || (t == FILES ? os_can_have(n) : mm_can_spare(n));
    uint64_t pa = may ? frame_alloc(order) : 0;

    if (!pa)
        return NULL;
    return memset(phys_to_virt(pa), 0, OS_PAGE << order);
}

static unsigned order_of(size_t n)
{
    unsigned order = 0;

    while ((OS_PAGE << order) < n)
        order++;
    return order;
}

/* The least class for n bytes, which is remembered by steps. */
static unsigned class_of(size_t n)
{
    static uint8_t known[SMALL_MAX / STEP + 1]; /* [atomic] class + 1 */
    uint8_t *k = &known[(n + STEP - 1) / STEP];
    unsigned c = __atomic_load_n(k, __ATOMIC_RELAXED);

    if (c)
        return c - 1;
    while (class_size[c] < n)
        c++;
    __atomic_store_n(k, (uint8_t)(c + 1), __ATOMIC_RELAXED);
    return c;
}

static struct freeobj *class_refill_locked(unsigned c, enum tier t)
{
    size_t size = class_size[c];
    char *page = frames(0, t);

    for (size_t at = 0; page && at + size <= OS_PAGE; at += size) {
        struct freeobj *o = (struct freeobj *)(page + at);
        o->next = heap.free[c];
        heap.free[c] = o;
    }
    return heap.free[c];
}

static void *alloc(size_t n, enum tier t)
{
    if (n > SMALL_MAX)
        return n > OS_PAGE << FRAME_ORDER_MAX ? NULL : frames(order_of(n), t);
    unsigned c = class_of(n);
    lock(&heap.lock);
    struct freeobj *o = heap.free[c];
    if (!o)
        o = class_refill_locked(c, t);
    if (o)
        heap.free[c] = o->next;
    unlock(&heap.lock);
    return o ? memset(o, 0, n) : NULL;
}

void *os_alloc_file(size_t n) { return alloc(n, FILES); }
void *os_alloc(size_t n) { return alloc(n, USUAL); }
void *os_alloc_last(size_t n) { return alloc(n, LAST); }

void os_free(void *p, size_t n)
{
    if (!p)
        return;
    if (n > SMALL_MAX) {
        frame_free(virt_to_phys(p), order_of(n));
        return;
    }
    struct freeobj *o = p;
    unsigned c = class_of(n);
    lock(&heap.lock);
    o->next = heap.free[c];
    heap.free[c] = o;
    unlock(&heap.lock);
}

/* How many references to a page there are besides one. */
static uint32_t *sharers(const void *page) { return frame_word(direct_to_phys(page)); }

void *os_page_alloc(void)
{
    void *p = frames(0, FILES);

    if (!p)
        return NULL;
    *sharers(p) = 0;
    __atomic_add_fetch(&heap.pages, 1, __ATOMIC_RELAXED);
    return p;
}

void os_page_share(void *page)
{
    __atomic_add_fetch(sharers(page), 1, __ATOMIC_RELAXED);
}

void os_page_free(void *page)
{
    uint32_t *n = sharers(page);

    if (__atomic_load_n(n, __ATOMIC_ACQUIRE) && __atomic_fetch_sub(n, 1, __ATOMIC_ACQ_REL))
        return;
    __atomic_sub_fetch(&heap.pages, 1, __ATOMIC_RELAXED);
    frame_free(virt_to_phys(page), 0);
}

uint64_t os_pages_used(void)
{
    return __atomic_load_n(&heap.pages, __ATOMIC_RELAXED);
}
