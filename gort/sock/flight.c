/* flight.c - see flight.h. */
#include "gort/sock/flight.h"
#include "gort/os/mem.h"
#include "gort/sched/background.h"
#include "gort/sock/sock.h"
#include "kernel/check.h"

/* Files that are closed, and vertices and sockets that are looked at, in a step. */
#ifdef GORT_HOST_TEST
enum { FREE_STEP = 2, LOOK_STEP = 1 };
#else
enum { FREE_STEP = 32, LOOK_STEP = 32 };
#endif
/* In flight, before a cycle begins without that one has been closed. */
enum { FEW = 1024 };

enum phase { IDLE, CHECK, SCAN, DROP };

static struct {
    struct lock lock;               /* RANK_FLIGHT: all but `todo` and what says otherwise */
    struct flight_link calm;        /* vertices that are reached, or not looked for */
    struct flight_link unchecked, unreached, grey; /* grey: reached, holds not gone through */
    struct flight_link orphans;     /* holds of sockets that are closed */
    enum phase phase;
    bool wanted, busy;              /* busy: a CPU is at a step of the cycle */
    uint64_t cycle;
    uint64_t refs, left;            /* from queues: now, after the last cycle */
    uint64_t knots;
    struct rights *doomed, **doomed_end; /* to be freed */
    uint32_t todo;                  /* [atomic] doomed, wanted or a phase: flight_step is to look */
} fl = {
    .lock = LOCK_INIT("sockets in flight", RANK_FLIGHT),
#define EMPTY(list) .list = { &fl.list, &fl.list }
    EMPTY(calm), EMPTY(unchecked), EMPTY(unreached), EMPTY(grey), EMPTY(orphans),
#undef EMPTY
    .doomed_end = &fl.doomed,
};

/* [owner] this CPU is in rights_free. */
static bool freeing[CPU_MAX];

/* ---- lists ---------------------------------------------------------------------------------- */

static bool is_empty(const struct flight_link *head) { return head->next == head; }

static void link_add(struct flight_link *head, struct flight_link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

static void link_remove(struct flight_link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->prev = l->next = NULL;
}

/* All of `from` goes to the end of `to`. */
static void links_move(struct flight_link *to, struct flight_link *from)
{
    if (is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    from->prev = from->next = from;
}

#define ENTRY(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

static struct flight *flight_of(struct sock *s) { return (struct flight *)(s + 1); }

/* The vertex of an open file; NULL: it is no socket of AF_UNIX. */
static struct flight *vertex_of(struct file *f)
{
    struct sock *s = sock_of_file(f);

    return s && s->domain == L_AF_UNIX ? flight_of(s) : NULL;
}

/* ---- vertices ------------------------------------------------------------------------------- */

static bool is_marking(void) { return fl.phase == CHECK || fl.phase == SCAN; }

static void reach_locked(struct flight *v)
{
    if (!is_marking() || v->reached == fl.cycle)
        return;
    v->reached = fl.cycle;
    link_remove(&v->link);
    link_add(&fl.grey, &v->link);
}

/* v->n or v->holds has changed: is it a vertex, and a knot? One that becomes a vertex during a
 * cycle is not looked at in it: what is put in its queue counts as reached. */
static void changed_locked(struct flight *v)
{
    bool holds = !is_empty(&v->holds), is = v->n || holds, knot = v->n && holds;

    fl.knots += (uint64_t)knot - v->knot;
    v->knot = knot;
    if (is && !v->link.next)
        link_add(&fl.calm, &v->link);
    else if (!is && v->link.next)
        link_remove(&v->link);
}

static void want_locked(void)
{
    if (!fl.knots)
        return;
    fl.wanted = true;
    __atomic_store_n(&fl.todo, 1, __ATOMIC_RELEASE);
}

static void hold_add_locked(struct flight *v, struct hold *h)
{
    h->scanned = fl.cycle;
    link_add(&v->holds, &h->link);
    changed_locked(v);
}

static void hold_remove_locked(struct hold *h)
{
    struct flight_link *head = h->link.next;
    bool last = h->link.prev == head && head != &fl.orphans;

    link_remove(&h->link);
    if (last)
        changed_locked(ENTRY(head, struct flight, holds));
}

static void steps_later(void);

/* ---- what changes the graph ----------------------------------------------------------------- */

struct rights *rights_new(unsigned room)
{
    struct rights *r = os_alloc(sizeof *r + room * sizeof r->file[0]);

    if (r)
        r->room = room;
    return r;
}

static bool has_sockets(const struct rights *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (vertex_of(r->file[i]))
            return true;
    return false;
}

void rights_queued(struct rights *r, struct sock *to)
{
    if (!r || to->domain != L_AF_UNIX || !has_sockets(r))
        return;
    lock(&fl.lock);
    hold_add_locked(flight_of(to), &r->hold);
    for (unsigned i = 0; i < r->n; i++) {
        struct flight *v = vertex_of(r->file[i]);
        if (!v)
            continue;
        v->file = r->file[i];
        v->n++;
        fl.refs++;
        changed_locked(v);
        reach_locked(v);
    }
    if (fl.refs > FEW + 2 * fl.left)
        want_locked();
    bool wanted = fl.wanted;
    unlock(&fl.lock);
    if (wanted)
        steps_later();
}

void rights_taken(struct rights *r)
{
    if (!r || !__atomic_load_n(&r->hold.link.next, __ATOMIC_RELAXED))
        return;
    lock(&fl.lock);
    hold_remove_locked(&r->hold);
    for (unsigned i = 0; i < r->n; i++) {
        struct flight *v = vertex_of(r->file[i]);
        if (!v)
            continue;
        reach_locked(v);
        v->n--;
        fl.refs--;
        changed_locked(v);
    }
    unlock(&fl.lock);
}

void flight_init(struct sock *s)
{
    struct flight *v = flight_of(s);

    v->holds.prev = v->holds.next = &v->holds;
    v->own.embryo = s;
}

void flight_arrives(struct sock *l, struct sock *p)
{
    lock(&fl.lock);
    hold_add_locked(flight_of(l), &flight_of(p)->own);
    unlock(&fl.lock);
}

/* A connection that has no rights in its queue is no vertex, and is not marked. */
static void embryo_ends_locked(struct flight *v)
{
    if (!v->own.link.next)
        return;
    hold_remove_locked(&v->own);
    if (v->link.next)
        reach_locked(v);
}

void flight_accepted(struct sock *p)
{
    lock(&fl.lock);
    embryo_ends_locked(flight_of(p));
    unlock(&fl.lock);
}

void flight_closed(struct sock *s)
{
    struct flight *v = flight_of(s);

    lock(&fl.lock);
    embryo_ends_locked(v);
    links_move(&fl.orphans, &v->holds);
    changed_locked(v);
    want_locked();
    bool wanted = fl.wanted;
    unlock(&fl.lock);
    if (wanted)
        steps_later();
}

bool flight_has(struct sock *s)
{
    return s->domain == L_AF_UNIX && __atomic_load_n(&flight_of(s)->n, __ATOMIC_RELAXED);
}

void flight_look(void)
{
    lock(&fl.lock);
    want_locked();
    bool wanted = fl.wanted;
    unlock(&fl.lock);
    if (wanted)
        steps_later();
}

/* ---- freeing -------------------------------------------------------------------------------- */

static struct rights *doomed_take(void)
{
    lock(&fl.lock);
    struct rights *r = fl.doomed;
    if (r)
        fl.doomed = r->next;
    if (r && !fl.doomed)
        fl.doomed_end = &fl.doomed;
    unlock(&fl.lock);
    return r;
}

/* In front of the others: some of its files are closed already. */
static void doomed_return(struct rights *r)
{
    lock(&fl.lock);
    r->next = fl.doomed;
    if (!fl.doomed)
        fl.doomed_end = &r->next;
    fl.doomed = r;
    unlock(&fl.lock);
}

static bool is_doomed(void) { return __atomic_load_n(&fl.doomed, __ATOMIC_ACQUIRE); }

/* Closes some files of those that are to be freed. */
static void free_some(void)
{
    bool *here = &freeing[cpu_self()->id], sockets = false;
    struct rights *r;

    *here = true;
    for (unsigned n = 0; n < FREE_STEP && (r = doomed_take());) {
        rights_taken(r);
        for (; r->n && n < FREE_STEP; n++) {
            struct file *f = r->file[--r->n];
            sockets |= vertex_of(f) != NULL;
            file_put(f);
        }
        if (r->n)
            doomed_return(r);
        else
            os_free(r, sizeof *r + r->room * sizeof r->file[0]);
        n++;
    }
    *here = false;
    if (sockets)
        flight_look();
}

void rights_free(struct rights *r)
{
    if (r)
        rights_free_list(r, &r->next);
}

void rights_free_list(struct rights *first, struct rights **end)
{
    if (!first)
        return;
    lock(&fl.lock);
    *fl.doomed_end = first;
    fl.doomed_end = end;
    __atomic_store_n(&fl.todo, 1, __ATOMIC_RELEASE);
    unlock(&fl.lock);
    if (freeing[cpu_self()->id])
        return;
    free_some();
    if (is_doomed())
        steps_later();
}

/* ---- a cycle -------------------------------------------------------------------------------- */

static void begin_locked(void)
{
    fl.wanted = false;
    if (!fl.knots)
        return;
    fl.cycle++;
    links_move(&fl.unchecked, &fl.calm);
    fl.phase = CHECK;
}

/* More references are added to a file only by who has one, so a file that queues alone refer to
 * stays so until it is received. */
static bool is_known_outside(const struct flight *v)
{
    if (v->own.link.next)
        return false;
    return !v->n || __atomic_load_n(&v->file->refs, __ATOMIC_ACQUIRE) > v->n;
}

static void check_locked(void)
{
    if (is_empty(&fl.unchecked)) {
        fl.phase = SCAN;
        return;
    }
    struct flight *v = ENTRY(fl.unchecked.next, struct flight, link);
    if (is_known_outside(v)) {
        reach_locked(v);
        return;
    }
    link_remove(&v->link);
    link_add(&fl.unreached, &v->link);
}

/* How many sockets it has looked at. Holds that have been gone through stand behind the others. */
static unsigned scan_hold_locked(struct flight *v, struct hold *h)
{
    h->scanned = fl.cycle;
    link_remove(&h->link);
    link_add(&v->holds, &h->link);
    if (h->embryo) {
        struct flight *p = flight_of(h->embryo);
        if (p->link.next)
            reach_locked(p);
        return 1;
    }
    struct rights *r = ENTRY(h, struct rights, hold);
    for (unsigned i = 0; i < r->n; i++) {
        struct flight *to = vertex_of(r->file[i]);
        if (to)
            reach_locked(to);
    }
    return r->n;
}

static unsigned scan_locked(void)
{
    if (is_empty(&fl.grey)) {
        fl.phase = DROP;
        return 1;
    }
    struct flight *v = ENTRY(fl.grey.next, struct flight, link);
    struct hold *h = ENTRY(v->holds.next, struct hold, link);
    if (!is_empty(&v->holds) && h->scanned != fl.cycle)
        return scan_hold_locked(v, h);
    link_remove(&v->link);
    link_add(&fl.calm, &v->link);
    return 1;
}

/* The next of the sockets that nobody can reach, with a reference to its file. NULL: it is not in
 * a circle, and so will be closed by what another one loses, or there are no more. */
static struct file *drop_next_locked(void)
{
    if (is_empty(&fl.unreached)) {
        fl.phase = IDLE;
        fl.left = fl.refs;
        return NULL;
    }
    struct flight *v = ENTRY(fl.unreached.next, struct flight, link);
    link_remove(&v->link);
    link_add(&fl.calm, &v->link);
    return v->knot && file_try_get(v->file) ? v->file : NULL;
}

/* Some of a cycle. *f: its queue is to be emptied. False: there is none, or another CPU
 * does it. */
static bool cycle_step_locked(struct file **f)
{
    if (fl.busy || (fl.phase == IDLE && !fl.wanted))
        return false;
    if (fl.phase == IDLE)
        begin_locked();
    for (unsigned n = 0; n < LOOK_STEP && fl.phase != IDLE && !*f; n++)
        switch (fl.phase) {
        case CHECK: check_locked(); break;
        case SCAN: n += scan_locked(); break;
        default: *f = drop_next_locked();
        }
    fl.busy = *f;
    return true;
}

static bool cycle_step(void)
{
    struct file *f = NULL;

    lock(&fl.lock);
    bool did = cycle_step_locked(&f);
    bool all = fl.phase == IDLE && !fl.wanted && !fl.doomed;
    if (all)
        __atomic_store_n(&fl.todo, 0, __ATOMIC_RELEASE);
    unlock(&fl.lock);
    if (!f)
        return did;
    struct sock *s = sock_of_file(f);
    s->ops->drop(s);
    file_put(f);
    lock(&fl.lock);
    fl.busy = false;
    unlock(&fl.lock);
    return true;
}

bool flight_step(void)
{
    if (!__atomic_load_n(&fl.todo, __ATOMIC_ACQUIRE))
        return false;
    if (!is_doomed())
        return cycle_step();
    free_some();
    return true;
}

/* Where no call's end comes by: on g0 with a P. */
static void steps_job(void)
{
    flight_step();
    calls_run();
    if (__atomic_load_n(&fl.todo, __ATOMIC_ACQUIRE))
        steps_later();
}

static void steps_later(void) { background_ask(steps_job); }
