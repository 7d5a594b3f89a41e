/* filter.c - see filter.h. */
#include "gort/sock/filter.h"
#include <string.h>
#include "drivers/net.h"
#include "gort/net/ip.h"
#include "gort/os/mem.h"
#include "gort/os/user.h"
#include "gort/sock/bpf.h"
#include "gort/sock/dgram.h"
#include "kernel/random.h"

enum { UDP_HDR = 8, LOOPBACK = 1 };

struct filter_prog {
    uint32_t refs;              /* [atomic] */
    uint32_t n;                 /* [const] */
    struct bpf_insn insn[];     /* [const] valid */
};

/* Of a socket that has been given a filter, or a lock for it, once. */
struct sock_filter {
    struct lock lock;           /* RANK_LEAF */
    struct filter_prog *prog;   /* [lock] with a reference; NULL: everything is taken */
    bool locked;                /* [lock] and set for good */
};

struct l_sock_fprog { uint16_t n; uint16_t pad[3]; uint64_t insn; };
_Static_assert(sizeof(struct l_sock_fprog) == 16, "struct sock_fprog");
_Static_assert(sizeof(struct bpf_insn) == 8, "struct sock_filter of Linux");

/* ---- programs ----------------------------------------------------------------------------- */

static size_t prog_size(uint32_t n)
{
    return sizeof(struct filter_prog) + n * sizeof(struct bpf_insn);
}

static void prog_put(struct filter_prog *p)
{
    if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
        os_free(p, prog_size(p->n));
}

/* The program that s has now, with a reference; or NULL. */
static struct filter_prog *prog_get(struct sock *s)
{
    struct sock_filter *f = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE);

    if (!f)
        return NULL;
    lock(&f->lock);
    struct filter_prog *p = f->prog;
    if (p)
        __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    unlock(&f->lock);
    return p;
}

/* Copies a program of n instructions from the caller, and checks it. */
static int64_t prog_new(struct call *c, uint64_t insn, uint32_t n, struct filter_prog **out)
{
    struct filter_prog *p = os_alloc(prog_size(n));
    uint16_t *scratch = os_alloc(n * sizeof *scratch);
    int64_t err = p && scratch ? 0 : -L_ENOMEM;

    if (!err)
        err = copy_in(c, p->insn, insn, n * sizeof p->insn[0]);
    if (!err && !bpf_valid(p->insn, n, scratch))
        err = -L_EINVAL;
    os_free(scratch, n * sizeof *scratch);
    if (err) {
        os_free(p, prog_size(n));
        return err;
    }
    p->refs = 1;
    p->n = n;
    *out = p;
    return 0;
}

/* ---- options ------------------------------------------------------------------------------ */

bool filter_possible(const struct sock *s)
{
    return s->inbox != NULL;
}

static struct sock_filter *filter_of(struct sock *s)
{
    struct sock_filter *f = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE), *none = NULL;

    if (f)
        return f;
    f = os_alloc(sizeof *f);
    if (!f)
        return NULL;
    lock_init(&f->lock, "filter", RANK_LEAF);
    if (!__atomic_compare_exchange_n(&s->filter, &none, f, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        os_free(f, sizeof *f); /* another call was faster */
        f = none;
    }
    return f;
}

/* Puts p, whose reference passes to the filter, in place of the program. -L_ENOENT: p is NULL, and
 * there is none. */
static int filter_change(struct sock_filter *f, struct filter_prog *p)
{
    lock(&f->lock);
    struct filter_prog *was = f->prog;
    int err = f->locked ? -L_EPERM : !p && !was ? -L_ENOENT : 0;
    if (!err)
        f->prog = p;
    unlock(&f->lock);
    prog_put(err ? p : was);
    return err;
}

int64_t filter_attach(struct call *c, struct sock *s, uint64_t at, uint32_t len)
{
    struct l_sock_fprog asked;
    struct filter_prog *p;
    int64_t err;
    int32_t first;

    if (len < sizeof first)
        return -L_EINVAL;
    if ((err = copy_in(c, &first, at, sizeof first)))
        return err;
    if (len != sizeof asked)
        return -L_EINVAL;
    if ((err = copy_in(c, &asked, at, sizeof asked)))
        return err;
    struct sock_filter *f = filter_of(s);
    if (!f)
        return -L_ENOMEM;
    if (filter_is_locked(s)) /* counts before what is wrong with the program, as on Linux */
        return -L_EPERM;
    if (!asked.insn || !asked.n || asked.n > BPF_PROGRAM_MAX)
        return -L_EINVAL;
    err = prog_new(c, asked.insn, asked.n, &p);
    return err ? err : filter_change(f, p);
}

int filter_detach(struct sock *s)
{
    struct sock_filter *f = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE);

    return f ? filter_change(f, NULL) : -L_ENOENT;
}

int filter_lock(struct sock *s, bool on)
{
    struct sock_filter *f = on ? filter_of(s) : NULL;

    if (!on)
        return filter_is_locked(s) ? -L_EPERM : 0;
    if (!f)
        return -L_ENOMEM;
    lock(&f->lock);
    f->locked = true;
    unlock(&f->lock);
    return 0;
}

bool filter_is_locked(struct sock *s)
{
    struct sock_filter *f = __atomic_load_n(&s->filter, __ATOMIC_ACQUIRE);

    if (!f)
        return false;
    lock(&f->lock);
    bool is = f->locked;
    unlock(&f->lock);
    return is;
}

int64_t filter_get(struct call *c, struct sock *s, uint64_t at, uint64_t len_at)
{
    uint32_t room, n;
    int64_t err = copy_in(c, &room, len_at, sizeof room);

    if (err)
        return err;
    struct filter_prog *p = prog_get(s);
    n = p ? p->n : 0;
    if (room && room < n)
        err = -L_EINVAL;
    else if (room && n)
        err = copy_out(c, at, p->insn, n * sizeof p->insn[0]);
    prog_put(p);
    return err ? err : copy_out(c, len_at, &n, sizeof n);
}

void filter_free(struct sock *s)
{
    if (!s->filter)
        return;
    prog_put(s->filter->prog);
    os_free(s->filter, sizeof *s->filter);
}

/* ---- running ------------------------------------------------------------------------------ */

/* As Linux numbers them, in SKF_AD_PROTOCOL. */
static uint32_t ethertype(bool v4) { return v4 ? ETH_IPV4 : ETH_IPV6; }

static uint32_t some_number(void) { return (uint32_t)random_fast(); }

static uint32_t prog_run(struct filter_prog *p, struct bpf_packet *b)
{
    b->cpu = cpu_id();
    b->random = some_number;
    uint32_t keep = bpf_run(p->insn, b);
    prog_put(p);
    return keep;
}

static bool read_packet(const void *bytes, uint32_t at, void *to, uint32_t n)
{
    return pkt_copy_out(bytes, at, to, n);
}

struct filter_prog *filter_hold(struct sock *s) { return prog_get(s); }

uint32_t filter_packet(struct filter_prog *prog, const struct pkt *p, bool v4, unsigned ifindex)
{
    struct bpf_packet b = { .len = (uint32_t)pkt_length(p), .read = read_packet, .bytes = p,
                            .protocol = ethertype(v4), .ifindex = ifindex };

    return prog_run(prog, &b);
}

/* A datagram of this machine with the header that it would have had on the way. */
struct local {
    uint8_t header[UDP_HDR];
    uint32_t nheader;           /* 0: its socket's filters do not see it */
    const uint8_t *bytes;
};

static bool read_local(const void *from, uint32_t at, void *to, uint32_t n)
{
    const struct local *l = from;
    uint8_t *out = to;

    for (uint32_t i = at; i < at + n; i++)
        *out++ = i < l->nheader ? l->header[i] : l->bytes[i - l->nheader];
    return true;
}

/* The checksum is what Linux' loopback leaves there for a device to complete. */
static void write_header(struct local *l, size_t n, const struct sock_addr *from,
                         const struct sock_addr *to)
{
    uint32_t all = (uint32_t)n + UDP_HDR;

    put16(l->header, from->in.port);
    put16(l->header + 2, to->in.port);
    put16(l->header + 4, (uint16_t)all);
    put16(l->header + 6, ip_pseudo_sum(&from->in.ip, &to->in.ip, PROTO_UDP, all));
    l->nheader = UDP_HDR;
}

/* How many bytes of the datagram, without a header, are taken; negative: it is not. */
static int64_t filter_local(struct sock *r, struct filter_prog *prog, const struct dgram *g,
                            const struct msg *m, const struct sock_addr *from,
                            const struct sock_addr *to)
{
    size_t n;
    struct local l = { .bytes = dgram_bytes(g, &n) };
    bool inet = to->family == L_AF_INET || to->family == L_AF_INET6;

    if (sock_is_udp(r) && inet)
        write_header(&l, n, from, to);
    struct bpf_packet b = { .len = (uint32_t)n + l.nheader, .read = read_local, .bytes = &l };
    if (inet) {
        b.protocol = ethertype(addr_is_v4(&to->in.ip));
        b.ifindex = m->ifindex ? m->ifindex : LOOPBACK;
    }
    uint32_t keep = prog_run(prog, &b);
    return !keep ? -1 : keep < l.nheader ? 0 : (int64_t)keep - l.nheader;
}

static void count_drop(struct sock *r) { __atomic_add_fetch(&r->drops, 1, __ATOMIC_RELAXED); }

int inbox_make(struct sock *r, struct msg *m, const struct sock_addr *from,
               const struct sock_addr *to, struct dgram **out)
{
    int err = dgram_new(out, m, from, to);
    struct filter_prog *prog = err ? NULL : prog_get(r);

    if (!prog)
        return err;
    int64_t keep = filter_local(r, prog, *out, m, from, to);
    if (keep >= 0) {
        dgram_cut(*out, (size_t)keep);
        return 0;
    }
    dgram_drop(*out);
    count_drop(r);
    return FILTERED;
}

int inbox_put(struct sock *r, struct msg *m, const struct sock_addr *from,
              const struct sock_addr *to)
{
    struct dgram *g = NULL;
    int err = inbox_make(r, m, from, to, &g);

    if (err || !(err = dgramq_add(r->inbox, g, m, r->rcvbuf)))
        return err;
    dgram_drop(g);
    count_drop(r);
    return err;
}
