/* main.c - the UEFI loader as a script: see loader.h for its parts. */
#include "boot/uefi/loader.h"

#include <string.h>

struct loader loader;

/* Takes the word out of the command line. True: it was there. Only the loader's own tests are
 * options here; all others are the kernel's. */
static bool option(const char *word)
{
    char *s = (char *)(uintptr_t)loader.info->cmdline;
    size_t n = strlen(word);

    while (s && *s) {
        size_t len = 0;
        while (s[len] && s[len] != ' ')
            len++;
        if (len == n && memcmp(s, word, n) == 0) {
            memset(s, ' ', n);
            return true;
        }
        s += len + (s[len] == ' ');
    }
    return false;
}

static void read_cmdline(void)
{
    const struct part *p = &loader.cmdline;
    size_t n = p->size;

    while (n && (p->data[n - 1] == '\n' || p->data[n - 1] == 0))
        n--;
    if (n == 0)
        return;
    if (n > 4095)
        fail("the command line has %zu bytes, at most 4095 are allowed", n);
    char *copy = pages_alloc(BOOT_PAGE, "the command line");
    memcpy(copy, p->data, n);
    loader.info->cmdline = (uintptr_t)copy;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
    uint64_t tsc = __builtin_ia32_rdtsc();

    loader.image = image;
    loader.st = st;
    loader.bs = st->BootServices;
    loader.bs->SetWatchdogTimer(0, 0, 0, NULL);

    loader.info = pages_alloc(BOOT_PAGE, "boot_info");
    loader.info->magic = BOOT_INFO_MAGIC;
    loader.info->version = BOOT_INFO_VERSION;
    loader.info->source = BOOT_SOURCE_UEFI;
    loader.info->tsc_entry = tsc;
    parts_find();
    read_cmdline();
    image_place();
    firmware_ask();
    paging_build();
    const struct loader_tests tests = {option("stalekey"), option("fragmap"), option("la57")};
    leave_firmware(&tests);
}
