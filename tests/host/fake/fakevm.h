/* fakevm.h - address ranges and their pages, for tests of mmap. */
#ifndef FAKEVM_H
#define FAKEVM_H
#include <sys/mman.h>
#include "gort/os/mmap.h"
#include "mm/mm.h"

/* Pages of the window are mapped when they have been committed; all other memory is the host's. */
static struct { uintptr_t va; unsigned prot; } pages[64];
static unsigned npages;
static unsigned page_index(uintptr_t va)
{
    unsigned i = 0;

    while (i < npages && pages[i].va != (va & ~4095ul))
        i++;
    return i;
}
bool vm_is_mapped(uintptr_t va, bool write)
{
    unsigned i = page_index(va);

    if (!mmap_window(va))
        return va >= 65536;
    return i < npages && (write ? pages[i].prot & VM_W : pages[i].prot);
}
uintptr_t vm_reserve(enum vm_zone z, uintptr_t hint, size_t size, size_t align)
{
    (void)z;
    (void)align;
    void *p = mmap((void *)hint, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : (uintptr_t)p;
}
uintptr_t vm_reserve_in(enum vm_zone z, uintptr_t lo, uintptr_t hi, size_t size)
{
    uintptr_t va = vm_reserve(z, lo, size, 4096);

    if (va && va + size > hi)
        munmap((void *)va, size);
    return va && va + size <= hi ? va : 0;
}
uintptr_t vm_next(uintptr_t va, uintptr_t end, bool mapped)
{
    while (va < end && (page_index(va) < npages) != mapped)
        va = (va & ~4095ul) + 4096;
    return va < end ? va : end;
}
bool vm_is_huge(uintptr_t va) { (void)va; return false; }
void vm_release(uintptr_t va, size_t size) { munmap((void *)va, size); }
int vm_commit(uintptr_t va, size_t size)
{
    check(size == 4096 && !vm_is_mapped(va, false) && npages < 64, "commits a page");
    pages[npages].va = va;
    pages[npages++].prot = VM_R | VM_W;
    return mprotect((void *)va, size, PROT_READ | PROT_WRITE) ? -ENOMEM : 0;
}
int vm_commit_page(uintptr_t va, void (*fill)(void *page, const void *arg), const void *arg)
{
    if (vm_commit(va, 4096))
        return -ENOMEM;
    fill((void *)va, arg);
    return 0;
}
void vm_decommit(uintptr_t va, size_t size)
{
    for (unsigned i = 0; i < npages;)
        if (pages[i].va - va < size) {
            mmap((void *)pages[i].va, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
            pages[i] = pages[--npages];
        } else {
            i++;
        }
}
int vm_protect(uintptr_t va, size_t size, unsigned prot)
{
    for (unsigned i = 0; i < npages; i++)
        if (pages[i].va - va < size)
            pages[i].prot = prot;
    return 0;
}
int vm_move(uintptr_t from, uintptr_t to, size_t size)
{
    for (size_t at = 0; at < size; at += 4096) {
        unsigned i = page_index(from + at), prot = i < npages ? pages[i].prot : 0;
        if (i == npages)
            continue;
        mprotect((void *)(from + at), 4096, PROT_READ | PROT_WRITE);
        vm_commit(to + at, 4096);
        memcpy((void *)(to + at), (void *)(from + at), 4096);
        vm_protect(to + at, 4096, prot);
        vm_decommit(from + at, 4096);
    }
    return 0;
}
/* A frame cannot be mapped here, so its present bytes are copied. */
int vm_map_phys(uintptr_t va, uint64_t pa, size_t size, unsigned prot)
{
    vm_commit(va, size);
    memcpy((void *)va, phys_to_virt(pa), size);
    return vm_protect(va, size, prot);
}
void vm_unmap_phys(uintptr_t va, size_t size) { vm_decommit(va, size); }

#endif
