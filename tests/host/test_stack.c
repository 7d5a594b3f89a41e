/* test_stack.c - symbol tables, unwinder, tracebacks and stack copying against a program of
 * the stock toolchain (tests/host/gostack). It runs under ptrace; its memory is mapped here
 * at the same addresses. At each of its breakpoints the traceback must be Go's own, then the
 * stack is moved, the old one poisoned, and the program goes on and checks its variables.
 * sources: gort/abi/go_line.c gort/observe/labels.c
 * sources: gort/stack/symtab.c gort/stack/unwind.c gort/observe/traceback.c gort/stack/stack.c
 * flags: -fno-sanitize=address */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#undef PAGE_SIZE
#include "gort/abi/app.h"
#include "gort/gc/leak.h"
#include "gort/dying.h"
#include "gort/sched/sched.h"
#include "gort/stack/stack.h"
#include "gort/stack/symtab.h"
#include "gort/observe/traceback.h"
#include "gort/stack/unwind.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define PROGRAM "build/tests/host/gostack"

static int failures;

static void report(const char *name, bool good, const char *text)
{
    failures += !good;
    printf("%s %s%s%s\n", good ? "ok" : "FAIL", name, good ? "" : ": ", good ? "" : text);
}

/* ---- what the sources want from the kernel ------------------------------------------------ */

const struct app_facts *app;
bool g_has_leaked(const struct g *gp) { return !gp; }
struct boot_options options;
struct g *allgs;

void lock(struct lock *l) { l->held++; }
void unlock(struct lock *l) { l->held--; }
int64_t clock_mono_ns(void) { return 0; }
void start_grew(const struct g *gp) { (void)gp; }
const char *wait_reason_text(enum wait_reason r) { return r ? "waiting" : ""; }
bool wait_is_durable(enum wait_reason r) { return r == WAIT_ZERO; }
void g_status_set(struct g *gp, uint32_t from, uint32_t to)
{
    CHECK(gp->status == from, "status %u", gp->status);
    gp->status = to;
}
_Noreturn void g_preempt_g0(struct g *gp) { (void)gp; abort(); }
uintptr_t vm_reserve(enum vm_zone z, uintptr_t h, size_t s, size_t a)
{
    (void)z, (void)h, (void)s, (void)a;
    return 0;
}
void vm_release(uintptr_t va, size_t n) { (void)va, (void)n; }
int vm_commit(uintptr_t va, size_t n) { (void)va, (void)n; return -1; }
void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}
_Noreturn void rt_throw(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("FAIL throw: ");
    vprintf(fmt, ap);
    printf("\n");
    exit(1);
}
_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("FAIL %s:%d: ", file, line);
    vprintf(fmt, ap);
    printf("\n");
    exit(1);
}

static void wait_for_memory(struct g *gp) { rt_throw("%p waits", (void *)gp); }
static _Noreturn void out_of_memory(size_t wanted) { rt_throw("no %zu bytes", wanted); }

static uintptr_t arena, arena_used;

static uintptr_t stack_mem_alloc(size_t size)
{
    uintptr_t lo = ((arena + 4095) & ~4095ul) + (arena_used % 2) * (1 << 20);

    arena_used++;
    CHECK(size <= 1 << 20, "stack of %zu bytes", size);
    return lo;
}
static void stack_mem_free(uintptr_t lo, size_t size) { (void)lo, (void)size; }

/* ---- the program's memory ------------------------------------------------------------------ */

static Elf64_Ehdr *elf;
static size_t elf_size;

static void elf_open(void)
{
    struct stat st;
    int fd = open(PROGRAM, O_RDONLY);

    fstat(fd, &st);
    elf_size = (size_t)st.st_size;
    elf = mmap(NULL, elf_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
}

static uintptr_t elf_symbol(const char *name)
{
    Elf64_Shdr *s = (void *)((char *)elf + elf->e_shoff);

    for (int i = 0; i < elf->e_shnum; i++) {
        if (s[i].sh_type != SHT_SYMTAB)
            continue;
        Elf64_Sym *y = (void *)((char *)elf + s[i].sh_offset);
        const char *str = (char *)elf + s[s[i].sh_link].sh_offset;
        for (size_t n = 0; n < s[i].sh_size / sizeof *y; n++)
            if (strcmp(str + y[n].st_name, name) == 0)
                return y[n].st_value;
    }
    return 0;
}

/* Maps the image as the linker made it, which is enough for the tables. */
static void elf_map(void)
{
    Elf64_Phdr *p = (void *)((char *)elf + elf->e_phoff);

    for (int i = 0; i < elf->e_phnum; i++) {
        if (p[i].p_type != PT_LOAD)
            continue;
        uintptr_t lo = p[i].p_vaddr & ~4095ul;
        void *m = mmap((void *)lo, p[i].p_vaddr + p[i].p_memsz - lo, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        CHECK(m == (void *)lo, "cannot map %#lx", lo);
        memcpy((void *)p[i].p_vaddr, (char *)elf + p[i].p_offset, p[i].p_filesz);
    }
}

static pid_t child;
static int child_mem;

static void pull(uintptr_t lo, size_t n)
{
    CHECK(pread(child_mem, (void *)lo, n, (off_t)lo) == (ssize_t)n, "read of %#lx", lo);
}
static void push(uintptr_t lo, size_t n)
{
    CHECK(pwrite(child_mem, (void *)lo, n, (off_t)lo) == (ssize_t)n, "write of %#lx", lo);
}

/* Data, bss and the Go heap, whichever parts of them exist in the child. */
static void each_range(void (*fn)(uintptr_t, size_t), bool map)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", child);
    FILE *f = fopen(path, "r");

    while (fgets(line, sizeof line, f)) {
        unsigned long lo, hi;
        char prot[8];
        sscanf(line, "%lx-%lx %7s", &lo, &hi, prot);
        bool heap = lo > 0x10000000 && lo < 0x500000000000; /* Go draws its place by lot */
        if (strncmp(prot, "rw", 2) != 0 || (lo > 0x10000000 && !heap))
            continue;
        if (map && heap)
            mmap((void *)lo, hi - lo, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        fn(lo, hi - lo);
    }
    fclose(f);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void without_type_args(const char *name, char *out)
{
    const char *open = strchr(name, '['), *close = strrchr(name, ']');

    if (open && close)
        sprintf(out, "%.*s[...]%s", (int)(open - name), name, close + 1);
    else
        strcpy(out, name);
}

static void test_functions(void)
{
    Elf64_Shdr *s = (void *)((char *)elf + elf->e_shoff);
    unsigned n = 0, wrong = 0;
    uintptr_t lo, hi;

    symtab_text_range(&lo, &hi);
    for (int i = 0; i < elf->e_shnum; i++) {
        if (s[i].sh_type != SHT_SYMTAB)
            continue;
        Elf64_Sym *y = (void *)((char *)elf + s[i].sh_offset);
        const char *str = (char *)elf + s[s[i].sh_link].sh_offset;
        for (size_t k = 0; k < s[i].sh_size / sizeof *y; k++) {
            struct func_info f;
            const char *name = str + y[k].st_name;
            size_t len = strlen(name);
            if (ELF64_ST_TYPE(y[k].st_info) != STT_FUNC || y[k].st_size == 0)
                continue;
            /* ELF has a plain dot instead of some middle ones. */
            if (symtab_find(y[k].st_value, &f) && strstr(symtab_name(&f), "\u00b7"))
                continue;
            if (len > 5 && strcmp(name + len - 5, ".abi0") == 0)
                len -= 5;
            n++;
            bool ok = symtab_find(y[k].st_value + y[k].st_size - 1, &f) &&
                      symtab_entry(&f) == y[k].st_value &&
                      strlen(symtab_name(&f)) == len && !strncmp(symtab_name(&f), name, len);
            if (!ok && wrong++ < 5)
                printf("  %s at %#lx is %s\n", name, y[k].st_value, symtab_name(&f));
        }
    }
    printf("  %u functions\n", n);
    struct func_info f;
    report("functions", n > 1000 && wrong == 0, "see above");
    report("no function outside", !symtab_find(lo - 1, &f) && !symtab_find(hi, &f) &&
                                      !symtab_find(0, &f) && !symtab_find(~0ul, &f), "found one");
}

static void test_lines(void)
{
    FILE *f = popen(PROGRAM " lines", "r");
    char want_name[512], want_file[512], name[512];
    unsigned long pc, want_entry;
    int want_line;
    unsigned n = 0, wrong = 0, inlined = 0;

    while (fscanf(f, "%lx %511s %511s %d %lx", &pc, want_name, want_file, &want_line,
                  &want_entry) == 5) {
        struct func_info fn;
        struct inline_iter it;
        const char *file;
        int32_t line;
        symtab_find(pc, &fn);
        inline_first(&it, &fn, pc);
        inlined += it.inlined;
        symtab_line(&fn, pc, &file, &line);
        without_type_args(src_name(&it.src), name);
        n++;
        if ((strcmp(name, want_name) || strcmp(file, want_file) || line != want_line ||
             symtab_entry(&fn) != want_entry) && wrong++ < 5)
            printf("  %#lx: %s %s:%d, want %s %s:%d\n", pc, name, file, line, want_name, want_file,
                   want_line);
    }
    pclose(f);
    printf("  %u pcs, %u in inlined functions\n", n, inlined);
    report("files and lines", n > 1000 && inlined > 100 && wrong == 0, "see above");
}

/* Every table that a lookup reads is flipped at random: lookups may fail, never fault. */
static void test_broken_tables(void)
{
    static uint64_t rnd = 88172645463325252ull;
    struct moduledata md = *symtab_first();
    uintptr_t lo, hi;
    size_t n = (size_t)md.pclntable.len;
    uint8_t *copy = malloc(n);

    symtab_text_range(&lo, &hi);
    memcpy(copy, md.pclntable.ptr, n);
    md.pclntable.ptr = copy;
    *moduledata_next(&md) = NULL;
    symtab_init(&md);
    for (unsigned i = 0; i < 200000; i++) {
        struct func_info f;
        struct inline_iter it;
        const char *file;
        int32_t line;
        rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
        copy[rnd % n] ^= (uint8_t)(1u << (rnd >> 60 & 7));
        uintptr_t pc = lo + (rnd >> 20) % (hi - lo);
        if (!symtab_find(pc, &f))
            continue;
        symtab_line(&f, pc, &file, &line);
        symtab_spdelta(&f, pc);
        symtab_max_spdelta(&f);
        symtab_name(&f);
        symtab_pcdata(&f, PCDATA_STACK_MAP_INDEX, pc);
        (void)it;
    }
    free(copy);
    report("broken tables", true, "");
}

/* ---- the running program ----------------------------------------------------------------- */

struct text { char buf[1 << 17]; size_t n; };

static void text_write(void *arg, const char *s, size_t n)
{
    struct text *t = arg;

    if (t->n + n < sizeof t->buf) {
        memcpy(t->buf + t->n, s, n);
        t->n += n;
        t->buf[t->n] = 0;
    }
}

/* main.stop called runtime.Stack first, at the offset that its text shows, then trapped: the
 * traceback from the former position must be the same text. */
static uintptr_t stack_call_pc(const struct frame *fr, const char *trace)
{
    unsigned long off = 0;
    const char *s = strstr(trace, "main.stop(");

    s = s ? strstr(s, " +0x") : NULL;
    return s && sscanf(s, " +0x%lx", &off) == 1 ? symtab_entry(fr->fn) + off : 0;
}

static void compare_trace(const char *name, const char *want, const struct g *gp)
{
    static struct text t;
    struct traceback_out o = { text_write, &t, false };
    char label[160];

    struct unwinder u;
    for (unwinder_init(&u, gp); unwinder_valid(&u); unwinder_next(&u))
        if (strcmp(symtab_name(u.frame.fn), "main.stop") == 0)
            break;
    t.n = 0;
    traceback_print_g(&o, gp, stack_call_pc(&u.frame, want), u.frame.sp);
    snprintf(label, sizeof label, "traceback %s", name);
    bool same = strcmp(want, t.buf) == 0;
    report(label, same, "differs");
    if (!same)
        printf("---- Go:\n%s---- gort:\n%s----\n", want, t.buf);
}

/* Dead words may keep old values; all others that pointed into the old stack must have changed.
 * Counts the words that still point there, for information. */
static unsigned stale_words(const struct g *gp, struct stack old)
{
    unsigned n = 0;

    for (uintptr_t *p = (uintptr_t *)gp->sched.sp; p < (uintptr_t *)gp->stack.hi; p++)
        n += *p >= old.lo && *p < old.hi;
    return n;
}

/* Offset of stktopsp in Go's g: behind sched come syscallsp, syscallpc, syscallbp. */
#define STKTOPSP (OVERLAY_G_GOID + 3 * 8)

static void move_stack(uintptr_t g, struct user_regs_struct *r, char *trace, const char *name)
{
    static struct g gp;
    size_t size;

    each_range(pull, true);
    memset(&gp, 0, sizeof gp);
    memcpy(&gp, (void *)g, offsetof(struct g, goid));
    gp.goid = 1;
    gp.startpc = elf_symbol("runtime.main");
    gp.m = NULL;
    gp.lockedm = (struct m *)&gp; /* as the program has done */
    gp.status = G_RUNNING;
    gp.sched = (struct gobuf){ .sp = r->rsp, .pc = r->rip, .bp = r->rbp };
    compare_trace(name, trace, &gp);

    struct stack old = gp.stack;
    size = old.hi - old.lo;
    if (arena_used == 0)
        while (size < 256 << 10)
            size *= 2;
    gp.status = G_COPYSTACK;
    stack_copy(&gp, size);
    memset((void *)old.lo, 0xfc, old.hi - old.lo);
    CHECK(gp.stack.hi - gp.sched.sp == old.hi - r->rsp, "used bytes");
    printf("  %s: %lu bytes, %u dead words left\n", name, gp.stack.hi - gp.sched.sp,
           stale_words(&gp, old));

    gp.sched.pc = 0;
    memcpy((void *)g, &gp, OVERLAY_G_M);
    *(uintptr_t *)(g + STKTOPSP) += gp.stack.hi - old.hi;
    each_range(push, false);
    r->rsp = gp.sched.sp;
    r->rbp = gp.sched.bp;
}

/* Reads the program's output up to the end of a traceback. */
static bool read_stop(FILE *f, char *name, char *trace, size_t cap)
{
    char line[4096];
    size_t n = 0;
    bool in = false;

    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "arena 0x%lx", &arena) == 1)
            continue;
        if (!in && strncmp(line, "stop ", 5) == 0) {
            in = true;
            strcpy(name, line + 5);
            name[strcspn(name, "\n")] = 0;
        } else if (in && strcmp(line, "end\n") == 0) {
            return true;
        } else if (in && n + strlen(line) < cap) {
            strcpy(trace + n, line);
            n += strlen(line);
        } else {
            printf("  %s", line);
        }
    }
    return false;
}

static pid_t start_child(FILE **out)
{
    int fds[2];

    CHECK(pipe(fds) == 0, "pipe");
    fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        setenv("GODEBUG", "asyncpreemptoff=1,invalidptr=1", 1);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(PROGRAM, PROGRAM, NULL);
        _exit(127);
    }
    close(fds[1]);
    *out = fdopen(fds[0], "r");
    return pid;
}

/* The child's threads, all traced. Memory that is copied here and back must not change meanwhile:
 * so the others are stopped while one's stack is moved. */
static struct { pid_t tid; bool stopped; int status; } threads[64];
static unsigned nthreads;

static unsigned thread_at(pid_t tid)
{
    for (unsigned i = 0; i < nthreads; i++)
        if (threads[i].tid == tid)
            return i;
    CHECK(nthreads < 64, "more than %u threads", nthreads);
    threads[nthreads].tid = tid;
    threads[nthreads].stopped = false;
    return nthreads++;
}

static void stop_others(pid_t me)
{
    for (unsigned i = 0; i < nthreads; i++) {
        if (threads[i].tid == me || threads[i].tid == 0)
            continue;
        if (syscall(SYS_tgkill, child, threads[i].tid, SIGSTOP) != 0 ||
            waitpid(threads[i].tid, &threads[i].status, __WALL) != threads[i].tid)
            threads[i].tid = 0; /* it has ended */
        else
            threads[i].stopped = WIFSTOPPED(threads[i].status);
    }
}

/* The signal to pass on to a stopped thread: one that the test has not caused, or 0 for an event. A
 * SIGSTOP that is still pending is swallowed in run_child. */
static int signal_of(int status)
{
    int sig = WSTOPSIG(status);

    return sig == SIGTRAP || sig == SIGSTOP ? 0 : sig;
}

static void continue_others(void)
{
    for (unsigned i = 0; i < nthreads; i++)
        if (threads[i].stopped) {
            threads[i].stopped = false;
            ptrace(PTRACE_CONT, threads[i].tid, 0, signal_of(threads[i].status));
        }
}

static void run_child(void)
{
    static char trace[1 << 17];
    char path[64], name[128];
    FILE *out;
    int st;
    unsigned stops = 0;

    child = start_child(&out);
    waitpid(child, &st, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    child_mem = open(path, O_RDWR);
    ptrace(PTRACE_CONT, child, 0, 0);
    for (pid_t tid; (tid = waitpid(-1, &st, __WALL)) > 0;) {
        struct user_regs_struct r;
        unsigned t = thread_at(tid);
        if (WIFEXITED(st) || WIFSIGNALED(st)) {
            threads[t].tid = 0;
            if (tid == child)
                break;
            continue;
        }
        int sig = WSTOPSIG(st);
        if (sig == SIGTRAP && st >> 16 == 0) {
            ptrace(PTRACE_GETREGS, tid, 0, &r);
            if (!read_stop(out, name, trace, sizeof trace))
                break;
            stop_others(tid);
            move_stack(r.r14, &r, trace, name);
            ptrace(PTRACE_SETREGS, tid, 0, &r);
            continue_others();
            stops++;
        }
        ptrace(PTRACE_CONT, tid, 0, signal_of(st));
    }
    bool good = false;
    char line[256];
    while (fgets(line, sizeof line, out)) {
        good |= strcmp(line, "all good\n") == 0;
        printf("  %s", line);
    }
    report("program goes on after its stack has moved", good && stops > 12, "it did not");
    report("exit status", WIFEXITED(st) && WEXITSTATUS(st) == 0, "not 0");
}

/* A struct cpu behind GS for the runtime's code. */
static void cpu_make(void)
{
    static struct m m0;
    static struct cpu cpu = { .self = &cpu, .m = &m0 };

    if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, &cpu) != 0)
        abort();
}

int main(void)
{
    cpu_make();
    stack_hooks = (struct stack_hooks){ stack_mem_alloc, stack_mem_free, wait_for_memory,
                                        out_of_memory };
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (system("go version >/dev/null 2>&1") != 0) {
        printf("ok skipped: no go command\n");
        return 0;
    }
    if (system("CGO_ENABLED=0 GOFLAGS= go build -o " PROGRAM " ./tests/host/gostack") != 0) {
        printf("FAIL build of tests/host/gostack\n");
        return 1;
    }
    elf_open();
    elf_map();
    const struct moduledata *md = (void *)elf_symbol("runtime.firstmoduledata");
    const struct gostring *version = (void *)elf_symbol("runtime.buildVersion");
    go_line = go_line_of(version->ptr, version->len);
    report("the release line is known", go_line != NULL, "go_line_of");
    if (!go_line)
        return 1;
    report("tables are known", md && symtab_init(md), "symtab_init");
    test_functions();
    test_lines();
    run_child();
    symtab_init(md);
    test_broken_tables();
    return failures != 0;
}
