/* start.c - the ELF entry, goroutines, and what each of them has of its own. */
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include "heap.h"
#include "offsets.h"
#include "private.h"
#include "gort/capp/capp.h"

uintptr_t ktab[RT_TABLE_WORDS];
char **environ;
int main(int argc, char **argv, char **envp);

/* curg, then its c_private: all belong to this goroutine, wherever it is moved between. */
static void **private_slot(void)
{
    char *g;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(g) : "i"(CPU_CURG));
    return (void **)(*(char **)(g + G_CG) + CG_C_PRIVATE);
}

struct local *local_get(void) { return *private_slot(); }

uint64_t gort_id(void)
{
    char *g;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(g) : "i"(CPU_CURG));
    return *(uint64_t *)(g + G_GOID);
}

unsigned heap_cpu(void)
{
    uint32_t id;
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(id) : "i"(CPU_ID));
    return id;
}

/* newlib's state is per goroutine, but for the standard streams. */
struct _reent *__getreent(void)
{
    struct local *l = local_get();

    return l && l->reent ? l->reent : _GLOBAL_REENT;
}

struct start { void (*fn)(void *); void *arg; };

static void run(void *p)
{
    struct start s = *(struct start *)p;
    struct _reent reent;
    struct local l = { .reent = &reent };

    memset(&reent, 0, sizeof reent);
    _REENT_INIT_PTR(&reent);
    reent._stdin = _GLOBAL_REENT->_stdin;
    reent._stdout = _GLOBAL_REENT->_stdout;
    reent._stderr = _GLOBAL_REENT->_stderr;
    reent.__sdidinit = 1;
    reent.__cleanup = _GLOBAL_REENT->__cleanup;
    *private_slot() = &l;
    s.fn(s.arg);
}

static uint64_t go(void (*fn)(void *), void *arg, size_t size, void *pc)
{
    struct start *s = gort_new(sizeof *s);

    *s = (struct start){ fn, arg };
    struct capp_go_frame f = { .fn = (void *)run, .arg = s, .stack = size, .pc = (uintptr_t)pc };
    GATE(capp_go, &f);
    return f.id;
}

uint64_t gort_go(void (*fn)(void *), void *arg)
{
    return go(fn, arg, 0, __builtin_return_address(0));
}

uint64_t gort_go_stack(void (*fn)(void *), void *arg, size_t size)
{
    return go(fn, arg, size, __builtin_return_address(0));
}

void go_system(void (*fn)(void *));
void go_system(void (*fn)(void *))
{
    struct capp_go_frame f = { .fn = (void *)fn, .system = true };

    GATE(capp_go, &f);
}

void gort_yield(void)
{
    struct gosched_frame f;
    memset(&f, 0, sizeof f);
    GATE(gosched, &f);
}

void gort_sleep(int64_t ns)
{
    struct sleepns_frame f = { .ns = ns };

    if (ns <= 0)
        gort_yield();
    else
        GATE(sleepns, &f);
}

void gort_exit(void)
{
    struct { char none; } f = { 0 };

    ((void (*)(void *, uintptr_t))ktab[SLOT_CALL])(&f, ktab[8]);
    __builtin_unreachable();
}

int gort_procs(int n)
{
    struct gomaxprocs_frame f = { .n = n };

    GATE(gomaxprocs, &f);
    return f.old;
}

int64_t gort_now(void)
{
    struct nanotime1_frame f = { 0 };

    GATE(nanotime1, &f);
    return f.ns;
}

/* ---- the beginning -------------------------------------------------------------------------- */

/* Strings of the bundle, one behind the other, as an array. */
static char **strings(int64_t which, int *count)
{
    struct os_strings_frame f = { .which = which };

    GATE(os_strings, &f);
    char **v = calloc((size_t)f.count + 1, sizeof *v);
    char *text = malloc((size_t)f.bytes + 1);
    memcpy(text, f.first, (size_t)f.bytes);
    for (int64_t i = 0; i < f.count; i++) {
        v[i] = text;
        text += strlen(text) + 1;
    }
    *count = (int)f.count;
    return v;
}

static void heap_begin(void)
{
    gort_stats s;

    gort_read_stats(&s);
    heap_arenas = s.cpus < HEAP_ARENAS_MAX ? (unsigned)s.cpus : HEAP_ARENAS_MAX;
}

extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
void __sinit(struct _reent *);

static void main_goroutine(void *unused)
{
    struct local l = { 0 };
    int argc, n;

    (void)unused;
    *private_slot() = &l;
    heap_begin();
    __sinit(_GLOBAL_REENT);
    environ = strings(1, &n);
    char **argv = strings(0, &argc);
    for (void (**f)(void) = __init_array_start; f < __init_array_end; f++)
        (*f)();
    exit(main(argc, argv, environ));
}

__attribute__((weak)) const uintptr_t gort_main_stack = 8ul << 20;

static struct capp_table table = {
    .magic = CAPPTAB_MAGIC, .version = CAPPTAB_VERSION, .abi = RT_ABI_VERSION,
    .main = main_goroutine,
};
/* What the kernel looks for in read-only segments before it calls anything. */
__attribute__((used)) static const uint64_t mark[2] = { CAPPTAB_MAGIC, RT_ABI_VERSION };

const struct capp_table *_start(const uintptr_t *kernel, uint64_t words);
const struct capp_table *_start(const uintptr_t *kernel, uint64_t words)
{
    if (words < RT_TABLE_WORDS)
        return NULL;
    for (unsigned i = 0; i < RT_TABLE_WORDS; i++)
        ktab[i] = kernel[i];
    table.main_stack = gort_main_stack;
    return &table;
}
