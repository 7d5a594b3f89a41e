// sources: gort/sock/flight.c
/* Sockets in flight (gort/sock/flight.h) against a model: random sends, receives, closes, connects
 * and accepts between the steps of a cycle. What a descriptor, or a call, can come to must keep its
 * queue; what none can must be closed once two cycles are through. */
#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "gort/os/mem.h"
#include "gort/sched/background.h"
#include "gort/sock/sock.h"
#include "kernel/check.h"

static struct cpu the_cpu;
static int failures, nheld;
static long allocated;
static unsigned depth, deepest;     /* of releases within releases */

#define EXPECT(cond)                                                       \
    do {                                                                   \
        if (!(cond)) {                                                     \
            printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #cond);         \
            failures++;                                                    \
        }                                                                  \
    } while (0)

/* ---- what flight.c stands on ---------------------------------------------------------------- */

_Noreturn void kernel_panic(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    printf("FAIL %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    exit(1);
}

void lock(struct lock *l)
{
    EXPECT(!l->held);
    l->held = 1;
    nheld++;
}

void unlock(struct lock *l)
{
    EXPECT(l->held);
    l->held = 0;
    nheld--;
}

void *os_alloc(size_t n)
{
    allocated++;
    return calloc(1, n);
}

void os_free(void *p, size_t n)
{
    (void)n;
    allocated -= p != NULL;
    free(p);
}

static unsigned asked;
void background_ask(void (*fn)(void))
{
    (void)fn;
    asked++;
}

void calls_run(void) {}

bool file_try_get(struct file *f)
{
    EXPECT(f->refs); /* it is in flight */
    f->refs++;
    return true;
}

/* ---- the model ------------------------------------------------------------------------------ */

enum { SOCKS = 24, HANDS = 6, QUEUE = 8 };

/* Behind struct sock and struct flight: what the model knows. */
struct model {
    struct file file;
    struct rights *queue[QUEUE];
    unsigned nqueue;
    struct model *backlog[QUEUE], *listener;
    unsigned nbacklog, fds;         /* descriptors, of which each is a reference */
    bool open, has_file, listens, dropped, seen;
};
static struct model *model[SOCKS];  /* NULL: free */
static struct rights *hand[HANDS];  /* received, or about to be sent */

#define SOCK_SIZE (sizeof(struct sock) + sizeof(struct flight))
static struct model *model_of(struct sock *s) { return (struct model *)((char *)s + SOCK_SIZE); }
static struct sock *sock_at(struct model *m) { return (struct sock *)((char *)m - SOCK_SIZE); }

struct sock *sock_of_file(struct file *f) { return f->priv; }

static void queue_drop(struct model *m)
{
    struct rights *first = NULL, **end = &first;

    for (unsigned i = 0; i < m->nqueue; i++) {
        *end = m->queue[i];
        end = &(*end)->next;
    }
    *end = NULL;
    m->nqueue = 0;
    if (first)
        rights_free_list(first, end);
}

static void sock_closed(struct model *m);

static void backlog_drop(struct model *m)
{
    while (m->nbacklog) {
        struct model *p = m->backlog[--m->nbacklog];
        sock_closed(p);
    }
}

static void forget(struct model *m)
{
    for (unsigned i = 0; i < SOCKS; i++)
        if (model[i] == m)
            model[i] = NULL;
    EXPECT(!((struct flight *)(sock_at(m) + 1))->link.next);
    free(sock_at(m));
}

static void sock_closed(struct model *m)
{
    EXPECT(m->open);
    m->open = false;
    m->listener = NULL;
    backlog_drop(m);
    queue_drop(m);
    flight_closed(sock_at(m));
    forget(m);
}

void file_put(struct file *f)
{
    EXPECT(nheld == 0 && f->refs);
    if (--f->refs)
        return;
    if (++depth > deepest)
        deepest = depth;
    if (f->priv)
        sock_closed(model_of(f->priv));
    else
        free(f);
    depth--;
}

static void drop(struct sock *s)
{
    struct model *m = model_of(s);

    m->dropped = true;
    backlog_drop(m);
    queue_drop(m);
}

static const struct sock_ops ops = {.drop = drop};

static struct model *sock_make(bool has_file)
{
    struct sock *s = calloc(1, SOCK_SIZE + sizeof(struct model));
    struct model *m = model_of(s);

    s->domain = L_AF_UNIX;
    s->ops = &ops;
    m->file.priv = s;
    m->open = true;
    m->has_file = has_file;
    m->file.refs = m->fds = has_file;
    flight_init(s);
    return m;
}

/* Marks what can be reached. */
static void visit_rights(const struct rights *r);

static void visit(struct model *m)
{
    if (m->seen)
        return;
    m->seen = true;
    for (unsigned i = 0; i < m->nqueue; i++)
        visit_rights(m->queue[i]);
    for (unsigned i = 0; i < m->nbacklog; i++)
        visit(m->backlog[i]);
}

static void visit_rights(const struct rights *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->file[i]->priv)
            visit(model_of(r->file[i]->priv));
}

static void reach(void)
{
    for (unsigned i = 0; i < SOCKS; i++)
        if (model[i])
            model[i]->seen = false;
    for (unsigned i = 0; i < SOCKS; i++)
        if (model[i] && model[i]->fds)
            visit(model[i]);
    for (unsigned i = 0; i < HANDS; i++)
        if (hand[i])
            visit_rights(hand[i]);
}

static void reached_are_whole(void)
{
    reach();
    for (unsigned i = 0; i < SOCKS; i++)
        EXPECT(!model[i] || !model[i]->seen || !model[i]->dropped);
}

/* ---- what a program does -------------------------------------------------------------------- */

static unsigned pick(unsigned n) { return (unsigned)rand() % n; }

/* One that a descriptor refers to, or NULL. */
static struct model *held(void)
{
    struct model *m = model[pick(SOCKS)];

    return m && m->fds ? m : NULL;
}

static void do_make(void)
{
    struct model **at = &model[pick(SOCKS)];

    if (!*at)
        (*at = sock_make(true))->listens = pick(4) == 0;
}

static void do_close(void)
{
    struct model *m = held();

    if (!m)
        return;
    bool flies = flight_has(sock_at(m));
    m->fds--;
    file_put(&m->file);
    if (flies)
        flight_look();
}

static struct file *plain_file(void)
{
    struct file *f = calloc(1, sizeof *f);

    f->refs = 1;
    return f;
}

static void do_gather(void)
{
    struct rights **h = &hand[pick(HANDS)];

    if (*h)
        return;
    *h = rights_new(4);
    for (unsigned i = pick(4); i < 4; i++) {
        struct model *m = held();
        if (m)
            m->file.refs++;
        (*h)->file[(*h)->n++] = m ? &m->file : plain_file();
    }
}

/* To any socket: its peer may be open though nobody can reach it. */
static void do_send(void)
{
    struct rights **h = &hand[pick(HANDS)];
    struct model *to = model[pick(SOCKS)];

    if (!*h || !to || to->listens || to->nqueue == QUEUE)
        return;
    to->queue[to->nqueue++] = *h;
    rights_queued(*h, sock_at(to));
    *h = NULL;
}

static void do_receive(void)
{
    struct rights **h = &hand[pick(HANDS)];
    struct model *m = held();

    if (*h || !m || !m->nqueue)
        return;
    *h = m->queue[0];
    memmove(m->queue, m->queue + 1, --m->nqueue * sizeof *h);
    rights_taken(*h);
    (*h)->next = NULL;
}

static void do_install(void)
{
    struct rights **h = &hand[pick(HANDS)];

    if (!*h)
        return;
    for (unsigned i = 0; i < (*h)->n; i++)
        if ((*h)->file[i]->priv && pick(2)) {
            struct model *m = model_of((*h)->file[i]->priv);
            m->file.refs++;
            m->fds++;
        }
    struct rights *r = *h;
    *h = NULL;
    rights_free(r);
}

static void do_connect(void)
{
    struct model *l = model[pick(SOCKS)], **at = &model[pick(SOCKS)];

    if (!l || !l->listens || *at || l->nbacklog == QUEUE)
        return;
    *at = sock_make(false);
    (*at)->listener = l;
    l->backlog[l->nbacklog++] = *at;
    flight_arrives(sock_at(l), sock_at(*at));
}

static void do_accept(void)
{
    struct model *l = held();

    if (!l || !l->nbacklog)
        return;
    struct model *p = l->backlog[0];
    memmove(l->backlog, l->backlog + 1, --l->nbacklog * sizeof p);
    p->listener = NULL;
    p->has_file = true;
    p->fds = p->file.refs = 1;
    flight_accepted(sock_at(p));
}

static void do_step(void) { flight_step(); }

static void (*const actions[])(void) = {
    do_make, do_close, do_close, do_close, do_gather, do_send, do_send, do_receive, do_install,
    do_connect, do_accept, do_step, do_step, do_step,
};

static void steps(void)
{
    for (unsigned i = 0; flight_step(); i++)
        if (i > 100000) {
            EXPECT(!"a cycle ends");
            exit(1);
        }
}

static void lost_are_closed(void)
{
    steps();
    flight_look();
    steps();
    reach();
    for (unsigned i = 0; i < SOCKS; i++)
        EXPECT(!model[i] || model[i]->seen);
}

static void test_random(unsigned seed)
{
    int before = failures;

    srand(seed);
    for (unsigned i = 0; i < 3000 && failures == before; i++) {
        actions[pick(sizeof actions / sizeof actions[0])]();
        reached_are_whole();
        if (pick(200) == 0)
            lost_are_closed();
    }
    for (unsigned i = 0; i < HANDS; i++) {
        rights_free(hand[i]);
        hand[i] = NULL;
    }
    for (unsigned i = 0; i < SOCKS; i++)
        while (model[i] && model[i]->fds) {
            model[i]->fds--;
            file_put(&model[i]->file);
        }
    lost_are_closed();
    if (failures != before)
        printf("FAIL random %u\n", seed);
}

/* Each in the queue of the next: closing the last closes them all, none within another's release
 * but the first's. */
static void test_chain(void)
{
    struct model *last = NULL;

    for (unsigned i = 0; i < 100000; i++) {
        struct model *m = sock_make(true);
        if (last) {
            struct rights *r = rights_new(1);
            r->file[r->n++] = &last->file;
            m->queue[m->nqueue++] = r;
            rights_queued(r, sock_at(m));
        }
        last = m;
    }
    asked = deepest = 0;
    file_put(&last->file);
    EXPECT(asked > 0); /* not all at once */
    steps();
    EXPECT(allocated == 0);
    EXPECT(deepest <= 2);
}

/* The last reference from outside goes with a message that somebody has received. */
static void test_dropped(void)
{
    struct model *m = model[0] = sock_make(true);
    struct rights *r[2] = {rights_new(1), rights_new(1)};

    for (unsigned i = 0; i < 2; i++) {
        r[i]->file[r[i]->n++] = &m->file;
        m->file.refs++;
    }
    m->queue[m->nqueue++] = r[0];
    rights_queued(r[0], sock_at(m));
    m->fds--;
    file_put(&m->file);
    flight_look();
    steps();
    EXPECT(model[0]);
    rights_free(r[1]);
    steps();
    EXPECT(!model[0]);
    flight_look();
    EXPECT(!flight_step()); /* nothing in flight holds anything */
}

int main(void)
{
    the_cpu.self = &the_cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &the_cpu);
    for (unsigned seed = 1; seed <= 400 && !failures; seed++)
        test_random(seed);
    EXPECT(allocated == 0);
    test_dropped();
    test_chain();
    if (!failures)
        printf("ok sockets in flight\n");
    return failures != 0;
}
