// sources: gort/stack/dwarf_line.c
/* Lines of addresses, compared with addr2line's for one file, DWARF 2 to 5, by gcc and clang; then
 * tables with flipped bits and cut ends, which must not crash. */
#include "gort/stack/dwarf_line.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIR "build/tests/host/"
static int failures;

static void check(bool ok, const char *name, const char *more)
{
    printf("%s %s%s\n", ok ? "ok" : "FAIL", name, more);
    failures += !ok;
}

static uint8_t *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    if (!f || fstat(fileno(f), &st))
        return NULL;
    uint8_t *p = malloc((size_t)st.st_size);
    *n = fread(p, 1, (size_t)st.st_size, f);
    fclose(f);
    return p;
}

static const Elf64_Shdr *section(const uint8_t *elf, const char *name)
{
    const Elf64_Ehdr *h = (const void *)elf;
    const Elf64_Shdr *s = (const void *)(elf + h->e_shoff);

    for (unsigned i = 0; i < h->e_shnum; i++)
        if (!strcmp((const char *)elf + s[h->e_shstrndx].sh_offset + s[i].sh_name, name))
            return &s[i];
    return NULL;
}

/* Copies of the sections, each in memory of its own, so that a read past an end is seen. */
static struct dwarf_sections sections(const uint8_t *elf)
{
    struct dwarf_sections d = { 0 };
    const Elf64_Shdr *s;

#define COPY(to, name)                                             \
    if ((s = section(elf, name)) && s->sh_size) {                  \
        d.to.n = s->sh_size;                                       \
        d.to.p = memcpy(malloc(s->sh_size), elf + s->sh_offset, s->sh_size); \
    }
    COPY(line, ".debug_line")
    COPY(line_str, ".debug_line_str")
    COPY(str, ".debug_str")
    return d;
}

static void drop(struct dwarf_sections *d)
{
    free((void *)d->line.p);
    free((void *)d->line_str.p);
    free((void *)d->str.p);
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* For a version below 5 our path may be a suffix of addr2line's. */
static void compare(const uint8_t *elf, const struct dwarf_sections *d, int version,
                    const char *name)
{
    const Elf64_Shdr *text = section(elf, ".text");
    char command[256], theirs[512], ours[600], path[500];
    unsigned same = 0, all = 0;
    bool full = true;

    snprintf(command, sizeof command, "addr2line -e " DIR "lines < " DIR "lines.in");
    FILE *f = fopen(DIR "lines.in", "w");
    for (uint64_t i = 0; i < text->sh_size; i++)
        fprintf(f, "%#lx\n", text->sh_addr + i);
    fclose(f);
    FILE *a = popen(command, "r");
    for (uint64_t i = 0; i < text->sh_size && fgets(theirs, sizeof theirs, a); i++) {
        struct dwarf_line l = { 0 };
        theirs[strcspn(theirs, " \n")] = 0;
        if (dwarf_line_at(d, text->sh_addr + i, &l)) {
            dwarf_line_path(&l, path, sizeof path);
            snprintf(ours, sizeof ours, "%s:%u", path, l.line);
            full &= version < 5 || path[0] == '/';
        } else {
            snprintf(ours, sizeof ours, "?");
        }
        const char *want = theirs;
        if (version < 5) {
            want = base(theirs);
            memmove(ours, base(ours), strlen(base(ours)) + 1);
        }
        bool eq = strcmp(ours, want) == 0 || (want[0] == '?' && ours[0] == '?') ||
                  strcmp(strchr(want, ':') ? strchr(want, ':') : "", ":?") == 0;
        if (!eq && getenv("SHOW"))
            printf("%#lx: %s, want %s\n", text->sh_addr + i, ours, want);
        same += eq;
        all++;
    }
    pclose(a);
    check(all == text->sh_size && all > 1000 && same == all, "the lines are addr2line's: ", name);
    check(full, "paths are whole: ", name);
}

/* Damaged tables: any answer is allowed, a crash or hang is not. */
static void damage(const struct dwarf_sections *d, uint64_t lo, uint64_t n)
{
    uint8_t *line = (uint8_t *)d->line.p;
    uint32_t seed = 1;
    struct dwarf_line l;

    for (int i = 0; i < 1500; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t at = (seed >> 8) % (uint32_t)d->line.n % (i % 2 ? 200 : ~0u);
        uint8_t was = line[at];
        line[at] ^= (uint8_t)(1u << seed % 8);
        size_t both = 0;
        if (dwarf_line_at(d, lo + (seed >> 4) % n, &l))
            both = strlen(l.file) + strlen(l.dir) + strlen(l.root);
        if (both > 1u << 20)
            check(false, "a name is a string", "");
        line[at] = was;
    }
    for (size_t cut = 0; cut < d->line.n; cut += 1 + cut / 40) {
        struct dwarf_sections c = *d;
        c.line.n = cut;
        c.line.p = cut ? memcpy(malloc(cut), line, cut) : NULL;
        c.line_str.n /= 2;
        dwarf_line_at(&c, lo + n - 1, &l);
        free((void *)c.line.p);
    }
    check(true, "damaged tables are survived", "");
}

static void test_with(const char *cc, int version)
{
    char command[512], name[40];
    size_t n;

    snprintf(command, sizeof command,
             "%s -w -g -gdwarf-%d -O2 -I. -Ibuild/gen -ffreestanding -nostdlib -static "
             "-Wl,-e0,--unresolved-symbols=ignore-all -o " DIR "lines boot/common/elf.c "
             "boot/common/cpio.c kernel/options.c 2>/dev/null", cc, version);
    snprintf(name, sizeof name, "%s, DWARF %d", cc, version);
    if (system(command)) {
        check(false, "builds: ", command);
        return;
    }
    uint8_t *elf = slurp(DIR "lines", &n);
    struct dwarf_sections d = sections(elf);
    const Elf64_Shdr *text = section(elf, ".text");
    compare(elf, &d, version, name);
    damage(&d, text->sh_addr, text->sh_size);
    drop(&d);
    free(elf);
}

int main(void)
{
    for (int v = 2; v <= 5; v++)
        test_with("gcc", v);
    if (system("clang --version > /dev/null 2>&1") == 0)
        test_with("clang", 5);
    return failures != 0;
}
