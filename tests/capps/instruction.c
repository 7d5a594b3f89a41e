/* The SYSCALL instruction: results, what it must keep (registers, the red zone), calls that wait,
 * and buffers on stack pages that were never touched. */
#include <gort.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static gort_waitgroup done;
static int bad;

static void check(bool ok, const char *what)
{
    if (!ok)
        printf("FAIL %s\n", what);
    __atomic_add_fetch(&bad, !ok, __ATOMIC_RELAXED);
}

static long call(long number, long a, long b, long c)
{
    long r;

    __asm__ volatile("syscall" : "=a"(r) : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
}

static void results(void)
{
    static const char text[] = "written\n";

    check(call(39, 0, 0, 0) > 0, "getpid");
    check(call(1, 1, (long)text, 8) == 8, "write");
    check(call(3, 12345, 0, 0) == -9, "close: EBADF");
    check(call(1, 1, 8, 3) == -14, "write: EFAULT");
    check(call(5000, 0, 0, 0) == -38, "ENOSYS");
}

/* nanosleep with values in registers and below rsp. */
static bool keeps(void)
{
    int64_t ts[2] = { 0, 2000000 };
    uint64_t in[2] = { 0x123456789abcdef0, 77 }, out[2] = { 0 }, low, r12 = 112, r15 = 115;
    long r = 35;

    __asm__ volatile("movdqu (%[in]), %%xmm5\n\tmovq %%rsp, %%r14\n\tsubq $256, %%rsp\n\t"
                     "movq $0x777, -120(%%rsp)\n\tmovq %[r12], %%r12\n\tmovq %[r15], %%r15\n\t"
                     "xorl %%esi, %%esi\n\tsyscall\n\t"
                     "movq -120(%%rsp), %[low]\n\tmovq %%r14, %%rsp\n\tmovdqu %%xmm5, (%[out])\n\t"
                     "movq %%r12, %[r12]\n\tmovq %%r15, %[r15]"
                     : "+a"(r), [low] "=&r"(low), [r12] "+m"(r12), [r15] "+m"(r15)
                     : "D"(ts), [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "rsi", "r12", "r14", "r15", "xmm5", "memory");
    return r == 0 && low == 0x777 && r12 == 112 && r15 == 115 && !memcmp(in, out, 16);
}

static void sleeper(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20; i++)
        check(keeps(), "registers");
    gort_wg_done(&done);
}

static int ends[2];

/* A buffer of 64 KiB on a fresh stack, which only the system call touches. */
static void reader(void *unused)
{
    char buffer[65536];

    (void)unused;
    long n = call(0, ends[0], (long)buffer + 20000, 40000);
    check(n == 5 && !memcmp(buffer + 20000, "hello", 5), "read");
    gort_wg_done(&done);
}

static void spinner(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20000; i++)
        if (call(39, 0, 0, 0) <= 0)
            bad++;
    gort_wg_done(&done);
}

int main(void)
{
    results();
    check(call(22, (long)ends, 0, 0) == 0, "pipe");
    gort_wg_add(&done, 6);
    gort_go(reader, NULL);
    for (int i = 0; i < 4; i++)
        gort_go(sleeper, NULL);
    gort_go(spinner, NULL);
    gort_sleep(10 * GORT_MS);
    check(call(1, ends[1], (long)"hello", 5) == 5, "write to a pipe");
    gort_wg_wait(&done);
    printf("%d bad\n", bad);
    return bad != 0;
}
