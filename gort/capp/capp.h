/* capp.h - programs in C: what the kernel and libgort agree about.
 *
 * The kernel calls the ELF entry as it does for a Go program, and gets a capp_table. The
 * program's writable segments are roots, read conservatively, as is whatever its collected
 * objects hold. C has no write barriers, so the world stands still while such a heap is
 * marked (as with GODEBUG=gcstoptheworld=1). */
#ifndef GORT_CAPP_CAPP_H
#define GORT_CAPP_CAPP_H

#include <stdbool.h>
#include <stdint.h>

#define CAPPTAB_MAGIC   0x4254505041435447ull /* "GTCAPPTB" */
#define CAPPTAB_VERSION 1

struct capp_table {
    uint64_t magic, version;
    uint64_t abi;               /* hash of the runtime entries it was built against */
    void   (*main)(void *);     /* the first goroutine */
    uintptr_t main_stack;       /* its stack's size */
};

struct dwarf_line;
struct elf_image;
struct gcw;

/* At boot, when the table is checked: sets `app`. */
void capp_init(const struct elf_image *im);
/* The first goroutine and the system's; this CPU holds a P. */
void capp_start(const struct capp_table *t);
/* World stopped: everything that C apps have as roots besides stacks. Nothing in a Go image. */
void capp_mark_roots(struct gcw *w);
/* For tracebacks: the program's function that contains pc, NULL if unknown; the line of pc. Crash
 * context. */
const char *capp_symbol(uintptr_t pc, uintptr_t *offset);
bool capp_line(uintptr_t pc, struct dwarf_line *out);

#endif
