/* Binary trees: what is dropped must be collected, what is kept must stay whole. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

struct tree { struct tree *left, *right; };

static struct tree *grow(int depth)
{
    struct tree *t = gort_new(sizeof *t);

    if (depth > 0) {
        t->left = grow(depth - 1);
        t->right = grow(depth - 1);
    }
    return t;
}

static long size(const struct tree *t) { return t ? 1 + size(t->left) + size(t->right) : 0; }

struct job { int depth, rounds; long total; gort_waitgroup *done; };

static void work(void *arg)
{
    struct job *j = arg;

    for (int i = 0; i < j->rounds; i++)
        j->total += size(grow(j->depth));
    gort_wg_done(j->done);
}

int main(int argc, char **argv)
{
    int depth = argc > 1 ? atoi(argv[1]) : 10;
    struct tree *kept = grow(depth + 2);
    struct job *jobs[4];
    gort_waitgroup done = { 0 };
    gort_stats s;

    for (int i = 0; i < 4; i++) {
        jobs[i] = gort_new(sizeof *jobs[i]);
        *jobs[i] = (struct job){ depth, 60, 0, &done };
        gort_wg_add(&done, 1);
        gort_go(work, jobs[i]);
    }
    gort_wg_wait(&done);
    for (int i = 0; i < 4; i++)
        printf("goroutine %d: %ld nodes\n", i, jobs[i]->total);
    printf("kept: %ld nodes\n", size(kept));
    gort_read_stats(&s);
    printf("collected: %s\n", s.gc_cycles > 0 && s.heap_live < s.total_alloc ? "yes" : "no");
    return 0;
}
