/* dma.h - memory that a device reads and writes. */
#ifndef DRIVERS_DMA_H
#define DRIVERS_DMA_H

#include <stddef.h>
#include <stdint.h>

/* Physically contiguous, page-aligned, zeroed, never freed; *pa is where the device finds it. NULL:
 * no memory. Boot and g0. */
void *dma_alloc(size_t bytes, uint64_t *pa);

#endif
