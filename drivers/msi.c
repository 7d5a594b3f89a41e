/* msi.c - each CPU has a table of its own, so 128 vectors are there per CPU and not in all. The
 * low vectors belong to lines of the I/O APIC (irq.c), on the boot CPU; here they are given out
 * from the top. A handler is complete before it is linked in, so dispatch needs no lock. */
#include "drivers/msi.h"
#include <errno.h>
#include "arch/x86_64/state.h"
#include "kernel/lock.h"
#include "mm/mm.h"

#define LINES 64u /* vectors from VEC_DEV on that are left to irq.c */
#define FIRST (VEC_DEV + LINES)
#define COUNT (VEC_TIMER - FIRST)
#define MSI_ADDRESS 0xfee00000u

struct msi { void (*fn)(void *); void *arg; };
struct table { struct msi entry[COUNT]; unsigned used; };

static struct table *tables[CPU_MAX]; /* [atomic] */
static struct lock msi_lock = LOCK_INIT("msi", RANK_NETQ);

static struct table *table_of(unsigned cpu)
{
    if (!tables[cpu])
        __atomic_store_n(&tables[cpu], persistent_alloc(sizeof(struct table), 64, NULL),
                         __ATOMIC_RELEASE);
    return tables[cpu];
}

int irq_msi_alloc(unsigned cpu, void (*fn)(void *), void *arg, uint64_t *address, uint32_t *data)
{
    int err = -ENOSPC;

    if (cpu >= ncpu || cpus[cpu]->apic_id > 255)
        return -EINVAL;
    struct table *t = table_of(cpu);
    lock(&msi_lock);
    if (t->used < COUNT) {
        struct msi *m = &t->entry[t->used];
        m->arg = arg;
        __atomic_store_n(&m->fn, fn, __ATOMIC_RELEASE);
        *address = MSI_ADDRESS | cpus[cpu]->apic_id << 12;
        *data = VEC_TIMER - 1 - t->used++;
        err = 0;
    }
    unlock(&msi_lock);
    return err;
}

bool irq_msi_dispatch(unsigned vector)
{
    const struct table *t = __atomic_load_n(&tables[cpu_id()], __ATOMIC_ACQUIRE);

    if (!t || vector < FIRST || vector >= VEC_TIMER)
        return false;
    const struct msi *m = &t->entry[VEC_TIMER - 1 - vector];
    void (*fn)(void *) = __atomic_load_n(&m->fn, __ATOMIC_ACQUIRE);
    if (fn)
        fn(m->arg);
    return fn != NULL;
}
