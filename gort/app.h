/* app.h - what C knows of the program that it runs.
 *
 * The kernel calls the ELF entry with its table of C functions and gets this table back: one
 * word per field, in the order of `apptab` in gort/overlay/asm_amd64.s. */
#ifndef GORT_APP_H
#define GORT_APP_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/abi/gotypes.h"
#include "gort/dying.h"

#define APPTAB_MAGIC   0x4241545050415447ull /* "GTAPPTAB" */
#define APPTAB_VERSION 3

struct moduledata;

struct app_table {
    uint64_t magic, version;
    struct moduledata *firstmodule;
    void *main_closure;       /* funcval of runtime.main */
    uintptr_t goexit;         /* bottom of stacks; return address is goexit + 1 */
    uintptr_t async_preempt;
    uintptr_t sigpanic;
    volatile uint8_t *write_barrier; /* runtime.writeBarrier.enabled */
    uintptr_t *zerobase;
    uintptr_t *maxstacksize;  /* bytes */
    uintptr_t gocallret;      /* bottom of the helper goroutine's stack */
    uintptr_t raise;          /* where gate_panic sends a goroutine */
    uint32_t *panic_defers;   /* [atomic] runtime.runningPanicDefers */
    const uint64_t *abi;      /* hash of the runtime entries it was built against */
    const struct gostring *go_version;
    const uint64_t *goamd64;  /* 1..4 */
    const struct app_debug *debug;
    uint64_t reserved;
};

/* runtime.debug of gort/overlay/misc.go, as far as C reads it. */
struct app_debug {
    int32_t clobberfree, gccheckmark, gcpacertrace, gcshrinkstackoff, gcstoptheworld, gctrace,
        invalidptr, scavtrace, scheddetail, schedtrace, tracebackancestors, asyncpreemptoff,
        inittrace, sbrk, checkfinalizers, profstackdepth, dontfreezetheworld, gotraceback, gogc;
    int64_t memlimit;
};

extern const struct app_table *app; /* [const after app_start] NULL before */

/* Is pc in the program's Go text? Any context. */
bool app_is_text(uintptr_t pc);
/* The value in the environment that the program starts with, or NULL. */
const char *app_getenv(const char *name);

#endif
