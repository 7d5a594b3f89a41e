/* bootinfo.c - a kernel that prints the boot_info it was given and exits with status 7: used
 * to test the loaders. It keeps the loader's page tables. */
#include <stdint.h>
#include "boot/boot_info.h"

static void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
static void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void puts_to(uint16_t port, const char *s)
{
    for (; *s; s++) {
        while (!(inb(port + 5) & 0x20))
            ;
        outb(port, (uint8_t)*s);
    }
}

static void word(const char *name, uint64_t v)
{
    char text[20] = " 0x", *p = text + 3;
    int shift = 60;

    while (shift && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[v >> shift & 15];
    *p = 0;
    puts_to(0x2f8, name);
    puts_to(0x2f8, text);
}

static const char *const types[] = {"?",    "free",   "reserved", "acpi",  "nvs",
                                    "mmio", "loader", "kernel",   "bundle"};
static volatile char bss[70000]; /* must be zero: the loader clears it */

static int check(const struct boot_info *b)
{
    const struct boot_mem *m = (const void *)(DIRECT_MAP_BASE + b->mem_map);
    const char *bundle = (const void *)(DIRECT_MAP_BASE + b->bundle_base);
    int bad = b->magic != BOOT_INFO_MAGIC || b->version != BOOT_INFO_VERSION;

    for (uint64_t i = 1; i < b->mem_count; i++)
        bad |= m[i - 1].base + m[i - 1].size > m[i].base ? 2 : 0;
    for (uint64_t i = 0; i < b->mem_count; i++)
        bad |= m[i].size == 0 || (m[i].base | m[i].size) & 4095 ? 4 : 0;
    for (uint64_t i = 0; i < sizeof bss; i++)
        bad |= bss[i] ? 8 : 0;
    bad |= b->bundle_base && (bundle[0] != '0' || bundle[1] != '7') ? 16 : 0;
    uint64_t cr4;
    __asm__("movq %%cr4, %0" : "=r"(cr4));
    bad |= cr4 >> 12 & 1 ? 64 : 0; /* still 5-level paging */
    bad |= (b->kernel_phys ^ KERNEL_BASE) & 0x1fffff ? 32 : 0; /* linked at KERNEL_BASE + 2 MiB */
    return bad;
}

_Noreturn void kernel_main(const struct boot_info *b)
{
    const struct boot_mem *m = (const void *)(DIRECT_MAP_BASE + b->mem_map);
    uint64_t by_type[9] = {0};

    word("bootinfo: bad", (uint64_t)check(b));
    word(" source", b->source);
    word("\nrsdp", b->rsdp);
    word("\nbundle", b->bundle_base);
    word(" +", b->bundle_size);
    word("\nkernel", b->kernel_phys);
    word(" +", b->kernel_size);
    word("\nwall", (uint64_t)b->wall_seconds);
    word("\nmicroseconds or so in the loader", (__builtin_ia32_rdtsc() - b->tsc_entry) / 1000);
    word("\nseed bytes", b->seed_bytes);
    word(" first", b->seed[0]);
    word("\nframebuffer", b->fb.base);
    word(" width", b->fb.width);
    word(" height", b->fb.height);
    word(" stride", b->fb.stride);
    word(" format", b->fb.format);
    puts_to(0x2f8, "\ncommand line ");
    puts_to(0x2f8, b->cmdline ? (const char *)(DIRECT_MAP_BASE + b->cmdline) : "(none)");
    word("\nranges", b->mem_count);
    for (uint64_t i = 0; i < b->mem_count; i++) {
        by_type[m[i].type] += m[i].size;
        if (i > 40)
            continue;
        word("\n ", m[i].base);
        word(" +", m[i].size);
        puts_to(0x2f8, " ");
        puts_to(0x2f8, types[m[i].type]);
    }
    for (int t = 1; t < 9; t++) {
        puts_to(0x2f8, "\ntotal ");
        word(types[t], by_type[t]);
    }
    puts_to(0x3f8, "hello from the test kernel\n");
    puts_to(0x2f8, "\n");
    puts_to(0x3e8, "gort: exit 7\n");
    /* ACPI S5 where QEMU's two chipsets have it after their firmware has run. */
    outw(0x604, 0x2000);
    outw(0xb004, 0x2000);
    for (;;)
        __asm__ volatile("cli; hlt");
}
