/* sizeclass.c - the generated tables, unfolded. The classes are Go's (sizeclasses.go): the compiler
 * and runtime/metrics know them. */
#include "gort/heap/sizeclass.h"
#include "gort/abi/sizeclasses.h"

_Static_assert(NUM_SIZE_CLASSES == NUM_CLASSES, "size classes");
_Static_assert(MAX_SMALL_SIZE == SMALL_MAX && 1u << GO_PAGE_SHIFT == GO_PAGE_SIZE, "sizes");

uint16_t class_size[NUM_CLASSES];
uint8_t  class_pages[NUM_CLASSES];
uint32_t class_magic[NUM_CLASSES];
uint8_t  class_by8[SMALL_MAX / 8 + 1];

/* Go keeps two tables, by 8 up to 1024 and by 128 above. One by 8 (4 KiB) saves a branch per
 * allocation. */
static unsigned class_in_tables(size_t size)
{
    if (size <= SMALL_SIZE_MAX - 8)
        return sizeclass_by8[(size + SMALL_SIZE_DIV - 1) / SMALL_SIZE_DIV];
    return sizeclass_by128[(size - SMALL_SIZE_MAX + LARGE_SIZE_DIV - 1) / LARGE_SIZE_DIV];
}

void sizeclass_init(void)
{
    for (unsigned c = 0; c < NUM_CLASSES; c++) {
        class_size[c] = sizeclass_size[c];
        class_pages[c] = sizeclass_pages[c];
        class_magic[c] = sizeclass_magic[c];
    }
    for (size_t i = 0; i <= SMALL_MAX / 8; i++)
        class_by8[i] = (uint8_t)class_in_tables(i * 8);
}

unsigned sizeclass_nelems(unsigned spc)
{
    unsigned c = spc / 2;
    size_t bytes = class_pages[c] * GO_PAGE_SIZE;

    if (!span_class_noscan(spc) && class_size[c] <= HEADER_MIN)
        bytes -= SPAN_BITS_BYTES;
    return (unsigned)(bytes / class_size[c]);
}
