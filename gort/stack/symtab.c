/* symtab.c - lookups in the program's function tables. See symtab.h. The tables are the linker's,
 * and reading them is after Go's symtab.go. */
#include "gort/stack/symtab.h"
#include <string.h>

static const struct moduledata *first_module;

/* Modules walked at most: a broken list must end. */
#define MODULES_MAX 64
#define INLINE_DEPTH_MAX 1000

bool symtab_init(const struct moduledata *first)
{
    first_module = NULL;
    if (!first || !first->pc_header)
        return false;
    const struct pc_header *h = first->pc_header;
    if (h->magic != (uint32_t)PCLNTAB_MAGIC || h->min_lc != 1 || h->ptr_size != 8)
        return false;
    first_module = first;
    return true;
}

const struct moduledata *symtab_first(void) { return first_module; }

static const struct moduledata *after(const struct moduledata *m) { return *moduledata_next(m); }

void symtab_text_range(uintptr_t *lo, uintptr_t *hi)
{
    unsigned n = 0;

    *lo = *hi = 0;
    for (const struct moduledata *m = first_module; m && n++ < MODULES_MAX; m = after(m)) {
        if (*lo == 0 || m->minpc < *lo)
            *lo = m->minpc;
        if (m->maxpc > *hi)
            *hi = m->maxpc;
    }
}

/* ---- pc to function ---------------------------------------------------------------------- */

static const struct moduledata *find_module(uintptr_t pc)
{
    unsigned n = 0;

    for (const struct moduledata *m = first_module; m && n++ < MODULES_MAX; m = after(m))
        if (pc >= m->minpc && pc < m->maxpc)
            return m;
    return NULL;
}

static bool entry_at(const struct moduledata *m, uint32_t funcoff, struct func_info *out)
{
    if ((uint64_t)funcoff + sizeof(struct func_entry) > (uint64_t)m->pclntable.len)
        return false;
    out->fn = (const void *)((const uint8_t *)m->pclntable.ptr + funcoff);
    out->md = m;
    return true;
}

bool symtab_find(uintptr_t pc, struct func_info *out)
{
    const struct moduledata *m = find_module(pc);

    *out = (struct func_info){ 0 };
    if (!m || m->ftab.len < 2 || !m->findfunctab)
        return false;
    uint32_t off = (uint32_t)(pc - m->text);
    uintptr_t x = pc - m->minpc;
    const struct findfuncbucket *b =
        (const struct findfuncbucket *)m->findfunctab + x / FUNCTAB_BUCKET_SIZE;
    const unsigned sub = FUNCTAB_BUCKET_SIZE / sizeof b->subbuckets;
    uint64_t i = (uint64_t)b->idx + b->subbuckets[x % FUNCTAB_BUCKET_SIZE / sub];
    const struct functab *t = m->ftab.ptr;
    uint64_t n = (uint64_t)m->ftab.len;

    while (i + 1 < n && t[i + 1].entryoff <= off)
        i++;
    if (i + 1 >= n || t[i].entryoff > off)
        return false;
    return entry_at(m, t[i].funcoff, out);
}

bool symtab_of(const void *entry, struct func_info *out)
{
    unsigned n = 0;

    for (const struct moduledata *m = first_module; m && n++ < MODULES_MAX; m = after(m)) {
        uintptr_t off = (uintptr_t)entry - (uintptr_t)m->pclntable.ptr;
        if (off < (uintptr_t)m->pclntable.len)
            return entry_at(m, (uint32_t)off, out);
    }
    *out = (struct func_info){ 0 };
    return false;
}

uintptr_t symtab_entry(const struct func_info *f)
{
    return f->fn ? f->md->text + f->fn->entry_off : 0;
}

uint32_t symtab_deferreturn(const struct func_info *f) { return f->fn ? f->fn->deferreturn : 0; }
uint8_t symtab_func_id(const struct func_info *f) { return f->fn ? f->fn->func_id : 0; }
uint8_t symtab_flags(const struct func_info *f) { return f->fn ? f->fn->flag : 0; }

static const char *name_at(const struct moduledata *m, int32_t off)
{
    if (!m || off < 0 || off >= m->funcnametab.len)
        return "";
    return (const char *)m->funcnametab.ptr + off;
}

const char *symtab_name(const struct func_info *f)
{
    return f->fn ? name_at(f->md, f->fn->name_off) : "";
}

struct src_func symtab_src(const struct func_info *f)
{
    if (!f->fn)
        return (struct src_func){ 0 };
    return (struct src_func){ f->md, f->fn->name_off, f->fn->start_line, f->fn->func_id };
}

const char *src_name(const struct src_func *s) { return name_at(s->md, s->name_off); }

/* ---- tables of values by pc ------------------------------------------------------------------
 *
 * A table is a run of pairs (change of the value, zigzag; bytes of code that have it), varints,
 * ended by a 0 where a value's change would be. The first pair's change may be 0 too. */

struct pcval {
    const uint8_t *p, *end;
    uintptr_t pc;    /* end of the run that has `val` */
    int32_t val;
    bool started;
};

static bool varint(struct pcval *v, uint32_t *out)
{
    uint32_t x = 0;

    for (unsigned shift = 0; shift < 32 && v->p < v->end; shift += 7) {
        uint8_t b = *v->p++;
        x |= (uint32_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = x;
            return true;
        }
    }
    return false;
}

static bool pcval_start(struct pcval *v, const struct func_info *f, uint32_t off)
{
    if (!f->fn || off == 0 || (int64_t)off >= f->md->pctab.len)
        return false;
    const uint8_t *tab = f->md->pctab.ptr;
    *v = (struct pcval){ tab + off, tab + f->md->pctab.len, symtab_entry(f), -1, false };
    return true;
}

static bool pcval_next(struct pcval *v)
{
    uint32_t dv, dpc;

    if (!varint(v, &dv) || (dv == 0 && v->started) || !varint(v, &dpc))
        return false;
    v->started = true;
    v->val += (int32_t)((dv >> 1) ^ -(dv & 1));
    v->pc += dpc;
    return true;
}

static int32_t pcvalue(const struct func_info *f, uint32_t off, uintptr_t pc, uintptr_t *start)
{
    struct pcval v;
    uintptr_t from = symtab_entry(f);

    if (pc >= from && pcval_start(&v, f, off)) {
        while (pcval_next(&v)) {
            if (pc < v.pc) {
                if (start)
                    *start = from;
                return v.val;
            }
            from = v.pc;
        }
    }
    if (start)
        *start = 0;
    return -1;
}

int32_t symtab_spdelta(const struct func_info *f, uintptr_t pc)
{
    return f->fn ? pcvalue(f, f->fn->pcsp, pc, NULL) : -1;
}

int32_t symtab_max_spdelta(const struct func_info *f)
{
    struct pcval v;
    int32_t most = 0;

    if (!f->fn || !pcval_start(&v, f, f->fn->pcsp))
        return 0;
    while (pcval_next(&v))
        if (v.val > most)
            most = v.val;
    return most;
}

/* The offsets of pcdata tables and of funcdata follow the func_entry in pclntable. */
static bool trailer(const struct func_info *f, uint32_t i, uint32_t *out)
{
    const uint32_t *t = (const uint32_t *)(f->fn + 1);
    const uint8_t *end = (const uint8_t *)f->md->pclntable.ptr + f->md->pclntable.len;

    if ((uint64_t)(end - (const uint8_t *)t) < ((uint64_t)i + 1) * 4)
        return false;
    *out = t[i];
    return true;
}

int32_t symtab_pcdata(const struct func_info *f, uint32_t table, uintptr_t pc)
{
    uint32_t off;

    if (!f->fn || table >= f->fn->npcdata || !trailer(f, table, &off))
        return -1;
    return pcvalue(f, off, pc, NULL);
}

const void *symtab_funcdata(const struct func_info *f, unsigned i)
{
    uint32_t off;

    if (!f->fn || i >= f->fn->nfuncdata || !trailer(f, f->fn->npcdata + i, &off))
        return NULL;
    if (off == UINT32_MAX)
        return NULL;
    return (const void *)(*moduledata_gofunc(f->md) + off);
}

/* ---- source positions -------------------------------------------------------------------- */

bool symtab_line(const struct func_info *f, uintptr_t pc, const char **file, int32_t *line)
{
    *file = "?";
    *line = 0;
    if (!f->fn)
        return false;
    int32_t fileno = pcvalue(f, f->fn->pcfile, pc, NULL);
    int32_t n = pcvalue(f, f->fn->pcln, pc, NULL);
    uint64_t i = (uint64_t)f->fn->cu_offset + (uint32_t)fileno;
    if (fileno < 0 || n < 0 || i >= (uint64_t)f->md->cutab.len)
        return false;
    uint32_t off = ((const uint32_t *)f->md->cutab.ptr)[i];
    if ((int64_t)off >= f->md->filetab.len)
        return false;
    *file = (const char *)f->md->filetab.ptr + off;
    *line = n;
    return true;
}

static int32_t inline_index(const struct inline_iter *it)
{
    if (!it->memo)
        return symtab_pcdata(&it->fn, PCDATA_INL_TREE_INDEX, it->pc);
    struct inline_memo *m = &it->memo[(it->pc ^ it->pc >> 11) % INLINE_MEMOS];
    if (m->pc != it->pc)
        *m = (struct inline_memo){ it->pc, symtab_pcdata(&it->fn, PCDATA_INL_TREE_INDEX, it->pc) };
    return m->index;
}

/* Sets `it` to the innermost function at it->pc. */
static void inline_resolve(struct inline_iter *it)
{
    it->index = it->tree && it->left ? inline_index(it) : -1;
    it->inlined = it->index >= 0;
    if (it->inlined) {
        const struct inlined_call *c = &it->tree[it->index];
        it->left--;
        it->src = (struct src_func){ it->fn.md, c->name_off, c->start_line, c->func_id };
    } else {
        it->src = symtab_src(&it->fn);
    }
    it->func_id = it->src.func_id;
}

void inline_first(struct inline_iter *it, const struct func_info *f, uintptr_t pc)
{
    inline_first_memo(it, f, pc, NULL);
}

void inline_first_memo(struct inline_iter *it, const struct func_info *f, uintptr_t pc,
                       struct inline_memo *memo)
{
    *it = (struct inline_iter){ .valid = f->fn != NULL, .fn = *f, .pc = pc, .memo = memo };
    it->tree = symtab_funcdata(f, FUNCDATA_INL_TREE);
    it->left = INLINE_DEPTH_MAX;
    inline_resolve(it);
}

void inline_next(struct inline_iter *it)
{
    if (!it->inlined) {
        it->valid = false;
        return;
    }
    it->pc = symtab_entry(&it->fn) + (uintptr_t)(intptr_t)it->tree[it->index].parent_pc;
    inline_resolve(it);
}

/* ---- judgements by name ------------------------------------------------------------------ */

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Code whose locals the collector or the scheduler must never see half done. */
static bool is_runtime_package(const char *name)
{
    return has_prefix(name, "runtime.") || has_prefix(name, "internal/runtime/") ||
           has_prefix(name, "runtime/internal/") || has_prefix(name, "reflect.");
}

bool symtab_async_safe(uintptr_t pc)
{
    struct func_info f;
    struct inline_iter it;

    if (!symtab_find(pc, &f) || (symtab_flags(&f) & FUNCFLAG_ASM))
        return false;
    if (symtab_pcdata(&f, PCDATA_UNSAFE_POINT, pc) != UNSAFE_POINT_SAFE)
        return false;
    /* Without local pointer maps it is assembly in disguise, or too odd to stop in. */
    if (!symtab_funcdata(&f, FUNCDATA_LOCALS_POINTER_MAPS))
        return false;
    inline_first(&it, &f, pc);
    return !is_runtime_package(src_name(&it.src)) && !is_runtime_package(symtab_name(&f));
}

bool symtab_is_system_goroutine(uintptr_t startpc)
{
    struct func_info f;

    if (!symtab_find(startpc, &f))
        return false;
    uint8_t id = symtab_func_id(&f);
    if (id == FUNCID_RUNTIME_MAIN || id == FUNCID_COROSTART || id == FUNCID_HANDLE_ASYNC_EVENT)
        return false;
    const char *name = symtab_name(&f);
    return has_prefix(name, "runtime.") && strcmp(name, "runtime.rt_main") != 0;
}
