/* test_wall.c - what looks at a clock of whole seconds say about ours.
 * sources: gort/time/wall.c */
#include <stdio.h>
#include <stdlib.h>
#include "arch/x86_64/arch.h"
#include "gort/time/wall.h"
#include "kernel/clock.h"
#include "kernel/options.h"

struct cpu_features cpu_features;
struct boot_options options;
int64_t rtc_read(void) { return 0; }
bool rtc_updating(void) { return false; }
int64_t clock_mono_ns(void) { return 0; }
int64_t clock_wall_ns(void) { return 0; }
int64_t clock_wall_at(int64_t mono) { return mono; }
void clock_wall_step(int64_t ns) { (void)ns; }

#define S 1000000000ll
static int failures;
static void check(int good, const char *what)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", what);
}

/* The true time, the clock that counts its seconds, and ours, which begins `late` behind. */
static int64_t truth, ours;
static struct wall_bounds b;

static void begin(int64_t late)
{
    truth = 1700000000ll * S + 123456789;
    ours = truth - late;
    b = (struct wall_bounds){ 0 };
}

/* Time goes on by looks of `every`; returns the sum of the steps. */
static int64_t go_on(int looks, int64_t every)
{
    int64_t sum = 0;

    while (looks--) {
        truth += every;
        ours += every;
        int64_t step = wall_judge(&b, truth / S * S - ours);
        ours += step;
        sum += step;
    }
    return sum;
}

static int64_t distance(int64_t a, int64_t of) { return llabs(a - of); }

static void pauses(void)
{
    for (int64_t late = -S; late <= S; late += S / 7)
        for (int64_t pause = S / 2; pause < 100 * S; pause = pause * 5 / 4 + 1) {
            begin(late);
            if (go_on(50, S / 10 + 1234567)) {
                check(0, "no step while nothing happens");
                return;
            }
            truth += pause;
            go_on(1, 1000);
            if (distance(ours + late, truth) > S + S / 3) {
                check(0, "at once within a second or so");
                return;
            }
            go_on(20, S / 10);
            if (distance(ours + late, truth) > S / 2) {
                check(0, "after two seconds within half of one");
                return;
            }
        }
    check(1, "pauses");
}

/* Our clock runs 0.05 % wrong: it is held. */
static void drift(int64_t each, const char *what)
{
    begin(0);
    for (int i = 0; i < 100000; i++) {
        go_on(1, S / 10);
        ours += each;
        if (distance(ours, truth) > S) {
            check(0, what);
            return;
        }
    }
    check(1, what);
}

int main(void)
{
    pauses();
    drift(50000, "a clock that is too fast");
    drift(-50000, "a clock that is too slow");
    return failures != 0;
}
