/* pagealloc.c - a radix tree of summaries over bitmaps of pages: pagealloc.h. */
#include "gort/heap/pagealloc.h"
#include "kernel/check.h"

#define FANOUT 8u

/* Pages below one summary of each level, and the number of summaries. */
static const uint32_t level_pages[PA_LEVELS] = { 1u << 21, 1u << 18, 1u << 15, 1u << 12, 1u << 9 };

static size_t level_count(unsigned level) { return PA_MAX_PAGES / level_pages[level]; }

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

void pagealloc_init(struct pagealloc *pa, void *chunks, void *const sums[PA_LEVELS])
{
    *pa = (struct pagealloc){ .chunks = chunks };
    for (unsigned l = 0; l < PA_LEVELS; l++)
        pa->sum[l] = sums[l];
}

size_t pagealloc_table_bytes(unsigned level, size_t pages)
{
    if (level == PA_LEVELS)
        return (pages + PA_CHUNK_PAGES - 1) / PA_CHUNK_PAGES * sizeof(struct pachunk);
    size_t n = (pages + level_pages[level] - 1) / level_pages[level];
    /* Brothers are read together, so whole families are backed. */
    n = level == 0 ? level_count(0) : round_up(n, FANOUT);
    return n * sizeof(struct pagesum);
}

/* ---- summaries --------------------------------------------------------------------------- */

/* Lowest i such that n ones follow from bit i; 64 if there is none. */
static unsigned find_ones(uint64_t w, unsigned n)
{
    for (unsigned left = n - 1, k = 1; left > 0 && w; k *= 2) {
        unsigned by = left < k ? left : k;
        w &= w >> by; /* bit i: a run of (what was proved) + by */
        left -= by;
    }
    return w ? (unsigned)__builtin_ctzll(w) : 64;
}

static unsigned longest_run(uint64_t ones)
{
    unsigned best = 0;

    while (ones) {
        ones >>= __builtin_ctzll(ones);
        unsigned n = ~ones ? (unsigned)__builtin_ctzll(~ones) : 64;
        best = n > best ? n : best;
        if (n == 64)
            break;
        ones >>= n;
    }
    return best;
}

/* `most`, or the longest run of ones if that is more. Mostly it is not, which costs less to see
 * than to go from run to run of a heap in pieces. */
static unsigned longest_beyond(uint64_t ones, unsigned most)
{
    return most < 64 && find_ones(ones, most + 1) < 64 ? longest_run(ones) : most;
}

static struct pagesum sum_chunk(const struct pachunk *c)
{
    struct pagesum s = { 0, 0, 0 };
    unsigned run = 0;
    bool at_start = true;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t t = c->taken[i];
        if (t == 0) {
            run += 64;
            continue;
        }
        run += (unsigned)__builtin_ctzll(t);
        if (at_start)
            s.start = run;
        at_start = false;
        s.max = longest_beyond(~t, run > s.max ? run : s.max);
        run = (unsigned)__builtin_clzll(t);
    }
    if (at_start)
        s.start = run;
    s.end = run;
    s.max = run > s.max ? run : s.max;
    return s;
}

static struct pagesum sum_family(const struct pagesum *child, uint32_t pages)
{
    struct pagesum s = { 0, 0, 0 };
    uint32_t run = 0;
    bool at_start = true;

    for (unsigned i = 0; i < FANOUT; i++) {
        if (child[i].start == pages) {
            run += pages;
            continue;
        }
        run += child[i].start;
        if (at_start)
            s.start = run;
        at_start = false;
        s.max = run > s.max ? run : s.max;
        s.max = child[i].max > s.max ? child[i].max : s.max;
        run = child[i].end;
    }
    if (at_start)
        s.start = run;
    s.end = run;
    s.max = run > s.max ? run : s.max;
    return s;
}

/* Stores a summary. True: it is another one than before. */
static bool sum_set(struct pagesum *to, struct pagesum s)
{
    bool changed = to->start != s.start || to->max != s.max || to->end != s.end;

    *to = s;
    return changed;
}

/* Recomputes what the chunks of [page, page + n) change above them: a summary depends on its
 * children alone, so the levels above one that stays as it was stay, too. Mostly that is soon: a
 * page or two in the midst of others change no longest run. */
static void update(struct pagealloc *pa, size_t page, size_t n)
{
    size_t lo = page / PA_CHUNK_PAGES, hi = (page + n - 1) / PA_CHUNK_PAGES;
    bool changed = false;

    for (size_t i = lo; i <= hi; i++)
        changed |= sum_set(&pa->sum[PA_LEVELS - 1][i], sum_chunk(&pa->chunks[i]));
    for (unsigned l = PA_LEVELS - 1; l-- > 0 && changed;) {
        lo /= FANOUT;
        hi /= FANOUT;
        changed = false;
        for (size_t i = lo; i <= hi; i++)
            changed |= sum_set(&pa->sum[l][i],
                               sum_family(&pa->sum[l + 1][i * FANOUT], level_pages[l + 1]));
    }
}

/* ---- bits over ranges --------------------------------------------------------------------- */

static uint64_t *word_of(const struct pagealloc *pa, enum pa_bits which, size_t page)
{
    struct pachunk *c = &pa->chunks[page / PA_CHUNK_PAGES];
    uint64_t *bits = which == PA_TAKEN ? c->taken : which == PA_GONE ? c->gone : c->zero;

    return &bits[page % PA_CHUNK_PAGES / 64];
}

/* The part of [page, page + n) that lies in page's word: mask, and its length in *k. */
static uint64_t first_word(size_t page, size_t n, size_t *k)
{
    size_t bit = page % 64;

    *k = n < 64 - bit ? n : 64 - bit;
    return (*k == 64 ? ~0ull : (1ull << *k) - 1) << bit;
}

void pagealloc_set(struct pagealloc *pa, enum pa_bits which, size_t page, size_t n)
{
    for (size_t k; n > 0; page += k, n -= k) {
        uint64_t mask = first_word(page, n, &k);
        *word_of(pa, which, page) |= mask;
    }
}

void pagealloc_clear(struct pagealloc *pa, enum pa_bits which, size_t page, size_t n)
{
    for (size_t k; n > 0; page += k, n -= k) {
        uint64_t mask = first_word(page, n, &k);
        *word_of(pa, which, page) &= ~mask;
    }
}

size_t pagealloc_count(const struct pagealloc *pa, enum pa_bits which, size_t page, size_t n)
{
    size_t sum = 0;

    for (size_t k; n > 0; page += k, n -= k) {
        uint64_t mask = first_word(page, n, &k);
        sum += (size_t)__builtin_popcountll(*word_of(pa, which, page) & mask);
    }
    return sum;
}

bool pagealloc_all(const struct pagealloc *pa, enum pa_bits which, size_t page, size_t n)
{
    for (size_t k; n > 0; page += k, n -= k) {
        uint64_t mask = first_word(page, n, &k);
        if ((*word_of(pa, which, page) & mask) != mask)
            return false;
    }
    return true;
}

size_t pagealloc_next(const struct pagealloc *pa, enum pa_bits which, bool set, size_t page,
                      size_t limit)
{
    while (page < limit) {
        uint64_t w = *word_of(pa, which, page);
        w = (set ? w : ~w) >> page % 64;
        if (w) {
            page += (size_t)__builtin_ctzll(w);
            return page < limit ? page : limit;
        }
        page = (page | 63) + 1;
    }
    return limit;
}

/* ---- finding -------------------------------------------------------------------------------- */

/* First run of n <= 512 free pages in a chunk that has one. */
static unsigned find_in_chunk(const struct pachunk *c, unsigned n)
{
    unsigned run = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t t = c->taken[i];
        unsigned head = t ? (unsigned)__builtin_ctzll(t) : 64;
        if (run + head >= n)
            return i * 64 - run;
        if (t == 0) {
            run += 64;
            continue;
        }
        unsigned at = n <= 64 ? find_ones(~t, n) : 64;
        if (at < 64)
            return i * 64 + at;
        run = (unsigned)__builtin_clzll(t);
    }
    PANIC("no run of %u free pages in a chunk that was to have one", n);
}

/* Scans `count` brothers of `level` from index `first`. Returns the run's first page, or the
 * brother below which it lies in *down, or neither. */
static size_t scan_level(const struct pagealloc *pa, unsigned level, size_t first, size_t count,
                         size_t n, size_t *down)
{
    const struct pagesum *s = pa->sum[level];
    size_t pages = level_pages[level], run = 0;

    for (size_t i = first; i < first + count; i++) {
        if (run + s[i].start >= n)
            return i * pages - run;
        if (s[i].max >= n) {
            *down = i;
            return PA_NONE;
        }
        run = s[i].start == pages ? run + pages : s[i].end;
    }
    *down = PA_NONE;
    return PA_NONE;
}

static size_t find(const struct pagealloc *pa, size_t n)
{
    size_t first = pa->search / level_pages[0], count = level_count(0) - first, at, down = 0;

    for (unsigned l = 0; l < PA_LEVELS; l++) {
        at = scan_level(pa, l, first, count, n, &down);
        if (at != PA_NONE || down == PA_NONE)
            return at;
        first = down * FANOUT;
        count = FANOUT;
    }
    return down * PA_CHUNK_PAGES + find_in_chunk(&pa->chunks[down], (unsigned)n);
}

/* ---- the interface ----------------------------------------------------------------------- */

void pagealloc_grow(struct pagealloc *pa, size_t npages)
{
    CHECK(npages % PA_CHUNK_PAGES == 0 && pa->end + npages <= PA_MAX_PAGES,
          "heap grows by %zu pages at %zu", npages, pa->end);
    pagealloc_set(pa, PA_GONE, pa->end, npages);
    update(pa, pa->end, npages);
    if (pa->free_pages == 0)
        pa->search = pa->end;
    pa->end += npages;
    pa->free_pages += npages;
    pa->gone_pages += npages;
}

/* The first page that may still be free after [page, page + n) was taken from a lowest fit. */
static void advance_search(struct pagealloc *pa, size_t page, size_t n)
{
    if (page <= pa->search)
        pa->search = page + n;
}

void pagealloc_take(struct pagealloc *pa, size_t page, size_t npages)
{
    DCHECK(pagealloc_count(pa, PA_TAKEN, page, npages) == 0, "pages %zu+%zu taken twice", page,
           npages);
    pagealloc_set(pa, PA_TAKEN, page, npages);
    update(pa, page, npages);
    pa->free_pages -= npages;
}

size_t pagealloc_alloc(struct pagealloc *pa, size_t npages)
{
    if (npages == 0 || npages > pa->free_pages)
        return PA_NONE;
    size_t page = find(pa, npages);
    if (page == PA_NONE)
        return PA_NONE;
    pagealloc_take(pa, page, npages);
    advance_search(pa, page, npages);
    return page;
}

size_t pagealloc_alloc_group(struct pagealloc *pa, uint64_t *mask)
{
    if (pa->free_pages == 0)
        return PA_NONE;
    size_t page = find(pa, 1);
    CHECK(page != PA_NONE, "%zu free pages, none found from %zu", pa->free_pages, pa->search);
    size_t group = page & ~63ul;
    uint64_t *w = word_of(pa, PA_TAKEN, group);
    *mask = ~*w;
    *w = ~0ull;
    update(pa, group, 64);
    pa->free_pages -= (size_t)__builtin_popcountll(*mask);
    pa->search = group + 64; /* it was the lowest free page */
    return group;
}

void pagealloc_free(struct pagealloc *pa, size_t page, size_t npages)
{
    CHECK(page + npages <= pa->end && pagealloc_all(pa, PA_TAKEN, page, npages),
          "free of pages %zu+%zu that are not taken", page, npages);
    pagealloc_clear(pa, PA_TAKEN, page, npages);
    update(pa, page, npages);
    pa->free_pages += npages;
    if (page < pa->search)
        pa->search = page;
}

size_t pagealloc_longest_free(const struct pagealloc *pa)
{
    size_t best = 0, run = 0;

    for (size_t i = 0; i < level_count(0); i++) {
        const struct pagesum *s = &pa->sum[0][i];
        run += s->start;
        best = run > best ? run : best;
        best = s->max > best ? s->max : best;
        if (s->start != level_pages[0])
            run = s->end;
    }
    return best;
}
