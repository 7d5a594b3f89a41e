#include "kernel/options.h"
#include <string.h>
#include "kernel/print.h"

struct boot_options options;

enum kind { FLAG, NUMBER, SIZE, TEXT };
static const struct option { const char *name; enum kind kind; size_t offset; } table[] = {
    { "verbose", FLAG, offsetof(struct boot_options, verbose) },
    { "lockrank", FLAG, offsetof(struct boot_options, lockrank) },
    { "preemptstress", FLAG, offsetof(struct boot_options, preemptstress) },
    { "preempttick", NUMBER, offsetof(struct boot_options, preempttick) },
    { "ipifault", NUMBER, offsetof(struct boot_options, ipifault) },
    { "stackstress", FLAG, offsetof(struct boot_options, stackstress) },
    { "globalqueue", FLAG, offsetof(struct boot_options, globalqueue) },
    { "stallwatch", FLAG, offsetof(struct boot_options, stallwatch) },
    { "lazystress", FLAG, offsetof(struct boot_options, lazystress) },
    { "stackmove", FLAG, offsetof(struct boot_options, stackmove) },
    { "conserve", FLAG, offsetof(struct boot_options, conserve) },
    { "netfault", NUMBER, offsetof(struct boot_options, netfault) },
    { "gcstress", NUMBER, offsetof(struct boot_options, gcstress) },
    { "forcegc", NUMBER, offsetof(struct boot_options, forcegc) },
    { "allocfail", NUMBER, offsetof(struct boot_options, allocfail) },
    { "seed", NUMBER, offsetof(struct boot_options, seed) },
    { "maxcpus", NUMBER, offsetof(struct boot_options, maxcpus) },
    { "tscskew", NUMBER, offsetof(struct boot_options, tscskew) },
    { "deadcpu", NUMBER, offsetof(struct boot_options, deadcpu) },
    { "ip", TEXT, offsetof(struct boot_options, ip) },
    { "memlimit", SIZE, offsetof(struct boot_options, memlimit) },
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static unsigned suffix_shift(char c)
{
    switch (c) {
    case 'K': case 'k': return 10;
    case 'M': case 'm': return 20;
    case 'G': case 'g': return 30;
    default: return 0;
    }
}

static bool number(const char *s, size_t n, bool size, uint64_t *out)
{
    uint64_t v = 0;
    int base = 10;
    unsigned shift = 0;

    if (n > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
        n -= 2;
    } else if (size && n > 1) {
        shift = suffix_shift(s[n - 1]);
        n -= shift != 0;
    }
    if (n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        int d = digit(s[i]);
        if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    if (v > UINT64_MAX >> shift)
        return false;
    *out = v << shift;
    return true;
}

/* Is it a word that a host writes for a driver? drivers/virtio_mmio.c reads those. */
static bool others(const char *w, size_t n)
{
    static const char name[] = "virtio_mmio.device=";

    return n >= sizeof name - 1 && !memcmp(w, name, sizeof name - 1);
}

static bool text(const char *s, size_t n, char *out)
{
    if (n >= OPTION_TEXT)
        return false;
    memcpy(out, s, n);
    out[n] = 0;
    return true;
}

static bool apply(struct boot_options *o, const char *w, size_t n)
{
    const char *eq = memchr(w, '=', n);
    size_t name = eq ? (size_t)(eq - w) : n;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct option *t = &table[i];
        char *field = (char *)o + t->offset;
        if (strlen(t->name) != name || memcmp(t->name, w, name))
            continue;
        if (t->kind == TEXT)
            return eq && text(eq + 1, n - name - 1, field);
        if (t->kind != FLAG)
            return eq && number(eq + 1, n - name - 1, t->kind == SIZE, (uint64_t *)field);
        uint64_t v = 1;
        if (eq && (!number(eq + 1, n - name - 1, false, &v) || v > 1))
            return false;
        *(bool *)field = v;
        return true;
    }
    return false;
}

void options_apply(struct boot_options *o, const char *text, size_t n,
                   void (*bad)(const char *word, size_t len))
{
    size_t i = 0;

    while (i < n && text[i]) {
        size_t start = i;
        while (i < n && (unsigned char)text[i] > ' ')
            i++;
        if (i > start && !others(text + start, i - start) && !apply(o, text + start, i - start))
            bad(text + start, i - start);
        if (i < n && text[i])
            i++;
    }
}

static void unknown(const char *word, size_t n)
{
    kprintf("gort: boot option \"%.*s\" is not understood, ignored\n", (int)n, word);
}

void options_parse(const char *text)
{
    options_apply(&options, text, strlen(text), unknown);
}
