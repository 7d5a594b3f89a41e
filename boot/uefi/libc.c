/* libc.c - the C library's functions that boot/common/elf.c, boot/common/cpio.c and the loader
 * use. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Copies eight bytes a step: an emulator's cost is per step, not per byte. */
void *memcpy(void *restrict d, const void *restrict s, size_t n)
{
    void *to = d;
    size_t words = n / 8, rest = n % 8;

    __asm__ volatile("rep movsq\n\tmovq %3, %%rcx\n\trep movsb"
                     : "+&D"(to), "+&S"(s), "+&c"(words)
                     : "r"(rest)
                     : "memory");
    return d;
}

void *memset(void *d, int c, size_t n)
{
    void *to = d;
    size_t words = n / 8, rest = n % 8;
    uint64_t pattern = 0x0101010101010101ull * (unsigned char)c;

    __asm__ volatile("rep stosq\n\tmovq %3, %%rcx\n\trep stosb"
                     : "+&D"(to), "+&c"(words)
                     : "a"(pattern), "r"(rest)
                     : "memory");
    return d;
}

void *memmove(void *d, const void *s, size_t n)
{
    unsigned char *to = d;
    const unsigned char *from = s;

    if (to <= from || to >= from + n)
        return memcpy(d, s, n);
    while (n--)
        to[n] = from[n];
    return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; x++, y++, n--)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (; n; p++, n--)
        if (*p == (unsigned char)c)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p)
        p++;
    return (size_t)(p - s);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, b++, n--)
        ;
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(uintptr_t)s;
}

/* ---- a small printf: %s %c %u %d %x %o with 0, width, l, ll and z ------------------------- */

struct out {
    char *buf;
    size_t room, n;
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->room)
        o->buf[o->n] = c;
    o->n++;
}

static void put_number(struct out *o, uint64_t v, unsigned base, unsigned width, char pad)
{
    char digits[24];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    for (; width > n; width--)
        put(o, pad);
    while (n)
        put(o, digits[--n]);
}

static unsigned base_of(char conversion)
{
    if (conversion == 'x')
        return 16;
    return conversion == 'o' ? 8 : 10;
}

static void put_string(struct out *o, const char *s)
{
    while (*s)
        put(o, *s++);
}

static void put_signed(struct out *o, int64_t v, unsigned width, char pad)
{
    if (v < 0)
        put(o, '-');
    put_number(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width, pad);
}

int vsnprintf(char *buf, size_t room, const char *fmt, va_list ap)
{
    struct out o = {buf, room, 0};

    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        char pad = fmt[1] == '0' ? '0' : ' ';
        unsigned width = 0;
        bool wide = false;
        for (fmt++; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (unsigned)(*fmt - '0');
        for (; *fmt == 'l' || *fmt == 'z'; fmt++)
            wide = true;
        if (*fmt == 's')
            put_string(&o, va_arg(ap, const char *));
        else if (*fmt == 'c')
            put(&o, (char)va_arg(ap, int));
        else if (*fmt == 'd')
            put_signed(&o, wide ? va_arg(ap, int64_t) : va_arg(ap, int), width, pad);
        else if (*fmt == 'u' || *fmt == 'x' || *fmt == 'o')
            put_number(&o, wide ? va_arg(ap, uint64_t) : va_arg(ap, unsigned), base_of(*fmt), width,
                       pad);
        else if (*fmt)
            put(&o, *fmt);
        else
            break;
    }
    if (room)
        buf[o.n < room ? o.n : room - 1] = 0;
    return (int)o.n;
}

int snprintf(char *buf, size_t room, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, room, fmt, ap);
    va_end(ap);
    return n;
}
