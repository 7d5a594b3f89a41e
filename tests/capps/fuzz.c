/* fuzz SEED STEPS - random operations on channels. First by one goroutine, each result compared
 * with a model; then by senders and receivers that select, after which every message must have
 * come once, on its channel, and each sender's messages on a channel in order. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANS 6
#define CASES 5
#define SENDERS 4

static uint64_t seed;

static unsigned rnd(uint64_t *s, unsigned n)
{
    *s = *s * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(*s >> 33) % n;
}

/* ---- one goroutine and a model ----------------------------------------------------------- */

struct model { gort_chan *c; size_t cap, n; int q[4]; bool closed; };
static struct model m[CHANS]; /* [0] stays nil */

static gort_case cases[CASES];
static int which[CASES], elems[CASES], ncases, chosen, next = 1;

static void do_select(void *unused) { (void)unused; chosen = gort_try_select(cases, ncases); }
static void do_close(void *c) { gort_close(c); }

static void expect(bool right, const char *what)
{
    if (!right)
        gort_fatal("fuzz: %s (seed %lu)", what, seed);
}

static bool ready(int i)
{
    const struct model *k = &m[which[i]];

    if (!k->c)
        return false;
    return k->closed || (cases[i].op == GORT_SEND ? k->n < k->cap : k->n > 0);
}

static void model_recv(int i)
{
    struct model *k = &m[which[i]];

    expect(cases[i].open == (k->n > 0), "open");
    expect(elems[i] == (k->n ? k->q[0] : 0), "received element");
    if (k->n)
        memmove(k->q, k->q + 1, --k->n * sizeof k->q[0]);
}

static void random_select(uint64_t *s)
{
    bool any = false, dead = false;
    char text[64] = "";

    ncases = 1 + (int)rnd(s, CASES);
    for (int i = 0; i < ncases; i++) {
        which[i] = (int)rnd(s, CHANS);
        elems[i] = next++;
        enum gort_op op = rnd(s, 2) ? GORT_SEND : GORT_RECV;
        cases[i] = (gort_case){ op, m[which[i]].c, &elems[i], false };
        any |= ready(i);
        dead |= cases[i].op == GORT_SEND && m[which[i]].closed;
    }
    if (!gort_try(do_select, NULL, text, sizeof text)) {
        expect(dead && strcmp(text, "send on closed channel") == 0, "panic of select");
        return;
    }
    expect(chosen >= -1 && chosen < ncases && (chosen >= 0) == any, "select's index");
    if (chosen < 0)
        return;
    struct model *k = &m[which[chosen]];
    expect(ready(chosen) && !(cases[chosen].op == GORT_SEND && k->closed), "case not ready");
    if (cases[chosen].op == GORT_RECV)
        model_recv(chosen);
    else
        k->q[k->n++] = elems[chosen];
}

static void step(uint64_t *s)
{
    struct model *k = &m[1 + rnd(s, CHANS - 1)];

    if (!k->c || (k->closed && rnd(s, 10) == 0)) {
        *k = (struct model){ .cap = rnd(s, 5) };
        k->c = gort_chan_make(sizeof(int), k->cap);
    } else if (rnd(s, 40) == 0) {
        char text[64] = "";
        bool ok = gort_try(do_close, k->c, text, sizeof text);
        expect(ok == !k->closed, "close");
        expect(ok || strcmp(text, "close of closed channel") == 0, "panic of close");
        k->closed = true;
    }
    random_select(s);
    expect(gort_len(k->c) == k->n && gort_cap(k->c) == k->cap, "len or cap");
}

/* ---- many goroutines ----------------------------------------------------------------------- */

struct message { int sender, seq; };
static int count;
static gort_chan *chans[CHANS];
static gort_waitgroup sending, receiving;
static signed char *sent_on[SENDERS], *came_on[SENDERS]; /* by seq; -1: not yet */

static void sender(void *arg)
{
    int me = (int)(intptr_t)arg;
    uint64_t s = seed * 31 + (uint64_t)me;

    for (int seq = 0; seq < count; seq++) {
        struct message msg = { me, seq };
        gort_case cs[3];
        int on[3], n = 1 + (int)rnd(&s, 3);
        for (int i = 0; i < n; i++) {
            on[i] = (int)rnd(&s, CHANS);
            cs[i] = (gort_case){ GORT_SEND, chans[on[i]], &msg, false };
        }
        sent_on[me][seq] = (signed char)on[gort_select(cs, n)];
    }
    gort_wg_done(&sending);
}

static void receiver(void *arg)
{
    struct message got[CHANS];
    gort_case cs[CHANS];
    int last[SENDERS][CHANS], open = CHANS;

    (void)arg;
    memset(last, -1, sizeof last);
    for (int i = 0; i < CHANS; i++)
        cs[i] = (gort_case){ GORT_RECV, chans[i], &got[i], false };
    while (open > 0) {
        int i = gort_select(cs, CHANS);
        if (!cs[i].open) {
            cs[i].c = NULL;
            open--;
            continue;
        }
        int from = got[i].sender, seq = got[i].seq;
        expect(from >= 0 && from < SENDERS && seq >= 0 && seq < count, "message");
        expect(seq > last[from][i], "order");
        last[from][i] = seq;
        expect(__atomic_exchange_n(&came_on[from][seq], (signed char)i, __ATOMIC_RELAXED) == -1,
               "message twice");
    }
    gort_wg_done(&receiving);
}

static void many(void)
{
    for (int i = 0; i < CHANS; i++)
        chans[i] = gort_chan_make(sizeof(struct message), (size_t)i / 2);
    gort_wg_add(&sending, SENDERS);
    gort_wg_add(&receiving, SENDERS);
    for (int i = 0; i < SENDERS; i++) {
        sent_on[i] = malloc((size_t)count);
        came_on[i] = memset(malloc((size_t)count), -1, (size_t)count);
        gort_go(sender, (void *)(intptr_t)i);
        gort_go(receiver, NULL);
    }
    gort_wg_wait(&sending);
    for (int i = 0; i < CHANS; i++)
        gort_close(chans[i]);
    gort_wg_wait(&receiving);
    for (int i = 0; i < SENDERS; i++)
        expect(memcmp(sent_on[i], came_on[i], (size_t)count) == 0, "message lost, or elsewhere");
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    int steps = argc > 2 ? atoi(argv[2]) : 10000;
    uint64_t s = seed;

    for (int i = 0; i < steps; i++)
        step(&s);
    count = steps / 10;
    many();
    printf("%d steps, %d messages\n", steps, count * SENDERS);
    return 0;
}
