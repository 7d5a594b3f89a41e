/* image.c - checks the kernel and the bundle's first entry, and places the kernel.
 *
 * The kernel is linked at KERNEL_BASE + some offset and runs wherever it lies in physical
 * memory, as long as both addresses are equal modulo 2 MiB: then huge pages map it. */
#include "boot/uefi/loader.h"

#include <string.h>
#include "boot/common/cpio.h"
#include "boot/common/elf.h"

#define KERNEL_MAX (512ull << 20)

/* `size` bytes of loader data at an address that equals `like` modulo 2 MiB; the surplus of
 * the allocation at both ends is given back. */
static uint64_t alloc_like(uint64_t size, uint64_t like)
{
    EFI_BOOT_SERVICES *bs = loader.bs;
    UINTN pages = (size + BOOT_PAGE - 1) / BOOT_PAGE, all = pages + HUGE_PAGE / BOOT_PAGE;
    EFI_PHYSICAL_ADDRESS raw = 0xffffffffu;

    if (EFI_ERROR(bs->AllocatePages(AllocateMaxAddress, EfiLoaderData, all, &raw)))
        fail("not enough memory: the kernel needs %llu KiB below 4 GiB",
             (unsigned long long)(all * BOOT_PAGE >> 10));
    uint64_t at = raw + ((like - raw) & (HUGE_PAGE - 1)), end = at + pages * BOOT_PAGE;
    if (at > raw)
        bs->FreePages(raw, (at - raw) / BOOT_PAGE);
    if (raw + all * BOOT_PAGE > end)
        bs->FreePages(end, (raw + all * BOOT_PAGE - end) / BOOT_PAGE);
    return at;
}

static void check_bundle(void)
{
    struct cpio c;
    struct cpio_entry e;

    if (!loader.bundle.data)
        return; /* the kernel reports that the bundle is missing */
    cpio_open(&c, loader.bundle.data, loader.bundle.size);
    if (cpio_next(&c, &e) < 0)
        fail("bundle: %s", c.text);
    loader.info->bundle_base = (uintptr_t)loader.bundle.data;
    loader.info->bundle_size = loader.bundle.size;
}

void image_place(void)
{
    static const struct elf_window window = {KERNEL_BASE, KERNEL_BASE + (1ull << 30), KERNEL_MAX};
    static struct elf_image im;

    if (elf_parse(loader.kernel.data, loader.kernel.size, "kernel", &window, &im))
        fail("%s", im.text);
    check_bundle();
    uint64_t va = im.lo & ~(BOOT_PAGE - 1), size = (im.hi - va + BOOT_PAGE - 1) & ~(BOOT_PAGE - 1);
    uint64_t pa = alloc_like(size, va);
    memset((void *)(uintptr_t)pa, 0, size);
    for (uint32_t i = 0; i < im.nseg; i++) {
        const struct elf_segment *s = &im.seg[i];
        memcpy((void *)(uintptr_t)(pa + (s->vaddr - va)), im.file + s->offset, s->filesz);
    }
    loader.entry = im.entry;
    loader.kernel_va = va;
    loader.info->kernel_phys = pa;
    loader.info->kernel_size = size;
}
