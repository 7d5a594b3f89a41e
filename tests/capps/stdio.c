/* malloc and stdio under 8 goroutines; errno is each one's own: stdio [ROUNDS]. */
#include <errno.h>
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rounds = 40;
static gort_waitgroup done;
static int bad;

static void work(void *arg)
{
    int id = (int)(intptr_t)arg;
    char name[40], line[80], want[80];

    snprintf(name, sizeof name, "/tmp-%d", id);
    for (int r = 0; r < rounds; r++) {
        char *p[32];
        for (int i = 0; i < 32; i++) {
            size_t n = (size_t)(1 + (r * 7919 + i * 104729 + id) % 3000);
            p[i] = malloc(n);
            memset(p[i], id, n);
        }
        errno = id + 1;
        FILE *f = fopen(name, "w");
        for (int i = 0; i < 20; i++)
            fprintf(f, "%d %d %g\n", id, i, i / 4.0);
        fclose(f);
        gort_yield();
        f = fopen(name, "r");
        for (int i = 0; i < 20; i++) {
            snprintf(want, sizeof want, "%d %d %g\n", id, i, i / 4.0);
            if (!fgets(line, sizeof line, f) || strcmp(line, want))
                __atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
        }
        fclose(f);
        if (fopen("/no/such", "r") || errno != ENOENT)
            __atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 32; i++) {
            if (p[i][0] != id)
                __atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
            free(p[i]);
        }
    }
    gort_wg_done(&done);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);
    gort_wg_add(&done, 8);
    for (intptr_t i = 0; i < 8; i++)
        gort_go(work, (void *)i);
    gort_wg_wait(&done);
    printf("%d bad\n", bad);
    return bad != 0;
}
