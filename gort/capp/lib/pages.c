/* pages.c - runs of blocks: see heap.h.
 *
 * Free runs are kept in bins by the logarithm of their length, those that are committed ("warm")
 * apart from those whose memory was given back ("cold"). Two free runs of a kind never touch. The
 * map knows of a free run at its first and its last block, of a used one at every block. */
#include "heap.h"

enum { BINS = 23, LOOK = 16 };       /* free runs of its own bin that a search looks at */
#define GROW     64u                 /* blocks that the heap grows by at least */
#define COLD_MIN 64u                 /* blocks: shorter free runs are not given back */
#define KEEP_MIN 256u                /* blocks that stay warm, however few are in use */
#define NONE     0xffffffffu

#define SLAB     1u

enum kind { UNUSED, USED, WARM, COLD }; /* 0: above top */

struct block {
    uint32_t kind : 2, first : 30;   /* index of the run's first block */
    uint32_t len;                    /* first block: blocks of the run */
    uint32_t next, prev;             /* first block of a free run: its bin; of a used one: SLAB */
};

#define BLOCKS    (HEAP_RANGE / BLOCK)
#define MAP_BYTES (BLOCKS * sizeof(struct block))

static struct {
    gort_mutex lock;
    struct block *map;               /* [const once there is a heap] */
    char *base;                      /* [const once there is a heap] block 0 */
    uint32_t top;                    /* [lock; read at will] blocks below it were used once */
    size_t map_bytes;                /* [lock] of the map, committed */
    size_t used, warm;               /* [lock] blocks */
    uint32_t bin[2][BINS];           /* [lock] first block + 1 of free runs: warm, cold; 0: none */
} pages;

static unsigned bin_of(size_t n) { return 63 - (unsigned)__builtin_clzl(n); }
static void *address(uint32_t b) { return pages.base + b * BLOCK; }

static uint32_t *bin_head(uint32_t b)
{
    return &pages.bin[pages.map[b].kind == COLD][bin_of(pages.map[b].len)];
}

static void bin_add(uint32_t b, uint32_t len, enum kind kind)
{
    struct block *m = pages.map;

    m[b] = (struct block){ .kind = kind, .first = b, .len = len, .prev = NONE };
    m[b + len - 1].kind = kind;
    m[b + len - 1].first = b;
    uint32_t *head = bin_head(b);
    m[b].next = *head - 1;
    if (*head)
        m[*head - 1].prev = b;
    *head = b + 1;
    if (kind == WARM)
        pages.warm += len;
}

static void bin_remove(uint32_t b)
{
    struct block *m = pages.map;

    if (m[b].prev == NONE)
        *bin_head(b) = m[b].next + 1;
    else
        m[m[b].prev].next = m[b].next;
    if (m[b].next != NONE)
        m[m[b].next].prev = m[b].prev;
    if (m[b].kind == WARM)
        pages.warm -= m[b].len;
}

/* [b, b + len) becomes free, with its neighbours of the same kind. The run's first block. */
static uint32_t make_free(uint32_t b, uint32_t len, enum kind kind)
{
    struct block *m = pages.map;

    if (b + len < pages.top && m[b + len].kind == kind) {
        uint32_t after = b + len;
        bin_remove(after);
        len += m[after].len;
    }
    if (b > 0 && m[b - 1].kind == kind) {
        uint32_t before = m[b - 1].first;
        bin_remove(before);
        len += m[before].len;
        b = before;
    }
    bin_add(b, len, kind);
    return b;
}

/* A free run of at least n blocks, or NONE: of its own bin the best of a few; any of a greater
 * bin. */
static uint32_t find(size_t n, bool cold)
{
    const struct block *m = pages.map;
    uint32_t best = NONE;
    unsigned i = bin_of(n), looked = 0;

    for (uint32_t b = pages.bin[cold][i] - 1; b != NONE && looked++ < LOOK; b = m[b].next)
        if (m[b].len >= n && (best == NONE || m[b].len < m[best].len))
            best = b;
    while (best == NONE && ++i < BINS)
        best = pages.bin[cold][i] - 1;
    return best;
}

static bool heap_begin(void)
{
    char *p;

    if (pages.map)
        return true;
    if (!(p = pages_system(NULL, MAP_BYTES + HEAP_RANGE, false)))
        return false;
    pages.map = (struct block *)p;
    pages.base = p + MAP_BYTES;
    return true;
}

/* The map for blocks below `top`. */
static bool map_grow(uint32_t top)
{
    size_t want = (top * sizeof(struct block) + 0xffff) & ~0xfffful;

    if (want > pages.map_bytes) {
        if (!pages_system((char *)pages.map + pages.map_bytes, want - pages.map_bytes, false))
            return false;
        pages.map_bytes = want;
    }
    return true;
}

/* Makes a warm run of at least n blocks at the top, where one may already begin. */
static bool grow(size_t n)
{
    const struct block *m = pages.map;
    uint32_t top = pages.top, more;

    if (top && m[top - 1].kind == WARM && m[m[top - 1].first].len < n)
        n -= m[m[top - 1].first].len;
    if (n > BLOCKS - top)
        return false;
    more = n < GROW && GROW <= BLOCKS - top ? GROW : (uint32_t)n;
    if (!map_grow(top + more))
        return false;
    if (!pages_system(address(top), more * BLOCK, false)) {
        if (more == n || !pages_system(address(top), n * BLOCK, false))
            return false;
        more = (uint32_t)n;
    }
    __atomic_store_n(&pages.top, top + more, __ATOMIC_RELEASE);
    make_free(top, more, WARM);
    return true;
}

/* Gives the memory of a free run back. */
static void cool(uint32_t b)
{
    uint32_t len = pages.map[b].len;

    bin_remove(b);
    pages_system(address(b), len * BLOCK, true);
    make_free(b, len, COLD);
}

static void *use(uint32_t b, size_t n, bool slab, enum kind kind)
{
    struct block *m = pages.map;
    uint32_t len = m[b].len;

    bin_remove(b);
    if (len > n)
        bin_add(b + (uint32_t)n, len - (uint32_t)n, kind);
    for (uint32_t i = b; i < b + n; i++)
        m[i] = (struct block){ .kind = USED, .first = b };
    m[b].len = (uint32_t)n;
    m[b].next = slab ? SLAB : 0;
    pages.used += n;
    return address(b);
}

/* Warm memory first, then what is cold, then the heap grows. */
static void *take(size_t n, bool slab, bool *zero)
{
    uint32_t b = find(n, false);

    if (b != NONE)
        return use(b, n, slab, WARM);
    if ((b = find(n, true)) != NONE && pages_system(address(b), n * BLOCK, false)) {
        *zero = true;
        return use(b, n, slab, COLD);
    }
    return grow(n) && (b = find(n, false)) != NONE ? use(b, n, slab, WARM) : NULL;
}

void *pages_take(size_t n, bool slab, bool *zero)
{
    void *p;

    *zero = false;
    if (n > BLOCKS)
        return NULL;
    gort_lock(&pages.lock);
    p = heap_begin() ? take(n, slab, zero) : NULL;
    gort_unlock(&pages.lock);
    return p;
}

/* The index of the block that p lies in, NONE outside the heap. */
static uint32_t index_of(const void *p)
{
    uint32_t top = __atomic_load_n(&pages.top, __ATOMIC_ACQUIRE); /* 0: there is no base yet */
    size_t b = top ? (size_t)((const char *)p - pages.base) / BLOCK : 0;

    return b < top && (const char *)p >= pages.base ? (uint32_t)b : NONE;
}

bool pages_give(void *start)
{
    gort_lock(&pages.lock);
    struct block *m = pages.map;
    uint32_t b = index_of(start);
    bool ok = b != NONE && m[b].kind == USED && m[b].first == b;
    if (ok) {
        uint32_t len = m[b].len;
        size_t keep = (pages.used -= len) / 8 > KEEP_MIN ? pages.used / 8 : KEEP_MIN;
        for (uint32_t i = b; i < b + len; i++)
            m[i].kind = WARM;
        b = make_free(b, len, WARM);
        if (pages.warm > keep && m[b].len >= COLD_MIN)
            cool(b);
    }
    gort_unlock(&pages.lock);
    return ok;
}

struct run pages_find(const void *p)
{
    uint32_t b = index_of(p);

    if (b == NONE || pages.map[b].kind != USED)
        return (struct run){ 0 };
    const struct block *m = &pages.map[pages.map[b].first];
    return (struct run){ address(pages.map[b].first), m->len, m->next == SLAB };
}

bool pages_trim(void)
{
    bool any = false;

    gort_lock(&pages.lock);
    for (unsigned i = 0; i < BINS; i++)
        while (pages.bin[0][i]) {
            cool(pages.bin[0][i] - 1);
            any = true;
        }
    gort_unlock(&pages.lock);
    return any;
}

struct pages_figures pages_figures(void)
{
    gort_lock(&pages.lock);
    struct pages_figures f = { (pages.used + pages.warm) * BLOCK, pages.used * BLOCK };
    gort_unlock(&pages.lock);
    return f;
}
