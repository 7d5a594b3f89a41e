/* Misuses that end a program: misuse WHAT. */
#include <assert.h>
#include <gort.h>
#include <stdio.h>
#include <string.h>

static int deep(int n)
{
    volatile char room[1000];
    room[0] = (char)n;
    return n ? deep(n - 1) + room[0] : 0;
}
static void overflow(void *arg) { deep(1000000 + (arg != NULL)); }
static void send_closed(void *c) { gort_send(c, "x"); }

int main(int argc, char **argv)
{
    gort_chan *c = gort_chan_make(1, 0);
    const char *what = argc > 1 ? argv[1] : "";
    gort_mutex m = { 0 };
    char text[64], b;

    if (!strcmp(what, "try")) {
        gort_close(c);
        bool ok = gort_try(send_closed, c, text, sizeof text);
        printf("%d %s\n", ok, text);
        return 7;
    }
    if (!strcmp(what, "send")) {
        gort_close(c);
        gort_send(c, "x");
    } else if (!strcmp(what, "close")) {
        gort_close(c);
        gort_close(c);
    } else if (!strcmp(what, "deadlock")) {
        gort_recv(c, &b);
    } else if (!strcmp(what, "unlock")) {
        gort_unlock(&m);
    } else if (!strcmp(what, "overflow")) {
        gort_go(overflow, NULL);
        gort_sleep(100 * GORT_S);
    } else if (!strcmp(what, "assert")) {
        assert(argc == 77);
    } else if (!strcmp(what, "null")) {
        *(volatile int *)0 = 1;
    }
    return 0;
}
