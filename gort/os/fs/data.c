#include "gort/os/fs/data.h"

#include <string.h>
#include "gort/os/linux.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"
#include "kernel/check.h"
#include "mm/mm.h"

enum { NODE_SHIFT = 9, NODE_SLOTS = 1 << NODE_SHIFT, PAGE_SHIFT = 12 };
enum { CHUNK = 64 << 10 }; /* bytes copied under one hold of the lock */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static bool height_covers(unsigned height, uint64_t index)
{
    return height * NODE_SHIFT >= 52 || index >> (height * NODE_SHIFT) == 0;
}

void data_init(struct filedata *d, const void *base, int64_t n)
{
    memset(d, 0, sizeof *d);
    lock_init(&d->lock, "filedata", RANK_FILE);
    d->base = base;
    d->base_size = d->size = n;
}

/* Zeroed, or NULL. Memory that has been cut off and not been freed yet counts as free. */
static void *page_new(void)
{
    void *p = os_page_alloc();

    while (!p && data_reap(64))
        p = os_page_alloc();
    return p;
}

/* The slot of a page, or NULL where a node is missing. */
static void **slot_find(struct filedata *d, uint64_t index)
{
    void **node = d->root;

    if (!node || !height_covers(d->height, index))
        return NULL;
    for (unsigned level = d->height - 1; level > 0; level--) {
        node = node[index >> (level * NODE_SHIFT) & (NODE_SLOTS - 1)];
        if (!node)
            return NULL;
    }
    return &node[index & (NODE_SLOTS - 1)];
}

static void **slot_make(struct filedata *d, uint64_t index)
{
    while (!d->root || !height_covers(d->height, index)) {
        void **top = page_new();
        if (!top)
            return NULL;
        top[0] = d->root;
        d->root = top;
        d->height++;
    }
    void **node = d->root;
    for (unsigned level = d->height - 1; level > 0; level--) {
        void **next = &node[index >> (level * NODE_SHIFT) & (NODE_SLOTS - 1)];
        if (!*next && !(*next = page_new()))
            return NULL;
        node = *next;
    }
    return &node[index & (NODE_SLOTS - 1)];
}

/* The page for writing, with the bundle's bytes copied into it. */
static uint8_t *page_own(struct filedata *d, uint64_t index)
{
    void **slot = slot_make(d, index);
    int64_t at = (int64_t)(index << PAGE_SHIFT);

    if (!slot || *slot)
        return slot ? *slot : NULL;
    uint8_t *page = page_new();
    if (!page)
        return NULL;
    if (at < d->base_size)
        memcpy(page, d->base + at, (size_t)min64(OS_PAGE, d->base_size - at));
    *slot = page;
    __atomic_add_fetch(&d->pages, 1, __ATOMIC_RELAXED);
    return page;
}

/* Bytes within one page; returns how many could be copied. */
static int64_t bytes_out(struct filedata *d, uint8_t *dst, int64_t off, int64_t n)
{
    void **slot = slot_find(d, (uint64_t)off >> PAGE_SHIFT);

    if (slot && *slot)
        return n - (int64_t)user_copy(dst, (uint8_t *)*slot + (off & (OS_PAGE - 1)), (size_t)n);
    int64_t have = off < d->base_size ? min64(n, d->base_size - off) : 0;
    int64_t left = have ? (int64_t)user_copy(dst, d->base + off, (size_t)have) : 0;
    if (left)
        return have - left;
    return n - (int64_t)user_clear(dst + have, (size_t)(n - have));
}

/* Bytes read, fewer if dst cannot be written. */
static int64_t read_chunk_locked(struct filedata *d, uint8_t *dst, int64_t off, int64_t n)
{
    if (off >= d->size)
        return 0;
    n = min64(min64(n, CHUNK), d->size - off);
    for (int64_t done = 0; done < n;) {
        int64_t part = min64(n - done, OS_PAGE - ((off + done) & (OS_PAGE - 1)));
        int64_t copied = bytes_out(d, dst + done, off + done, part);
        done += copied;
        if (copied < part)
            return done ? done : -L_EFAULT;
    }
    return n;
}

int64_t data_read(struct filedata *d, void *buf, uint64_t n, int64_t off)
{
    uint64_t done = 0;

    while (done < n) {
        lock(&d->lock);
        int64_t r = read_chunk_locked(d, (uint8_t *)buf + done, off + (int64_t)done,
                                      (int64_t)(n - done));
        unlock(&d->lock);
        if (r < 0 && !done)
            return r;
        if (r <= 0)
            break;
        done += (uint64_t)r;
    }
    return (int64_t)done;
}

/* Called before the file grows: clears what a mapping has written behind the end of the file. */
static void clear_behind(struct filedata *d)
{
    int64_t at = d->size & (int64_t)(OS_PAGE - 1);
    void **slot = d->written_behind && at ? slot_find(d, (uint64_t)d->size >> PAGE_SHIFT) : NULL;

    if (slot && *slot)
        memset((uint8_t *)*slot + at, 0, OS_PAGE - (size_t)at);
}

/* Bytes written, fewer or an error if memory is out or src cannot be read. */
static int64_t write_chunk_locked(struct filedata *d, const uint8_t *src, int64_t off, int64_t n)
{
    int64_t done = 0;

    n = min64(n, CHUNK);
    if (off + n > d->size)
        clear_behind(d);
    while (done < n) {
        int64_t at = off + done;
        int64_t part = min64(n - done, OS_PAGE - (at & (OS_PAGE - 1)));
        uint8_t *page = page_own(d, (uint64_t)at >> PAGE_SHIFT);
        if (!page)
            return done ? done : -L_ENOSPC;
        int64_t left = (int64_t)user_copy(page + (at & (OS_PAGE - 1)), src + done, (size_t)part);
        done += part - left;
        if (left < part && d->size < at + part - left)
            d->size = at + part - left;
        if (left)
            return done ? done : -L_EFAULT;
    }
    return done;
}

int64_t data_write(struct filedata *d, const void *buf, uint64_t n, int64_t *off)
{
    uint64_t done = 0;

    while (done < n) {
        lock(&d->lock);
        if (*off < 0)
            *off = d->size;
        int64_t at = *off + (int64_t)done, room = DATA_MAX - at;
        if (room <= 0) {
            unlock(&d->lock);
            return done ? (int64_t)done : -L_EFBIG;
        }
        int64_t r = write_chunk_locked(d, (const uint8_t *)buf + done, at,
                                       min64((int64_t)(n - done), room));
        unlock(&d->lock);
        if (r < 0)
            return done ? (int64_t)done : r;
        done += (uint64_t)r;
    }
    return (int64_t)done;
}

/* ---- what was cut off ------------------------------------------------------------------- */

/* A tree that no file shows any more. Its pages are freed some at a time, by data_reap: a file of
 * a gigabyte has a quarter of a million. */
struct grave {
    struct grave *next;      /* [graves.lock] */
    struct filedata *owner;  /* [graves.lock] counts the pages until they are freed; NULL: gone */
    void **node;             /* [whoever is busy with it] */
    unsigned level;          /* [const] of node; 0: its slots are pages */
    bool busy;               /* [graves.lock] a CPU frees some of it */
};
static struct {
    struct lock lock;
    struct grave *first;     /* [lock, atomic reads] */
} graves = {.lock = LOCK_INIT("graves", RANK_GRAVES)};

/* Frees at most *budget pages of a tree, and counts those of data. True if nothing is left but
 * the node itself. */
static bool tree_free(void **node, unsigned level, unsigned *budget, uint64_t *pages)
{
    for (unsigned i = 0; i < NODE_SLOTS; i++) {
        if (!node[i])
            continue;
        if (*budget == 0 || (level > 0 && !tree_free(node[i], level - 1, budget, pages)))
            return false;
        os_page_free(node[i]);
        node[i] = NULL;
        *pages += level == 0;
        *budget -= *budget > 0;
    }
    return true;
}

static struct grave *grave_take(void)
{
    lock(&graves.lock);
    struct grave *g = graves.first;
    while (g && g->busy)
        g = g->next;
    if (g)
        g->busy = true;
    unlock(&graves.lock);
    return g;
}

/* g, of which so many pages are freed, goes back to the others, or is closed. */
static void grave_leave(struct grave *g, uint64_t pages, bool empty)
{
    struct grave **pp = &graves.first;

    lock(&graves.lock);
    g->busy = false;
    if (g->owner)
        __atomic_sub_fetch(&g->owner->pages, pages, __ATOMIC_RELAXED);
    while (empty && *pp != g)
        pp = &(*pp)->next;
    if (empty)
        __atomic_store_n(pp, g->next, __ATOMIC_RELEASE);
    unlock(&graves.lock);
    if (empty) {
        os_page_free(g->node);
        os_free(g, sizeof *g);
    }
}

bool data_reap(unsigned budget)
{
    uint64_t pages = 0;

    if (!__atomic_load_n(&graves.first, __ATOMIC_ACQUIRE))
        return false;
    struct grave *g = grave_take();
    if (g) {
        bool empty = tree_free(g->node, g->level, &budget, &pages);
        grave_leave(g, pages, empty);
    }
    return g != NULL;
}

/* False: there is no memory to remember the tree by. */
static bool bury(struct filedata *d, void **node, unsigned level)
{
    struct grave *g = os_alloc_last(sizeof *g);

    if (!g)
        return false;
    *g = (struct grave){.owner = d, .node = node, .level = level};
    lock(&graves.lock);
    g->next = graves.first;
    __atomic_store_n(&graves.first, g, __ATOMIC_RELEASE);
    unlock(&graves.lock);
    return true;
}

static void graves_disown(const struct filedata *d)
{
    lock(&graves.lock);
    for (struct grave *g = graves.first; g; g = g->next)
        if (g->owner == d)
            g->owner = NULL;
    unlock(&graves.lock);
}

/* Takes the pages [from, to) out of a subtree whose first page is `first`. True if the node is
 * empty afterwards. */
static bool node_cut(struct filedata *d, void **node, unsigned level, uint64_t first,
                     uint64_t from, uint64_t to)
{
    uint64_t span = 1ull << (level * NODE_SHIFT);
    bool empty = true;

    for (unsigned i = 0; i < NODE_SLOTS; i++, first += span) {
        if (!node[i])
            continue;
        bool whole = first >= from && first + span <= to;
        if (first + span <= from || first >= to) {
            empty = false;
        } else if (level == 0) {
            os_page_free(node[i]);
            node[i] = NULL;
            __atomic_sub_fetch(&d->pages, 1, __ATOMIC_RELAXED);
        } else if (whole && bury(d, node[i], level - 1)) {
            node[i] = NULL;
        } else if (node_cut(d, node[i], level - 1, first, from, to)) {
            os_page_free(node[i]);
            node[i] = NULL;
        } else {
            empty = false;
        }
    }
    return empty;
}

static void pages_cut(struct filedata *d, uint64_t from, uint64_t to)
{
    if (!d->root || from >= to)
        return;
    bool all = from == 0 && !height_covers(d->height, to - 1);
    if (!all || !bury(d, d->root, d->height - 1)) {
        if (!node_cut(d, d->root, d->height - 1, 0, from, to))
            return;
        os_page_free(d->root);
    }
    d->root = NULL;
    d->height = 0;
}

void data_free(struct filedata *d)
{
    pages_cut(d, 0, UINT64_MAX);
    graves_disown(d);
    d->size = d->base_size = 0;
}

int64_t data_size(struct filedata *d)
{
    lock(&d->lock);
    int64_t n = d->size;
    unlock(&d->lock);
    return n;
}

uint64_t data_blocks(struct filedata *d)
{
    lock(&d->lock);
    uint64_t own = d->pages * (OS_PAGE / 512), base = ((uint64_t)d->base_size + 511) / 512;
    unlock(&d->lock);
    return own > base ? own : base;
}

int data_share(struct filedata *d, int64_t off, bool write, void **page)
{
    int err = 0;

    lock(&d->lock);
    if (off >= d->size)
        err = -L_ENXIO;
    else if (!(*page = page_own(d, (uint64_t)off >> PAGE_SHIFT)))
        err = -L_ENOSPC;
    else if (write)
        d->written_behind = true;
    unlock(&d->lock);
    return err;
}

/* The bundle lies in RAM; some files' bytes are the kernel image's. */
static bool direct_mapped(const void *p)
{
#ifdef GORT_HOST_TEST
    return p != NULL;
#else
    return (uintptr_t)p >= DIRECT_MAP_BASE && (uintptr_t)p < VM_KERNEL_BASE;
#endif
}

/* How many of n bytes from off on, where the file has no page of its own, are the bundle's. */
static int64_t base_run_locked(struct filedata *d, int64_t off, int64_t n)
{
    int64_t end = min64(off + n, d->base_size), at = off;
    void **slot = NULL;

    while (at < end && !(slot && *slot)) {
        at = min64(end, (at & ~(int64_t)(OS_PAGE - 1)) + (int64_t)OS_PAGE);
        slot = at < end ? slot_find(d, (uint64_t)at >> PAGE_SHIFT) : NULL;
    }
    return at - off;
}

static int64_t show_locked(struct filedata *d, int64_t off, int64_t n, const uint8_t **bytes,
                           void **page)
{
    static const uint8_t zeros[OS_PAGE] __attribute__((aligned(OS_PAGE)));
    int64_t at = off & (int64_t)(OS_PAGE - 1);
    void **slot = slot_find(d, (uint64_t)off >> PAGE_SHIFT);

    *page = NULL;
    if (off >= d->size)
        return 0;
    n = min64(n, d->size - off);
    if (!(slot && *slot) && off < d->base_size) {
        *bytes = d->base + off;
        return direct_mapped(d->base) ? base_run_locked(d, off, n) : -L_ENOTSUP;
    }
    if (slot && *slot) {
        *page = *slot;
        os_page_share(*page);
    }
    *bytes = (*page ? (const uint8_t *)*page : phys_to_virt(virt_to_phys(zeros))) + at;
    return min64(n, (int64_t)OS_PAGE - at);
}

int64_t data_show(struct filedata *d, int64_t off, int64_t n, const uint8_t **bytes, void **page)
{
    lock(&d->lock);
    int64_t r = show_locked(d, off, n, bytes, page);
    unlock(&d->lock);
    return r;
}

int data_truncate(struct filedata *d, int64_t size)
{
    lock(&d->lock);
    if (size < d->size) {
        void **slot = size & (OS_PAGE - 1) ? slot_find(d, (uint64_t)size >> PAGE_SHIFT) : NULL;
        if (slot && *slot)
            memset((uint8_t *)*slot + (size & (OS_PAGE - 1)), 0,
                   OS_PAGE - (size & (OS_PAGE - 1)));
        pages_cut(d, ((uint64_t)size + OS_PAGE - 1) >> PAGE_SHIFT, UINT64_MAX);
        d->base_size = min64(d->base_size, size);
    } else {
        clear_behind(d);
    }
    d->size = size;
    unlock(&d->lock);
    return 0;
}

/* Is there memory for the pages [first, last]? All present pages of the file are counted as if
 * they lay in there. */
static bool pages_fit(struct filedata *d, uint64_t first, uint64_t last)
{
    uint64_t n = last - first + 1, max = UINT64_MAX / OS_PAGE;

    n = n > d->pages ? n - d->pages : 0;
    return n <= max && os_can_have(n * OS_PAGE);
}

bool data_can_allocate(struct filedata *d, int64_t off, int64_t n)
{
    lock(&d->lock);
    bool fit = pages_fit(d, (uint64_t)off >> PAGE_SHIFT, (uint64_t)(off + n - 1) >> PAGE_SHIFT);
    unlock(&d->lock);
    return fit;
}

int data_allocate(struct filedata *d, int64_t off, int64_t n, int64_t *made)
{
    uint64_t first = (uint64_t)off >> PAGE_SHIFT, last = (uint64_t)(off + n - 1) >> PAGE_SHIFT;
    int err = 0;

    lock(&d->lock);
    for (uint64_t i = first; i <= last && !err; i++) {
        void **slot = slot_find(d, i);
        if (slot && *slot)
            continue;
        if (!page_own(d, i))
            err = -L_ENOSPC;
        else if (*made < 0)
            *made = (int64_t)(i << PAGE_SHIFT);
    }
    unlock(&d->lock);
    return err;
}

void data_grow(struct filedata *d, int64_t size)
{
    lock(&d->lock);
    if (d->size < size) {
        clear_behind(d);
        d->size = size;
    }
    unlock(&d->lock);
}

static bool all_zero(const uint64_t *page)
{
    for (unsigned i = 0; i < OS_PAGE / 8; i++)
        if (page[i])
            return false;
    return true;
}

void data_drop_zeros(struct filedata *d, int64_t off, int64_t n)
{
    lock(&d->lock);
    for (int64_t at = off; at < off + n; at += OS_PAGE) {
        void **slot = slot_find(d, (uint64_t)at >> PAGE_SHIFT);
        if (!slot || !*slot || at < d->base_size || !all_zero(*slot))
            continue;
        os_page_free(*slot);
        *slot = NULL;
        __atomic_sub_fetch(&d->pages, 1, __ATOMIC_RELAXED);
    }
    unlock(&d->lock);
}

static int zero_part_locked(struct filedata *d, int64_t off, int64_t n)
{
    uint8_t *page = page_own(d, (uint64_t)off >> PAGE_SHIFT);

    if (!page)
        return -L_ENOSPC;
    memset(page + (off & (OS_PAGE - 1)), 0, (size_t)n);
    return 0;
}

int data_punch(struct filedata *d, int64_t off, int64_t n)
{
    int err = 0;

    lock(&d->lock);
    int64_t end = min64(off + n, d->size);
    while (off < end && !err) {
        int64_t part = min64(end - off, OS_PAGE - (off & (OS_PAGE - 1)));
        if (part == OS_PAGE && off >= d->base_size) {
            int64_t whole = (end - off) & ~(int64_t)(OS_PAGE - 1);
            pages_cut(d, (uint64_t)off >> PAGE_SHIFT, (uint64_t)(off + whole) >> PAGE_SHIFT);
            part = whole;
        } else {
            err = zero_part_locked(d, off, part);
        }
        off += part;
    }
    unlock(&d->lock);
    return err;
}

/* First page index >= from under this node whose presence is `want`; UINT64_MAX if none. */
static uint64_t node_scan(void **node, unsigned level, uint64_t first, uint64_t from, bool want)
{
    uint64_t span = 1ull << (level * NODE_SHIFT);

    for (unsigned i = 0; i < NODE_SLOTS; i++, first += span) {
        if (first + span <= from)
            continue;
        uint64_t at = first > from ? first : from;
        if (!node[i] && !want)
            return at;
        if (node[i] && level == 0 && want)
            return at;
        if (node[i] && level > 0) {
            uint64_t r = node_scan(node[i], level - 1, first, from, want);
            if (r != UINT64_MAX)
                return r;
        }
    }
    return UINT64_MAX;
}

int64_t data_seek(struct filedata *d, int64_t off, bool hole)
{
    lock(&d->lock);
    int64_t size = d->size, r = -L_ENXIO;
    if (off >= 0 && off < size) {
        uint64_t page = (uint64_t)off >> PAGE_SHIFT, base = ((uint64_t)d->base_size + 4095) >> 12;
        if (page < base) /* what the bundle has counts as data, page or not */
            page = hole ? base : page;
        bool in_base = !hole && page < base;
        uint64_t found = in_base ? page : hole ? page : UINT64_MAX;
        if (!in_base && d->root && height_covers(d->height, page)) {
            found = node_scan(d->root, d->height - 1, 0, page, !hole);
            if (hole && found == UINT64_MAX)
                found = 1ull << (d->height * NODE_SHIFT);
        }
        if (found < (uint64_t)DATA_MAX >> PAGE_SHIFT) {
            int64_t at = (int64_t)(found << PAGE_SHIFT);
            r = at > off ? at : off;
        }
        if (hole && (r < 0 || r > size))
            r = size; /* lseek(2): there is a hole at the end of each file */
        if (!hole && r >= size)
            r = -L_ENXIO;
    }
    unlock(&d->lock);
    return r;
}
