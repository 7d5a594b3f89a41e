/* prof.c - goroutine profiles, and the text of runtime.Stack. */
#include <string.h>
#include "gort/gc/leak.h"
#include "gort/observe/traceback.h"
#include "gort/sched/sched.h"
#include "gort/stack/unwind.h"
#include "rt_frames.h"

/* Fills pcs[records][depth] (zero-padded) and labels[records] with the stacks of all user
 * goroutines, or of those that have leaked; returns how many there are, which may be more than
 * fit. */
void rt_goroutine_profile(struct goroutine_profile_frame *f)
{
    uintptr_t (*pcs) = f->pcs;
    void **labels = f->labels;
    int64_t n = 0;

    stw_begin(STW_GOROUTINE_PROFILE);
    for (struct g *gp = allgs; gp; gp = gp->alllink) {
        uint32_t s = g_status(gp);
        if (s == G_DEAD || s == G_IDLE || (gp->system && !gp->runs_user) || !g_is_go(gp) ||
            (f->leaked && !g_has_leaked(gp)))
            continue;
        if (n < f->records) {
            uintptr_t *row = pcs + n * f->depth;
            struct unwinder u;
            unwinder_init(&u, gp);
            int64_t got = unwinder_pcs(&u, 0, row, f->depth);
            memset(row + got, 0, (size_t)(f->depth - got) * sizeof *row);
            if (labels)
                labels[n] = gp->labels;
        }
        n++;
    }
    stw_end();
    f->n = n;
}

struct text { char *buf; size_t n, cap; };

static void text_write(void *arg, const char *s, size_t n)
{
    struct text *t = arg;

    if (n > t->cap - t->n)
        n = t->cap - t->n;
    memcpy(t->buf + t->n, s, n);
    t->n += n;
}

void rt_stack_text(struct stack_text_frame *f)
{
    struct g *gp = g_calling();
    struct text t = { f->buf, 0, (size_t)f->cap };
    struct traceback_out o = { text_write, &t, false };

    if (f->all)
        stw_begin(STW_STACKS);
    traceback_print_g(&o, gp, f->pc, f->sp);
    if (f->all) {
        traceback_print_others(&o, gp);
        stw_end();
    }
    f->n = (int64_t)t.n;
}
