/* test_pci.c - the scan of the PCI buses, with and without a setup by firmware, and with functions
 * that return nonsense; the boot words that name virtio devices on MMIO.
 * sources: drivers/pci.c drivers/virtio_mmio_word.c */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers/pci.h"
#include "drivers/virtio_mmio.h"
#include "kernel/print.h"
#include "mm/mm.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static char printed[4096];
void kprintf(const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(printed);

    va_start(ap, fmt);
    vsnprintf(printed + n, sizeof printed - n, fmt, ap);
    va_end(ap);
}
void boot_log(const char *fmt, ...) { (void)fmt; }

static uint64_t mapped, mapped_size;
static uint32_t device_memory[4096];
void *vm_map_device(uint64_t pa, size_t size, unsigned prot)
{
    (void)prot;
    mapped = pa;
    mapped_size = size;
    return device_memory;
}

/* ---- functions -------------------------------------------------------------------------- */
struct fn {
    uint16_t bdf;
    uint8_t reg[256];
    uint32_t mask[6];   /* writable bits of the BARs */
    bool decoded;       /* a BAR was tried out while the function answered there */
    bool written;       /* to anything of its own */
};
static struct fn fns[16];
static unsigned nfns;
static bool noise;
static unsigned accesses;

void pci_config_init(void) {}

/* A function on a bus that no bridge leads to cannot be reached. */
static bool reachable(unsigned bus)
{
    if (bus == 0)
        return true;
    for (unsigned i = 0; i < nfns; i++)
        if ((fns[i].reg[0xe] & 0x7f) == 1 && fns[i].reg[0x19] <= bus && fns[i].reg[0x1a] >= bus &&
            fns[i].reg[0x19] && reachable(fns[i].bdf >> 8))
            return true;
    return false;
}

/* Bus 0xfe of a bdf stands for the one behind the bridge fns[0], whatever its number is. */
static struct fn *find(uint16_t bdf)
{
    for (unsigned i = 0; i < nfns; i++) {
        unsigned bus = fns[i].bdf >> 8;
        if (bus == 0xfe)
            bus = fns[0].reg[0x19] ? fns[0].reg[0x19] : 0x100;
        if (bus == (unsigned)(bdf >> 8) && (fns[i].bdf & 0xff) == (bdf & 0xff) && reachable(bus))
            return &fns[i];
    }
    return NULL;
}

uint32_t pci_config_read(uint16_t bdf, unsigned reg, unsigned bytes)
{
    struct fn *f = find(bdf);
    uint32_t v = 0xffffffff;

    accesses++;
    if (noise)
        return ((uint32_t)rand() << 8 ^ (uint32_t)rand()) >> (32 - 8 * bytes);
    if (f && reg + bytes <= 256)
        v = 0, memcpy(&v, f->reg + reg, bytes);
    return bytes == 4 ? v : v & ((1u << 8 * bytes) - 1);
}

void pci_config_write(uint16_t bdf, unsigned reg, unsigned bytes, uint32_t v)
{
    struct fn *f = find(bdf);

    if (!f || reg + bytes > 256)
        return;
    f->written = true;
    if (reg >= 0x10 && reg < 0x28 && bytes == 4) {
        unsigned i = (reg - 0x10) / 4;
        uint32_t old;
        memcpy(&old, f->reg + reg, 4);
        v = (v & f->mask[i]) | (old & ~f->mask[i]);
        f->decoded |= f->mask[i] && f->reg[4] & 3;
    }
    memcpy(f->reg + reg, &v, bytes);
}

static struct fn *add(uint16_t bdf, uint32_t id, uint8_t class, uint8_t type)
{
    struct fn *f = &fns[nfns++];

    *f = (struct fn){ .bdf = bdf };
    memcpy(f->reg, &id, 4);
    f->reg[0xb] = class;
    f->reg[0xe] = type;
    return f;
}

static void bar(struct fn *f, unsigned i, uint32_t value, uint32_t mask)
{
    memcpy(f->reg + 0x10 + 4 * i, &value, 4);
    f->mask[i] = mask;
}

static uint32_t bar_of(const struct fn *f, unsigned i)
{
    uint32_t v;
    memcpy(&v, f->reg + 0x10 + 4 * i, 4);
    return v;
}

/* pci.c keeps its results in globals, so each scan runs in a process of its own. */
#include <sys/wait.h>
#include <unistd.h>
static bool apart(bool (*fn)(void))
{
    int status;

    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(fn() ? 0 : 1);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct pci_dev *by_bdf(uint16_t bdf)
{
    struct pci_dev *d;

    for (unsigned i = 0; (d = pci_get(i)); i++)
        if (d->bdf == bdf)
            return d;
    return NULL;
}

static bool set_up(void)
{
    add(0, 0x29c08086, 6, 0);
    struct fn *f = add(0x0018, 0x10431af4, 7, 0x80), *g = add(0x001a, 0x10411af4, 2, 0);
    bar(f, 0, 0xfebd1000, 0xfffff000);
    bar(f, 4, 0x0000400c, 0xffffc000), bar(f, 5, 0x8, 0xffffffff); /* 64 bits, above 32 GiB */
    bar(g, 1, 0xc041, 0xffffffe1);
    f->reg[4] = g->reg[4] = 7;
    pci_scan(0xc0000000, 0xe0000000, NULL);
    const struct pci_dev *d = by_bdf(0x18), *e = by_bdf(0x1a);
    return d && e && d->bar[0].base == 0xfebd1000 && d->bar[0].size == 4096 &&
           d->bar[4].base == 0x800004000 && d->bar[4].size == 16384 && !d->bar[5].size &&
           !e->bar[1].memory && e->bar[1].size == 32 && !f->decoded && f->reg[4] == 7 &&
           bar_of(f, 0) == 0xfebd1000 && bar_of(f, 5) == 8 && !printed[0] &&
           pci_map(d, 4, 4096, 4096) && mapped == 0x800005000 && !pci_map(d, 4, 16384, 1) &&
           !pci_map(d, 4, 1, 16384) && !pci_map(d, 4, ~0ull, 2) && !pci_map(d, 6, 0, 1) &&
           !pci_map(d, 1, 0, 1) && !pci_map(e, 1, 0, 4);
}

static bool no_firmware(void)
{
    struct fn *b = add(0x0008, 0x000c1b36, 6, 1);
    b->reg[0xa] = 4;
    struct fn *f = add(0xfe00, 0x10411af4, 2, 0), *g = add(0x0010, 0x10431af4, 7, 0);
    struct fn *h = add(0x0020, 0x10051af4, 0xff, 0);
    bar(f, 1, 0, 0xfffff000);
    bar(f, 4, 0xc, 0xffffc000), bar(f, 5, 0, 0xffffffff);
    bar(g, 4, 0xc, 0xfff00000), bar(g, 5, 0, 0xffffffff);
    bar(h, 0, 0, 0xf0000000); /* 256 MiB: more than there is */
    pci_scan(0xc0100000, 0xc8000000, NULL);
    const struct pci_dev *d = by_bdf(0x0100), *e = by_bdf(0x10), *big = by_bdf(0x20);
    unsigned base = b->reg[0x20] | b->reg[0x21] << 8, limit = b->reg[0x22] | b->reg[0x23] << 8;
    return d && e && b->reg[0x19] == 1 && b->reg[0x1a] == 1 && d->bar[1].base == 0xc0100000 &&
           d->bar[4].base == 0xc0104000 && bar_of(f, 4) == 0xc010400c && bar_of(f, 5) == 0 &&
           base == 0xc010 && limit == 0xc010 && (b->reg[4] & 6) == 6 &&
           e->bar[4].base == 0xc0200000 && big && !big->bar[0].base && !pci_map(big, 0, 0, 1) &&
           strstr(printed, "pci 00:04.0: no room for the 268435456 bytes of BAR 0");
}

static bool only_virtio(uint16_t vendor, uint16_t device) { return vendor == 0x1af4 && device; }

/* What has no driver is left alone, a bridge in front of what has one is not. */
static bool undriven(void)
{
    struct fn *b = add(0x0008, 0x000c1b36, 6, 1), *f = add(0xfe00, 0x10411af4, 2, 0);
    struct fn *g = add(0x0010, 0x29228086, 1, 0);
    bar(f, 1, 0, 0xfffff000);
    bar(g, 4, 0xc041, 0xffffffe1), bar(g, 5, 0, 0xfffff000);
    g->reg[4] = 7, g->reg[6] = 0x10, g->reg[0x34] = 0x40, g->reg[0x40] = 0x11;
    pci_scan(0xc0100000, 0xc8000000, only_virtio);
    const struct pci_dev *d = by_bdf(0x0100), *e = by_bdf(0x10);
    return d && e && b->reg[0x19] == 1 && d->bar[1].base == 0xc0100000 && d->bar[1].size == 4096 &&
           e->vendor == 0x8086 && !e->bar[4].size && !e->bar[5].size && !e->msix &&
           !pci_map(e, 5, 0, 4) && !g->written && bar_of(g, 4) == 0xc041 && !bar_of(g, 5);
}

/* Bridges that lead to a bus that was scanned already, or to themselves. */
static bool loops(void)
{
    struct fn *a = add(0x0008, 0x000c1b36, 6, 1), *b = add(0x0100, 0x000c1b36, 6, 1);
    a->reg[0x19] = a->reg[0x1a] = 1;
    b->reg[0x19] = 1, b->reg[0x1a] = 5;
    pci_scan(0, 0, NULL);
    return by_bdf(8) && by_bdf(0x100) && accesses < 100000;
}

static bool capabilities(void)
{
    struct fn *f = add(0x0008, 0x10431af4, 7, 0), *g = add(0x0010, 0x10431af4, 7, 0);
    f->reg[6] = g->reg[6] = 0x10;
    f->reg[0x34] = 0x40;
    f->reg[0x40] = 9, f->reg[0x41] = 0x60, f->reg[0x60] = 0x11, f->reg[0x61] = 0x80;
    f->reg[0x62] = 3, f->reg[0x64] = 1, f->reg[0x80] = 9, f->reg[0x81] = 0;
    bar(f, 1, 0xfeb00000, 0xfffff000);
    g->reg[0x34] = 0x43, g->reg[0x40] = 5, g->reg[0x41] = 0x40; /* a circle */
    pci_scan(0, 0, NULL);
    struct pci_dev *d = by_bdf(8), *e = by_bdf(0x10);
    unsigned first = pci_cap(d, 9, 0);
    if (first != 0x40 || pci_cap(d, 9, first) != 0x80 || pci_cap(d, 9, 0x80) || pci_cap(d, 5, 0) ||
        pci_cap(e, 9, 0) || d->msix != 0x60 || d->msix_count != 4)
        return false;
    if (pci_msix_enable(d) != 4 || mapped != 0xfeb00000 || mapped_size != 64 ||
        device_memory[3] != 1 || device_memory[15] != 1 || (f->reg[0x63] & 0xc0) != 0x80)
        return false;
    pci_msix_set(d, 1, 0x1fee00000, 0x77);
    f->reg[0x65] = 0x10; /* the table lies behind the BAR's end */
    return device_memory[4] == 0xfee00000 && device_memory[5] == 1 && device_memory[6] == 0x77 &&
           device_memory[7] == 0 && pci_msix_enable(d) == 0 && pci_msix_enable(e) == 0;
}

/* The older interrupts, with an address of 32 bits and of 64. */
static bool messages(void)
{
    struct fn *f = add(0x0008, 0x10d38086, 2, 0), *g = add(0x0010, 0x10d38086, 2, 0);
    f->reg[6] = g->reg[6] = 0x10;
    f->reg[0x34] = g->reg[0x34] = 0x40;
    f->reg[0x40] = g->reg[0x40] = 5;
    f->reg[0x42] = 0xb8, g->reg[0x42] = 0x30, f->reg[0x43] = g->reg[0x43] = 1;
    add(0x0018, 0x10d38086, 2, 0);
    pci_scan(0, 0, NULL);
    if (!pci_msi_enable(by_bdf(8), 0x1fee01000, 0x1234) || pci_msi_enable(by_bdf(0x18), 1, 1) ||
        !pci_msi_enable(by_bdf(0x10), 0xfee02000, 0x77))
        return false;
    return !memcmp(f->reg + 0x42, "\x89\1\0\x10\xe0\xfe\1\0\0\0\x34\x12", 12) &&
           !memcmp(g->reg + 0x42, "\1\1\0\x20\xe0\xfe\x77\0\0\0\0\0", 12);
}

/* A device is let at memory and away from it; its link stays awake. */
static bool express(void)
{
    struct fn *f = add(0x0008, 0x10d38086, 2, 0), *g = add(0x0010, 0x10d38086, 2, 0);
    f->reg[6] = 0x10;
    f->reg[4] = g->reg[4] = 1;
    f->reg[0x34] = 0xe0, f->reg[0xe0] = 0x10, f->reg[0xf0] = 0x43, f->reg[0xf1] = 7;
    pci_scan(0, 0, NULL);
    pci_link_awake(by_bdf(0x10)); /* has no such link */
    pci_link_awake(by_bdf(8));
    pci_enable(by_bdf(8));
    bool good = f->reg[0xf0] == 0x40 && f->reg[0xf1] == 7 && f->reg[4] == 7 && f->reg[5] == 4;
    pci_stop(by_bdf(8));
    return good && f->reg[4] == 3 && f->reg[5] == 4 && g->reg[4] == 1;
}

static bool nonsense(void)
{
    noise = true;
    pci_scan(0xc0000000, 0xe0000000, NULL);
    unsigned n = 0;
    for (struct pci_dev *d; (d = pci_get(n)); n++) {
        pci_cap(d, 9, 0);
        pci_map(d, (unsigned)rand() % 8, (uint64_t)rand(), (uint64_t)rand());
        d->msix = (uint8_t)(rand() % 252);
        d->msix_count = (uint16_t)(1 + rand() % 1024);
        pci_msix_enable(d);
    }
    return n >= 32 && n <= PCI_MAX;
}

/* ---- words ------------------------------------------------------------------------------- */
static bool word(const char *text, int expected, uint64_t address, uint64_t size, unsigned irq)
{
    struct virtio_mmio_word w;
    const char *at = text;
    int r = virtio_mmio_parse(&at, &w);

    return r == expected && (r <= 0 || (w.address == address && w.size == size && w.irq == irq));
}

static bool words(void)
{
    static const char *const bad[] = { "", "512", "512@", "@1:1", "512@0x1000", "512@0x1000:",
        "512@0x1000:x", "512@0:5", "512@0x1002:5", "512@0x1000:5:", "512@0x1000:5:1x",
        "512@0x1000:1024", "100@0x1000:5", "2M@0x1000:5", "17179869184G@0x1000:5",
        "99999999999999999999@0x1000:5", "512@0x10000000000000:5", "0x@0x1000:5" };
    char text[100];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "verbose virtio_mmio.device=%s seed=1", bad[i]);
        if (!word(text, -1, 0, 0, 0))
            return false;
    }
    const char *two = " a virtio_mmio.device=4K@0xd0000000:5:7\t"
                      "virtio_mmio.device=0x200@4276092928:12";
    struct virtio_mmio_word w;
    if (virtio_mmio_parse(&two, &w) != 1 || w.size != 4096 || w.length != 36)
        return false;
    return word(two, 1, 0xfee00000, 512, 12) && word("", 0, 0, 0, 0) && word("  x y", 0, 0, 0, 0);
}

int main(void)
{
    report("pci_set_up", apart(set_up));
    report("pci_no_firmware", apart(no_firmware));
    report("pci_undriven", apart(undriven));
    report("pci_loops", apart(loops));
    report("pci_capabilities", apart(capabilities));
    report("pci_messages", apart(messages));
    report("pci_express", apart(express));
    bool good = true;
    for (int i = 0; i < 5; i++) {
        srand((unsigned)i);
        good &= apart(nonsense);
    }
    report("pci_nonsense", good);
    report("virtio_mmio_words", words());
    return failures != 0;
}
