// flags: -fno-pie -no-pie -Wl,--unresolved-symbols=ignore-all -Itests/host/fake
// flags: -Wno-unused-function
/* test_gocall.c - the goroutine on which a CPU's scheduler calls Go functions is known as such
 * before it can be taken for one that waits: a marker that finds it in between would suspend it,
 * and walk a stack that is not there (is_go_call_helper of gort/gc/mark.c).
 *
 * It compiles gort/sched/proc.c whole, of which it calls little: the rest is not linked. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gort/sched/proc.c"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct m the_m;
static struct p the_p;
static struct cpu the_cpu;
static struct g the_g;
static unsigned waits, unknown;
struct boot_options options;
struct sched sched;

/* Every status a goroutine gets: a marker may look at it from here on. */
void g_status_set(struct g *gp, uint32_t from, uint32_t to)
{
    if (gp->status != from)
        printf("FAIL status %#x, not %#x\n", gp->status, from);
    gp->status = to;
    if (to == G_WAITING) {
        waits++;
        unknown += the_m.callgo_g != gp;
    }
}

int main(void)
{
    the_g.status = G_DEAD;
    the_m.cpu = &the_cpu;
    the_cpu.m = &the_m;
    the_cpu.self = &the_cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, (unsigned long)&the_cpu);
    the_g.stack.lo = 4096;
    the_p.gfree = &the_g;
    the_p.gfree_count = 1;
    the_cpu.p = &the_p;
    struct g *gp = helper_get(&the_m);
    report("a helper is made of a dead goroutine", gp == &the_g && gp->status == G_WAITING);
    report("whoever sees it wait knows what it is", waits == 1 && unknown == 0);
    report("it is the helper from then on", helper_get(&the_m) == gp && waits == 1);
    return failures != 0;
}
