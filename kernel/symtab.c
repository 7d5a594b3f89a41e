#include "kernel/symtab.h"
#include "arch/x86_64/page.h"
#include "arch/x86_64/paging.h"
#include "boot/boot_info.h"
#include "kernel/print.h"

/* Made by scripts/gen-ksyms between two links (see kernel.ld). Weak: absent in the first. */
struct ksym { uint32_t offset, name; }; /* offset from KERNEL_BASE, sorted */
extern const struct ksym ksym_table[] __attribute__((weak));
extern const uint32_t ksym_count __attribute__((weak));
extern const char ksym_names[] __attribute__((weak));
extern char kernel_image_start[], kernel_text_end[];

bool ksym_is_text(uintptr_t addr)
{
    return addr >= (uintptr_t)kernel_image_start && addr < (uintptr_t)kernel_text_end;
}

const char *ksym_lookup(uintptr_t addr, uintptr_t *offset)
{
    if (!ksym_is_text(addr) || !&ksym_count || !ksym_count)
        return NULL;
    uint32_t off = (uint32_t)(addr - KERNEL_BASE), lo = 0, hi = ksym_count;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (ksym_table[mid].offset <= off)
            lo = mid;
        else
            hi = mid;
    }
    if (ksym_table[lo].offset > off)
        return NULL;
    *offset = off - ksym_table[lo].offset;
    return ksym_names + ksym_table[lo].name;
}

/* Prints "    name+0x12 (0xffffffff80101234)" for addr, by the name of the function that contains
 * addr - back. */
static void print_address(uintptr_t addr, unsigned back)
{
    uintptr_t off;
    const char *name = ksym_lookup(addr - back, &off);

    if (name)
        kprintf("    %s+%#lx (%#lx)\n", name, off + back, addr);
    else
        kprintf("    %#lx\n", addr);
}

/* The call of a function that does not return may be the last instruction of its caller: the
 * return address is then in the next function, and only the byte before it in the caller. */
static void print_return(uintptr_t addr) { print_address(addr, 1); }

void ksym_backtrace(uintptr_t pc, uintptr_t bp)
{
    uintptr_t last = 0;
    unsigned repeats = 0;

    print_address(pc, 0);
    for (int lines = 0; lines < 48;) {
        if (bp & 7 || bp < PAGE_SIZE || !pt_is_mapped(bp, false) || !pt_is_mapped(bp + 15, false))
            break;
        uintptr_t next = ((uintptr_t *)bp)[0], ret = ((uintptr_t *)bp)[1];
        if (!ret)
            break;
        if (ret == last) {
            repeats++; /* recursion: one line */
        } else {
            if (repeats)
                kprintf("    ... and %u times more\n", repeats);
            repeats = 0;
            print_return(ret);
            lines++;
        }
        last = ret;
        if (next <= bp) /* stacks grow down: callers lie above */
            break;
        bp = next;
    }
    if (repeats)
        kprintf("    ... and %u times more\n", repeats);
}
