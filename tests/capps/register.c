/* An object that only a register holds, of a goroutine that makes no calls, survives collections,
 * and is freed once the register is cleared, which shows that nothing else held it. */
#include <gort.h>
#include <stdint.h>
#include <stdio.h>

static gort_weak *weak;
/* The object's address, inverted, so that a conservative scan does not find it. */
static volatile uintptr_t hidden;
static volatile int at, clear, quit;

/* Starts before the object is made, so its stack has no copy of the address. `hold` moves the
 * address from r12 to the register under test. */
#define HOLDER(name, hold, drop)                                                          \
    static void name(void *unused)                                                        \
    {                                                                                     \
        (void)unused;                                                                     \
        __asm__ volatile("movl $1, %[at]\n"                                               \
                         "1:\tpause\n\tmovq %[hidden], %%r12\n\ttestq %%r12, %%r12\n\tje 1b\n\t" \
                         "notq %%r12\n\t" hold "\n\tmovl $2, %[at]\n"                     \
                         "2:\tpause\n\tcmpl $0, %[clear]\n\tje 2b\n\t"                    \
                         drop "\n\tmovl $3, %[at]\n"                                      \
                         "3:\tpause\n\tcmpl $0, %[quit]\n\tje 3b"                         \
                         : [at] "+m"(at)                                                  \
                         : [hidden] "m"(hidden), [clear] "m"(clear), [quit] "m"(quit)     \
                         : "rax", "r12", "xmm9", "memory");                               \
        at = 4;                                                                           \
    }

HOLDER(in_r12, "", "xorl %%r12d, %%r12d")
HOLDER(in_rax, "movq %%r12, %%rax\n\txorl %%r12d, %%r12d", "xorl %%eax, %%eax")
HOLDER(in_xmm9, "movq %%r12, %%xmm9\n\txorl %%r12d, %%r12d", "pxor %%xmm9, %%xmm9")

/* A goroutine of its own, so that its stack, with copies of the address, is freed. */
static void maker(void *unused)
{
    void *p = gort_new(64);

    (void)unused;
    weak = gort_weak_make(p);
    hidden = ~(uintptr_t)p;
}

static void churn(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        gort_new(64);
}

static void wait_for(int n)
{
    while (at != n)
        gort_yield();
}

static const char *after_collections(void)
{
    for (int i = 0; i < 3; i++) {
        gort_go(churn, NULL);
        gort_sleep(GORT_MS);
        gort_gc();
    }
    return gort_weak_get(weak) ? "there" : "gone";
}

static void try(const char *name, void (*holder)(void *))
{
    at = clear = quit = 0;
    hidden = 0;
    gort_go(holder, NULL);
    wait_for(1);
    gort_go(maker, NULL);
    wait_for(2);
    printf("%s: %s", name, after_collections());
    clear = 1;
    wait_for(3);
    printf(", then %s\n", after_collections());
    quit = 1;
    wait_for(4);
}

/* ---- birth -------------------------------------------------------------------------------- */

/* All that a called function preserves, or-ed: saved on the stack of a goroutine that has just
 * begun, it would hold what others left there for as long as the goroutine lives. */
static volatile uintptr_t born_with;
static volatile int births;

__attribute__((naked)) static void newborn(void *unused)
{
    (void)unused;
    __asm__("movq %rbx, %rax\n\torq %r12, %rax\n\torq %r13, %rax\n\torq %r14, %rax\n\t"
            "orq %r15, %rax\n\torq %rbp, %rax\n\torq %rax, born_with(%rip)\n\t"
            "lock incl births(%rip)\n\tret");
}

/* As gort_go, but nothing of the library runs in the goroutine before fn does. */
void go_system(void (*fn)(void *));

static void birth(void)
{
    for (int i = 1; i <= 20; i++) {
        go_system(newborn);
        while (births < i)
            gort_yield();
    }
    printf("born with %s\n", born_with ? "what another left" : "nothing");
}

int main(void)
{
    birth();
    try("r12", in_r12);
    try("rax", in_rax);
    try("xmm9", in_xmm9);
    return 0;
}
