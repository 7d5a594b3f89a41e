/* offset.h - the lines of the files named offsets.c: each becomes a #define in
 * build/gen/offsets.h, so that assembly never contains a number of a C structure.
 *
 * A room's offsets.c is compiled to assembly, which is searched for these lines, and not linked. */
#ifndef GORT_ABI_OFFSET_H
#define GORT_ABI_OFFSET_H

#include <stddef.h>

#define OFFSET(name, type, field)                                                        \
    __asm__ volatile("\n#OFFSET " #name " %c0" ::"i"(offsetof(type, field)))
#define VALUE(name, v) __asm__ volatile("\n#OFFSET " #name " %c0" ::"i"(v))

#endif
