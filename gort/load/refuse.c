#include "gort/load/refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include "drivers/power.h"
#include "kernel/print.h"

void boot_refuse(const char *fmt, ...)
{
    static char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    kprintf("gort: %s\n", line);
    machine_exit(2);
}
