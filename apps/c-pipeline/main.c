/* The prime sieve: a goroutine per prime, each passing on what it does not divide. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

struct filter { gort_chan *in, *out; int prime; };

static void generate(void *out)
{
    for (int i = 2;; i++)
        gort_send(out, &i);
}

static void filter(void *arg)
{
    struct filter *f = arg;

    for (int n; gort_recv(f->in, &n);)
        if (n % f->prime)
            gort_send(f->out, &n);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 30;
    gort_chan *c = gort_chan_make(sizeof(int), 0);

    gort_go(generate, c);
    for (int i = 0; i < count; i++) {
        struct filter *f = gort_new(sizeof *f);
        f->in = c;
        f->out = gort_chan_make(sizeof(int), 0);
        gort_recv(c, &f->prime);
        printf("%d\n", f->prime);
        gort_go(filter, f);
        c = f->out;
    }
    return 0;
}
