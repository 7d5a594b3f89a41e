#include "kernel/print.h"
#include <stdio.h>
#include "arch/x86_64/arch.h"
#include "drivers/fbcon.h"
#include "kernel/clock.h"
#include "kernel/options.h"

#define LINE_MAX 1024

void kvprintf(const char *fmt, va_list ap)
{
    char buf[LINE_MAX];
    int n = vsnprintf(buf, sizeof buf, fmt, ap);

    if (n < 0)
        return;
    if ((size_t)n >= sizeof buf)
        n = sizeof buf - 1;
    console_write(CONSOLE_ERR, buf, (size_t)n);
    fbcon_write(buf, (size_t)n);
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
