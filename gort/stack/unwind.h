/* unwind.h - walking the frames of a stopped goroutine.
 *
 *      |  args from the caller  |
 *      +------------------------+  <- argp = fp
 *      |  return address        |     lr
 *      +------------------------+
 *      |  caller's rbp          |     if the function has a frame (varp > sp)
 *      +------------------------+  <- varp
 *      |  locals                |
 *      |  args to the callee    |
 *      +------------------------+  <- sp
 *
 * sp comes from the caller's position, fp from the function's table of stack deltas at pc.
 * Stacks hold Go frames and assembly with known frames only, so the walk is exact: an
 * unwinder that ends with `error` set has met a broken stack or table. The collector and
 * stack copying must CHECK it; a traceback prints it. Reads only inside the goroutine's
 * stack: crash-safe, no locks, no allocation.
 *
 * The stack must stand still: the goroutine is stopped at a gate, parked, preempted, or
 * belongs to whoever holds G_SCAN.
 *
 *   struct unwinder u;
 *   for (unwinder_init(&u, gp); unwinder_valid(&u); unwinder_next(&u))
 *       ... u.frame ...
 *   CHECK(!u.error, ...)
 */
#ifndef GORT_STACK_UNWIND_H
#define GORT_STACK_UNWIND_H

#include <stdbool.h>
#include <stdint.h>
#include "gort/g.h"
#include "gort/stack/symtab.h"

struct frame {
    struct func_info fn[1]; /* an array, so that the name is a pointer; outermost if inlined */
    uintptr_t pc;       /* where the frame goes on; return address of its callee */
    uintptr_t continpc; /* pc for liveness: as pc, but the deferreturn call if a fault was
                           injected; 0 if the frame never goes on */
    uintptr_t lr;       /* return address into the caller, 0 at the stack's bottom */
    uintptr_t sp, fp, varp, argp;
    int32_t *map_index; /* of the stack maps at pc, MAP_UNKNOWN until needed. In the walk's cache:
                         * whoever copies an unwinder (a traceback) must not ask for maps */
};
#define MAP_UNKNOWN (-2)

/* What the tables say about a pc: deep stacks repeat themselves, and so do panics. A walk has a
 * cache of its own or takes its CPU's, which only gates do, on g0: no other walk can come
 * between. CPU profiling, in an interrupt, has another for each CPU. */
struct pc_cache_entry {
    uintptr_t pc; /* 0 = empty */
    struct func_info fn;
    int32_t delta, map_index;
};
enum { PC_CACHE_OWN = 8, PC_CACHE_CPU = 64, PC_CACHE_PROF = 1024 }; /* powers of two */

struct prof_cache {
    struct pc_cache_entry frames[PC_CACHE_PROF];
    struct inline_memo inlined[INLINE_MEMOS];
};

struct unwinder {
    struct frame frame;
    const struct g *g;
    uintptr_t lo, hi;   /* bounds of readable stack */
    bool innermost;
    bool trap;          /* callee was injected (sigpanic, asyncPreempt): pc is exact */
    uint8_t callee_id;  /* FUNCID_* of the physical callee */
    const char *error;  /* why the walk ended early, or NULL */
    uintptr_t bad;      /* the value that is wrong */
    struct pc_cache_entry *cache; /* [cache_size], or NULL: own */
    uint32_t cache_size;
    struct inline_memo *memo;     /* for unwinder_pcs, or NULL */
    struct pc_cache_entry own[PC_CACHE_OWN];
};

/* The walk begins at gp->sched. */
void unwinder_init(struct unwinder *u, const struct g *gp);
/* As unwinder_init, in a gate: with this CPU's cache. On g0 and not in an interrupt. */
void unwinder_init_gate(struct unwinder *u, const struct g *gp);
/* The walk begins at a position: pc, and sp as it was at pc. A pc of 0 (call of a nil function)
 * means the caller's position, whose return address is at *sp. cpu_cache: NULL, or
 * m_self()->pc_cache. */
void unwinder_init_at(struct unwinder *u, const struct g *gp, uintptr_t pc, uintptr_t sp,
                      struct pc_cache_entry *cpu_cache);
/* As unwinder_init_at, on st instead of gp's stack, with the cache of CPU profiling. */
void unwinder_init_prof(struct unwinder *u, const struct g *gp, struct stack st, uintptr_t pc,
                        uintptr_t sp, struct prof_cache *cache);
static inline bool unwinder_valid(const struct unwinder *u) { return u->frame.pc != 0; }
void unwinder_next(struct unwinder *u);
/* The instruction by which file, line and inlining of the frame are looked up. */
uintptr_t unwinder_sympc(const struct unwinder *u);

/* Is the frame the one of asyncPreempt, or the one that it interrupted? Their registers and
 * locals have no maps: scan [sp, varp) conservatively, never move the stack. */
bool unwinder_conservative(const struct unwinder *u);

/* ---- pointer maps ------------------------------------------------------------------------ */

struct frame_maps {
    struct bitvector locals; /* words from varp - 8 n up to varp; n = 0: none */
    struct bitvector args;   /* words from argp */
    const struct stack_object_record *objs;
    uint64_t nobjs;
};
/* Live pointers of the frame at continpc. Returns NULL, or what is wrong with the tables. */
const char *frame_get_stackmap(const struct frame *fr, struct frame_maps *out);

/* Where the object of the frame lies, and which of its words are pointers: bit i of the mask
 * is word i, for obj->ptr_bytes / 8 words. */
uintptr_t frame_object_addr(const struct frame *fr, const struct stack_object_record *obj);
const uint8_t *frame_object_mask(const struct frame *fr, const struct stack_object_record *obj);

static inline bool bitvector_get(const struct bitvector *b, uint32_t i)
{
    return (b->bytedata[i / 8] >> (i % 8)) & 1;
}

/* Return addresses of the source functions on the stack, innermost first, without the first
 * `skip` of them and without wrappers; inlined ones get one each, as Go's runtime.Callers has
 * them. Returns how many. */
int64_t unwinder_pcs(struct unwinder *u, int64_t skip, uintptr_t *buf, int64_t cap);
/* Is a wrapper that calls this function left out of tracebacks? */
bool elide_wrapper_calling(uint8_t func_id);

#endif
