/* handshake.h - the kernel calls the entry of a Go program's ELF file with its table of C functions
 * and gets this table back: one word per field, in the order of `apptab` in
 * gort/overlay/asm_amd64.s. (A program in C answers another: capp/capp.h.) */
#ifndef GORT_ABI_HANDSHAKE_H
#define GORT_ABI_HANDSHAKE_H

#include "gort/abi/app.h"

#define APPTAB_MAGIC   0x4241545050415447ull /* "GTAPPTAB" */
#define APPTAB_VERSION 4

struct moduledata;

struct app_table {
    uint64_t magic, version;
    struct moduledata *firstmodule;
    void *main_closure;       /* funcval of runtime.main */
    const uint64_t *abi;      /* hash of the runtime entries that it was built against */
    const uint64_t *goamd64;  /* 1..4 */
    struct app_facts facts;
};

#define OTHER_GORT "the program was built for another version of gort's runtime; build it again " \
                   "with this gort"
/* Returns if this kernel and CPU can run the program that has answered t; else says why not, and
 * ends. Boot. */
void handshake_check(const struct app_table *t);

#endif
