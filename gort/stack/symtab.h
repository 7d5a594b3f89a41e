/* symtab.h - what the linker has written about the program's functions (Go's pclntab).
 *
 *   pc -> findfunctab bucket -> ftab -> func_entry -> pcdata tables   (value per pc)
 *                                             `-----> funcdata        (stack maps, inline tree)
 *
 * Everything here only reads tables of the program, takes no lock and allocates nothing: it
 * may be called in interrupt and crash context. Every index is checked against its table, so
 * that a broken table gives "unknown" and not a fault.
 *
 * "pc" of a table lookup is an instruction inside the function: for a frame that has called
 * somebody, its return address minus one (unwinder_sympc). */
#ifndef GORT_STACK_SYMTAB_H
#define GORT_STACK_SYMTAB_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/abi/goabi.h"

/* A function found: valid for ever, freely copied. */
struct func_info {
    const struct func_entry *fn; /* NULL: none */
    const struct moduledata *md;
};

/* A source function, possibly inlined into another one. */
struct src_func {
    const struct moduledata *md;
    int32_t name_off, start_line;
    uint8_t func_id;
};

/* At boot, before any lookup. Returns false if the table is not of a Go release that we know
 * (then nothing is ever found). */
bool symtab_init(const struct moduledata *first);
void symtab_text_range(uintptr_t *lo, uintptr_t *hi); /* of all modules' Go functions */
const struct moduledata *symtab_first(void);          /* the list goes on through next */

bool symtab_find(uintptr_t pc, struct func_info *out);
/* The function that a func_entry pointer (Go's *Func) stands for. */
bool symtab_of(const void *entry, struct func_info *out);

uintptr_t symtab_entry(const struct func_info *f);
uint32_t symtab_deferreturn(const struct func_info *f); /* offset of its call, 0 = none */
uint8_t symtab_func_id(const struct func_info *f);
uint8_t symtab_flags(const struct func_info *f);        /* FUNCFLAG_* */
const char *symtab_name(const struct func_info *f);     /* "" if unknown */

/* File and line of pc; "?" and 0 if unknown. Returns whether they are known. */
bool symtab_line(const struct func_info *f, uintptr_t pc, const char **file, int32_t *line);

/* Bytes that the function has pushed below its return address at pc; -1 if unknown. */
int32_t symtab_spdelta(const struct func_info *f, uintptr_t pc);
int32_t symtab_max_spdelta(const struct func_info *f);

/* Value of table PCDATA_x at pc, -1 if there is none. */
int32_t symtab_pcdata(const struct func_info *f, uint32_t table, uintptr_t pc);
const void *symtab_funcdata(const struct func_info *f, unsigned i); /* NULL = none */

/* Source functions. */
struct src_func symtab_src(const struct func_info *f);
const char *src_name(const struct src_func *s);

/* What PCDATA_INL_TREE_INDEX is at pc, kept by who asks again and again; pc 0 = empty. */
struct inline_memo {
    uintptr_t pc;
    int32_t index;
};
enum { INLINE_MEMOS = 2048 }; /* a power of two */

/* Visits the functions inlined at pc, innermost first; the last one is the function itself. */
struct inline_iter {
    bool valid;
    bool inlined;         /* false for the last */
    uint8_t func_id;      /* of this source function */
    uintptr_t pc;         /* instruction with this function's file and line */
    struct src_func src;
    struct func_info fn;
    const struct inlined_call *tree;
    int32_t index;
    unsigned left;        /* a broken tree may be a cycle */
    struct inline_memo *memo; /* [INLINE_MEMOS], or NULL */
};
void inline_first(struct inline_iter *it, const struct func_info *f, uintptr_t pc);
/* The same with a memo of the caller's, which nobody else touches meanwhile; NULL: without. */
void inline_first_memo(struct inline_iter *it, const struct func_info *f, uintptr_t pc,
                       struct inline_memo *memo);
void inline_next(struct inline_iter *it);

/* May the goroutine be stopped right before the instruction at pc, with its registers saved
 * and scanned conservatively? Not in package runtime and its kin, not in assembly, not in a
 * sequence that the compiler has marked. */
bool symtab_async_safe(uintptr_t pc);
/* Goroutines started by package runtime are the system's, main and a few others aside. */
bool symtab_is_system_goroutine(uintptr_t startpc);

#endif
