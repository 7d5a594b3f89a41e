#include "boot/pvh/memmap.h"

#define PAGE 4096ull

static void entry_remove(struct memmap *m, size_t i)
{
    for (size_t k = i; k + 1 < m->n; k++)
        m->e[k] = m->e[k + 1];
    m->n--;
}

static void entry_insert(struct memmap *m, size_t i, uint64_t base, uint64_t end, uint32_t type)
{
    for (size_t k = m->n; k > i; k--)
        m->e[k] = m->e[k - 1];
    m->e[i] = (struct boot_mem){ base, end - base, type, 0 };
    m->n++;
}

/* Takes [base, end) out of every entry that overlaps it; one of them may be split. */
static void range_clear(struct memmap *m, uint64_t base, uint64_t end)
{
    for (size_t i = 0; i < m->n;) {
        uint64_t b = m->e[i].base, e = b + m->e[i].size;

        if (e <= base || b >= end) {
            i++;
        } else if (b < base && e > end) {
            m->e[i].size = base - b;
            entry_insert(m, i + 1, end, e, m->e[i].type);
            return;
        } else if (b < base) {
            m->e[i].size = base - b;
            i++;
        } else if (e > end) {
            m->e[i].base = end;
            m->e[i].size = e - end;
            i++;
        } else {
            entry_remove(m, i);
        }
    }
}

static void merge_neighbours(struct memmap *m)
{
    for (size_t i = 0; i + 1 < m->n;) {
        struct boot_mem *a = &m->e[i], *b = &m->e[i + 1];

        if (a->type == b->type && a->base + a->size == b->base) {
            a->size += b->size;
            entry_remove(m, i + 1);
        } else {
            i++;
        }
    }
}

bool memmap_claim(struct memmap *m, uint64_t base, uint64_t size, uint32_t type)
{
    uint64_t end = base + size;

    if (end < base)
        end = ~0ull;
    if (type == BOOT_MEM_FREE) {
        base = (base + PAGE - 1) & ~(PAGE - 1);
        end &= ~(PAGE - 1);
    } else {
        base &= ~(PAGE - 1);
        end = end > ~0ull - PAGE ? end & ~(PAGE - 1) : (end + PAGE - 1) & ~(PAGE - 1);
    }
    if (base >= end)
        return true;
    if (m->n + 2 > m->max) /* a split and the new entry */
        return false;
    range_clear(m, base, end);
    size_t i = 0;
    while (i < m->n && m->e[i].base < base)
        i++;
    entry_insert(m, i, base, end, type);
    merge_neighbours(m);
    return true;
}
