/* string.c - the memory functions, in general registers only, because interrupt handlers call
 * them too (explicitly or through the compiler). They take the place of newlib's. Eight
 * bytes at a time: QEMU's TCG executes `rep movsb` a byte at a time. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t word __attribute__((may_alias, aligned(1)));
typedef uint32_t half __attribute__((may_alias, aligned(1)));

/* Fewer than 8 bytes. All is read before anything is written. */
static void *copy_few(uint8_t *d, const uint8_t *s, size_t n)
{
    if (n >= 4) {
        uint32_t a = *(const half *)s, b = *(const half *)(s + n - 4);
        *(half *)d = a;
        *(half *)(d + n - 4) = b;
    } else if (n) {
        uint8_t a = s[0], b = s[n / 2], c = s[n - 1];
        d[0] = a;
        d[n / 2] = b;
        d[n - 1] = c;
    }
    return d;
}

/* What is left behind the whole steps is copied as a word that begins in what they have copied; it
 * is read first, for memmove's sake. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    uint8_t *d = dst, *end = d + n - 8;
    const uint8_t *s = src;

    if (n < 8)
        return copy_few(dst, src, n);
    uint64_t last = *(const word *)(s + n - 8);
    for (; n >= 32; n -= 32, d += 32, s += 32) {
        uint64_t a = ((const word *)s)[0], b = ((const word *)s)[1];
        uint64_t c = ((const word *)s)[2], e = ((const word *)s)[3];
        ((word *)d)[0] = a;
        ((word *)d)[1] = b;
        ((word *)d)[2] = c;
        ((word *)d)[3] = e;
    }
    for (; n > 8; n -= 8, d += 8, s += 8)
        *(word *)d = *(const word *)s;
    *(word *)end = last;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = (uint8_t *)dst + n;
    const uint8_t *s = (const uint8_t *)src + n;

    if ((uintptr_t)dst - (uintptr_t)src >= n) {
        /* Copying forwards overwrites nothing that is still to be read: the two are apart, or
         * dst is below src and each step reads its words before it writes them. */
        return memcpy(dst, src, n);
    }
    for (; n >= 8; n -= 8) {
        d -= 8;
        s -= 8;
        *(word *)d = *(const word *)s;
    }
    while (n--)
        *--d = *--s;
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    uint8_t *d = dst, *end = d + n - 8;
    uint64_t v = (uint8_t)c * 0x0101010101010101ull;

    if (n < 8) {
        while (n--)
            *d++ = (uint8_t)c;
        return dst;
    }
    for (; n >= 64; n -= 64, d += 64) {
        word *w = (word *)d;
        w[0] = v; w[1] = v; w[2] = v; w[3] = v;
        w[4] = v; w[5] = v; w[6] = v; w[7] = v;
    }
    for (; n > 8; n -= 8, d += 8)
        *(word *)d = v;
    *(word *)end = v; /* perhaps once more, in part */
    return dst;
}

int memcmp(const void *pa, const void *pb, size_t n)
{
    const uint8_t *a = pa, *b = pb;

    for (; n >= 8 && *(const word *)a == *(const word *)b; n -= 8) {
        a += 8;
        b += 8;
    }
    for (; n; n--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return (size_t)(p - s);
}
