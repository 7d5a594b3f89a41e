/* traceback.c - goroutines and their stacks as text. See traceback.h. */
#include "gort/observe/traceback.h"
#include <string.h>
#include "arch/x86_64/cpu.h"
#include "gort/g.h"
#include "gort/gc/leak.h"
#include "gort/sched/sched.h"
#include "gort/sync/synctest.h"
#include "gort/stack/unwind.h"
#include "kernel/clock.h"
#include "kernel/print.h"

/* ---- output ------------------------------------------------------------------------------ */

static void put_n(const struct traceback_out *o, const char *s, size_t n)
{
    o->write(o->arg, s, n);
}

static void put(const struct traceback_out *o, const char *s) { put_n(o, s, strlen(s)); }

static void put_num(const struct traceback_out *o, uint64_t v, unsigned base)
{
    char buf[24];
    char *p = buf + sizeof buf;

    do
        *--p = "0123456789abcdef"[v % base];
    while (v /= base);
    put_n(o, p, (size_t)(buf + sizeof buf - p));
}

static void put_dec(const struct traceback_out *o, int64_t v)
{
    if (v < 0)
        put(o, "-");
    put_num(o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10);
}

static void put_hex(const struct traceback_out *o, const char *before, uint64_t v)
{
    put(o, before);
    put(o, "0x");
    put_num(o, v, 16);
}

/* ---- names ------------------------------------------------------------------------------- */

/* Type arguments, f[go.shape.int], are shown as f[...]; both lists of a generic method of a
 * generic type, T[go.shape.int].f[go.shape.string], as T[...].f[...]. */
static void put_name(const struct traceback_out *o, const char *name)
{
    unsigned depth = 0;

    if (strcmp(name, "runtime.gopanic") == 0)
        name = "panic";
    for (; *name; name++) {
        if (*name == ']' && depth > 0)
            depth--;
        if (depth == 0)
            put_n(o, name, 1);
        if (*name == '[' && depth++ == 0)
            put(o, "...");
    }
}

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/* runtime.Gosched, runtime.(*Frames).Next: what users call by name. */
static bool is_exported_runtime(const char *name)
{
    const char *rest = name + strlen("runtime.");
    const char *dot = strrchr(rest, '.');

    if (!dot)
        return is_upper(*rest);
    if (rest[0] == '(' && rest[1] == '*' && dot[-1] == ')')
        rest += 2;
    return is_upper(dot[1]) && is_upper(*rest);
}

/* Is the function shown in tracebacks that do not show the runtime? first: no frame has been
 * shown yet; callee: FUNCID_* of what it called. */
static bool shows(const struct src_func *f, bool first, uint8_t callee)
{
    const char *name = src_name(f);

    if (f->func_id == FUNCID_WRAPPER && elide_wrapper_calling(callee))
        return false;
    if (f->func_id == FUNCID_RUN_FINALIZERS || f->func_id == FUNCID_RUN_CLEANUPS)
        return true;
    if (strcmp(name, "runtime.gopanic") == 0 && !first)
        return true;
    if (!strchr(name, '.'))
        return false;
    return strncmp(name, "runtime.", 8) != 0 || is_exported_runtime(name);
}

/* ---- arguments --------------------------------------------------------------------------- */

/* Which argument slots hold their argument still at pc: register arguments are spilled late
 * and their slots reused. Slots at offsets below `from` are always good. */
struct live_args {
    const uint8_t *info; /* NULL: no information, all are taken as good */
    int32_t index;
    unsigned from, slot;
};

static bool arg_is_live(struct live_args *l, unsigned off)
{
    if (off < l->from)
        return true;
    unsigned slot = l->slot++;
    if (!l->info || l->index <= 0)
        return true;
    return (l->info[l->index + (int32_t)(slot / 8)] >> (slot % 8)) & 1;
}

static void put_arg(const struct traceback_out *o, const struct unwinder *u, unsigned off,
                    unsigned size, bool live)
{
    uintptr_t at = u->frame.argp + off;
    uint64_t v = 0;

    if (size > 8 || at < u->lo || at + size > u->hi) {
        put(o, "_");
        return;
    }
    memcpy(&v, (const void *)at, size);
    put_hex(o, "", v);
    if (!live)
        put(o, "?");
}

/* FUNCDATA_ArgInfo: (offset, size) pairs between marks for aggregates. */
static void put_args(const struct traceback_out *o, const struct unwinder *u)
{
    const struct func_info *f = u->frame.fn;
    const uint8_t *p = symtab_funcdata(f, FUNCDATA_ARG_INFO);
    struct live_args live = { .info = symtab_funcdata(f, FUNCDATA_ARG_LIVE_INFO), .from = 0xff };
    bool comma = false;

    if (!p)
        return;
    live.index = symtab_pcdata(f, PCDATA_ARG_LIVE_INDEX, unwinder_sympc(u));
    if (live.info)
        live.from = live.info[0];
    for (const uint8_t *end = p + TRACE_ARGS_MAX_LEN; p < end && *p != TRACE_ARGS_END_SEQ;) {
        unsigned op = *p++;
        if (op == TRACE_ARGS_END_AGG) {
            put(o, "}");
            comma = true;
            continue;
        }
        if (comma)
            put(o, ", ");
        comma = op != TRACE_ARGS_START_AGG;
        if (op == TRACE_ARGS_START_AGG)
            put(o, "{");
        else if (op == TRACE_ARGS_DOTDOTDOT)
            put(o, "...");
        else if (op == TRACE_ARGS_OFFSET_TOO_LARGE)
            put(o, "_");
        else
            put_arg(o, u, op, *p++, arg_is_live(&live, op));
    }
}

/* ---- frames ------------------------------------------------------------------------------ */

static void put_position(const struct traceback_out *o, const struct func_info *f, uintptr_t pc)
{
    const char *file;
    int32_t line;

    symtab_line(f, pc, &file, &line);
    put(o, "\t");
    put(o, file);
    put(o, ":");
    put_dec(o, line);
}

static void put_frame(const struct traceback_out *o, const struct unwinder *u,
                      const struct inline_iter *it)
{
    const struct frame *fr = &u->frame;
    uintptr_t entry = symtab_entry(fr->fn);

    put_name(o, src_name(&it->src));
    put(o, "(");
    if (it->inlined)
        put(o, "...");
    else
        put_args(o, u);
    put(o, ")\n");
    put_position(o, fr->fn, it->pc);
    if (!it->inlined && fr->pc > entry)
        put_hex(o, " +", fr->pc - entry);
    if (!it->inlined && o->runtime) {
        put_hex(o, " fp=", fr->fp);
        put_hex(o, " sp=", fr->sp);
        put_hex(o, " pc=", fr->pc);
    }
    put(o, "\n");
}

/* A stretch of a long stack: leaves out `skip` shown frames, then prints up to `max`. */
struct stretch { int64_t skip, max, shown, last; };

/* Walks u, counting in s->shown what is (or, in the skipped part, would be) printed. Stops
 * before a physical frame of which not all parts may be printed any more; s->last is how many
 * of its parts were. */
static void walk(const struct traceback_out *o, struct unwinder *u, struct stretch *s,
                 bool show_all)
{
    uint8_t callee = u->callee_id;

    for (; unwinder_valid(u); unwinder_next(u)) {
        struct inline_iter it;
        s->last = 0;
        for (inline_first(&it, u->frame.fn, unwinder_sympc(u)); it.valid; inline_next(&it)) {
            uint8_t below = callee;
            callee = it.func_id;
            if (!show_all && !shows(&it.src, s->shown == 0, below))
                continue;
            if (s->skip == 0 && s->max == 0)
                return;
            s->shown++;
            s->last++;
            if (s->skip > 0) {
                s->skip--;
                continue;
            }
            s->max--;
            put_frame(o, u, &it);
        }
    }
    s->last = 0;
}

/* The innermost 50 frames and the outermost 50, with a line between that counts the rest. */
static int64_t put_stack(const struct traceback_out *o, const struct g *gp, uintptr_t pc,
                         uintptr_t sp, bool show_all)
{
    struct unwinder u;
    struct stretch inner = { .max = TRACEBACK_INNER_FRAMES };

    unwinder_init_at(&u, gp, pc, sp, NULL);
    walk(o, &u, &inner, show_all);
    if (inner.shown >= TRACEBACK_INNER_FRAMES) {
        struct unwinder again = u;
        struct stretch count = { .skip = INT64_MAX };
        walk(o, &u, &count, show_all);
        int64_t elide = count.shown - inner.last - TRACEBACK_OUTER_FRAMES;
        struct stretch outer = { .skip = inner.last, .max = TRACEBACK_OUTER_FRAMES };
        if (elide > 0) {
            put(o, "...");
            put_dec(o, elide);
            put(o, " frames elided...\n");
            outer.skip += elide;
        }
        walk(o, &again, &outer, show_all);
        u = again;
    }
    if (u.error) {
        put(o, "\t(stack is broken here: ");
        put(o, u.error);
        put_hex(o, " ", u.bad);
        put(o, ")\n");
    }
    return inner.shown;
}

static void put_created_by(const struct traceback_out *o, const struct g *gp)
{
    struct func_info f;
    struct src_func s;

    if (!gp->gopc || !symtab_find(gp->gopc, &f))
        return;
    s = symtab_src(&f);
    if (gp->goid == 1 || (!o->runtime && !shows(&s, false, FUNCID_NORMAL)))
        return;
    uintptr_t entry = symtab_entry(&f);
    put(o, "created by ");
    put_name(o, symtab_name(&f));
    if (gp->parent_goid) {
        put(o, " in goroutine ");
        put_num(o, gp->parent_goid, 10);
    }
    put(o, "\n");
    put_position(o, &f, gp->gopc > entry ? gp->gopc - 1 : gp->gopc);
    if (gp->gopc > entry)
        put_hex(o, " +", gp->gopc - entry);
    put(o, "\n");
}

static void put_frames(const struct traceback_out *o, const struct g *gp, uintptr_t pc,
                       uintptr_t sp)
{
    if (!g_is_go(gp)) {
        gp->kind->traceback(o, gp);
        return;
    }
    /* A goroutine that is all runtime would show nothing: then show that. */
    if (put_stack(o, gp, pc, sp, o->runtime) == 0 && !o->runtime)
        put_stack(o, gp, pc, sp, true);
    put_created_by(o, gp);
}

/* ---- goroutines -------------------------------------------------------------------------- */

static const char *status_text(const struct g *gp, uint32_t status)
{
    switch (status) {
    case G_IDLE: return "idle";
    case G_RUNNABLE: return "runnable";
    case G_RUNNING: return "running";
    case G_SYSCALL: return "syscall";
    case G_WAITING: return gp->wait_reason ? wait_reason_text(gp->wait_reason) : "waiting";
    case G_DEAD: return "dead";
    case G_COPYSTACK: return "copystack";
    case G_PREEMPTED: return "preempted";
    default: return "???";
    }
}

static void put_header(const struct traceback_out *o, const struct g *gp)
{
    uint32_t s = __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE);
    uint32_t status = s & ~(uint32_t)G_SCAN;

    put(o, "goroutine ");
    put_num(o, gp->goid, 10);
    if (o->runtime) {
        put_hex(o, " gp=", (uintptr_t)gp);
        const struct m *mp = __atomic_load_n(&gp->m, __ATOMIC_RELAXED); /* it may run meanwhile */
        if (mp) {
            put(o, " m=");
            put_num(o, mp->id, 10);
            put_hex(o, " mp=", (uintptr_t)mp);
        } else {
            put(o, " m=nil");
        }
    }
    put(o, " [");
    put(o, status_text(gp, status));
    if (status == G_WAITING && g_has_leaked(gp))
        put(o, " (leaked)");
    if (s & G_SCAN)
        put(o, " (scan)");
    if (gp->bubble && status == G_WAITING && gp->wait_reason < WAIT_SYNCTEST_CHAN_RECV &&
        wait_is_durable(gp->wait_reason))
        put(o, " (durable)");
    if ((status == G_WAITING || status == G_SYSCALL) && gp->wait_since) {
        int64_t minutes = (clock_mono_ns() - since_ns(gp->wait_since)) / 60000000000ll;
        if (minutes >= 1) {
            put(o, ", ");
            put_dec(o, minutes);
            put(o, " minutes");
        }
    }
    if (gp->lockedm)
        put(o, ", locked to thread");
    if (gp->bubble) {
        put(o, ", synctest bubble ");
        put_num(o, g_bubble(gp)->id, 10);
    }
    traceback_labels(o, gp);
    put(o, ":\n");
}

void traceback_print_g(const struct traceback_out *o, const struct g *gp, uintptr_t pc,
                       uintptr_t sp)
{
    put_header(o, gp);
    put_frames(o, gp, pc, sp);
}

/* Does gp's code run on another CPU right now, so that its stack says nothing? */
static bool runs_elsewhere(const struct g *gp)
{
    uint32_t s = __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE) & ~(uint32_t)G_SCAN;

    return (s == G_RUNNING || s == G_COPYSTACK) && gp->m != m_self();
}

void traceback_print_others(const struct traceback_out *o, const struct g *me)
{
    for (const struct g *gp = allgs; gp; gp = gp->alllink) {
        uint32_t s = __atomic_load_n(&gp->status, __ATOMIC_ACQUIRE) & ~(uint32_t)G_SCAN;
        if (gp == me || s == G_DEAD || s == G_IDLE)
            continue;
        bool hidden = gp->system || symtab_is_system_goroutine(gp->startpc);
        if (hidden && !o->runtime && !gp->runs_user)
            continue;
        put(o, "\n");
        if (runs_elsewhere(gp)) {
            put_header(o, gp);
            put(o, "\tgoroutine running on other thread; stack unavailable\n");
            put_created_by(o, gp);
        } else {
            traceback_print_g(o, gp, gp->sched.pc, gp->sched.sp);
        }
    }
}

/* ---- to the console ---------------------------------------------------------------------- */

static void console_out(void *arg, const char *s, size_t n)
{
    (void)arg;
    kprintf("%.*s", (int)n, s);
}

void traceback_g(const struct g *gp, uintptr_t pc, uintptr_t sp, bool runtime)
{
    struct traceback_out o = { console_out, NULL, runtime };

    traceback_print_g(&o, gp, pc, sp);
}

void traceback_others(const struct g *me, bool runtime)
{
    struct traceback_out o = { console_out, NULL, runtime };

    traceback_print_others(&o, me);
}
