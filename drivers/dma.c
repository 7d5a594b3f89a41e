#include "drivers/dma.h"
#include <string.h>
#include "mm/mm.h"

void *dma_alloc(size_t bytes, uint64_t *pa)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    *pa = mm_can_spare(PAGE_SIZE << order) ? frame_alloc(order) : 0;
    if (!*pa)
        return NULL;
    void *p = phys_to_virt(*pa);
    memset(p, 0, PAGE_SIZE << order);
    return p;
}
