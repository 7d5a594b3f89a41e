/* dwarf_line.h - from an address to file and line, by the DWARF line tables of an ELF file.
 *
 * Versions 2 to 5 (DWARF 5, section 6.2), in either offset size. Pure: believes nothing in the
 * sections, allocates nothing, takes no lock: for crash reports, and host tests. */
#ifndef GORT_STACK_DWARF_LINE_H
#define GORT_STACK_DWARF_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dwarf_sections {
    struct { const void *p; size_t n; } line, line_str, str; /* .debug_line and so on; n may be 0 */
};

struct dwarf_line {
    const char *root; /* where the compiler was started; "" below version 5, which has no word
                       * of it in these tables */
    const char *dir;  /* in root, unless it starts with a slash; may be "" */
    const char *file; /* in dir, likewise */
    uint32_t line;
};

/* The path as text, with what the tables do not know left out; at most n - 1 characters. */
void dwarf_line_path(const struct dwarf_line *l, char *buf, size_t n);
/* The line of the instruction at pc, or that contains it. False: no table knows. Time is linear in
 * the tables. The strings lie in the sections. */
bool dwarf_line_at(const struct dwarf_sections *s, uint64_t pc, struct dwarf_line *out);

#endif
