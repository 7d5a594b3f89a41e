/* cgtrace.c - stacks of C goroutines as text. Crash context: no locks, no allocation. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "gort/capp/capp.h"
#include "gort/capp/cgoroutine.h"
#include "gort/observe/traceback.h"
#include "gort/stack/dwarf_line.h"
#include "kernel/symtab.h"
#include "mm/mm.h"

#define FRAMES_MAX 100

/* The function that contains pc, of the kernel or of a C app; NULL if unknown. */
static const char *symbol_of(uintptr_t pc, uintptr_t *offset)
{
    const char *name = ksym_lookup(pc, offset);

    if (!name)
        name = capp_symbol(pc, offset);
    return name;
}

__attribute__((format(printf, 2, 3))) static void put(const struct traceback_out *o,
                                                      const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->write(o->arg, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Where code is from, as in a Go traceback; its address, if no line is known. */
static void put_place(const struct traceback_out *o, uintptr_t pc, bool returns, uintptr_t offset)
{
    struct dwarf_line l;
    char path[256];

    if (!capp_line(pc - returns, &l)) {
        put(o, "\t%#lx +%#lx\n", pc, offset);
        return;
    }
    dwarf_line_path(&l, path, sizeof path);
    put(o, "\t%s:%u +%#lx\n", path, l.line, offset);
}

/* pc: an instruction of the function, or a return address, which may already be the next
 * function's first (`returns`: then the byte before counts). */
static void put_frame(const struct traceback_out *o, uintptr_t pc, bool returns)
{
    uintptr_t off;
    const char *name = symbol_of(pc - returns, &off);

    if (name)
        put(o, "%s(...)\n", name);
    else
        put(o, "?(...)\n");
    put_place(o, pc, returns, name ? off + returns : 0);
}

static bool readable(const struct g *gp, uintptr_t bp)
{
    return !(bp & 7) && bp >= gp->stack.lo && bp + 16 <= gp->stack.hi && vm_is_mapped(bp, false) &&
           vm_is_mapped(bp + 15, false);
}

void cg_traceback(const struct traceback_out *o, const struct g *gp)
{
    uintptr_t pc, bp;
    unsigned n = 0;

    cg_position(gp, &pc, &bp);
    put_frame(o, pc, !cg_is_trapped(gp));
    while (readable(gp, bp) && ((const uintptr_t *)bp)[1]) {
        uintptr_t next = ((const uintptr_t *)bp)[0];
        if (++n >= FRAMES_MAX) {
            put(o, "...additional frames elided...\n");
            break;
        }
        if (next)
            put_frame(o, ((const uintptr_t *)bp)[1], true);
        if (next <= bp)
            break;
        bp = next;
    }
    if (gp->gopc) {
        uintptr_t off;
        const char *name = symbol_of(gp->gopc - 1, &off);
        put(o, "created by %s in goroutine %lu\n", name ? name : "?", gp->parent_goid);
        put_place(o, gp->gopc, true, name ? off + 1 : 0);
    }
}
