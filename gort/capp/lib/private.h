/* private.h - libgort: the app's side of the kernel table. */
#ifndef GORT_CAPP_LIB_PRIVATE_H
#define GORT_CAPP_LIB_PRIVATE_H

#include "gort.h"
#include "rt_frames.h"

extern uintptr_t ktab[RT_TABLE_WORDS];

#define SLOT_CALL 7 /* cg_call */
/* Calls entry `name` with its frame, a variable that has been initialised (so that its page is
 * there). The goroutine may wait in there. */
#define GATE(name, f)                                                                     \
    ((void (*)(void *, uintptr_t))ktab[SLOT_CALL])((f), ktab[RT_FIRST_ENTRY + RT_IDX_##name])

/* Makes sure that the pages of a buffer on the stack are there before the kernel fills it. */
static inline void touch(const void *p, size_t n)
{
    const volatile char *at = p;

    for (size_t i = 0; i < n; i += 4096)
        (void)at[i];
    if (n)
        (void)at[n - 1];
}

/* What a goroutine has of its own. */
struct local {
    struct try *tries;
    uint64_t id;
    struct _reent *reent;
};
struct local *local_get(void);
int64_t syscall6(uint64_t num, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                 uint64_t f);
/* newlib's number of an errno of Linux. */
int errno_of(int64_t e);
/* r, or -1 with errno, if r is negative: an errno of Linux. */
int64_t sys_ret(int64_t r);
/* What semacquireg is told to show in tracebacks: enum wait_reason. */
void sem_wait_(uint32_t *sem, unsigned reason);
void sem_post_(uint32_t *sem);

#endif
