/* app.h - what C knows of the program that runs: constant facts, from its load to the end. */
#ifndef GORT_ABI_APP_H
#define GORT_ABI_APP_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/abi/gotypes.h"

/* The end of the app table that the program's entry answers (handshake.h), in the order of
 * `apptab` in gort/overlay/asm_amd64.s. Of a program in C most are NULL. */
struct app_facts {
    uintptr_t goexit;         /* bottom of stacks; return address is goexit + 1 */
    uintptr_t async_preempt;
    uintptr_t sigpanic;
    volatile uint8_t *write_barrier; /* runtime.writeBarrier.enabled */
    uintptr_t *zerobase;
    uintptr_t *maxstacksize;  /* bytes */
    uintptr_t gocallret;      /* bottom of the helper goroutine's stack */
    uintptr_t raise;          /* where gate_panic sends a goroutine */
    uint32_t *panic_defers;   /* [atomic] runtime.runningPanicDefers */
    const struct app_debug *debug;
    const struct gostring *go_version;
};

/* runtime.debug of gort/overlay/misc.go, as far as C reads it. */
struct app_debug {
    int32_t clobberfree, gccheckmark, gcpacertrace, gcshrinkstackoff, gcstoptheworld, gctrace,
        invalidptr, scavtrace, scheddetail, schedtrace, tracebackancestors, asyncpreemptoff,
        inittrace, sbrk, checkfinalizers, profstackdepth, dontfreezetheworld, gotraceback, gogc,
        labelform;
    int64_t memlimit;
    int32_t panicnil, asynctimerchan, tracebacklabels; /* [atomic] */
};

extern const struct app_facts *app; /* [const after boot] NULL before */

/* Is pc in the program's Go text? Any context. */
bool app_is_text(uintptr_t pc);
/* Was the program built with this GOEXPERIMENT, spelled as in its version ("nosimd": turned off)?
 * Only what differs from the release's defaults is there. */
bool app_has_experiment(const char *name);
/* Boot: the text of a Go program is [lo, hi). A program in C has none. */
void app_text_set(uintptr_t lo, uintptr_t hi);

/* The CPU's vector state as it is saved at a preemption: by XSAVE, or FXSAVE, in so many bytes. */
extern int vec_use_xsave;        /* [const after boot] for assembly */
extern unsigned vec_area_size;   /* [const after boot] */

#endif
