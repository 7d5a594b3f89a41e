/* outbuf.c - text that grows: outbuf.h. */
#include "gort/os/fs/outbuf.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "gort/os/mem.h"

void out_bytes(struct outbuf *o, const void *p, size_t n)
{
    if (o->len + n + 1 > o->cap) {
        size_t cap = o->cap ? o->cap : 4096;
        while (cap < o->len + n + 1)
            cap *= 2;
        char *text = os_alloc(cap);
        if (!text)
            return; /* a shorter file */
        if (o->len)
            memcpy(text, o->text, o->len);
        os_free(o->text, o->cap);
        o->text = text;
        o->cap = cap;
    }
    memcpy(o->text + o->len, p, n);
    o->len += n;
}

void out_printf(struct outbuf *o, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n > 0)
        out_bytes(o, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}
