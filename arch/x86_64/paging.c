#include "arch/x86_64/paging.h"
#include <errno.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/die.h"
#include "arch/x86_64/page.h"

uint64_t pt_root;
uint64_t (*pt_alloc_frame)(void), (*pt_split_frame)(void);
void (*pt_free_frame)(uint64_t pa);

static unsigned pt_index(uintptr_t va, unsigned level)
{
    return va >> (12 + 9 * (level - 1)) & 511;
}

static uint64_t *table_of(uint64_t entry)
{
    return phys_to_virt(entry & PTE_ADDR);
}

/* Finds the leaf that maps va in the tables of `root`: its value, level in *level; 0 if there is
 * none. Any context. */
static uint64_t lookup(uint64_t root, uintptr_t va, unsigned *level)
{
    uint64_t e = root | PTE_P;

    if ((int64_t)(va << 16) >> 16 != (int64_t)va)
        return 0; /* not canonical */
    for (unsigned l = 4; l >= 1; l--) {
        e = __atomic_load_n(&table_of(e)[pt_index(va, l)], __ATOMIC_RELAXED);
        if (!(e & PTE_P))
            return 0;
        if (l == 1 || e & PTE_PS) {
            *level = l;
            return e;
        }
    }
    return 0;
}

/* The walk takes no lock, and page tables are freed: after a shootdown, which waits until this
 * CPU has taken an interrupt. With interrupts off that is after the walk. */
uint64_t pt_find(uintptr_t va, unsigned *level)
{
    uint64_t flags = irq_save(), e = lookup(read_cr3() & PTE_ADDR, va, level);

    irq_restore(flags);
    return e;
}

bool pt_is_mapped(uintptr_t va, bool write)
{
    unsigned level;
    uint64_t e = pt_find(va, &level);

    return e && (!write || e & PTE_W);
}

/* As far as the entries of t from va's on are alike, up to the one that reaches end. */
static uintptr_t alike(const uint64_t *t, uintptr_t va, uintptr_t end, unsigned level,
                       bool present)
{
    uintptr_t at = va & ~(LEVEL_SIZE(level) - 1);

    for (unsigned i = pt_index(va, level); i < 512 && at < end; i++, at += LEVEL_SIZE(level)) {
        uint64_t e = __atomic_load_n(&t[i], __ATOMIC_RELAXED);
        if (!!(e & (PTE_P | PTE_NONE)) != present || (present && level > 1 && !(e & PTE_PS)))
            break;
    }
    return at;
}

bool pt_run(uintptr_t va, uintptr_t end, uintptr_t *next)
{
    uint64_t flags = irq_save(), e = read_cr3() | PTE_P;
    unsigned l = 5;
    const uint64_t *t = NULL;

    while (l > 1 && e & PTE_P && !(l < 5 && e & PTE_PS)) {
        t = table_of(e);
        e = __atomic_load_n(&t[pt_index(va, --l)], __ATOMIC_RELAXED);
    }
    bool present = e & (PTE_P | PTE_NONE);
    *next = alike(t, va, end, l, present);
    irq_restore(flags);
    return present;
}

static uint64_t new_table(void)
{
    uint64_t pa = pt_alloc_frame();

    if (pa)
        memset(phys_to_virt(pa), 0, 4096);
    return pa;
}

/* Only leaves carry NX and read-only: tables allow everything. */
static uint64_t *descend(uintptr_t va, unsigned level)
{
    uint64_t *t = phys_to_virt(pt_root);

    for (unsigned l = 4; l > level; l--) {
        uint64_t *e = &t[pt_index(va, l)];
        if (*e & PTE_NONE)
            return NULL;
        if (!(*e & PTE_P)) {
            uint64_t pa = new_table();
            if (!pa)
                return NULL;
            *e = pa | PTE_P | PTE_W;
        } else if (*e & PTE_PS) {
            return NULL;
        }
        t = table_of(*e);
    }
    return &t[pt_index(va, level)];
}

static bool table_empty(const uint64_t *t)
{
    for (int i = 0; i < 512; i++)
        if (t[i])
            return false;
    return true;
}

uint64_t *pt_slot(uintptr_t va, unsigned level)
{
    uint64_t *e = descend(va, level);

    if (e && level == 2 && *e & PTE_P && !(*e & PTE_PS) && table_empty(table_of(*e))) {
        uint64_t frame = *e & PTE_ADDR;
        *e = 0;
        tlb_shootdown(va, 4096); /* paging-structure caches may hold the table */
        pt_free_frame(frame);
    }
    return e;
}

static void unmap_quietly(uintptr_t va, uintptr_t end)
{
    while (va < end) {
        unsigned level;
        uint64_t e = lookup(pt_root, va, &level);
        ARCH_CHECK(e, "unmapping what was just mapped: %#lx", va);
        *descend(va, level) = 0;
        va += LEVEL_SIZE(level);
    }
}

int pt_map(uintptr_t va, uint64_t pa, uint64_t size, uint64_t flags, unsigned max_level)
{
    uintptr_t start = va, end = va + size;

    while (va != end) {
        unsigned l = max_level;
        uint64_t *e;

        while (l > 1 && ((va | pa) & (LEVEL_SIZE(l) - 1) || end - va < LEVEL_SIZE(l)))
            l--;
        /* If a table is there already, smaller pages go into it. */
        while ((e = descend(va, l)) && l > 1 && *e & PTE_P && !(*e & PTE_PS))
            l--;
        if (!e || *e & (PTE_P | PTE_NONE)) {
            unsigned level;
            int err = e || lookup(pt_root, va, &level) ? -EEXIST : -ENOMEM;
            unmap_quietly(start, va);
            return err;
        }
        *e = pa | flags | PTE_P | PTE_A | PTE_D | (l > 1 ? PTE_PS : 0);
        va += LEVEL_SIZE(l);
        pa += LEVEL_SIZE(l);
    }
    return 0;
}

/* Replaces a large page by 512 of the next size that map the same. The new table is
 * complete before it becomes visible, so other CPUs never see a hole. False: no frame. */
static bool split(uint64_t *e, unsigned level)
{
    uint64_t old = *e, pa = old & PTE_ADDR & ~(LEVEL_SIZE(level) - 1);
    uint64_t flags = old & ~(PTE_ADDR | PTE_PS);
    uint64_t frame = pt_split_frame();

    if (!frame)
        return false;
    uint64_t *t = phys_to_virt(frame);
    for (uint64_t i = 0; i < 512; i++)
        t[i] = (pa + i * LEVEL_SIZE(level - 1)) | flags | (level > 2 ? PTE_PS : 0);
    __atomic_store_n(e, frame | PTE_P | PTE_W, __ATOMIC_RELEASE);
    return true;
}

uint64_t *pt_leaf_within(uintptr_t va, uintptr_t end, unsigned *level, uintptr_t *next)
{
    uint64_t *t = phys_to_virt(pt_root);

    for (unsigned l = 4;; l--) {
        uint64_t *e = &t[pt_index(va, l)];
        uintptr_t base = va & ~(LEVEL_SIZE(l) - 1);

        if (!(*e & (PTE_P | PTE_NONE))) {
            *next = base + LEVEL_SIZE(l);
            return NULL;
        }
        if (l > 1 && *e & PTE_PS && (base < va || base + LEVEL_SIZE(l) - 1 > end - 1) &&
            !split(e, l)) {
            *next = va;
            return NULL;
        }
        if (l == 1 || *e & PTE_PS) {
            *level = l;
            *next = base + LEVEL_SIZE(l);
            return e;
        }
        t = table_of(*e);
    }
}

uint64_t pt_prune(uintptr_t va)
{
    uint64_t *t = phys_to_virt(pt_root);

    for (unsigned l = 4; l > 2; l--) {
        uint64_t e = t[pt_index(va, l)];
        if (!(e & PTE_P) || e & PTE_PS)
            return 0;
        t = table_of(e);
    }
    uint64_t *e = &t[pt_index(va, 2)];
    if (!(*e & PTE_P) || *e & PTE_PS || !table_empty(table_of(*e)))
        return 0;
    uint64_t frame = *e & PTE_ADDR;
    *e = 0;
    return frame;
}
