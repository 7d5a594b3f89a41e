#include <stdbool.h>
#include <string.h>
#include "drivers/virtio_mmio.h"

#define NAME "virtio_mmio.device="
#define BYTES_MIN 0x108u
#define BYTES_MAX (1u << 20)

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

/* A number in decimal or, behind 0x, hexadecimal; *s moves behind it. */
static bool number(const char **s, uint64_t *out)
{
    bool hex = (*s)[0] == '0' && ((*s)[1] | 0x20) == 'x';
    const char *start = hex ? *s + 2 : *s, *p = start;
    unsigned base = hex ? 16 : 10;

    *out = 0;
    for (unsigned d; (d = digit(*p)) < base; p++) {
        if (*out >> 58)
            return false;
        *out = *out * base + d;
    }
    *s = p;
    return p > start;
}

static unsigned shift_of(char c)
{
    switch (c | 0x20) {
    case 'k': return 10;
    case 'm': return 20;
    default: return 0;
    }
}

static bool parse(const char *s, const char *end, struct virtio_mmio_word *o)
{
    uint64_t irq, id;

    if (!number(&s, &o->size))
        return false;
    unsigned shift = shift_of(*s);
    if (o->size > BYTES_MAX || (o->size <<= shift) > BYTES_MAX || o->size < BYTES_MIN)
        return false;
    s += shift != 0;
    if (*s++ != '@' || !number(&s, &o->address) || !o->address || o->address & 3 ||
        o->address >> 52)
        return false;
    if (*s++ != ':' || !number(&s, &irq) || irq > 1023)
        return false;
    o->irq = (unsigned)irq;
    if (*s == ':') { /* a number for the device, which nothing needs */
        s++;
        if (!number(&s, &id))
            return false;
    }
    return s == end;
}

int virtio_mmio_parse(const char **at, struct virtio_mmio_word *out)
{
    const char *s = *at;

    for (;;) {
        while (*s && (unsigned char)*s <= ' ')
            s++;
        const char *end = s;
        while ((unsigned char)*end > ' ')
            end++;
        *at = end;
        if (end == s)
            return 0;
        if (!strncmp(s, NAME, sizeof NAME - 1)) {
            out->text = s;
            out->length = (size_t)(end - s);
            return parse(s + sizeof NAME - 1, end, out) ? 1 : -1;
        }
        s = end;
    }
}
