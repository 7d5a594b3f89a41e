/* elf.c - the checks of elf.h, and the lookups. Format: System V gABI, chapters 4 and 5, and
 * its x86-64 supplement. */
#include "boot/common/elf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EM_X86_64  62
#define ET_EXEC    2
#define PT_INTERP  3u
#define PT_DYNAMIC 2u
#define SHT_SYMTAB 2u
#define SHT_NOBITS 8u
#define SHF_ALLOC  2u
#define SHF_TLS    0x400u
#define PAGE       4096ull

struct ehdr {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
struct shdr {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};
struct sym {
    uint32_t name;
    uint8_t info, other;
    uint16_t shndx;
    uint64_t value, size;
};
_Static_assert(sizeof(struct ehdr) == 64 && sizeof(struct phdr) == 56 &&
                   sizeof(struct shdr) == 64 && sizeof(struct sym) == 24,
               "ELF64 layouts");

typedef unsigned long long ull; /* for printf */

__attribute__((format(printf, 3, 4))) static int fail(struct elf_image *im, const char *what,
                                                      const char *fmt, ...)
{
    int n = what ? snprintf(im->text, sizeof im->text, "%s: ", what) : 0;
    va_list ap;

    va_start(ap, fmt);
    if (n >= 0 && (size_t)n < sizeof im->text)
        vsnprintf(im->text + n, sizeof im->text - (size_t)n, fmt, ap);
    va_end(ap);
    return -ENOEXEC;
}

/* Is [off, off + n) within the file? Cannot wrap. */
static bool in_file(const struct elf_image *im, uint64_t off, uint64_t n)
{
    return off <= im->size && n <= im->size - off;
}

static int check_header(struct elf_image *im, const char *what, struct ehdr *h)
{
    if (im->size < sizeof *h)
        return fail(im, what, "file truncated: an ELF header has 64 bytes, file has %zu", im->size);
    memcpy(h, im->file, sizeof *h);
    if (memcmp(h->ident, "\177ELF", 4) != 0)
        return fail(im, what, "not an ELF file");
    if (h->ident[4] != 2 || h->ident[5] != 1)
        return fail(im, what, "not a 64-bit little-endian ELF file (class %u, data %u)",
                    h->ident[4], h->ident[5]);
    if (h->ident[6] != 1 || h->version != 1)
        return fail(im, what, "unknown ELF version %u", (unsigned)h->version);
    if (h->machine != EM_X86_64)
        return fail(im, what, "built for machine %u, not x86-64", h->machine);
    if (h->type != ET_EXEC)
        return fail(im, what, "not a static executable at fixed addresses (ELF type %u)", h->type);
    if (h->phentsize != sizeof(struct phdr))
        return fail(im, what, "program headers of %u bytes, not 56", h->phentsize);
    if (h->phnum == 0)
        return fail(im, what, "no program headers");
    if (!in_file(im, h->phoff, (uint64_t)h->phnum * sizeof(struct phdr)))
        return fail(im, what, "file truncated: %u program headers at %llu, file has %zu bytes",
                    h->phnum, (ull)h->phoff, im->size);
    return 0;
}

static int check_segment(struct elf_image *im, const char *what, const struct phdr *p, unsigned i,
                         const struct elf_window *w)
{
    if (p->filesz > p->memsz)
        return fail(im, what, "segment %u has more bytes in the file (%llu) than in memory (%llu)",
                    i, (ull)p->filesz, (ull)p->memsz);
    if (p->offset > UINT64_MAX - p->filesz)
        return fail(im, what, "segment %u: file offset %llu is out of range", i, (ull)p->offset);
    if (!in_file(im, p->offset, p->filesz))
        return fail(im, what, "file truncated: segment %u ends at %llu, file has %zu bytes", i,
                    (ull)(p->offset + p->filesz), im->size);
    if ((p->flags & ELF_PF_W) && (p->flags & ELF_PF_X))
        return fail(im, what, "segment %u is writable and executable", i);
    if (p->vaddr < w->lo || p->vaddr >= w->hi || p->memsz > w->hi - p->vaddr)
        return fail(im, what, "segment %u at 0x%llx, 0x%llx bytes, is outside of 0x%llx..0x%llx", i,
                    (ull)p->vaddr, (ull)p->memsz, (ull)w->lo, (ull)w->hi);
    if (p->align > 1 && (p->align & (p->align - 1)))
        return fail(im, what, "segment %u: alignment 0x%llx is no power of two", i, (ull)p->align);
    if (p->align > 1 && ((p->vaddr ^ p->offset) & (p->align - 1)))
        return fail(im, what,
                    "segment %u: address 0x%llx and offset 0x%llx differ modulo its "
                    "alignment 0x%llx",
                    i, (ull)p->vaddr, (ull)p->offset, (ull)p->align);
    return 0;
}

/* Keeps seg[] sorted by address. */
static int add_segment(struct elf_image *im, const char *what, const struct phdr *p, unsigned i)
{
    if (im->nseg == ELF_SEG_MAX)
        return fail(im, what, "more than %u segments", ELF_SEG_MAX);
    unsigned k = im->nseg++;
    for (; k > 0 && im->seg[k - 1].vaddr > p->vaddr; k--)
        im->seg[k] = im->seg[k - 1];
    im->seg[k] = (struct elf_segment){
        .vaddr = p->vaddr,
        .memsz = p->memsz,
        .offset = p->offset,
        .filesz = p->filesz,
        .paddr = p->paddr,
        .flags = p->flags,
        .index = i,
    };
    return 0;
}

/* Segments get page permissions, so they must not even share a page, except when both want
 * the same ones. */
static int check_layout(struct elf_image *im, const char *what, const struct elf_window *w)
{
    if (im->nseg == 0)
        return fail(im, what, "nothing to load");
    for (unsigned i = 1; i < im->nseg; i++) {
        const struct elf_segment *a = &im->seg[i - 1], *b = &im->seg[i];
        uint64_t end = a->vaddr + a->memsz;
        if (end > b->vaddr)
            return fail(im, what, "segments %u and %u overlap at 0x%llx", (unsigned)a->index,
                        (unsigned)b->index, (ull)b->vaddr);
        if (((end - 1) & ~(PAGE - 1)) == (b->vaddr & ~(PAGE - 1)) && a->flags != b->flags)
            return fail(im, what,
                        "segments %u and %u share the page at 0x%llx with different "
                        "permissions",
                        (unsigned)a->index, (unsigned)b->index, (ull)(b->vaddr & ~(PAGE - 1)));
    }
    const struct elf_segment *last = &im->seg[im->nseg - 1];
    im->lo = im->seg[0].vaddr;
    im->hi = last->vaddr + last->memsz;
    if (im->hi - im->lo > w->max)
        return fail(im, what, "needs 0x%llx bytes of address space, at most 0x%llx are allowed",
                    (ull)(im->hi - im->lo), (ull)w->max);
    for (unsigned i = 0; i < im->nseg; i++) {
        const struct elf_segment *s = &im->seg[i];
        if ((s->flags & ELF_PF_X) && im->entry - s->vaddr < s->filesz)
            return 0;
    }
    return fail(im, what, "entry point 0x%llx is not in an executable segment", (ull)im->entry);
}

int elf_parse(const void *file, size_t n, const char *what, const struct elf_window *win,
              struct elf_image *out)
{
    struct ehdr h;

    memset(out, 0, sizeof *out);
    out->file = file;
    out->size = n;
    int error = check_header(out, what, &h);
    if (error)
        return error;
    out->entry = h.entry;
    for (unsigned i = 0; i < h.phnum; i++) {
        struct phdr p;
        memcpy(&p, out->file + h.phoff + i * sizeof p, sizeof p);
        if (p.type == PT_INTERP || p.type == PT_DYNAMIC)
            return fail(out, what, "dynamically linked: build it static, without cgo");
        if (p.type != ELF_PT_LOAD || p.memsz == 0)
            continue;
        error = check_segment(out, what, &p, i, win);
        if (!error)
            error = add_segment(out, what, &p, i);
        if (error)
            return error;
    }
    return check_layout(out, what, win);
}

/* ---- lookups: anything that does not fit means "not found" ------------------------------ */

static bool read_shdr(const struct elf_image *im, const struct ehdr *h, uint32_t i, struct shdr *s)
{
    if (h->shentsize != sizeof *s || i >= h->shnum ||
        !in_file(im, h->shoff, (uint64_t)h->shnum * sizeof *s))
        return false;
    memcpy(s, im->file + h->shoff + i * sizeof *s, sizeof *s);
    return s->type == SHT_NOBITS || in_file(im, s->offset, s->size);
}

/* The string at `off` of a string table, if it ends within. */
static const char *string_at(const struct elf_image *im, const struct shdr *tab, uint32_t off)
{
    if (tab->type == SHT_NOBITS || off >= tab->size)
        return NULL;
    const char *s = (const char *)im->file + tab->offset + off;
    return memchr(s, 0, tab->size - off) ? s : NULL;
}

const void *elf_section(const struct elf_image *im, const char *name, size_t *size, uint64_t *addr)
{
    struct ehdr h;
    struct shdr names, s;

    memcpy(&h, im->file, sizeof h);
    if (!read_shdr(im, &h, h.shstrndx, &names))
        return NULL;
    for (uint32_t i = 0; i < h.shnum; i++) {
        if (!read_shdr(im, &h, i, &s) || s.type == SHT_NOBITS || s.size == 0)
            continue;
        const char *n = string_at(im, &names, s.name);
        if (!n || strcmp(n, name) != 0)
            continue;
        *size = (size_t)s.size;
        if (addr)
            *addr = s.addr;
        return im->file + s.offset;
    }
    return NULL;
}

bool elf_zeroed(const struct elf_image *im, uint32_t i, uint64_t *addr, uint64_t *size)
{
    struct ehdr h;
    struct shdr s;

    memcpy(&h, im->file, sizeof h);
    if (!read_shdr(im, &h, i, &s))
        return false;
    *addr = s.addr;
    *size = s.type == SHT_NOBITS && (s.flags & (SHF_ALLOC | SHF_TLS)) == SHF_ALLOC ? s.size : 0;
    return true;
}

/* Calls back for each defined symbol of .symtab, until visit returns true. */
static bool each_symbol(const struct elf_image *im,
                        bool (*visit)(void *arg, const struct sym *s, const char *name), void *arg)
{
    struct ehdr h;
    struct shdr tab, strings;

    memcpy(&h, im->file, sizeof h);
    for (uint32_t i = 0; i < h.shnum; i++) {
        if (!read_shdr(im, &h, i, &tab) || tab.type != SHT_SYMTAB ||
            !read_shdr(im, &h, tab.link, &strings))
            continue;
        for (uint64_t off = 0; off + sizeof(struct sym) <= tab.size; off += sizeof(struct sym)) {
            struct sym s;
            memcpy(&s, im->file + tab.offset + off, sizeof s);
            const char *name = s.shndx ? string_at(im, &strings, s.name) : NULL;
            if (name && visit(arg, &s, name))
                return true;
        }
    }
    return false;
}

struct search {
    const char *name; /* wanted or, by address, found */
    uint64_t addr;
    struct elf_symbol found;
};

static bool match_name(void *arg, const struct sym *s, const char *name)
{
    struct search *q = arg;

    if (strcmp(name, q->name) != 0)
        return false;
    q->found = (struct elf_symbol){s->value, s->size, s->info & 15, s->info >> 4};
    return true;
}

static bool match_addr(void *arg, const struct sym *s, const char *name)
{
    struct search *q = arg;
    uint8_t type = s->info & 15;

    if ((type != ELF_STT_FUNC && type != ELF_STT_OBJECT) || q->addr - s->value >= s->size)
        return false;
    q->found = (struct elf_symbol){s->value, s->size, type, s->info >> 4};
    q->name = name;
    return true;
}

int elf_symbol(const struct elf_image *im, const char *name, struct elf_symbol *out)
{
    struct search q = {.name = name};

    if (!each_symbol(im, match_name, &q))
        return -ENOENT;
    *out = q.found;
    return 0;
}

int elf_symbol_at(const struct elf_image *im, uint64_t addr, struct elf_symbol *out,
                  const char **name)
{
    struct search q = {.addr = addr};

    if (!each_symbol(im, match_addr, &q))
        return -ENOENT;
    *out = q.found;
    *name = q.name;
    return 0;
}
