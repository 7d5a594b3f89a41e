/* elf.h - static ELF64 executables: checked, looked into, loaded.
 *
 * elf_parse is pure: it believes nothing in the file, allocates nothing and also runs in the
 * UEFI loader (for the kernel image), and in host tests. After it has returned 0, every
 * segment lies within the file, within the window, apart from all others, and none is both
 * writable and executable. Lookups of sections and symbols check their own bounds each time:
 * a file whose section table is damaged just has no sections.
 *
 * elf_load (elf_load.c, kernel only) maps an app at its own addresses. */
#ifndef BOOT_COMMON_ELF_H
#define BOOT_COMMON_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an app may lie: above the usual null-pointer range, below Go's heap arenas. */
#define ELF_APP_LO  0x400000ull
#define ELF_APP_HI  0xc000000000ull
#define ELF_APP_MAX (4ull << 30) /* bytes from the first to the last segment's end */

#define ELF_SEG_MAX  16u
#define ELF_TEXT_MAX 160u

enum { ELF_PF_X = 1, ELF_PF_W = 2, ELF_PF_R = 4 };
enum { ELF_PT_LOAD = 1 };
enum { ELF_STT_OBJECT = 1, ELF_STT_FUNC = 2 };

struct elf_segment {
    uint64_t vaddr, memsz; /* memsz > 0 */
    uint64_t offset, filesz; /* filesz <= memsz */
    uint64_t paddr;
    uint32_t flags; /* ELF_PF_* */
    uint32_t index; /* in the program header table, for messages */
};

struct elf_image {
    const uint8_t *file;
    size_t size;
    uint64_t entry;
    uint64_t lo, hi; /* all segments lie in [lo, hi) */
    uint32_t nseg;
    struct elf_segment seg[ELF_SEG_MAX]; /* PT_LOAD only, rising vaddr */
    char text[ELF_TEXT_MAX]; /* the error */
};

struct elf_window {
    uint64_t lo, hi; /* segments must lie in [lo, hi) */
    uint64_t max; /* hi - lo of the image at most */
};

struct elf_symbol {
    uint64_t value, size;
    uint8_t type; /* ELF_STT_* */
    uint8_t bind;
};

/* 0, or -ENOEXEC with out->text: one line without a newline, with "what: " in front unless
 * `what` is NULL. */
int elf_parse(const void *file, size_t n, const char *what, const struct elf_window *win,
              struct elf_image *out);

/* The data of the section in the file and its size (and its address in *addr, if not NULL);
 * NULL if there is none, or no data. */
const void *elf_section(const struct elf_image *im, const char *name, size_t *size, uint64_t *addr);
/* Where section number i, counted from 0, has memory without data in the file (.bss), threads'
 * own left out. False: there are not so many sections; *size 0: section i is none such. */
bool elf_zeroed(const struct elf_image *im, uint32_t i, uint64_t *addr, uint64_t *size);
/* Finds a defined symbol of .symtab: 0 or -ENOENT. Linear in the table. */
int elf_symbol(const struct elf_image *im, const char *name, struct elf_symbol *out);
/* The defined function or object that covers addr, its name in *name; or -ENOENT. */
int elf_symbol_at(const struct elf_image *im, uint64_t addr, struct elf_symbol *out,
                  const char **name);

/* Loads an app at its own addresses. Pages that a read-only segment fills from the file and
 * that happen to lie page-aligned in memory (`file` is in the direct map: the bundle) are
 * mapped in place, so the bundle must stay; all others are committed and copied. Text is RX,
 * rodata R, data RW+NX. 0, or -ENOEXEC, -ENOMEM, -EEXIST with *err. g0 or boot context, once
 * per boot: after an error the range may be partly mapped, and there is nothing to go on with. */
int elf_load(const void *file, size_t n, struct elf_image *out, const char **err);

#endif
