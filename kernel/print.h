/* print.h - the kernel's own messages. They go to sinks, which drivers register: the console's
 * error channel (drivers/console.c), the screen (drivers/fbcon.c). */
#ifndef KERNEL_PRINT_H
#define KERNEL_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message to all sinks. g0 or boot context; the console's takes the console lock, except while
 * the machine is crashing. Formats with newlib's vsnprintf into a fixed buffer: at most
 * 1023 bytes a call. */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list ap);
void kwrite(const char *s, size_t n); /* writes n bytes to all sinks, unformatted */
/* Boot. write is called in every context in which kprintf is; while the machine crashes it takes
 * no lock. */
void print_sink_add(void (*write)(const char *s, size_t n));

/* A line of the boot log, printed only with the boot option `verbose` (gort -v), with the
 * time since kernel entry in front. No newline in fmt. */
void boot_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
