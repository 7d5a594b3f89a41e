/* test_cpio.c - every error of boot/common/cpio.c, and a loop that flips bits of a good archive.
 * sources: boot/common/cpio.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "boot/common/cpio.h"

static int failures;

static void report(const char *name, bool good, const char *text)
{
    failures += !good;
    printf("%s %s%s%s\n", good ? "ok" : "FAIL", name, good ? "" : ": ", good ? "" : text);
}

static uint8_t buf[8192];
static size_t len;

static void put_raw(const void *p, size_t n)
{
    memcpy(buf + len, p, n);
    len += n;
}

static void put(const char *magic, const char *name, unsigned namesize, unsigned mode,
                const char *data, unsigned size)
{
    char head[128];
    unsigned sum = 0;

    for (unsigned i = 0; i < size; i++)
        sum += (uint8_t)data[i];
    snprintf(head, sizeof head, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08X%08x", magic, 7u,
             mode, 0u, 0u, 1u, 1234u, size, 0u, 0u, 0u, 0u, namesize, sum);
    put_raw(head, 110);
    put_raw(name, namesize);
    while (len % 4)
        buf[len++] = 0;
    put_raw(data, size);
    while (len % 4)
        buf[len++] = 0;
}

static void put_file(const char *name, const char *data)
{
    put("070702", name, (unsigned)strlen(name) + 1, 0100644, data, (unsigned)strlen(data));
}

static void put_trailer(void) { put("070702", "TRAILER!!!", 11, 0, "", 0); }

/* A copy of exactly `n` bytes on the heap, so that the sanitizer sees any read behind it. */
static int check_copy(const uint8_t *p, size_t n, char text[CPIO_TEXT_MAX], size_t *count)
{
    static uint64_t seen[64];
    struct cpio c;
    uint8_t *copy = malloc(n ? n : 1);

    memcpy(copy, p, n);
    cpio_open(&c, copy, n);
    int error = cpio_check(&c, seen, 64, count);
    memcpy(text, c.text, CPIO_TEXT_MAX);
    free(copy);
    return error;
}

static void expect(const char *name, int error, const char *part)
{
    char text[CPIO_TEXT_MAX], got[CPIO_TEXT_MAX + 32];
    int e = check_copy(buf, len, text, NULL);

    snprintf(got, sizeof got, "%d %s", e, text);
    report(name, e == error && strstr(text, part) != NULL, got);
    len = 0;
}

static void test_good(void)
{
    struct cpio c;
    struct cpio_entry e;

    put("070702", ".", 2, 0040755, "", 0);
    put_file("./etc/hosts", "127.0.0.1 localhost\n");
    put("070701", "init\0\0\0\0", 8, 0100755, "ELF", 3);
    put("070701", "link", 5, 0120777, "init", 4);
    put_file("...", "");
    put_trailer();
    cpio_open(&c, buf, len);
    bool good = cpio_next(&c, &e) == 1 && !strcmp(e.name, "etc/hosts") && e.size == 20 &&
                !memcmp(e.data, "127", 3) && e.mtime == 1234 && e.mode == 0100644 && e.has_sum;
    good = good && cpio_next(&c, &e) == 1 && !strcmp(e.name, "init") && e.name_len == 4 &&
           e.size == 3 && !memcmp(e.data, "ELF", 3) && !e.has_sum;
    good = good && cpio_next(&c, &e) == 1 && e.mode == 0120777 && !memcmp(e.data, "init", 4);
    good = good && cpio_next(&c, &e) == 1 && !strcmp(e.name, "...") && e.size == 0;
    good = good && cpio_next(&c, &e) == 0 && cpio_next(&c, &e) == 0;
    report("cpio_good", good, c.text);
    size_t count = 0;
    char text[CPIO_TEXT_MAX];
    report("cpio_count", check_copy(buf, len, text, &count) == 0 && count == 4, text);
    len = 0;
}

static void test_errors(void)
{
    expect("cpio_empty", CPIO_BAD_MAGIC, "offset 0 of 0");
    put_raw("hello, this is no archive", 25);
    expect("cpio_bad_magic", CPIO_BAD_MAGIC, "offset 0 of 25");
    put_file("a", "x");
    put_raw("070703", 6);
    expect("cpio_bad_magic_later", CPIO_BAD_MAGIC, "offset 116 of 122");
    put_file("a", "x");
    buf[6 + 8 + 3] = 'g';
    put_trailer();
    expect("cpio_bad_digit", CPIO_BAD_DIGIT, "mode is not hexadecimal (byte 0x67)");
    put_raw("070701000000", 12);
    expect("cpio_short_header", CPIO_TRUNCATED, "inside the header at offset 0");
    put_file("abc", "x");
    len = 112;
    expect("cpio_short_name", CPIO_TRUNCATED, "name ends at 114, archive has 112");
    put("070701", "abc", 4, 0100644, "0123456789abcdef", 16);
    len -= 8;
    expect("cpio_short_data", CPIO_TRUNCATED, "(abc): data end at 132, archive has 124");
    put_file("a", "x");
    expect("cpio_no_trailer", CPIO_NO_TRAILER, "ends at 116");
    put("070701", "", 1, 0100644, "", 0);
    expect("cpio_no_name", CPIO_BAD_NAME, "name of 1 bytes");
    put("070701", "\0\0\0", 3, 0100644, "", 0);
    expect("cpio_empty_name", CPIO_BAD_NAME, "empty name");
    put("070701", "abc", 3, 0100644, "", 0);
    expect("cpio_name_without_nul", CPIO_BAD_NAME, "lacks its NUL");
    put("070701", "ab\0c", 5, 0100644, "", 0);
    expect("cpio_name_with_nul", CPIO_BAD_NAME, "NUL inside");
    static char longest[5000];
    memset(longest, 'n', sizeof longest - 1);
    put("070701", longest, 4097, 0100644, "", 0);
    expect("cpio_long_name", CPIO_BAD_NAME, "name of 4097 bytes");
    put("070701", "dev/tty", 8, 0020644, "", 0);
    expect("cpio_device", CPIO_BAD_MODE, "mode 020644");
    put("070701", "d", 2, 0040755, "x", 1);
    expect("cpio_dir_with_data", CPIO_BAD_MODE, "directory with data");
    put_file("data", "sound");
    buf[116] ^= 1;
    put_trailer();
    expect("cpio_bad_sum", CPIO_BAD_SUM, "offset 0 (data): data are damaged");
    put_file("a", "1");
    put_file("b", "2");
    put_file("a", "3");
    put_trailer();
    expect("cpio_duplicate", CPIO_DUPLICATE, "offset 232: second a");
}

static void test_unsafe(void)
{
    static const char *const names[] = {"..",    "/etc/passwd", "../x", "a/../b", "a/..", "a//b",
                                        "a/./b", "a/",          "./..", ".//a",   "./."};
    char label[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(label, sizeof label, "cpio_unsafe_%zu", i);
        put_file(names[i], "x");
        put_trailer();
        expect(label, CPIO_UNSAFE_NAME, "unsafe name");
    }
}

static void test_sums(void)
{
    static char big[4000];
    struct cpio c;
    struct cpio_entry e;

    memset(big, 0xff, sizeof big); /* the most that the lanes have to hold */
    put("070702", "big", 4, 0100644, big, sizeof big - 3);
    put_trailer();
    cpio_open(&c, buf, len);
    report("cpio_big_sum",
           cpio_next(&c, &e) == 1 && cpio_sum_ok(&e) && e.sum == (sizeof big - 3) * 0xffu, "sum");
    len = 0;
}

/* Flips every single bit and cuts at every length: the parser must stay in bounds. */
static void test_damage(void)
{
    char text[CPIO_TEXT_MAX];
    size_t missed = 0, cut_ok = 0;

    put_file("etc/hosts", "127.0.0.1");
    put("070702", "init\0\0\0\0", 8, 0100755, "\177ELF", 4);
    put("070701", "d", 2, 0040755, "", 0);
    size_t before_trailer = len;
    put_trailer();
    for (size_t bit = 0; bit < len * 8; bit++) {
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        missed += check_copy(buf, len, text, NULL) == 0;
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < len; n++)
        cut_ok += check_copy(buf, n, text, NULL) == 0 && n < before_trailer + 110 + 11;
    report("cpio_bit_flips", missed < len * 8 / 2, "more than half went unnoticed");
    report("cpio_truncations", cut_ok == 0, "a cut archive was taken");
    len = 0;
}

static void test_random(void)
{
    char text[CPIO_TEXT_MAX];
    uint64_t x = 88172645463325252ull; /* xorshift64 of Marsaglia */

    for (unsigned round = 0; round < 20000; round++) {
        put_file("a/b", "some data");
        put_file("init", "more");
        put_trailer();
        for (unsigned k = 0; k < 1 + round % 6; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            buf[x % len] = "0f8a\0/.\377"[x >> 40 & 7];
        }
        check_copy(buf, len, text, NULL);
        len = 0;
    }
    report("cpio_random_damage", true, "");
}

int main(void)
{
    test_good();
    test_errors();
    test_unsafe();
    test_sums();
    test_damage();
    test_random();
    return failures != 0;
}
