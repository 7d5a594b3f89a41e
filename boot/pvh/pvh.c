/* pvh.c - hvm_start_info -> boot_info.
 *
 * The structures are Xen's public PVH boot protocol (docs: "x86/HVM direct boot ABI"): all
 * fields little-endian, addresses physical. Runs on the boot stack with the early page
 * tables; nothing can be printed yet, so invalid entries are left out and not reported. */
#include <string.h>
#include "arch/x86_64/arch.h"
#include "boot/boot_info.h"
#include "boot/pvh/memmap.h"

#define HVM_START_MAGIC 0x336ec578u

struct hvm_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp;
    uint64_t memmap;           /* version 1 */
    uint32_t memmap_entries, reserved;
};
struct hvm_module { uint64_t paddr, size, cmdline, reserved; };
struct hvm_memmap { uint64_t addr, size; uint32_t type, reserved; };

struct boot_info *pvh_boot_info(const struct hvm_start_info *si, uint64_t tsc);

extern char kernel_image_start[], kernel_image_end[];

static struct boot_info info;
static struct boot_mem map_entries[256];
static char cmdline[2048];

static uint64_t image_phys(const void *p)
{
    return (uintptr_t)p - KERNEL_BASE; /* QEMU loads us at p_paddr */
}

static uint32_t type_from_e820(uint32_t t)
{
    switch (t) {
    case 1: return BOOT_MEM_FREE;
    case 3: return BOOT_MEM_ACPI;
    case 4: return BOOT_MEM_NVS;
    default: return BOOT_MEM_RESERVED;
    }
}

/* RAM is claimed first and everything else afterwards, so that reserved ranges win. */
static void map_build(struct memmap *m, const struct hvm_start_info *si)
{
    const struct hvm_memmap *e = (const void *)(uintptr_t)si->memmap;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; si->version >= 1 && i < si->memmap_entries; i++) {
            uint32_t type = type_from_e820(e[i].type);
            if ((type == BOOT_MEM_FREE) == (pass == 0))
                memmap_claim(m, e[i].addr, e[i].size, type);
        }
    }
    memmap_claim(m, 0, 4096, BOOT_MEM_RESERVED); /* real-mode vectors */
    memmap_claim(m, info.kernel_phys, info.kernel_size, BOOT_MEM_KERNEL);
    if (info.bundle_base)
        memmap_claim(m, info.bundle_base, info.bundle_size, BOOT_MEM_BUNDLE);
}

struct boot_info *pvh_boot_info(const struct hvm_start_info *si, uint64_t tsc)
{
    struct memmap m = { map_entries, 0, sizeof map_entries / sizeof map_entries[0] };

    info.magic = BOOT_INFO_MAGIC;
    info.version = BOOT_INFO_VERSION;
    info.source = BOOT_SOURCE_PVH;
    info.tsc_entry = tsc;
    info.kernel_phys = image_phys(kernel_image_start);
    info.kernel_size = (uint64_t)(kernel_image_end - kernel_image_start);
    if (si->magic == HVM_START_MAGIC) {
        info.rsdp = si->rsdp;
        if (si->nr_modules > 0) {
            const struct hvm_module *mod = (const void *)(uintptr_t)si->modlist;
            info.bundle_base = mod->paddr;
            info.bundle_size = mod->size;
        }
        if (si->cmdline) {
            strncpy(cmdline, (const char *)(uintptr_t)si->cmdline, sizeof cmdline - 1);
            info.cmdline = image_phys(cmdline);
        }
        map_build(&m, si);
    }
    info.mem_map = image_phys(map_entries);
    info.mem_count = m.n;
    return &info;
}
