/* unwind.c - walking the frames of a stopped goroutine. See unwind.h. Which pc counts in a frame,
 * and which frames are special, is after Go's traceback.go. */
#include "gort/stack/unwind.h"
#include <string.h>
#include "gort/g.h"
#include "gort/sched/mp.h"

static void stop(struct unwinder *u, const char *why, uintptr_t bad)
{
    u->error = why;
    u->bad = bad;
    u->frame.pc = 0;
}

static bool on_stack(const struct unwinder *u, uintptr_t p)
{
    return p >= u->lo && p < u->hi && u->hi - p >= 8 && p % 8 == 0;
}

/* At the entry the entry's map counts, even if the first instruction has another. -1 means
 * the prologue: only arguments are live, as map 0 says. */
static int32_t map_index(const struct func_info *fn, uintptr_t pc)
{
    int32_t i = -1;

    if (pc != symtab_entry(fn))
        i = symtab_pcdata(fn, PCDATA_STACK_MAP_INDEX, pc - 1);
    return i == -1 ? 0 : i;
}

/* Reads the tables for pc, and puts that first in its pair of entries. NULL: no code of ours. */
static __attribute__((noinline)) struct pc_cache_entry *read_tables(struct pc_cache_entry *e,
                                                                    uintptr_t pc)
{
    e[1] = e[0];
    e->pc = 0;
    if (!symtab_find(pc, &e->fn))
        return NULL;
    e->pc = pc;
    e->delta = symtab_spdelta(&e->fn, pc);
    e->map_index = MAP_UNKNOWN; /* a panic's walk and a traceback do not ask */
    return e;
}

/* The cache is one of pairs: with single entries two frames of all of a program's goroutines might
 * share one, and every walk would read the tables for both. */
static struct pc_cache_entry *lookup(struct unwinder *u, uintptr_t pc)
{
    uintptr_t slot = pc ^ pc >> 4;
    struct pc_cache_entry *e = u->cache ? &u->cache[slot & (u->cache_size - 2)]
                                        : &u->own[slot % PC_CACHE_OWN & ~1ul];

    if (e[0].pc == pc && pc)
        return &e[0];
    return e[1].pc == pc && pc ? &e[1] : read_tables(e, pc);
}

/* frame.sp is known: finds the rest of the frame at e->pc. */
static void resolve(struct unwinder *u, struct pc_cache_entry *e)
{
    struct frame *fr = &u->frame;
    uint8_t flags = symtab_flags(&e->fn);

    fr->pc = e->pc;
    fr->fn[0] = e->fn;
    fr->map_index = &e->map_index;
    if (e->delta < 0 || e->delta % 8 != 0) {
        stop(u, "no stack delta at pc", fr->pc);
        return;
    }
    fr->fp = fr->sp + (uintptr_t)e->delta + 8;
    if (flags & FUNCFLAG_TOP_FRAME) {
        fr->lr = 0;
    } else if ((flags & FUNCFLAG_SPWRITE) && !u->innermost) {
        stop(u, "function that writes sp", fr->pc);
        return;
    } else {
        if (!on_stack(u, fr->fp - 8)) {
            stop(u, "frame outside the stack", fr->fp);
            return;
        }
        fr->lr = *(const uintptr_t *)(fr->fp - 8);
    }
    fr->varp = fr->fp - 8;
    if (fr->varp > fr->sp) /* the saved frame pointer */
        fr->varp -= 8;
    fr->argp = fr->fp;
    fr->continpc = fr->pc;
    if (u->callee_id == FUNCID_SIGPANIC) {
        uint32_t d = symtab_deferreturn(fr->fn);
        /* After a recover the frame goes on behind its deferreturn call. */
        fr->continpc = d ? symtab_entry(fr->fn) + d + 1 : 0;
    }
}

static void init(struct unwinder *u, const struct g *gp, struct stack st, uintptr_t pc,
                 uintptr_t sp, struct pc_cache_entry *cache, uint32_t cache_size)
{
    memset(u, 0, cache ? offsetof(struct unwinder, own) : sizeof *u);
    u->g = gp;
    u->lo = st.lo;
    u->hi = st.hi;
    u->innermost = true;
    u->cache = cache;
    u->cache_size = cache_size;
    u->callee_id = FUNCID_NORMAL;
    if (pc == 0) {
        if (!on_stack(u, sp)) {
            stop(u, "stack pointer outside the stack", sp);
            return;
        }
        pc = *(const uintptr_t *)sp;
        sp += 8;
    }
    struct pc_cache_entry *e = lookup(u, pc);
    if (!e) {
        stop(u, "unknown pc", pc);
        return;
    }
    u->frame.sp = sp;
    resolve(u, e);
}

void unwinder_init_at(struct unwinder *u, const struct g *gp, uintptr_t pc, uintptr_t sp,
                      struct pc_cache_entry *cpu_cache)
{
    init(u, gp, gp->stack, pc, sp, cpu_cache, PC_CACHE_CPU);
}

void unwinder_init_prof(struct unwinder *u, const struct g *gp, struct stack st, uintptr_t pc,
                        uintptr_t sp, struct prof_cache *cache)
{
    init(u, gp, st, pc, sp, cache->frames, PC_CACHE_PROF);
    u->memo = cache->inlined;
}

void unwinder_init(struct unwinder *u, const struct g *gp)
{
    init(u, gp, gp->stack, gp->sched.pc, gp->sched.sp, NULL, 0);
}

void unwinder_init_gate(struct unwinder *u, const struct g *gp)
{
    init(u, gp, gp->stack, gp->sched.pc, gp->sched.sp, m_self()->pc_cache, PC_CACHE_CPU);
}

static bool is_injected(uint8_t id)
{
    return id == FUNCID_SIGPANIC || id == FUNCID_ASYNC_PREEMPT || id == FUNCID_DEBUG_CALL_V2;
}

void unwinder_next(struct unwinder *u)
{
    struct frame *fr = &u->frame;

    if (fr->lr == 0) {
        fr->pc = 0;
        return;
    }
    struct pc_cache_entry *e = lookup(u, fr->lr);
    if (!e) {
        stop(u, "unexpected return pc", fr->lr);
        return;
    }
    u->callee_id = symtab_func_id(fr->fn);
    u->trap = is_injected(u->callee_id);
    u->innermost = false;
    fr->sp = fr->fp;
    fr->lr = 0;
    resolve(u, e);
}

uintptr_t unwinder_sympc(const struct unwinder *u)
{
    uintptr_t pc = u->frame.pc;

    return !u->trap && pc > symtab_entry(u->frame.fn) ? pc - 1 : pc;
}

bool unwinder_conservative(const struct unwinder *u)
{
    return (u->innermost && u->g->at_syscall) || u->callee_id == FUNCID_ASYNC_PREEMPT ||
           symtab_func_id(u->frame.fn) == FUNCID_ASYNC_PREEMPT;
}

/* ---- pointer maps ------------------------------------------------------------------------ */

/* reflect.makeFuncStub and reflect.methodValueCall (assembly) keep at
 *
 *    0(sp)  the makeFuncImpl or methodValue: {fn, ptrmap of args and results, bytes of args}
 *   32(sp)  a word: are the results in the argument frame valid yet?
 *   40(sp)  an abi.RegArgs, up to varp, whose Ptrs are live
 */
#define REFLECT_RETVALID 32

static const struct stack_object_record regargs_object = {
    .off = -(int32_t)sizeof(struct go_regargs),
    .size = (int32_t)sizeof(struct go_regargs),
    .ptr_bytes = (int32_t)(offsetof(struct go_regargs, ptrs) + GO_INT_ARG_REGS * 8),
};
/* Bits of the Ptrs words: 24..32. */
static const uint8_t regargs_mask[] = { 0, 0, 0, 0xff, 0x01 };
_Static_assert(offsetof(struct go_regargs, ptrs) == 24 * 8 && GO_INT_ARG_REGS == 9,
               "mask of abi.RegArgs");

static bool is_reflect_stub(const struct func_info *f)
{
    const char *name = symtab_name(f);

    return strcmp(name, "reflect.makeFuncStub") == 0 ||
           strcmp(name, "reflect.methodValueCall") == 0;
}

static const char *reflect_args(const struct frame *fr, struct frame_maps *out)
{
    if (fr->sp + 8 >= fr->fp) /* not started yet: no arguments, or it had a wrapper */
        return fr->pc == symtab_entry(fr->fn) ? NULL : "reflect stub without a frame";
    const struct reflect_method_value *mv = *(struct reflect_method_value *const *)fr->sp;
    bool results = *(const uint8_t *)(fr->sp + REFLECT_RETVALID);
    if (mv->fn != symtab_entry(fr->fn))
        return "reflect stub with another function's value";
    out->args = *mv->stack;
    int32_t n = (int32_t)(mv->arg_len / 8);
    if (!results && n < out->args.n)
        out->args.n = n;
    out->objs = &regargs_object;
    out->nobjs = 1;
    return NULL;
}

/* Map number i of a set. */
static const char *map_at(const struct stackmap *s, int32_t i, struct bitvector *out)
{
    if (i < 0 || i >= s->n)
        return "stack map index out of range";
    *out = (struct bitvector){ s->nbit, (uint8_t *)s->bytedata + (int64_t)i * ((s->nbit + 7) / 8) };
    return NULL;
}

static const char *get_args(const struct frame *fr, int32_t index, struct frame_maps *out)
{
    int32_t bytes = fr->fn->fn->args;

    if (bytes == ARGS_SIZE_UNKNOWN)
        return is_reflect_stub(fr->fn) ? reflect_args(fr, out) : NULL;
    if (bytes / 8 == 0)
        return NULL;
    const struct stackmap *s = symtab_funcdata(fr->fn, FUNCDATA_ARGS_POINTER_MAPS);
    if (!s || s->n <= 0)
        return "arguments without a map";
    return s->nbit ? map_at(s, index, &out->args) : NULL;
}

static const char *get_locals(const struct frame *fr, int32_t index, struct frame_maps *out)
{
    if (fr->varp <= fr->sp)
        return NULL;
    const struct stackmap *s = symtab_funcdata(fr->fn, FUNCDATA_LOCALS_POINTER_MAPS);
    if (!s || s->n <= 0)
        return "locals without a map";
    return s->nbit > 0 ? map_at(s, index, &out->locals) : NULL;
}

const char *frame_get_stackmap(const struct frame *fr, struct frame_maps *out)
{
    int32_t index;
    const char *err;

    *out = (struct frame_maps){ 0 };
    if (fr->continpc == 0)
        return NULL;
    if (*fr->map_index == MAP_UNKNOWN)
        *fr->map_index = map_index(fr->fn, fr->pc);
    index = fr->continpc == fr->pc ? *fr->map_index : map_index(fr->fn, fr->continpc);
    if ((err = get_locals(fr, index, out)) || (err = get_args(fr, index, out)))
        return err;
    const uint64_t *objs = symtab_funcdata(fr->fn, FUNCDATA_STACK_OBJECTS);
    if (objs && !out->objs) {
        out->nobjs = objs[0];
        out->objs = (const void *)(objs + 1);
    }
    return NULL;
}

uintptr_t frame_object_addr(const struct frame *fr, const struct stack_object_record *obj)
{
    return (obj->off >= 0 ? fr->argp : fr->varp) + (uintptr_t)(intptr_t)obj->off;
}

const uint8_t *frame_object_mask(const struct frame *fr, const struct stack_object_record *obj)
{
    if (obj == &regargs_object)
        return regargs_mask;
    return (const uint8_t *)(*moduledata_rodata(fr->fn->md) + obj->gcdataoff);
}

/* ---- lists of callers -------------------------------------------------------------------- */

bool elide_wrapper_calling(uint8_t id)
{
    /* A wrapper that panics or is called by panicwrap is what the user has to see. */
    return id != FUNCID_GOPANIC && id != FUNCID_SIGPANIC && id != FUNCID_PANICWRAP;
}

int64_t unwinder_pcs(struct unwinder *u, int64_t skip, uintptr_t *buf, int64_t cap)
{
    uint8_t callee = FUNCID_NORMAL;
    int64_t n = 0;

    for (; n < cap && unwinder_valid(u); unwinder_next(u)) {
        struct inline_iter it;
        inline_first_memo(&it, u->frame.fn, unwinder_sympc(u), u->memo);
        for (; n < cap && it.valid; inline_next(&it)) {
            bool hidden = it.func_id == FUNCID_WRAPPER && elide_wrapper_calling(callee);
            if (!hidden && skip > 0)
                skip--;
            else if (!hidden)
                buf[n++] = it.pc + 1;
            callee = it.func_id;
        }
    }
    return n;
}
