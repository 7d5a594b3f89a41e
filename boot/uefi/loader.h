/* loader.h - the parts of the UEFI loader.
 *
 *   efi_main (main.c)
 *     parts.c     finds kernel, bundle, command line: sections of this program's own file
 *                 (.gkernel ...), or files in \gort of the volume it was started from
 *     image.c     checks the kernel and places it in memory
 *     firmware.c  facts from the firmware: ACPI, framebuffer, time, random bytes
 *     paging.c    the page tables that boot_info.h promises
 *     leave.c     memory map, ExitBootServices, the jump
 *     console.c   messages: firmware's console, then the serial ports; how to give up
 *     libc.c      the few functions of the C library that boot/common/elf.c and cpio.c use
 *
 * Everything runs on one CPU, on the firmware's stack, with its page tables, until the jump.
 * All that has to outlive the boot services is allocated as loader data, below 4 GiB where
 * it can be. */
#ifndef BOOT_UEFI_LOADER_H
#define BOOT_UEFI_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <efi.h>
#include "boot/boot_info.h"
#include "boot/uefi/efimap.h"

#define BOOT_PAGE   4096ull
#define HUGE_PAGE   (2ull << 20)
#define MAP_ENTRIES 8192u /* pieces of boot_info's memory map */

struct part {
    const uint8_t *data; /* page aligned, NULL: there is none */
    size_t size;
};

struct loader {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *st;
    EFI_BOOT_SERVICES *bs;
    bool left; /* boot services are gone */
    struct part kernel, bundle, cmdline, sums;
    struct boot_info *info;
    uint64_t entry; /* of the kernel, virtual */
    uint64_t kernel_va; /* where its first byte is mapped */
    uint64_t cr3;
    uint64_t stack_top; /* kernel's first stack, in the direct map */
    struct memmap map;
    void *efi_map; /* buffer for the firmware's map */
    size_t efi_map_room;
};

extern struct loader loader;

/* console.c. fail: prints one line; then, if a runner listens at COM3, where it reads "gort:
 * exit 1", the machine is powered off, else the firmware goes on. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Tells the runner that from here on COM1 and COM2 are gort's: the firmware's own output,
 * up to and with this mark, is to be dropped. */
#define SERIAL_MARK "\x1cgort\x1c\n"
void serial_mark(void);

/* Pages of loader data, zeroed or with undefined contents, below 4 GiB if possible. Fails if
 * there are none. */
void *pages_alloc(size_t bytes, const char *what);
void *pages_alloc_raw(size_t bytes, const char *what);
/* Pages for code that runs after the boot services under the firmware's page tables. */
void *code_alloc(size_t bytes, const char *what);

void parts_find(void);
void image_place(void);
void firmware_ask(void);
void paging_build(void);
/* After the boot services, interrupts off: to 4-level paging if the firmware uses 5 levels,
 * on our tables then; and, for tests, the other way. */
void paging_leave_la57(void);
void paging_enter_la57(void);

/* Words of the command line that test the loader itself. */
struct loader_tests {
    bool stale_key; /* stalekey: the first ExitBootServices gets an old key */
    bool fragment; /* fragmap: no 2 MiB of free memory in a row */
    bool la57; /* la57: as if the firmware used 5-level paging */
};
_Noreturn void leave_firmware(const struct loader_tests *t);

/* handoff.S: never returns. */
_Noreturn void handoff(uint64_t cr3, uint64_t stack_top, uint64_t entry, uint64_t info_pa);

#endif
