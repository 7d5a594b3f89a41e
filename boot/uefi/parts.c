/* parts.c - finds the kernel, the bundle and the command line.
 *
 * A self-contained .efi has them as sections of its own PE file, which the firmware has loaded
 * into memory with the rest (scripts/mkimage appends them); otherwise they are files beside
 * it. `sums` says how long they must be, and the kernel's CRC-32: text lines
 *     kernel SIZE CRC        bundle SIZE -
 * A cut or damaged copy then gives one clear line here and no riddle later. */
#include "boot/uefi/loader.h"

#include <string.h>

static const struct {
    const char *name, *section;
    const CHAR16 *path;
    struct part *part;
} parts[] = {
    {"kernel", ".gkernel", L"\\gort\\gort.elf", &loader.kernel},
    {"bundle", ".gbundle", L"\\gort\\bundle.cpio", &loader.bundle},
    {"cmdline", ".gcmdln", L"\\gort\\cmdline", &loader.cmdline},
    {"sums", ".gsums", L"\\gort\\sums", &loader.sums},
};
#define NPARTS (sizeof parts / sizeof parts[0])

static uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t read32(const uint8_t *p) { return read16(p) | (uint32_t)read16(p + 2) << 16; }

/* Section headers follow the optional header; each has 40 bytes: name[8], virtual size,
 * virtual address (PE format, "Section Table"). The firmware has checked the headers. */
static void find_sections(const uint8_t *base, uint64_t size)
{
    const uint8_t *pe = base + read32(base + 0x3c);
    const uint8_t *s = pe + 24 + read16(pe + 20);

    for (unsigned n = read16(pe + 6); n > 0; n--, s += 40) {
        for (size_t i = 0; i < NPARTS; i++) {
            if (strncmp((const char *)s, parts[i].section, 8) != 0)
                continue;
            uint32_t bytes = read32(s + 8), at = read32(s + 12);
            if (at > size || bytes > size - at)
                fail("section %s of the image is cut off: rebuild it", parts[i].section);
            *parts[i].part = (struct part){base + at, bytes};
        }
    }
}

static EFI_FILE_HANDLE open_volume(EFI_HANDLE device)
{
    static EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_IO_INTERFACE *fs;
    EFI_FILE_HANDLE root;

    if (!device || EFI_ERROR(loader.bs->HandleProtocol(device, &guid, (void **)&fs)) ||
        EFI_ERROR(fs->OpenVolume(fs, &root)))
        fail("this image has no kernel in it, and its volume cannot be read");
    return root;
}

static void read_file(EFI_FILE_HANDLE root, const CHAR16 *path, const char *name, struct part *p)
{
    EFI_FILE_HANDLE f;
    UINT64 size = 0;

    if (EFI_ERROR(root->Open(root, &f, (CHAR16 *)(uintptr_t)path, EFI_FILE_MODE_READ, 0)))
        return;
    if (EFI_ERROR(f->SetPosition(f, ~0ull)) || EFI_ERROR(f->GetPosition(f, &size)) ||
        EFI_ERROR(f->SetPosition(f, 0)))
        fail("%s: the file system does not tell its size", name);
    if (size) {
        uint8_t *buf = pages_alloc_raw(size, name);
        for (UINT64 have = 0; have < size;) {
            UINTN n = size - have;
            EFI_STATUS e = f->Read(f, &n, buf + have);
            if (EFI_ERROR(e) || n == 0)
                fail("%s: read error at byte %llu of %llu (status %llu)", name,
                     (unsigned long long)have, (unsigned long long)size, (unsigned long long)e);
            have += n;
        }
        *p = (struct part){buf, size};
    }
    f->Close(f);
}

/* The polynomial of IEEE 802.3, reflected, as zlib and gzip use it. */
static uint32_t crc32(const uint8_t *p, size_t n)
{
    static uint32_t table[256];
    uint32_t crc = ~0u;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (; n; p++, n--)
        crc = crc >> 8 ^ table[(crc ^ *p) & 255];
    return ~crc;
}

/* The word behind `name ` at the start of a line of the sums, and its end. */
static const char *sum_line(const char *name, const char **end)
{
    const char *s = (const char *)loader.sums.data, *stop = s + loader.sums.size;
    size_t n = strlen(name);

    while (s < stop) {
        const char *nl = memchr(s, '\n', (size_t)(stop - s));
        if (!nl)
            nl = stop;
        if ((size_t)(nl - s) > n + 1 && memcmp(s, name, n) == 0 && s[n] == ' ') {
            *end = nl;
            return s + n + 1;
        }
        s = nl + 1;
    }
    return NULL;
}

static uint64_t number(const char **s, const char *end, unsigned base)
{
    uint64_t v = 0;

    for (; *s < end && **s != ' '; ++*s) {
        unsigned d = (unsigned char)**s;
        v = v * base + (d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
    }
    *s += *s < end;
    return v;
}

static void check_sum(const char *name, const struct part *p)
{
    const char *end = NULL, *s = sum_line(name, &end);

    if (!s)
        return;
    uint64_t size = number(&s, end, 10);
    if (size != p->size)
        fail("the %s is cut off: it has %zu bytes, should have %llu", name, p->size,
             (unsigned long long)size);
    if (s < end && *s == '-')
        return;
    uint32_t want = (uint32_t)number(&s, end, 16), have = crc32(p->data, p->size);
    if (want != have)
        fail("the %s is damaged: its CRC-32 is %08x, should be %08x", name, have, want);
}

void parts_find(void)
{
    static EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *self;

    if (EFI_ERROR(loader.bs->HandleProtocol(loader.image, &guid, (void **)&self)))
        fail("the firmware does not say where this program lies");
    find_sections(self->ImageBase, self->ImageSize);
    if (!loader.kernel.data) {
        EFI_FILE_HANDLE root = open_volume(self->DeviceHandle);
        for (size_t i = 0; i < NPARTS; i++)
            read_file(root, parts[i].path, parts[i].name, parts[i].part);
        root->Close(root);
    }
    if (!loader.kernel.data)
        fail("no kernel: there is no \\gort\\gort.elf beside this loader, and none inside of it");
    check_sum("kernel", &loader.kernel);
    check_sum("bundle", &loader.bundle);
}
