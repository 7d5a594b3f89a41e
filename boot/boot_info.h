/* boot_info.h - the one structure that every way of booting hands to kernel_main.
 *
 * The UEFI loader (boot/uefi) and the PVH entry (boot/pvh) both end by calling
 * kernel_main(struct boot_info *) on the boot CPU, in 64-bit mode, interrupts off, with
 * page tables that map the kernel image at KERNEL_BASE and the first 4 GiB of physical
 * memory (at least: all RAM that boot_info refers to) both 1:1 and at DIRECT_MAP_BASE.
 * The kernel builds its own page tables and never returns to the loader's.
 *
 * Every pointer here is a physical address; memory that it refers to is marked
 * BOOT_MEM_LOADER in the map and stays intact until the kernel gives it back. */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdint.h>

#define BOOT_INFO_MAGIC   0x31544f4f42524f47ull /* "GORBOOT1" */
#define BOOT_INFO_VERSION 1u

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define KERNEL_BASE     0xffffffff80000000ull

enum boot_source {
    BOOT_SOURCE_UEFI = 1,
    BOOT_SOURCE_PVH = 2,
};

enum boot_mem_type {
    BOOT_MEM_FREE = 1,    /* usable RAM */
    BOOT_MEM_RESERVED,    /* never touch: firmware, holes, bad memory */
    BOOT_MEM_ACPI,        /* ACPI tables; RAM once they have been parsed */
    BOOT_MEM_NVS,         /* ACPI NVS: keep */
    BOOT_MEM_MMIO,
    BOOT_MEM_LOADER,      /* boot_info, command line, loader's page tables; RAM later */
    BOOT_MEM_KERNEL,      /* the kernel image */
    BOOT_MEM_BUNDLE,      /* the bundle: stays for as long as the file tree refers to it */
};

struct boot_mem {
    uint64_t base;        /* bytes, page aligned (4 KiB) */
    uint64_t size;        /* bytes, page aligned, never 0 */
    uint32_t type;        /* enum boot_mem_type */
    uint32_t reserved;
};

struct boot_framebuffer {
    uint64_t base;        /* 0: there is none */
    uint32_t width, height; /* pixels */
    uint32_t stride;      /* pixels per line */
    uint32_t format;      /* 0 = RGBX, 1 = BGRX, 32 bits per pixel */
};

struct boot_info {
    uint64_t magic;
    uint32_t version;
    uint32_t source;      /* enum boot_source */
    uint64_t mem_map;     /* struct boot_mem[mem_count], sorted by base, not overlapping */
    uint64_t mem_count;
    uint64_t rsdp;        /* ACPI RSDP, 0 if none was found */
    uint64_t bundle_base; /* cpio archive, 0 if there is none */
    uint64_t bundle_size; /* bytes */
    uint64_t cmdline;     /* NUL-terminated UTF-8, 0 if there is none */
    uint64_t kernel_phys; /* where the image's first byte (KERNEL_BASE + 1 MiB..) was loaded */
    uint64_t kernel_size; /* bytes from there, bss included */
    int64_t  wall_seconds;/* Unix time at boot, 0 = unknown (then the CMOS RTC is read) */
    uint64_t tsc_entry;   /* TSC at the loader's first instruction, 0 = unknown */
    uint64_t seed[4];     /* entropy from the firmware's RNG protocol */
    uint32_t seed_bytes;  /* how many bytes of seed are good, 0..32 */
    uint32_t reserved;
    struct boot_framebuffer fb;
};

#endif
