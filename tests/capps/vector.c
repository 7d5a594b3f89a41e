/* Goroutines that hold values in every vector register, all 256 bits, while they are preempted
 * at any instruction: vector [MS]. Without AVX: the lower 128 bits. */
#include <cpuid.h>
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

static gort_waitgroup done;
static int bad;
static int64_t until;

#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) \
                f(14) f(15)
#define LOAD_Y(n)  "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define STORE_Y(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n\t"
#define LOAD_X(n)  "movdqu " #n "*32(%0), %%xmm" #n "\n\t"
#define STORE_X(n) "movdqu %%xmm" #n ", " #n "*32(%1)\n\t"
#define SPIN "movl $20000, %%eax\n1:\tsubl $1, %%eax\n\tjnz 1b\n\t"
#define CLOBBERS "rax", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",    \
    "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void hold_y(const uint64_t *in, uint64_t *out)
{
    __asm__ volatile(EACH(LOAD_Y) SPIN EACH(STORE_Y) "vzeroupper" :: "r"(in), "r"(out) : CLOBBERS);
}

static void hold_x(const uint64_t *in, uint64_t *out)
{
    __asm__ volatile(EACH(LOAD_X) SPIN EACH(STORE_X) :: "r"(in), "r"(out) : CLOBBERS);
}

static bool avx(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_AVX && c & bit_OSXSAVE;
}

static void work(void *arg)
{
    uint64_t in[64], out[64], x = (uint64_t)arg + 1;
    bool wide = avx();

    while (gort_now() < until) {
        for (int i = 0; i < 64; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            in[i] = out[i] = x;
        }
        (wide ? hold_y : hold_x)(in, out);
        for (int i = 0; i < 64; i++)
            if (in[i] != out[i])
                __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    }
    gort_wg_done(&done);
}

int main(int argc, char **argv)
{
    until = gort_now() + (argc > 1 ? atoi(argv[1]) : 500) * GORT_MS;
    gort_wg_add(&done, 8);
    for (intptr_t i = 0; i < 8; i++)
        gort_go(work, (void *)i);
    gort_wg_wait(&done);
    printf("%d bad\n", bad);
    return bad != 0;
}
