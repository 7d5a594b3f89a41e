/* console.c - the loader's messages. It prints only when it gives up. */
#include "boot/uefi/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { COM1 = 0x3f8, COM2 = 0x2f8, COM3 = 0x3e8 };
enum { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_LSR = 5, UART_SCRATCH = 7 };

static void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
static uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* A port without a UART reads as 0xff: it does not remember what was written. */
static bool uart_present(uint16_t port)
{
    outb(port + UART_SCRATCH, 0x5a);
    return inb(port + UART_SCRATCH) == 0x5a;
}

/* 115200 baud, 8N1, FIFOs on, no interrupts. */
static void uart_init(uint16_t port)
{
    outb(port + UART_IER, 0);
    outb(port + UART_LCR, 0x80);
    outb(port + 0, 1);
    outb(port + 1, 0);
    outb(port + UART_LCR, 3);
    outb(port + UART_FCR, 7);
}

/* Waits for a bit of the line status. The reader of a virtual port may be late by seconds, and
 * a real port may be stuck: after some 10 s the port is given up. */
static void uart_wait(uint16_t port, uint8_t bit)
{
    static uint32_t stuck; /* one bit for each port, at bits 4 to 8 of its number */
    uint32_t mine = 1u << (port >> 4 & 31);

    for (int spin = 0; !(stuck & mine) && !(inb(port + UART_LSR) & bit); spin++)
        if (spin > 10000000)
            stuck |= mine;
}

static void uart_puts(uint16_t port, const char *s)
{
    if (!uart_present(port))
        return;
    for (; *s; s++) {
        uart_wait(port, 0x20);
        outb(port + UART_DATA, (uint8_t)*s);
    }
}

static void uart_drain(uint16_t port)
{
    if (uart_present(port))
        uart_wait(port, 0x40);
}

void serial_mark(void)
{
    static const uint16_t ports[] = {COM1, COM2};

    for (int i = 0; i < 2; i++) {
        uart_drain(ports[i]);
        if (uart_present(ports[i]))
            uart_init(ports[i]);
        uart_puts(ports[i], SERIAL_MARK);
    }
}

static void firmware_puts(const char *s)
{
    CHAR16 wide[2] = {0, 0};

    for (; loader.st->ConOut && *s; s++) {
        wide[0] = (CHAR16)(uint8_t)*s;
        loader.st->ConOut->OutputString(loader.st->ConOut, wide);
    }
}

/* Firmware keeps what a slow reader has not let it send, and sends it at a tick of its timer: on
 * COM1 that would come behind the mark, and pass for the program's. At this level its timer does
 * not tick. Returns the level from before. */
static EFI_TPL firmware_silence(void)
{
    return loader.left ? 0 : loader.bs->RaiseTPL(TPL_HIGH_LEVEL);
}

/* Ends the loader. Without a runner at COM3 a person may be reading the screen, so the
 * firmware goes on, at level `tpl`. */
static void stop(EFI_TPL tpl)
{
    EFI_RUNTIME_SERVICES *rt = loader.st->RuntimeServices;

    if (uart_present(COM3)) {
        uart_init(COM3);
        uart_puts(COM3, "gort: exit 1\n");
        uart_drain(COM3);
        rt->ResetSystem(EfiResetShutdown, EFI_LOAD_ERROR, 0, NULL);
    }
    if (!loader.left) {
        loader.bs->RestoreTPL(tpl);
        loader.bs->Stall(10 * 1000 * 1000);
        loader.bs->Exit(loader.image, EFI_LOAD_ERROR, 0, NULL);
    }
    rt->ResetSystem(EfiResetShutdown, EFI_LOAD_ERROR, 0, NULL);
}

void fail(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!loader.left) {
        firmware_puts("gort: ");
        firmware_puts(text);
        firmware_puts("\r\n");
    }
    EFI_TPL tpl = firmware_silence();
    serial_mark();
    uart_puts(COM2, "gort: ");
    uart_puts(COM2, text);
    uart_puts(COM2, "\n");
    uart_drain(COM2);
    stop(tpl);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void *pages_of(EFI_MEMORY_TYPE type, size_t bytes, const char *what)
{
    UINTN pages = (bytes + BOOT_PAGE - 1) / BOOT_PAGE;
    EFI_PHYSICAL_ADDRESS at = 0xffffffffu;

    if (EFI_ERROR(loader.bs->AllocatePages(AllocateMaxAddress, type, pages, &at)) &&
        EFI_ERROR(loader.bs->AllocatePages(AllocateAnyPages, type, pages, &at)))
        fail("not enough memory: %s needs %zu bytes", what, bytes);
    return (void *)(uintptr_t)at;
}

void *pages_alloc_raw(size_t bytes, const char *what)
{
    return pages_of(EfiLoaderData, bytes, what);
}

/* UEFI 2.10, 37.1: the protocol by which a page becomes executable where firmware maps even
 * loader code without that right. Firmware that has no such policy has no such protocol. */
#define MEMORY_XP 0x4000ull
struct memory_attributes {
    EFI_STATUS (EFIAPI *get)(struct memory_attributes *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64 *);
    EFI_STATUS (EFIAPI *set)(struct memory_attributes *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64);
    EFI_STATUS (EFIAPI *clear)(struct memory_attributes *, EFI_PHYSICAL_ADDRESS, UINT64, UINT64);
};

/* Strict firmware maps loader data without the right to execute it; executing it would be a
 * fault that no handler of ours reports. */
void *code_alloc(size_t bytes, const char *what)
{
    static EFI_GUID guid = {0xf4560cf6, 0x40ec, 0x4b4a, {0xa1, 0x92, 0xbf, 0x1d, 0x57, 0xd0, 0xb1,
                                                         0x89}};
    void *p = pages_of(EfiLoaderCode, bytes, what);
    struct memory_attributes *m;
    UINT64 size = (bytes + BOOT_PAGE - 1) & ~(BOOT_PAGE - 1);

    if (!EFI_ERROR(loader.bs->LocateProtocol(&guid, NULL, (void **)&m)))
        m->clear(m, (uintptr_t)p, size, MEMORY_XP);
    return p;
}

void *pages_alloc(size_t bytes, const char *what)
{
    return memset(pages_alloc_raw(bytes, what), 0, bytes);
}
