/* A ticker, work that arrives, and an end, in one select. */
#include <gort.h>
#include <stdio.h>

static void worker(void *arg)
{
    for (int i = 1; i <= 3; i++) {
        gort_sleep(5 * GORT_MS);
        gort_send(arg, &i);
    }
    gort_close(arg);
}

int main(void)
{
    gort_timer *ticker = gort_ticker_new(10 * GORT_MS);
    gort_chan *work = gort_chan_make(sizeof(int), 0);
    int ticks = 0, item = 0;
    int64_t when;

    gort_go(worker, work);
    while (ticks < 5 || work) {
        gort_case cases[] = {
            { GORT_RECV, gort_timer_chan(ticker), &when, false },
            { GORT_RECV, work, &item, false },
        };
        switch (gort_select(cases, 2)) {
        case 0:
            ticks++;
            break;
        case 1:
            if (cases[1].open)
                printf("work %d\n", item);
            else
                work = NULL; /* never ready again */
            break;
        }
    }
    gort_timer_stop(ticker);
    printf("%s\n", ticks >= 5 ? "ticked" : "did not tick");
    return 0;
}
