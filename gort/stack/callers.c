/* callers.c - gates of gort/overlay/symtab.go: callers, functions and lines by pc. The strings
 * that they hand out lie in the program's tables: never collected. */
#include <string.h>
#include "gort/g.h"
#include "gort/stack/symtab.h"
#include "gort/stack/unwind.h"
#include "kernel/symtab.h"
#include "rt_frames.h"

/* Mirrored by symFrame in overlay/symtab.go. */
struct sym_frame {
    const void *fn;        /* func_entry of the physical function */
    struct gostring name;  /* of the innermost source function at pc */
    uintptr_t entry;       /* of the physical function */
    uintptr_t parent;      /* inlined: an instruction of the caller; else 0 */
    int32_t start_line;
    uint8_t func_id;
    bool inlined;
};
_Static_assert(sizeof(struct sym_frame) == 48, "symFrame");

static struct gostring gostring_of(const char *s)
{
    return (struct gostring){ s, (int64_t)strlen(s) };
}

void rt_callers_at(struct callers_at_frame *f)
{
    struct unwinder u;

    unwinder_init_at(&u, g_calling(), f->pc, f->sp, NULL);
    f->n = unwinder_pcs(&u, f->skip, f->buf, f->cap);
}

void rt_sym_frame(struct sym_frame_frame *f)
{
    struct sym_frame *out = f->out;
    struct func_info fn;
    struct inline_iter it;

    f->ok = symtab_find(f->pc, &fn);
    if (!f->ok)
        return;
    inline_first(&it, &fn, f->pc);
    *out = (struct sym_frame){ fn.fn, gostring_of(src_name(&it.src)), symtab_entry(&fn), 0,
                               it.src.start_line, it.func_id, it.inlined };
    if (it.inlined) {
        inline_next(&it);
        out->parent = it.pc;
    }
}

void rt_sym_func(struct sym_func_frame *f)
{
    struct sym_frame *out = f->out;
    struct func_info fn;

    f->ok = symtab_of(f->fn, &fn);
    if (f->ok)
        *out = (struct sym_frame){ fn.fn, gostring_of(symtab_name(&fn)), symtab_entry(&fn), 0,
                                   fn.fn->start_line, fn.fn->func_id, false };
}

void rt_sym_line(struct sym_line_frame *f)
{
    struct func_info fn;
    const char *file;

    if (f->fn)
        symtab_of(f->fn, &fn);
    else
        symtab_find(f->pc, &fn);
    symtab_line(&fn, f->pc, &file, &f->line);
    f->file = gostring_of(file);
}

void rt_sym_c_name(struct sym_c_name_frame *f)
{
    uintptr_t offset;
    const char *name = ksym_lookup(f->pc, &offset);

    f->name = gostring_of(name ? name : "");
}

void rt_pcdata_value(struct pcdata_value_frame *f)
{
    struct func_info fn;

    f->v = symtab_find(f->pc, &fn) ? symtab_pcdata(&fn, (uint32_t)f->table, f->pc) : -1;
}

void rt_caller_name(struct caller_name_frame *f)
{
    struct func_info fn;
    const char *name = symtab_find(f->pc, &fn) ? symtab_name(&fn) : "?";
    size_t n = strlen(name);

    if (n > (size_t)f->cap)
        n = (size_t)f->cap;
    memcpy(f->buf, name, n);
    f->n = (int64_t)n;
}
