/* fbcon.c - kernel messages on the screen, and a program's output where no host takes it.
 *
 * Write-only: reading a framebuffer is slow, so nothing scrolls. Lines go down the screen
 * and start again at the top; the line below the newest is always blank. */
#include "drivers/fbcon.h"
#include <stdbool.h>
#include <stdint.h>
#include "boot/boot_info.h"
#include "kernel/print.h"
#include "mm/mm.h"

/* 5x7 glyphs of ' '..'~', drawn for gort. Each character of a string is one row, from the top:
 * five pixels as a digit of base 32 (0-9, A-V), the leftmost pixel in the highest bit. */
#define ROWS  7
#define COLS  5
#define SCALE 2
#define TAB   8 /* columns */
#define CELL_W ((COLS + 1) * SCALE)
#define CELL_H ((ROWS + 2) * SCALE)
static const char glyphs[95][ROWS + 1] = {
    "0000000", "4444004", "AAA0000", "AAVAVAA", "4FKE5U4", "OP248J3", "CIK8LID", "4480000",
    "2488842", "8422248", "04LEL40", "044V440", "0000C48", "000V000", "00000CC", "01248G0",
    "EHJLPHE", "4C4444E", "EH1248V", "V2421HE", "26AIV22", "VGU11HE", "68GUHHE", "V124888",
    "EHHEHHE", "EHHF12C", "0CC0CC0", "0CC0C48", "248G842", "00V0V00", "8421248", "EH12404",
    "EH1DLLE", "EHHVHHH", "UHHUHHU", "EHGGGHE", "UHHHHHU", "VGGUGGV", "VGGUGGG", "EHGNHHF",
    "HHHVHHH", "E44444E", "72222IC", "HIKOKIH", "GGGGGGV", "HRLLHHH", "HHPLJHH", "EHHHHHE",
    "UHHUGGG", "EHHHLID", "UHHUKIH", "FGGE11U", "V444444", "HHHHHHE", "HHHHHA4", "HHHLLLA",
    "HHA4AHH", "HHHA444", "V1248GV", "E88888E", "0G84210", "E22222E", "4AH0000", "000000V",
    "8420000", "00E1FHF", "GGMPHHU", "00EGGHE", "11DJHHF", "00EHVGE", "698S888", "0FHHF1E",
    "GGMPHHH", "40C444E", "20622IC", "GGIKOKI", "C44444E", "00QLLHH", "00MPHHH", "00EHHHE",
    "00UHUGG", "00DJF11", "00MPGGG", "00EGE1U", "88S8896", "00HHHJD", "00HHHA4", "00HHLLA",
    "00HA4AH", "0HHHF1E", "00V248V", "2448442", "4444444", "8442448", "08L2000",
};

#define INK   0x00d0d0d0u /* grey: the same in RGBX and BGRX */
#define PAPER 0u

static volatile uint32_t *pixels; /* [const after init] NULL: no framebuffer */
static uint32_t stride, height, columns, rows;
static bool cleared;
static uint32_t col, row;         /* races only garble the picture */

void fbcon_init(const struct boot_info *bi)
{
    const struct boot_framebuffer *fb = &bi->fb;

    if (!fb->base || fb->width < CELL_W || fb->height < 2 * CELL_H || fb->stride < fb->width)
        return;
    stride = fb->stride;
    height = fb->height;
    columns = fb->width / CELL_W;
    rows = fb->height / CELL_H;
    pixels = vm_map_device(fb->base, (uint64_t)fb->stride * fb->height * 4,
                           VM_R | VM_W | VM_COMBINED);
    if (pixels)
        print_sink_add(fbcon_write);
}

bool fbcon_shows(void) { return pixels != NULL; }

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

static void draw(uint32_t x, uint32_t y, char c)
{
    const char *glyph = glyphs[c >= ' ' && c <= '~' ? c - ' ' : '?' - ' '];

    for (uint32_t py = 0; py < ROWS * SCALE; py++) {
        volatile uint32_t *line = pixels + (uint64_t)(y * CELL_H + py) * stride + x * CELL_W;
        unsigned bits = digit(glyph[py / SCALE]);
        for (uint32_t px = 0; px < COLS * SCALE; px++)
            line[px] = bits >> (COLS - 1 - px / SCALE) & 1 ? INK : PAPER;
    }
}

static void new_line(void)
{
    col = 0;
    row = (row + 1) % rows;
    for (uint32_t i = 0; i < 2; i++) { /* this line, and the blank one below */
        uint32_t y = (row + i) % rows;
        volatile uint32_t *p = pixels + (uint64_t)y * CELL_H * stride;
        for (uint64_t k = 0; k < (uint64_t)CELL_H * stride; k++)
            p[k] = PAPER;
    }
}

/* What is not ASCII is one question mark for each character of UTF-8: its first byte's. */
static void put(char c)
{
    if (c == '\n' || (col >= columns && c != '\r'))
        new_line();
    if (c == '\t')
        do
            draw(col++, row, ' ');
        while (col % TAB && col < columns);
    else if (c == '\r')
        col = 0;
    else if (c != '\n' && ((uint8_t)c & 0xc0) != 0x80)
        draw(col++, row, c);
}

void fbcon_write(const char *s, size_t n)
{
    if (!pixels)
        return;
    if (!cleared) {
        cleared = true; /* of what the firmware has left there */
        for (uint64_t i = 0; i < (uint64_t)height * stride; i++)
            pixels[i] = PAPER;
    }
    for (; n; n--, s++)
        put(*s);
    __asm__ volatile("sfence" ::: "memory"); /* the last line must not wait in a write buffer */
}
