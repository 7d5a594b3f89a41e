/* heap.c - slabs and arenas: see heap.h.
 *
 * A slab starts with its header and a bit for each object, set while it is allocated: so nothing
 * is written into free memory, and what is freed twice is noticed. An object whose alignment is
 * more than the slab's is cut out of a greater one: any address within an object stands for it. */
#include "heap.h"
#include <string.h>

enum {
    ALIGN = 16, CLASSES = 44,
    SMALL_MAX = 32768,               /* above: a run of its own */
    SLAB_BLOCKS = 4,                 /* of objects up to BIG_FROM bytes; else four times as many */
    BIG_FROM = 4096,
};

struct slab {
    struct arena *arena;             /* [const] */
    struct slab *next, *prev;        /* [arena] list of those of this class with room */
    uint32_t size, n, first;         /* [const] bytes of an object; objects; offset of the first */
    uint32_t class;                  /* [const] */
    uint32_t free;                   /* [arena] objects */
    uint32_t hint;                   /* [arena] no free object's bit is in a word before it */
    uint64_t used[];                 /* [arena] bits past the last object are set */
};

struct arena {
    gort_mutex lock;
    struct slab *room[CLASSES];      /* [lock] */
    size_t in_use;                   /* [lock] bytes of objects */
} __attribute__((aligned(64)));

unsigned heap_arenas = 1;
static struct arena arenas[HEAP_ARENAS_MAX];
static size_t large_in_use;          /* [atomic] bytes */
unsigned heap_cpu(void);             /* which CPU this is, a moment ago */

/* ---- size classes: 16 to 128 by 16, then four to each doubling ---------- */

static unsigned class_of(size_t n)
{
    if (n <= 128)
        return n ? (unsigned)(n - 1) / ALIGN : 0;
    unsigned log = 63 - (unsigned)__builtin_clzl(n - 1); /* 2^log < n <= 2^(log+1) */
    return 8 + (log - 7) * 4 + (unsigned)((n - 1) >> (log - 2) & 3);
}

static uint32_t class_size(unsigned c)
{
    if (c < 8)
        return (c + 1) * ALIGN;
    unsigned log = 7 + (c - 8) / 4;
    return (1u << log) + ((c - 8) % 4 + 1) * (1u << (log - 2));
}

/* ---- slabs ---------- */

static void list_add(struct slab *s)
{
    struct slab **head = &s->arena->room[s->class];

    s->prev = NULL;
    s->next = *head;
    if (*head)
        (*head)->prev = s;
    *head = s;
}

static void list_remove(struct slab *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        s->arena->room[s->class] = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

/* How many objects fit behind a header that has a bit for each. */
static uint32_t fit(uint32_t bytes, uint32_t size, uint32_t *first)
{
    uint32_t n = (bytes - (uint32_t)sizeof(struct slab)) / size;

    for (;; n--) {
        uint32_t head = (uint32_t)sizeof(struct slab) + (n + 63) / 64 * 8;
        *first = (head + ALIGN - 1) & ~(ALIGN - 1u);
        if (*first + n * size <= bytes)
            return n;
    }
}

static struct slab *slab_new(struct arena *a, unsigned class)
{
    uint32_t size = class_size(class), blocks = SLAB_BLOCKS * (size > BIG_FROM ? 4 : 1);
    bool zero;
    struct slab *s = pages_take(blocks, true, &zero);

    if (!s)
        return NULL;
    *s = (struct slab){ .arena = a, .size = size, .class = class };
    s->n = s->free = fit(blocks * (uint32_t)BLOCK, size, &s->first);
    memset(s->used, 0, (s->n + 63) / 64 * 8);
    if (s->n % 64)
        s->used[s->n / 64] = ~0ul << s->n % 64;
    list_add(s);
    return s;
}

static void *slab_take(struct slab *s)
{
    uint32_t w = s->hint;

    while (s->used[w] == ~0ul)
        w++;
    uint32_t bit = (uint32_t)__builtin_ctzl(~s->used[w]);
    s->used[w] |= 1ul << bit;
    s->hint = w;
    if (--s->free == 0)
        list_remove(s);
    return (char *)s + s->first + (w * 64 + bit) * s->size;
}

/* Whose object p is in; its number, or false if there is no object. */
static bool slab_index(const struct slab *s, const void *p, uint32_t *i)
{
    uint32_t off = (uint32_t)((const char *)p - (const char *)s);

    *i = (off - s->first) / s->size;
    return off >= s->first && *i < s->n;
}

/* The slab is empty. An arena keeps one of each class. */
static void slab_empty(struct slab *s)
{
    if (!s->next && !s->prev)
        return;
    list_remove(s);
    pages_give(s);
}

static bool slab_free(struct slab *s, const void *p)
{
    struct arena *a = s->arena;
    uint32_t i;

    if (!slab_index(s, p, &i))
        return false;
    gort_lock(&a->lock);
    bool was = s->used[i / 64] >> i % 64 & 1;
    if (was) {
        s->used[i / 64] &= ~(1ul << i % 64);
        if (s->hint > i / 64)
            s->hint = i / 64;
        a->in_use -= s->size;
        if (s->free++ == 0)
            list_add(s);
        if (s->free == s->n)
            slab_empty(s);
    }
    gort_unlock(&a->lock);
    return was;
}

/* ---- allocation ---------- */

static struct arena *arena_lock(void)
{
    unsigned n = heap_arenas, first = heap_cpu() % n;

    for (unsigned i = 0; i < n; i++) {
        struct arena *a = &arenas[(first + i) % n];
        if (gort_try_lock(&a->lock))
            return a;
    }
    gort_lock(&arenas[first].lock);
    return &arenas[first];
}

static void *small(size_t n)
{
    unsigned class = class_of(n);
    struct arena *a = arena_lock();
    struct slab *s = a->room[class];
    void *p = NULL;

    if (s || (s = slab_new(a, class))) {
        p = slab_take(s);
        a->in_use += s->size;
    }
    gort_unlock(&a->lock);
    return p;
}

void *heap_alloc(size_t n, bool zero)
{
    bool zeroed = false;
    size_t blocks = (n + BLOCK - 1) / BLOCK;
    void *p;

    if (n > HEAP_RANGE)
        return NULL;
    if (n <= SMALL_MAX)
        p = small(n);
    else if ((p = pages_take(blocks, false, &zeroed)))
        __atomic_add_fetch(&large_in_use, blocks * BLOCK, __ATOMIC_RELAXED);
    if (p && zero && !zeroed)
        memset(p, 0, n);
    return p;
}

void *heap_alloc_aligned(size_t align, size_t n)
{
    if (align <= ALIGN)
        return heap_alloc(n, false);
    if (align > HEAP_RANGE || n > HEAP_RANGE)
        return NULL;
    uintptr_t p = (uintptr_t)heap_alloc(n + align - ALIGN, false);
    return (void *)((p + align - 1) & ~(align - 1)); /* NULL stays NULL */
}

bool heap_free(void *p)
{
    struct run r = pages_find(p);

    if (!r.start)
        return false;
    if (r.slab)
        return slab_free(r.start, p);
    if (!pages_give(r.start))
        return false;
    __atomic_sub_fetch(&large_in_use, r.n * BLOCK, __ATOMIC_RELAXED);
    return true;
}

size_t heap_usable(const void *p)
{
    struct run r = pages_find(p);
    const struct slab *s = r.start;
    const char *end = (const char *)s + r.n * BLOCK;
    uint32_t i;

    if (!s)
        return 0;
    if (r.slab) {
        if (!slab_index(s, p, &i) ||
            !(__atomic_load_n(&s->used[i / 64], __ATOMIC_RELAXED) >> i % 64 & 1))
            return 0;
        end = (const char *)s + s->first + (i + 1) * s->size;
    }
    return (size_t)(end - (const char *)p);
}

size_t heap_in_use(void)
{
    size_t n = __atomic_load_n(&large_in_use, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < heap_arenas; i++) {
        gort_lock(&arenas[i].lock);
        n += arenas[i].in_use;
        gort_unlock(&arenas[i].lock);
    }
    return n;
}

bool heap_trim(void)
{
    for (unsigned i = 0; i < heap_arenas; i++) {
        gort_lock(&arenas[i].lock);
        for (unsigned c = 0; c < CLASSES; c++)
            for (struct slab *s = arenas[i].room[c], *next; s; s = next) {
                next = s->next;
                if (s->free == s->n) {
                    list_remove(s);
                    pages_give(s);
                }
            }
        gort_unlock(&arenas[i].lock);
    }
    return pages_trim();
}
