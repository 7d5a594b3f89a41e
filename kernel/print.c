#include "kernel/print.h"
#include <stdio.h>
#include "kernel/check.h"
#include "kernel/clock.h"
#include "kernel/options.h"

#define LINE_MAX 1024
#define SINKS    4

static void (*sinks[SINKS])(const char *s, size_t n); /* [const after boot] */
static unsigned nsinks;

void print_sink_add(void (*write)(const char *s, size_t n))
{
    CHECK(nsinks < SINKS, "%u sinks of messages", nsinks);
    sinks[nsinks++] = write;
}

void kwrite(const char *s, size_t n)
{
    for (unsigned i = 0; i < nsinks; i++)
        sinks[i](s, n);
}

void kvprintf(const char *fmt, va_list ap)
{
    char buf[LINE_MAX];
    int n = vsnprintf(buf, sizeof buf, fmt, ap);

    if (n < 0)
        return;
    kwrite(buf, (size_t)n < sizeof buf ? (size_t)n : sizeof buf - 1);
}

void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    kvprintf(fmt, ap);
    va_end(ap);
}

void boot_log(const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    if (!options.verbose)
        return;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    int64_t us = clock_mono_ns() / 1000;
    kprintf("gort: [%5lld.%03lld ms] %s\n", (long long)(us / 1000), (long long)(us % 1000), buf);
}
