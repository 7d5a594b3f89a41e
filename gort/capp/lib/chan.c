/* chan.c - channels and select, over the gates that Go programs use (gort/sync/chan.h). */
#include <string.h>
#include "private.h"
#include "gort/abi/goabi.h"
#include "gort/sync/chan.h"

/* The element type that the kernel wants: bytes, since nothing here has write barriers. */
struct gort_chan {
    struct hchan h;
    struct go_type elem;
};

gort_chan *gort_chan_make(size_t elem_size, size_t cap)
{
    size_t bytes;

    if (elem_size > 65535 || __builtin_mul_overflow(elem_size, cap, &bytes) || bytes >> 40)
        gort_panic("makechan: size out of range");
    gort_chan *c = gort_new(sizeof *c);
    c->elem.size = elem_size;
    c->h.elemtype = &c->elem;
    c->h.elemsize = (uint16_t)elem_size;
    c->h.dataqsiz = cap;
    c->h.buf = gort_new(bytes);
    c->h.lock.rank = RANK_HCHAN;
    c->h.lock.name = "chan";
    return c;
}

/* After a park: how the wait ended. */
static uint32_t woken(struct hchan *c, uint32_t status)
{
    struct chanwoken_frame f = { .c = c };

    if (status != CHAN_PARKED)
        return status;
    GATE(chanwoken, &f);
    return f.status;
}

static bool send(gort_chan *c, const void *elem, bool block)
{
    struct chansendg_frame f = { .c = (struct hchan *)c, .elem = (void *)elem, .block = block };

    if (!c && !block)
        return false;
    if (c)
        touch(elem, c->h.elemsize);
    GATE(chansendg, &f);
    uint32_t status = woken(f.c, f.status);
    if (status == CHAN_CLOSED)
        gort_panic("send on closed channel");
    return status == CHAN_DONE;
}

static uint32_t receive(gort_chan *c, void *elem, bool block)
{
    struct chanrecvg_frame f = { .c = (struct hchan *)c, .elem = elem, .block = block };

    if (!c && !block)
        return CHAN_WOULD_BLOCK;
    if (elem && c)
        touch(elem, c->h.elemsize);
    GATE(chanrecvg, &f);
    return woken(f.c, f.status);
}

void gort_send(gort_chan *c, const void *elem) { send(c, elem, true); }
bool gort_try_send(gort_chan *c, const void *elem) { return send(c, elem, false); }
bool gort_recv(gort_chan *c, void *elem) { return receive(c, elem, true) == CHAN_DONE; }

bool gort_try_recv(gort_chan *c, void *elem, bool *open)
{
    uint32_t status = receive(c, elem, false);

    if (open)
        *open = status != CHAN_CLOSED;
    return status != CHAN_WOULD_BLOCK;
}

void gort_close(gort_chan *c)
{
    struct chanclose_frame f = { .c = (struct hchan *)c };

    if (!c)
        gort_panic("close of nil channel");
    GATE(chanclose, &f);
    if (f.status == CHAN_CLOSED)
        gort_panic("close of closed channel");
}

size_t gort_len(const gort_chan *c)
{
    return c ? __atomic_load_n(&c->h.qcount, __ATOMIC_RELAXED) : 0;
}

size_t gort_cap(const gort_chan *c) { return c ? c->h.dataqsiz : 0; }

/* ---- select -------------------------------------------------------------------------------- */

struct scase { struct hchan *c; void *elem; }; /* gort/sync/select.c */
#define FEW 16

static int64_t choose(struct scase *sc, uint16_t *order, int64_t sends, int64_t recvs, bool block,
                      uint32_t *status)
{
    struct selectg_frame f = { sc, order, sends, recvs, block, 0, 0, 0 };

    GATE(selectg, &f);
    *status = f.status;
    if (f.status != CHAN_PARKED)
        return f.status == CHAN_WOULD_BLOCK ? -1 : f.chosen;
    struct selectwoken_frame w = { sc, order, sends, recvs, 0, 0 };
    GATE(selectwoken, &w);
    *status = w.status;
    return w.chosen;
}

/* The gate wants sends before receives. */
static int select_in(gort_case *cases, int n, bool block, struct scase *sc, uint16_t *order,
                     int *which)
{
    int at = 0, sends = 0;
    uint32_t status;

    for (int pass = GORT_SEND; pass >= GORT_RECV; pass--) {
        for (int i = 0; i < n; i++) {
            if ((int)cases[i].op != pass)
                continue;
            if (cases[i].c && cases[i].elem)
                touch(cases[i].elem, cases[i].c->h.elemsize);
            sc[at] = (struct scase){ (struct hchan *)cases[i].c, cases[i].elem };
            which[at++] = i;
        }
        if (pass == GORT_SEND)
            sends = at;
    }
    int64_t k = choose(sc, order, sends, at - sends, block, &status);
    if (k < 0)
        return -1;
    if (k < sends && status == CHAN_CLOSED)
        gort_panic("send on closed channel");
    cases[which[k]].open = status != CHAN_CLOSED;
    return which[k];
}

static int select_any(gort_case *cases, int n, bool block)
{
    if (n < 0 || n > 65535)
        gort_panic("select: bad number of cases");
    if (n == 0 && block) {
        struct block_frame f;
        memset(&f, 0, sizeof f);
        GATE(block, &f);
    }
    if (n <= FEW) {
        struct scase sc[FEW] = { 0 };
        uint16_t order[2 * FEW] = { 0 };
        int which[FEW];
        return select_in(cases, n, block, sc, order, which);
    }
    return select_in(cases, n, block, gort_new((size_t)n * sizeof(struct scase)),
                     gort_new_noscan((size_t)n * 4), gort_new_noscan((size_t)n * sizeof(int)));
}

int gort_select(gort_case *cases, int n) { return select_any(cases, n, true); }
int gort_try_select(gort_case *cases, int n) { return select_any(cases, n, false); }
