/* test_random.c - sources of random words that are broken.
 * sources: kernel/random.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "arch/x86_64/arch.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/options.h"
#include "kernel/print.h"
#include "kernel/random.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

struct cpu_features cpu_features;
struct boot_options options;
void lock(struct lock *l) { (void)l; }
void unlock(struct lock *l) { (void)l; }
void boot_log(const char *fmt, ...) { (void)fmt; }
int64_t clock_wall_ns(void) { return 42; }

static unsigned accepted(const uint64_t *words, unsigned n)
{
    struct word_watch w = { 0 };
    unsigned good = 0;

    for (unsigned i = 0; i < n; i++)
        good += word_plausible(&w, words[i]);
    return good;
}

static bool watched(void)
{
    const uint64_t ones[] = { ~0ull, ~0ull, 5 }, zeros[] = { 0, 7 }, stuck[] = { 9, 8, 8, 3, 4 };
    const uint64_t fine[] = { 1, 2, 1, 2, 3 };

    return accepted(ones, 3) == 0 && accepted(zeros, 2) == 0 && accepted(stuck, 5) == 2 &&
           accepted(fine, 5) == 5;
}

/* Without a source, and without the firmware's seed, nothing is given out. */
static bool no_source(void)
{
    uint8_t a[32];

    uint32_t w;

    return random_bytes(a, sizeof a) < 0 && random_word(&w) < 0;
}

/* Words out of the stock, through several of its fillings: no two are equal. */
static bool words_differ(void)
{
    uint8_t seed[32] = "as good as any for this purpose";
    uint32_t w[200];

    random_init(seed, sizeof seed);
    for (unsigned i = 0; i < 200; i++) {
        if (random_word(&w[i]) < 0)
            return false;
        for (unsigned j = 0; j < i; j++)
            if (w[j] == w[i])
                return false;
    }
    return true;
}

int main(void)
{
    static struct cpu cpu = { .self = &cpu };

    if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, &cpu) != 0)
        return 1;
    report("words of broken sources", watched());
    report("no source", no_source());
    report("words", words_differ());
    return failures != 0;
}
