/* test_string.c - arch/x86_64/string.c: every length up to 200, at every offset from a word,
 * copied, moved both ways over itself, set and compared, against loops of single bytes; what stands
 * on both sides stays. The ends matter: they are copied as a word that begins in what has been
 * copied. */
#define memcpy our_memcpy
#define memmove our_memmove
#define memset our_memset
#define memcmp our_memcmp
#define strlen our_strlen
#include "arch/x86_64/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#include <stdbool.h>
#include <stdio.h>

enum { LONGEST = 200, ROOM = 3 * LONGEST };
static int failures;
static uint8_t is[ROOM], should[ROOM], from[ROOM];

static void report(const char *what, bool good, size_t n, size_t to, size_t at)
{
    if (good)
        return;
    if (failures++ < 10)
        printf("FAIL %s: %zu bytes to %zu from %zu\n", what, n, to, at);
}

static void fill(void)
{
    for (size_t i = 0; i < ROOM; i++) {
        is[i] = should[i] = (uint8_t)(i * 7 + 1);
        from[i] = (uint8_t)(i * 13 + 5);
    }
}

static bool same(void)
{
    for (size_t i = 0; i < ROOM; i++)
        if (is[i] != should[i])
            return false;
    return true;
}

static void copied(size_t n, size_t to, size_t at)
{
    fill();
    for (size_t i = 0; i < n; i++)
        should[to + i] = from[at + i];
    bool back = our_memcpy(is + to, from + at, n) == is + to;
    report("memcpy", back && same(), n, to, at);
}

static void moved(size_t n, size_t to, size_t at)
{
    fill();
    for (size_t i = 0; i < n; i++)
        should[to + i] = (uint8_t)((at + i) * 7 + 1);
    bool back = our_memmove(is + to, is + at, n) == is + to;
    report("memmove", back && same(), n, to, at);
}

static void set(size_t n, size_t to)
{
    fill();
    for (size_t i = 0; i < n; i++)
        should[to + i] = 0xa5;
    bool back = our_memset(is + to, 0x7a5, n) == is + to;
    report("memset", back && same(), n, to, 0);
}

/* One byte differs, or none, or one behind the end. */
static void compared(size_t n, size_t at)
{
    fill();
    report("memcmp of equals", our_memcmp(is + at, should + at, n) == 0, n, at, at);
    for (size_t i = 0; i <= n; i++) {
        is[at + i] ^= 0x80;
        int r = our_memcmp(is + at, should + at, n), want = is[at + i] - should[at + i];
        report("memcmp", i == n ? r == 0 : (r < 0) == (want < 0) && r != 0, n, at, i);
        is[at + i] ^= 0x80;
    }
}

int main(void)
{
    for (size_t n = 0; n <= LONGEST; n++)
        for (size_t to = 0; to < 9; to++) {
            for (size_t at = 0; at < 9; at++)
                copied(n, to, at);
            for (size_t by = 0; by <= 70; by++) {
                moved(n, to, to + by);
                moved(n, to + by, to);
            }
            set(n, to);
            compared(n, to);
        }
    for (size_t n = 0; n < LONGEST; n++) {
        fill();
        for (size_t i = 0; i < n; i++)
            is[i] |= 1;
        is[n] = 0;
        report("strlen", our_strlen((char *)is) == n, n, 0, 0);
    }
    printf("%s\n", failures ? "FAIL string.c" : "ok string.c");
    return failures != 0;
}
