/* elf_load.c - maps an app's segments. What is read-only and page-aligned in the bundle is
 * mapped where it lies; the rest is committed, copied and then protected; large zeroed parts come
 * when they are touched. */
#include "boot/common/elf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "mm/mm.h"

static uint64_t page_down(uint64_t a) { return a & ~(PAGE_SIZE - 1); }
static uint64_t page_up(uint64_t a) { return page_down(a + PAGE_SIZE - 1); }

static unsigned prot_of(const struct elf_segment *s)
{
    return VM_R | (s->flags & ELF_PF_W ? VM_W : 0u) | (s->flags & ELF_PF_X ? VM_X : 0u);
}

/* May the segment's file pages be mapped in place? */
static bool in_place(const struct elf_image *im, const struct elf_segment *s)
{
    return !(s->flags & ELF_PF_W) &&
           (((uintptr_t)im->file + s->offset - s->vaddr) & (PAGE_SIZE - 1)) == 0;
}

/* Copies the part of the segment's file bytes that belongs into [from, to). */
static void copy_part(const struct elf_image *im, const struct elf_segment *s, uint64_t from,
                      uint64_t to)
{
    uint64_t end = s->vaddr + s->filesz;

    if (from < s->vaddr)
        from = s->vaddr;
    if (to > end)
        to = end;
    if (from < to)
        memcpy((void *)from, im->file + s->offset + (from - s->vaddr), to - from);
}

static int commit_part(const struct elf_image *im, const struct elf_segment *s, uint64_t from,
                       uint64_t to)
{
    int error = from < to ? vm_commit_last(from, to - from) : 0;

    if (!error)
        copy_part(im, s, from, to);
    return error;
}

/* Sections of zeroes begin with small variables, for the linker sorts them by size: the runtime's,
 * which interrupt handlers may touch, are among them. What lies behind these bytes is lazy. */
#define EAGER     (4ull << 20)
#define LAZY_ROOM (1ull << 20) /* bytes of a section for which that is worth while */

/* As commit_part for a segment's end, but for what is lazy. */
static int commit_zeroed(const struct elf_image *im, const struct elf_segment *s, uint64_t from,
                         uint64_t to)
{
    uint64_t addr, size;
    int error = 0;

    for (uint32_t i = 0; !error && s->flags & ELF_PF_W && elf_zeroed(im, i, &addr, &size); i++) {
        if (size < EAGER + LAZY_ROOM + HUGE_PAGE_SIZE || size > to - from || addr > to - size)
            continue;
        uint64_t lo = (addr + EAGER + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1);
        uint64_t hi = page_down(addr + size);
        if (lo < from || lo < s->vaddr + s->filesz || !vm_lazy_add(lo, hi))
            continue;
        error = commit_part(im, s, from, lo);
        from = hi;
    }
    return error ? error : commit_part(im, s, from, to);
}

/* Places one segment: committed and copied before d0 and from d1 on, mapped in place between.
 * Pages below *done belong to the segment before, which has the same permissions. */
static int place_segment(const struct elf_image *im, const struct elf_segment *s, uint64_t *done)
{
    uint64_t first = page_down(s->vaddr), last = page_up(s->vaddr + s->memsz);
    uint64_t d0, d1;

    if (first < *done) {
        copy_part(im, s, first, *done);
        first = *done;
    }
    if (first >= last)
        return 0;
    *done = last;
    d0 = first > page_up(s->vaddr) ? first : page_up(s->vaddr);
    d1 = page_down(s->vaddr + s->filesz);
    if (!in_place(im, s) || d0 >= d1)
        d0 = d1 = first;
    int error = commit_part(im, s, first, d0);
    if (!error && d0 < d1)
        error = vm_map_phys(d0, virt_to_phys(im->file + s->offset + (d0 - s->vaddr)), d1 - d0,
                            prot_of(s));
    return error ? error : commit_zeroed(im, s, d1, last);
}

static int give_up(struct elf_image *im, int error, const char **err)
{
    snprintf(im->text, sizeof im->text,
             error == -EEXIST ? "0x%llx..0x%llx is not free" : "no memory for 0x%llx..0x%llx",
             (unsigned long long)im->lo, (unsigned long long)im->hi);
    *err = im->text;
    return error;
}

int elf_load(const void *file, size_t n, struct elf_image *out, const char **err)
{
    static const struct elf_window window = {ELF_APP_LO, ELF_APP_HI, ELF_APP_MAX};
    uint64_t done = 0;
    int error = elf_parse(file, n, NULL, &window, out);

    *err = out->text;
    if (error)
        return error;
    uint64_t lo = page_down(out->lo), hi = page_up(out->hi);
    if (vm_reserve(VM_HEAP, lo, hi - lo, PAGE_SIZE) != lo)
        return give_up(out, -EEXIST, err);
    for (unsigned i = 0; i < out->nseg; i++) {
        error = place_segment(out, &out->seg[i], &done);
        if (error)
            return give_up(out, error, err);
    }
    for (unsigned i = 0; i < out->nseg; i++) {
        const struct elf_segment *s = &out->seg[i];
        uint64_t from = page_down(s->vaddr), to = page_up(s->vaddr + s->memsz);
        if (prot_of(s) == (VM_R | VM_W))
            continue; /* as it was committed, and parts may have no pages yet */
        error = vm_protect(from, to - from, prot_of(s));
        if (error)
            return give_up(out, error, err);
    }
    return 0;
}
