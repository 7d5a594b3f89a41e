/* check.h - conditions that must hold, checked always (CHECK) or in debug builds (DCHECK).
 *
 * A failed check is a bug of the kernel or the runtime: it ends in kernel_panic, which
 * prints the message and the crash report and powers the machine off with status 2. Expected
 * failures never come here; they return a negative error (-ENOMEM, ...). */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

/* Any context, any stack. Stops the other CPUs, reports, never returns. */
_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

#define PANIC(...) kernel_panic(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond, ...)                                                                 \
    do {                                                                                 \
        if (__builtin_expect(!(cond), 0))                                                \
            kernel_panic(__FILE__, __LINE__, __VA_ARGS__);                               \
    } while (0)

#ifdef GORT_DEBUG
#define DCHECK(cond, ...) CHECK(cond, __VA_ARGS__)
#else
#define DCHECK(cond, ...)                                                                \
    do {                                                                                 \
        if (0 && !(cond))                                                                \
            kernel_panic(__FILE__, __LINE__, __VA_ARGS__);                               \
    } while (0)
#endif

#endif
