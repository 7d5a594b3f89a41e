/* test_elf.c - every error of boot/common/elf.c, its lookups, the loader over a fake mm/, and a
 * loop that flips bits of a good file.
 * sources: boot/common/elf.c gort/load/elf_load.c */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "boot/common/elf.h"
#include "mm/mm.h"

static int failures;

static void report(const char *name, bool good, const char *text)
{
    failures += !good;
    printf("%s %s%s%s\n", good ? "ok" : "FAIL", name, good ? "" : ": ", good ? "" : text);
}

/* ---- a good file: text RX, rodata R, data RW with bss; a note; three sections ------------ */

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

#define FILE_SIZE 0x4800u
#define TEXT_END  0x2234u

static struct __attribute__((packed)) {
    struct ehdr h;
    struct phdr p[4];
    struct {
        uint32_t namesz, descsz, type;
        char name[8];
        uint32_t desc[2];
    } note;
    uint8_t rest[FILE_SIZE - 64 - 4 * 56 - 28];
} f __attribute__((aligned(4096)));

static uint8_t *bytes(size_t off) { return (uint8_t *)&f + off; }

static void add_sections(void)
{
    static const char names[] = "\0.shstrtab\0.symtab\0.strtab\0.gort";
    static const char strings[] = "\0start\0table\0undefined";
    struct shdr s[5] = {
        {0},
        {.name = 1, .type = 3, .offset = 0x4400, .size = sizeof names},
        {.name = 11, .type = 2, .offset = 0x4480, .size = 3 * sizeof(struct sym), .link = 3},
        {.name = 19, .type = 3, .offset = 0x4500, .size = sizeof strings},
        {.name = 27, .type = 1, .addr = 0x403000, .offset = 0x3000, .size = 16},
    };
    struct sym sym[3] = {
        {.name = 1, .info = 0x12, .shndx = 1, .value = 0x401000, .size = 32},
        {.name = 7, .info = 0x11, .shndx = 1, .value = 0x404010, .size = 8},
        {.name = 13, .info = 0x12, .shndx = 0, .value = 0x401000, .size = 32},
    };

    memcpy(bytes(0x4400), names, sizeof names);
    memcpy(bytes(0x4480), sym, sizeof sym);
    memcpy(bytes(0x4500), strings, sizeof strings);
    memcpy(bytes(0x4580), s, sizeof s);
    f.h.shoff = 0x4580;
    f.h.shnum = 5;
}

static void make_good(void)
{
    memset(&f, 0, sizeof f);
    for (size_t i = 0x400; i < 0x4400; i++)
        *bytes(i) = (uint8_t)(i * 7 + i / 256);
    memcpy(f.h.ident, "\177ELF\2\1\1", 7);
    f.h.type = 2;
    f.h.machine = 62;
    f.h.version = 1;
    f.h.entry = 0x401000;
    f.h.phoff = 64;
    f.h.phentsize = 56;
    f.h.phnum = 4;
    f.h.shentsize = 64;
    f.h.shstrndx = 1;
    f.p[0] = (struct phdr){1, 5, 0, 0x400000, 0, TEXT_END, TEXT_END, 0x1000};
    f.p[1] = (struct phdr){1, 4, 0x3000, 0x403000, 0, 0x1000, 0x1000, 0x1000};
    f.p[2] = (struct phdr){1, 6, 0x4010, 0x404010, 0, 0x100, 0x3000, 0x1000};
    f.p[3] = (struct phdr){4, 4, 64 + 4 * 56, 0x400120, 0, 28, 28, 4};
    f.note.namesz = 5;
    f.note.descsz = 8;
    f.note.type = 77;
    memcpy(f.note.name, "Gort", 5);
    f.note.desc[0] = 0xabcd;
    add_sections();
}

/* ---- errors --------------------------------------------------------------------------------- */

static const struct elf_window window = {ELF_APP_LO, ELF_APP_HI, ELF_APP_MAX};

static int parse_copy(size_t n, struct elf_image *im)
{
    uint8_t *copy = malloc(n ? n : 1);

    memcpy(copy, &f, n);
    int error = elf_parse(copy, n, "app", &window, im);
    if (!error) { /* lookups must stay in bounds whatever the tables say */
        struct elf_symbol s;
        const char *name;
        size_t size;
        elf_symbol(im, "no such symbol", &s);
        elf_symbol_at(im, 0x404014, &s, &name);
        elf_section(im, "no such section", &size, NULL);
    }
    free(copy);
    return error;
}

static void expect(const char *name, size_t n, const char *part)
{
    struct elf_image im;
    int error = parse_copy(n, &im);

    report(name, error == -ENOEXEC && strcmp(im.text, part) == 0,
           error ? im.text : "it was accepted");
    make_good();
}

static void test_header(void)
{
    expect("elf_short", 10, "app: file truncated: an ELF header has 64 bytes, file has 10");
    f.h.ident[0] = 0;
    expect("elf_magic", FILE_SIZE, "app: not an ELF file");
    f.h.ident[4] = 1;
    expect("elf_class", FILE_SIZE, "app: not a 64-bit little-endian ELF file (class 1, data 1)");
    f.h.ident[5] = 2;
    expect("elf_data", FILE_SIZE, "app: not a 64-bit little-endian ELF file (class 2, data 2)");
    f.h.version = 3;
    expect("elf_version", FILE_SIZE, "app: unknown ELF version 3");
    f.h.machine = 183;
    expect("elf_machine", FILE_SIZE, "app: built for machine 183, not x86-64");
    f.h.type = 3;
    expect("elf_type", FILE_SIZE, "app: not a static executable at fixed addresses (ELF type 3)");
    f.h.phentsize = 32;
    expect("elf_phentsize", FILE_SIZE, "app: program headers of 32 bytes, not 56");
    f.h.phnum = 0;
    expect("elf_no_headers", FILE_SIZE, "app: no program headers");
    f.h.phoff = FILE_SIZE - 100;
    expect("elf_headers_cut", FILE_SIZE,
           "app: file truncated: 4 program headers at 18332, file has 18432 bytes");
    f.h.phoff = UINT64_MAX - 3;
    expect("elf_headers_wrap", FILE_SIZE,
           "app: file truncated: 4 program headers at "
           "18446744073709551612, file has 18432 bytes");
}

static void test_segments(void)
{
    expect("elf_segment_cut", 0x3800,
           "app: file truncated: segment 1 ends at 16384, file has 14336 bytes");
    f.p[1].offset = UINT64_MAX - 0xfff;
    expect("elf_offset_wraps", FILE_SIZE,
           "app: segment 1: file offset 18446744073709547520 is out of range");
    f.p[2].filesz = 0x3001;
    expect("elf_filesz", FILE_SIZE,
           "app: segment 2 has more bytes in the file (12289) than in "
           "memory (12288)");
    f.p[2].flags = 7;
    expect("elf_wx", FILE_SIZE, "app: segment 2 is writable and executable");
    f.p[0].vaddr = 0;
    expect("elf_page_0", FILE_SIZE,
           "app: segment 0 at 0x0, 0x2234 bytes, is outside of 0x400000..0xc000000000");
    f.p[2].vaddr = 0xbffffff010;
    expect("elf_window_end", FILE_SIZE,
           "app: segment 2 at 0xbffffff010, 0x3000 bytes, is outside of 0x400000..0xc000000000");
    f.p[2].memsz = UINT64_MAX - 0x404000;
    expect("elf_memsz_wraps", FILE_SIZE,
           "app: segment 2 at 0x404010, 0xffffffffffbfbfff bytes, "
           "is outside of 0x400000..0xc000000000");
    f.p[1].align = 0x1800;
    expect("elf_align", FILE_SIZE, "app: segment 1: alignment 0x1800 is no power of two");
    f.p[1].offset = 0x3010;
    expect("elf_congruent", FILE_SIZE,
           "app: segment 1: address 0x403000 and offset 0x3010 differ "
           "modulo its alignment 0x1000");
    f.p[1].vaddr = 0x402000;
    expect("elf_overlap", FILE_SIZE, "app: segments 0 and 1 overlap at 0x402000");
    f.p[0].memsz = 0x3001;
    expect("elf_overlap_bss", FILE_SIZE, "app: segments 0 and 1 overlap at 0x403000");
    f.p[1].vaddr = 0x402800, f.p[1].offset = 0x3800, f.p[1].filesz = 0x800;
    expect("elf_shared_page", FILE_SIZE,
           "app: segments 0 and 1 share the page at 0x402000 with different permissions");
    f.p[2].vaddr = 0x180404010;
    expect("elf_too_big", FILE_SIZE,
           "app: needs 0x180007010 bytes of address space, at most "
           "0x100000000 are allowed");
    f.h.entry = 0x403000;
    expect("elf_entry", FILE_SIZE, "app: entry point 0x403000 is not in an executable segment");
    f.h.entry = 0x402234;
    expect("elf_entry_end", FILE_SIZE, "app: entry point 0x402234 is not in an executable segment");
    f.p[3].type = 3;
    expect("elf_interp", FILE_SIZE, "app: dynamically linked: build it static, without cgo");
    f.p[0].type = f.p[1].type = f.p[2].type = 0;
    expect("elf_nothing", FILE_SIZE, "app: nothing to load");
}

static void test_many_segments(void)
{
    struct elf_image im;
    struct phdr p = {1, 4, 0, 0, 0, 16, 16, 1};

    f.h.phoff = 0x1000;
    f.h.phnum = ELF_SEG_MAX + 1;
    for (unsigned i = 0; i <= ELF_SEG_MAX; i++) {
        p.vaddr = 0x800000 - i * 0x1000; /* falling: they must come out sorted */
        p.flags = i ? 4 : 5;
        memcpy(bytes(0x1000 + i * 56), &p, 56);
    }
    f.h.entry = 0x800000;
    struct elf_image *keep = &im;
    f.h.phnum = ELF_SEG_MAX;
    bool sorted = parse_copy(FILE_SIZE, keep) == 0;
    for (unsigned i = 1; sorted && i < im.nseg; i++)
        sorted = im.seg[i - 1].vaddr < im.seg[i].vaddr;
    report("elf_sorted", sorted, im.text);
    f.h.phnum = ELF_SEG_MAX + 1;
    expect("elf_many_segments", FILE_SIZE, "app: more than 16 segments");
}

static void test_lookups(void)
{
    struct elf_image im;
    struct elf_symbol s;
    const char *name = "";
    size_t size = 0;
    uint64_t addr = 0;

    report("elf_good",
           elf_parse(&f, FILE_SIZE, "app", &window, &im) == 0 && im.nseg == 3 &&
               im.lo == 0x400000 && im.hi == 0x407010 && im.entry == 0x401000,
           im.text);
    report("elf_section",
           elf_section(&im, ".gort", &size, &addr) == bytes(0x3000) && size == 16 &&
               addr == 0x403000 && !elf_section(&im, ".gor", &size, NULL),
           ".gort");
    report("elf_symbol",
           elf_symbol(&im, "table", &s) == 0 && s.value == 0x404010 && s.size == 8 &&
               s.type == ELF_STT_OBJECT && elf_symbol(&im, "undefined", &s) == -ENOENT,
           "table");
    report("elf_symbol_at",
           elf_symbol_at(&im, 0x40101f, &s, &name) == 0 && !strcmp(name, "start") &&
               s.value == 0x401000 && elf_symbol_at(&im, 0x401020, &s, &name) == -ENOENT,
           name);
    f.h.shoff = FILE_SIZE - 1;
    report("elf_bad_sections",
           !elf_section(&im, ".gort", &size, NULL) && elf_symbol(&im, "table", &s) == -ENOENT,
           "sections");
    make_good();
}

static void test_damage(void)
{
    struct elf_image im;

    for (size_t bit = 0; bit < sizeof f.h * 8 + sizeof f.p * 8 + sizeof f.note * 8; bit++) {
        *bytes(bit / 8) ^= (uint8_t)(1u << bit % 8);
        parse_copy(FILE_SIZE, &im);
        *bytes(bit / 8) ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0x4400 * 8; bit < FILE_SIZE * 8; bit++) {
        *bytes(bit / 8) ^= (uint8_t)(1u << bit % 8);
        parse_copy(FILE_SIZE, &im);
        *bytes(bit / 8) ^= (uint8_t)(1u << bit % 8);
    }
    size_t taken = 0;
    for (size_t n = 0; n < 0x4110; n++)
        taken += parse_copy(n, &im) == 0;
    report("elf_bit_flips", true, "");
    report("elf_truncations", taken == 0, "a cut file was taken");
}

/* ---- elf_load over a fake mm/: host pages at the app's addresses ----------------------------- */

static bool mapped[16]; /* page 0x400000 + i committed or mapped */
static unsigned prots[16], in_place, fail_commit;

static size_t page_of(uintptr_t va) { return (va - 0x400000) / PAGE_SIZE; }

uintptr_t vm_reserve(enum vm_zone zone, uintptr_t hint, size_t size, size_t align)
{
    (void)zone, (void)align;
    void *p = mmap((void *)hint, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return p == MAP_FAILED ? 0 : (uintptr_t)p;
}

int vm_commit(uintptr_t va, size_t size)
{
    if (fail_commit && --fail_commit == 0)
        return -ENOMEM;
    for (size_t i = page_of(va); i < page_of(va + size); i++) {
        failures += mapped[i]; /* twice */
        mapped[i] = true;
        prots[i] = VM_R | VM_W;
    }
    return 0;
}

bool vm_lazy_add(uintptr_t lo, uintptr_t hi) { (void)lo, (void)hi; return false; }
int vm_commit_last(uintptr_t va, size_t size) { return vm_commit(va, size); }

int vm_map_phys(uintptr_t va, uint64_t pa, size_t size, unsigned prot)
{
    (void)prot;
    memcpy((void *)va, (void *)(uintptr_t)pa, size);
    in_place += size / PAGE_SIZE;
    return (va | pa | size) % PAGE_SIZE ? -EINVAL : vm_commit(va, size);
}

int vm_protect(uintptr_t va, size_t size, unsigned prot)
{
    for (size_t i = page_of(va); i < page_of(va + size); i++) {
        failures += !mapped[i];
        prots[i] = prot;
    }
    return 0;
}

uint64_t virt_to_phys(const void *va) { return (uintptr_t)va; }

static void unload(void)
{
    munmap((void *)0x400000, sizeof mapped / sizeof *mapped * PAGE_SIZE);
    memset(mapped, 0, sizeof mapped);
    memset(prots, 0, sizeof prots);
    in_place = 0;
}

static bool loaded_right(void)
{
    static const unsigned want[] = {5, 5, 5, 1, 3, 3, 3, 3};
    bool good = memcmp((void *)0x400000, &f, TEXT_END) == 0 &&
                memcmp((void *)0x403000, bytes(0x3000), 0x1000) == 0 &&
                memcmp((void *)0x404010, bytes(0x4010), 0x100) == 0;

    for (uintptr_t a = 0x404110; good && a < 0x408000; a++)
        good = *(uint8_t *)a == 0;
    for (size_t i = 0; good && i < 8; i++)
        good = mapped[i] && prots[i] == (want[i] == 5   ? VM_R | VM_X
                                         : want[i] == 1 ? VM_R
                                                        : VM_R | VM_W);
    return good && !mapped[8];
}

static void test_load(void)
{
    struct elf_image im;
    const char *err = "";

    int e = elf_load(&f, FILE_SIZE, &im, &err);
    report("elf_load_in_place", e == 0 && loaded_right() && in_place == 3, err);
    int again = elf_load(&f, FILE_SIZE, &im, &err);
    report("elf_load_not_free", again == -EEXIST && !strcmp(err, "0x400000..0x407010 is not free"),
           err);
    unload();
    uint8_t *copy = malloc(FILE_SIZE + 8);
    memcpy(copy + 8, &f, FILE_SIZE);
    e = elf_load(copy + 8, FILE_SIZE, &im, &err);
    report("elf_load_copied", e == 0 && loaded_right() && in_place == 0, err);
    free(copy);
    unload();
    fail_commit = 3;
    e = elf_load(&f, FILE_SIZE, &im, &err);
    report("elf_load_no_memory", e == -ENOMEM && !strcmp(err, "no memory for 0x400000..0x407010"),
           err);
    unload();
    f.p[2].flags = 7;
    report("elf_load_refuses",
           elf_load(&f, FILE_SIZE, &im, &err) == -ENOEXEC &&
               !strcmp(err, "segment 2 is writable and executable"),
           err);
    make_good();
}

/* Two segments with the same permissions may share a page. */
static void test_shared(void)
{
    struct elf_image im;
    const char *err = "";

    f.p[1] = (struct phdr){1, 6, 0x3000, 0x403000, 0, 0x900, 0x1004, 0x1000};
    int e = elf_load(&f, FILE_SIZE, &im, &err);
    report("elf_load_shared_page",
           e == 0 && memcmp((void *)0x404010, bytes(0x4010), 0x100) == 0 &&
               memcmp((void *)0x403000, bytes(0x3000), 0x900) == 0 && *(uint8_t *)0x403900 == 0,
           err);
    unload();
    make_good();
}

int main(void)
{
    make_good();
    test_header();
    test_segments();
    test_many_segments();
    test_lookups();
    test_damage();
    test_load();
    test_shared();
    return failures != 0;
}
