// sources: gort/abi/app.c
/* The vector state that a preemption keeps, on this machine's CPU: with whatever it has of SSE, AVX
 * and AVX-512 every register comes back as it was, and nothing behind the area is written to. */
#include <cpuid.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gort/abi/app.h"

enum { REGISTERS = 32, WIDTH = 64, MASKS = 8, GUARD = 256 };
enum level { SSE, AVX, AVX512 };

struct registers {
    uint8_t v[REGISTERS][WIDTH];
    uint64_t k[MASKS];
};

/* Loads the registers from `in`, saves them in `area`, clears them, restores them, and stores them
 * in `out`. One function for each width, so that no instruction of the compiler's comes between. */
void trip_sse(const struct registers *in, struct registers *out, void *area);
void trip_avx(const struct registers *in, struct registers *out, void *area);
void trip_avx512(const struct registers *in, struct registers *out, void *area);

#define LOW    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define HIGH   LOW ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define BOTH   "    movq %rdx, %rcx\n vector_state save\n"
#define REST   "    vector_state rstor\n"
#define FOR(n, what) "    .irp n, " n "\n" what "\n    .endr\n"

__asm__(".include \"arch/x86_64/trapframe.inc\"\n"
        "    .text\n"
        "    .globl trip_sse\n    .globl trip_avx\n    .globl trip_avx512\n"
        "trip_sse:\n"
        FOR(LOW, "movups \\n*64(%rdi), %xmm\\n") BOTH
        FOR(LOW, "xorps %xmm\\n, %xmm\\n") REST
        FOR(LOW, "movups %xmm\\n, \\n*64(%rsi)")
        "    ret\n"
        "trip_avx:\n"
        FOR(LOW, "vmovups \\n*64(%rdi), %ymm\\n") BOTH
        "    vzeroall\n" REST
        FOR(LOW, "vmovups %ymm\\n, \\n*64(%rsi)")
        "    vzeroupper\n    ret\n"
        "trip_avx512:\n"
        FOR(HIGH, "vmovdqu64 \\n*64(%rdi), %zmm\\n")
        FOR("0,1,2,3,4,5,6,7", "kmovq 2048+\\n*8(%rdi), %k\\n") BOTH
        FOR(HIGH, "vpxorq %zmm\\n, %zmm\\n, %zmm\\n")
        FOR("0,1,2,3,4,5,6,7", "kxorq %k\\n, %k\\n, %k\\n") REST
        FOR("0,1,2,3,4,5,6,7", "kmovq %k\\n, 2048+\\n*8(%rsi)")
        FOR(HIGH, "vmovdqu64 %zmm\\n, \\n*64(%rsi)")
        "    vzeroupper\n    ret\n");

_Static_assert(offsetof(struct registers, k) == 2048, "the assembly has it");

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

static bool has(unsigned leaf, unsigned reg, unsigned bit)
{
    unsigned r[4];

    __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]);
    return r[reg] >> bit & 1;
}

static uint64_t xcr0(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Are `width` bytes of each of n registers, and the masks, equal? */
static bool same(const struct registers *a, const struct registers *b, int n, size_t width,
                 bool masks)
{
    for (int i = 0; i < n; i++)
        if (memcmp(a->v[i], b->v[i], width) != 0)
            return false;
    return !masks || memcmp(a->k, b->k, sizeof a->k) == 0;
}

static void trip(enum level level, size_t size, const char *name)
{
    static struct registers in, out;
    uint8_t *area = aligned_alloc(64, size + GUARD);
    bool clean = true;

    for (size_t i = 0; i < sizeof in; i++)
        ((uint8_t *)&in)[i] = (uint8_t)(i * 31 + i / 64 + 1);
    memset(&out, 0, sizeof out);
    memset(area, 0, size);
    memset(area + size, 0xa5, GUARD);
    (level == AVX512 ? trip_avx512 : level == AVX ? trip_avx : trip_sse)(&in, &out, area);
    for (size_t i = 0; i < GUARD; i++)
        clean &= area[size + i] == 0xa5;
    check(same(&in, &out, level == AVX512 ? 32 : 16, (size_t)16 << level, level == AVX512), name);
    check(clean, "and stays within the area");
    free(area);
}

int main(void)
{
    unsigned a, size, c, d;

    vec_use_xsave = 0;
    trip(SSE, vec_area_size, "SSE by FXSAVE");
    if (!has(1, 2, 27)) /* OSXSAVE */
        return failures != 0;
    __cpuid_count(0xd, 0, a, size, c, d);
    size = (size + 63) & ~63u;
    vec_use_xsave = 1;
    trip(SSE, size, "SSE by XSAVE");
    if ((xcr0() & 6) == 6)
        trip(AVX, size, "AVX");
    if ((xcr0() & 0xe6) == 0xe6 && has(7, 1, 16) && has(7, 1, 30))
        trip(AVX512, size, "AVX-512");
    return failures != 0;
}
