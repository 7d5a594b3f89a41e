// sources: gort/os/fs/data.c gort/os/mem.c
// flags: -Wno-unused-function
/* Contents of files against a flat buffer: random writes, truncations, holes, with and
 * without the bundle's bytes beneath; running out of memory; huge offsets. */
#include "gort/os/fs/data.h"
#include "gort/os/linux.h"
#include "gort/os/mem.h"
#include "fake_os.h"

enum { MAX = 300000 };
static uint8_t model[MAX], got[MAX], src[MAX];
static int64_t size;

static bool same(struct filedata *d)
{
    memset(got, 0xee, sizeof got);
    return data_size(d) == size && data_read(d, got, MAX, 0) == size && !memcmp(got, model, size);
}

static void step(struct filedata *d)
{
    int64_t off = (int64_t)rnd(MAX), n = (int64_t)rnd(rnd(4) ? 5000 : 100000);

    if (off + n > MAX)
        n = MAX - off;
    switch (rnd(5)) {
    case 0:
        CHECK(data_truncate(d, off) == 0, "truncate");
        if (off > size)
            memset(model + size, 0, (size_t)(off - size));
        size = off;
        break;
    case 1:
        CHECK(data_punch(d, off, n + 1) == 0, "punch");
        if (off < size)
            memset(model + off, 0, (size_t)(off + n + 1 > size ? size - off : n + 1));
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            src[i] = (uint8_t)rnd(256);
        if (size < off && n)
            memset(model + size, 0, (size_t)(off - size));
        CHECK(data_write(d, src, (uint64_t)n, &off) == n, "write");
        memcpy(model + off, src, (size_t)n);
        if (n && size < off + n)
            size = off + n;
    }
}

/* Every byte is where data_show says, and a run does not end before it must. */
static bool shown(struct filedata *d)
{
    int64_t off = (int64_t)rnd(MAX), n = (int64_t)rnd(50000) + 1;
    int64_t end = off + n < size ? off + n : size;
    const uint8_t *bytes;
    void *page;

    while (off < end) {
        int64_t r = data_show(d, off, end - off, &bytes, &page);
        bool good = r > 0 && r <= end - off && !memcmp(bytes, model + off, (size_t)r) &&
                    (off + r == end || off + r == d->base_size || !((off + r) % 4096));
        if (page)
            os_page_free(page);
        if (!good)
            return false;
        off += r;
    }
    return off < size || data_show(d, off, 1, &bytes, &page) == 0;
}

/* Pages that are shown outlive their file; what is written is seen, what is cut off stays. */
static void test_shown(void)
{
    struct filedata d;
    long before = frames_used;
    const uint8_t *bytes[3];
    void *page[3];
    int64_t at = 0;

    data_init(&d, NULL, 0);
    memset(src, 'a', 3 * 4096);
    data_write(&d, src, 3 * 4096, &at);
    bool ok = true;
    for (int i = 0; i < 3; i++)
        ok &= data_show(&d, i * 4096 + 100, 1 << 20, &bytes[i], &page[i]) == 3996 && page[i];
    check(ok, "a page at a time");
    at = 100;
    data_write(&d, "new", 3, &at);
    check(!memcmp(bytes[0], "newa", 4), "what is written is seen");
    data_truncate(&d, 4096 + 100);
    data_write(&d, "x", 1, &at);
    while (data_reap(7))
        ;
    check(!bytes[1][0] && bytes[2][3000] == 'a', "what is cut off: zeros in the last page");
    os_page_share(page[2]);
    data_free(&d);
    while (data_reap(7))
        ;
    check(bytes[0][0] == 'x' && bytes[2][0] == 'a' && os_pages_used() == 3, "the file is gone");
    for (int i = 0; i < 3; i++)
        os_page_free(page[i]);
    check(bytes[2][0] == 'a' && os_pages_used() == 1, "the last of two references");
    os_page_free(page[2]);
    check(frames_used == before && os_pages_used() == 0, "the pages are gone");
}

static void test_random(int64_t base)
{
    struct filedata d;
    long before = frames_used;
    bool ok = true;
    uint8_t *bytes = malloc((size_t)base + 1);

    for (int64_t i = 0; i < base; i++)
        bytes[i] = model[i] = (uint8_t)(i * 7);
    size = base;
    data_init(&d, bytes, base);
    for (int i = 0; i < 1500 && ok; i++) {
        step(&d);
        ok = same(&d) && shown(&d);
    }
    data_free(&d);
    while (data_reap(7))
        ;
    free(bytes);
    check(ok, base ? "random operations over the bundle's bytes" : "random operations");
    check(frames_used == before, "all pages given back");
}

static void test_sparse(void)
{
    struct filedata d;
    int64_t far = (1ll << 50) + 5, at = far;
    uint8_t b[8] = {0};

    data_init(&d, NULL, 0);
    check(data_write(&d, "abc", 3, &at) == 3 && data_size(&d) == far + 3, "write at 2^50");
    check(data_read(&d, b, 8, far - 2) == 5 && !memcmp(b, "\0\0abc", 5), "read around it");
    check(data_seek(&d, 0, false) == (far & ~4095ll), "SEEK_DATA finds it");
    check(data_seek(&d, 0, true) == 0, "SEEK_HOLE at a hole");
    check(data_seek(&d, far, true) == far + 3, "the end is a hole");
    check(data_seek(&d, far + 3, false) == -L_ENXIO, "no data behind the end");
    at = DATA_MAX - 2;
    check(data_write(&d, "abc", 3, &at) == 2 && data_size(&d) == DATA_MAX, "the last bytes");
    at = DATA_MAX;
    check(data_write(&d, "abc", 3, &at) == -L_EFBIG, "and none behind them");
    check(data_truncate(&d, 1) == 0, "truncation");
    while (data_reap(1))
        ;
    check(data_blocks(&d) == 0, "truncation frees");
    data_free(&d);
    while (data_reap(7))
        ;
}

static void test_exhausted(void)
{
    struct filedata d;
    long before = frames_used;
    int64_t at = 0;

    data_init(&d, NULL, 0);
    frames_left = 4;
    int64_t n = data_write(&d, src, MAX, &at);
    check(n > 0 && n < MAX && n % 4096 == 0 && data_size(&d) == n, "short write without memory");
    at = n;
    check(data_write(&d, src, 1, &at) == -L_ENOSPC, "then ENOSPC");
    frames_left = 1l << 40;
    data_free(&d);
    while (data_reap(7))
        ;
    check(frames_used == before, "all pages given back");
}

static void test_append(void)
{
    struct filedata d;
    int64_t at = -1;

    data_init(&d, "xyz", 3);
    check(data_write(&d, "abc", 3, &at) == 3 && at == 3, "append tells where");
    check(data_read(&d, got, 10, 0) == 6 && !memcmp(got, "xyzabc", 6), "and appends");
    data_free(&d);
    while (data_reap(7))
        ;
}

/* Truncated contents count as used until they are freed, some pages at a time. */
static void test_graves(void)
{
    struct filedata d, e;
    int64_t at = 0;
    long before = frames_used;

    data_init(&d, NULL, 0);
    data_init(&e, NULL, 0);
    for (int64_t i = 0; i < 1500; i++) {
        at = i * 4096;
        data_write(&d, src, 1, &at);
        at = i * 4096 * 300;
        data_write(&e, src, 1, &at);
    }
    data_truncate(&d, 100 * 4096);
    check(data_blocks(&d) > 100 * 8, "pages count until they are freed");
    check(data_reap(10) && data_blocks(&d) == (1500 - 412 - 10) * 8, "some are freed at a time");
    at = 600 * 4096;
    data_write(&d, src, 1, &at);
    while (data_reap(100))
        ;
    check(data_blocks(&d) == 101 * 8, "only what was cut off");
    data_free(&e);
    check(data_reap(1), "a tree of some levels");
    data_free(&d);
    while (data_reap(100))
        ;
    check(frames_used == before, "all pages given back");
}

/* A failed call frees the memory that it allocated; bytes written meanwhile stay. */
static void test_allocate(void)
{
    struct filedata d;
    int64_t at = 5 * 4096, made = -1;
    char c = 1;

    data_init(&d, NULL, 0);
    data_write(&d, src, 4096, &at);
    check(data_allocate(&d, 4096, 10 * 4096, &made) == 0 && made == 4096, "allocate");
    check(data_blocks(&d) == 10 * 8 && data_size(&d) == 6 * 4096, "no larger");
    at = 7 * 4096;
    data_write(&d, &c, 1, &at);
    frames_left = 2;
    check(data_allocate(&d, 20 * 4096, 10 * 4096, &made) == -L_ENOSPC, "out of memory");
    frames_left = 1l << 40;
    data_drop_zeros(&d, made, 40 * 4096);
    check(data_blocks(&d) == 2 * 8, "roll-back");
    check(data_read(&d, got, 1, 7 * 4096) == 1 && got[0] == 1, "what was written stays");
    data_free(&d);
    while (data_reap(100))
        ;
}

int main(void)
{
    os_free(os_alloc(32), 32); /* the small objects' page stays */
    for (int i = 0; i < MAX; i++)
        src[i] = (uint8_t)(i + 1);
    test_graves();
    test_allocate();
    test_random(0);
    test_random(100001);
    test_shown();
    test_sparse();
    test_exhausted();
    test_append();
    return failures != 0;
}
