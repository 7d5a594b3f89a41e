/* firmware.c - facts that only the firmware has. None of them is needed to boot: fields of
 * boot_info stay 0 where the firmware has nothing. */
#include "boot/uefi/loader.h"

#include <string.h>

static void find_rsdp(void)
{
    static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID, acpi1 = ACPI_TABLE_GUID;
    const EFI_CONFIGURATION_TABLE *t = loader.st->ConfigurationTable;

    for (UINTN i = 0; i < loader.st->NumberOfTableEntries; i++) {
        bool newer = memcmp(&t[i].VendorGuid, &acpi2, sizeof acpi2) == 0;
        bool older = memcmp(&t[i].VendorGuid, &acpi1, sizeof acpi1) == 0;
        if (newer || (older && !loader.info->rsdp))
            loader.info->rsdp = (uintptr_t)t[i].VendorTable;
        if (newer)
            return;
    }
}

static void find_framebuffer(void)
{
    static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    struct boot_framebuffer *fb = &loader.info->fb;

    if (EFI_ERROR(loader.bs->LocateProtocol(&guid, NULL, (void **)&gop)) || !gop->Mode ||
        !gop->Mode->Info)
        return;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *m = gop->Mode->Info;
    if (m->PixelFormat != PixelRedGreenBlueReserved8BitPerColor &&
        m->PixelFormat != PixelBlueGreenRedReserved8BitPerColor)
        return;
    fb->base = gop->Mode->FrameBufferBase;
    fb->width = m->HorizontalResolution;
    fb->height = m->VerticalResolution;
    fb->stride = m->PixelsPerScanLine;
    fb->format = m->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}

/* Days from 1970-01-01 in the Gregorian calendar; March begins the year, so that the leap
 * day is its last one. */
static int64_t days_from_civil(int64_t y, unsigned month, unsigned day)
{
    y -= month <= 2;
    unsigned m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void read_time(void)
{
    EFI_TIME t;

    if (EFI_ERROR(loader.st->RuntimeServices->GetTime(&t, NULL)) || t.Year < 1998 || t.Month < 1 ||
        t.Month > 12)
        return;
    int64_t s =
        days_from_civil(t.Year, t.Month, t.Day) * 86400 + t.Hour * 3600 + t.Minute * 60 + t.Second;
    if (t.TimeZone != EFI_UNSPECIFIED_TIMEZONE) /* local time = UTC - TimeZone minutes */
        s += t.TimeZone * 60;
    loader.info->wall_seconds = s;
}

static void read_seed(void)
{
    static EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;
    EFI_RNG_PROTOCOL *rng;

    if (EFI_ERROR(loader.bs->LocateProtocol(&guid, NULL, (void **)&rng)))
        return;
    if (!EFI_ERROR(rng->GetRNG(rng, NULL, sizeof loader.info->seed, (UINT8 *)loader.info->seed)))
        loader.info->seed_bytes = sizeof loader.info->seed;
}

void firmware_ask(void)
{
    find_rsdp();
    find_framebuffer();
    read_time();
    read_seed();
}
