/* trace: a panic's traceback. trace collect|sleep: settings from the environment. */
#include <gort.h>
#include <stdio.h>
#include <string.h>

static __attribute__((noinline)) int inner(void)
{
    gort_panic("deep"); /* panics */
}

static __attribute__((noinline)) int outer(int n)
{
    return n + inner(); /* calls */
}

static void go(void *arg)
{
    (void)arg;
    printf("%d\n", outer(1));
}

int main(int argc, char **argv)
{
    gort_stats s;

    if (argc > 1 && !strcmp(argv[1], "collect")) {
        for (int i = 0; i < 64; i++)
            gort_new_noscan(1 << 20);
        gort_read_stats(&s);
        puts(s.gc_cycles ? "collected" : "not collected");
        return 0;
    }
    if (argc > 1) {
        gort_sleep(300 * GORT_MS);
        return 0;
    }
    gort_go(go, NULL); /* starts */
    gort_sleep(100 * GORT_S);
    return 0;
}
