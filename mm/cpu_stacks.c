/* cpu_stacks.c - the memory of a CPU: its block and its stacks, each with a guard page below. */
#include "arch/x86_64/state.h"
#include "mm/mm.h"

/* False: no memory. */
static bool stack_make(struct stack_bounds *s, size_t size)
{
    uintptr_t va = vm_reserve(VM_KERNEL, 0, size + PAGE_SIZE, PAGE_SIZE);

    if (!va || vm_commit(va + PAGE_SIZE, size) < 0)
        return false;
    s->lo = va + PAGE_SIZE;
    s->hi = s->lo + size;
    return true;
}

bool cpu_give_stacks(struct cpu *c)
{
    struct cpu_stacks s;

    if (!stack_make(&s.g0, G0_STACK_SIZE))
        return false;
    for (int i = 0; i < IST_COUNT; i++)
        if (!stack_make(&s.ist[i], ist_size[i]))
            return false;
    cpu_set_stacks(c, &s);
    return true;
}

struct cpu *cpu_create(unsigned id, uint32_t apic_id)
{
    struct cpu *c = persistent_alloc(sizeof *c, 64, NULL);
    struct cpu_arch *a = persistent_alloc(sizeof *a, 64, NULL);

    cpu_fill(c, a, id, apic_id);
    return cpu_give_stacks(c) ? c : NULL;
}
