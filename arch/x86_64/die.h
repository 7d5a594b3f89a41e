/* die.h - what must be true in arch/, which stands below kernel/check.h. */
#ifndef ARCH_DIE_H
#define ARCH_DIE_H

/* A bug: ends in kernel_panic, which prints the message; halts if there is none yet. */
_Noreturn void arch_die(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

#define ARCH_CHECK(cond, ...)                                                            \
    do {                                                                                 \
        if (__builtin_expect(!(cond), 0))                                                \
            arch_die(__FILE__, __LINE__, __VA_ARGS__);                                   \
    } while (0)

#endif
