/* splice.c - sendfile(2) and splice(2): bytes from file to file without the program's help.
 *
 *   in --look at n bytes--> buffer --write--> out      w <= n bytes were taken: in moves on by w
 *
 * What is read from a stream is taken from it only once it has been written, so nothing is lost
 * where the other side has less room. The bytes are copied twice, but for those that go by TCP to
 * another machine, out of a file, or of a connection from another machine by way of a pipe:
 *
 *   page of the file <-- piece --> send queue of the connection --> device
 *   received packet  --> pipe  --> the same, as a view
 *
 * A piece holds a reference to its page until the peer has acknowledged its bytes. As on Linux,
 * what is written to the file meanwhile may be sent instead; what is cut off is sent as it was. */
#include "drivers/net.h"
#include "gort/os/fs/pipe.h"
#include "gort/os/mem.h"
#include "gort/os/sys.h"
#include "gort/os/user.h"

enum { STEP = 16 << 10 };   /* bytes per round: a g0 copies so much in some microseconds */
enum { SHOWN = 64 << 10 };  /* bytes per round without copies: as much as one packet may carry */
enum { SPLICE_F_NONBLOCK = 2 };

/* One side of a transfer. Its position is the file's own, or the program's variable at p. */
struct end {
    struct file *f;
    uint64_t p;         /* address of the offset, 0 = none */
    int64_t pos;        /* -1: the file's own, or a stream */
};

static int64_t end_position(const struct call *c, struct end *e)
{
    e->pos = -1;
    if (!e->p)
        return 0;
    if (e->f->ops)
        return -L_ESPIPE;
    int64_t err = copy_in(c, &e->pos, e->p, sizeof e->pos);
    return err ? err : e->pos < 0 ? -L_EINVAL : 0;
}

static int64_t look(struct end *in, void *buf, size_t n)
{
    if (in->f->ops)
        return in->f->ops->peek(in->f, buf, n);
    return file_read(in->f, buf, n, in->pos < 0 ? in->f->pos : in->pos);
}

static void move_on(struct end *e, void *buf, size_t n)
{
    if (e->f->ops && buf)
        e->f->ops->read(e->f, buf, n);
    else if (e->pos >= 0)
        e->pos += (int64_t)n;
    else if (!e->f->ops && buf)
        __atomic_add_fetch(&e->f->pos, n, __ATOMIC_RELAXED);
}

static int64_t put(struct end *out, void *buf, size_t n)
{
    return out->f->ops ? out->f->ops->write(out->f, buf, n)
                       : file_write(out->f, buf, n, out->pos);
}

/* One round: bytes moved, 0 at the end of the input, or an error. -L_EAGAIN: *waits_out says
 * that out was not ready, rather than in. */
static int64_t move_round(struct end *in, struct end *out, void *buf, size_t n, bool *waits_out)
{
    int64_t r = look(in, buf, n);

    *waits_out = false;
    if (r <= 0)
        return r;
    int64_t w = put(out, buf, (size_t)r);
    *waits_out = w == -L_EAGAIN;
    if (w <= 0)
        return w;
    move_on(in, buf, (size_t)w);
    move_on(out, NULL, (size_t)w);
    return w;
}

/* ---- without copies -------------------------------------------------------------------------- */

/* n bytes of the file from pos on, or as many as there are, as pieces. *got: how many; fewer too if
 * packet memory is short. *err: at the first byte. */
static struct pkt *file_pieces(struct filedata *d, int64_t pos, size_t n, size_t *got, int64_t *err)
{
    struct pkt *list = NULL, **end = &list;
    const uint8_t *bytes;
    void *page;

    *got = 0;
    for (*err = 0; *got < n; end = &(*end)->next) {
        *err = data_show(d, pos + (int64_t)*got, (int64_t)(n - *got), &bytes, &page);
        if (*err <= 0)
            break;
        struct pkt *p = pkt_foreign((void *)(uintptr_t)bytes, (uint32_t)*err,
                                    page ? os_page_free : NULL, page);
        if (!p) {
            if (page)
                os_page_free(page);
            *err = -L_ENOTSUP; /* a copy needs less packet memory */
            break;
        }
        *end = p;
        *got += (size_t)*err;
    }
    return list;
}

/* As move_round, of a file's pages. -L_ENOTSUP: the bytes must be copied. */
static int64_t show_round(struct end *in, struct end *out, uint64_t total, bool *waits_out)
{
    int64_t err, pos = in->pos < 0 ? in->f->pos : in->pos, size = data_size(&in->f->inode->data);
    size_t n = total < SHOWN ? (size_t)total : SHOWN, got;

    *waits_out = true;
    if (pos >= size)
        return 0;
    int64_t room = out->f->ops->room(out->f);
    if (room <= 0)
        return room;
    struct pkt *list = file_pieces(&in->f->inode->data, pos, n, &got, &err);
    if (!list)
        return err;
    err = out->f->ops->give(out->f, list, got < total && pos + (int64_t)got < size);
    if (err) {
        pkt_free(list);
        return err;
    }
    if (in->pos >= 0)
        in->pos += (int64_t)got;
    else
        __atomic_add_fetch(&in->f->pos, got, __ATOMIC_RELAXED);
    return (int64_t)got;
}

/* As show_round, from a connection to a pipe. What it has taken the pipe takes, too. */
static int64_t take_round(struct end *in, struct end *out, uint64_t total, bool *waits_out)
{
    int64_t err = pipe_room(out->f);
    uint64_t n = err > 0 && (uint64_t)err < total ? (uint64_t)err : total;

    *waits_out = true;
    if (err < 0)
        return err;
    struct pkt *list = in->f->ops->take(in->f, n, &err);
    *waits_out = false;
    if (!list)
        return err;
    n = pkt_length(list);
    pipe_give(out->f, list, n);
    return (int64_t)n;
}

/* As show_round, from a pipe to a connection. */
static int64_t pass_round(struct end *in, struct end *out, uint64_t total, bool *waits_out)
{
    size_t n = total < SHOWN ? (size_t)total : SHOWN;
    int64_t err;

    *waits_out = false;
    struct pkt *list = pipe_show(in->f, n, &n, &err);
    if (!list)
        return err;
    *waits_out = true;
    err = out->f->ops->room(out->f);
    if (err > 0)
        err = out->f->ops->give(out->f, list, false);
    if (err) {
        pkt_free(list);
        return err;
    }
    pipe_drop(in->f, n);
    return (int64_t)n;
}

typedef int64_t round_fn(struct end *in, struct end *out, uint64_t total, bool *waits_out);

/* How to move bytes without copying, if that may be possible; or NULL. */
static round_fn *round_for(const struct end *in, const struct end *out)
{
    const struct file_ops *from = in->f->ops, *to = out->f->ops;

    if (!from && !in->f->inode->ops && to && to->room)
        return show_round;
    if (from && from->take && pipe_is(out->f))
        return take_round;
    return from && pipe_is(in->f) && to && to->room ? pass_round : NULL;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Writes the program's offsets, also after an error: they count the bytes that have been
 * moved. */
static int64_t positions_give(const struct call *c, const struct end *in, const struct end *out,
                              int64_t r)
{
    int64_t err = in->p ? copy_out(c, in->p, &in->pos, sizeof in->pos) : 0;

    if (!err && out->p)
        err = copy_out(c, out->p, &out->pos, sizeof out->pos);
    return err ? err : r;
}

/* Moves up to total bytes. Waits only before the first byte; from a stream it takes what there
 * is. */
static int64_t transfer(struct call *c, struct end *in, struct end *out, uint64_t total, bool waits)
{
    void *buf = NULL;
    int64_t r = 0;
    uint64_t done = 0;
    bool waits_out;
    round_fn *round = round_for(in, out);

    while (done < total) {
        size_t n = total - done < STEP ? (size_t)(total - done) : STEP;
        if (round) {
            r = round(in, out, total - done, &waits_out);
            if (r == -L_ENOTSUP)
                round = NULL;
        }
        if (!round && !buf && !(buf = os_alloc(STEP)))
            r = -L_ENOMEM;
        else if (!round)
            r = move_round(in, out, buf, n, &waits_out);
        if (r == -L_EAGAIN && !done && waits) {
            struct file *f = waits_out ? out->f : in->f;
            if (call_wait(c, f->ops->queue(f, waits_out)))
                continue;
            os_free(buf, STEP);
            return SYS_BLOCK;
        }
        if (r <= 0)
            break;
        done += (uint64_t)r;
        if (in->f->ops && (size_t)r < n)
            break;
    }
    os_free(buf, STEP);
    return positions_give(c, in, out, done ? (int64_t)done : r);
}

static bool regular(const struct file *f)
{
    return !f->ops && inode_is(f->inode, L_S_IFREG);
}

int64_t sys_sendfile(struct call *c)
{
    struct end out = { .f = call_file(c, c->a[0]) }, in = { .f = fd_get((int32_t)c->a[1]) };
    uint64_t n = c->a[3] < RW_MAX ? c->a[3] : RW_MAX;
    int64_t r = 0;

    in.p = c->a[2];
    out.pos = -1;
    if (!out.f || !in.f || !file_writes(out.f) || !file_reads(in.f))
        r = -L_EBADF;
    else if (!regular(in.f) || (!out.f->ops && !regular(out.f)) || out.f->flags & L_O_APPEND)
        r = -L_EINVAL;
    else
        r = end_position(c, &in);
    if (!r)
        r = transfer(c, &in, &out, n, !file_nonblock(out.f));
    if (in.f)
        file_put(in.f);
    return r;
}

/* splice(2) demands a pipe at one side; and move_round must be able to look at the input
 * before taking it. */
static int64_t splice_check(const struct file *in, const struct file *out)
{
    if (!in || !out || !file_reads(in) || !file_writes(out))
        return -L_EBADF;
    if (!pipe_is(in) && !pipe_is(out))
        return -L_EINVAL;
    if (in->ops ? !in->ops->peek : !regular(in))
        return -L_EINVAL;
    return !out->ops && (!regular(out) || out->flags & L_O_APPEND) ? -L_EINVAL : 0;
}

int64_t sys_splice(struct call *c)
{
    struct end in = { .f = call_file(c, c->a[0]), .p = c->a[1] };
    struct end out = { .f = fd_get((int32_t)c->a[2]), .p = c->a[3] };
    uint64_t n = c->a[4] < RW_MAX ? c->a[4] : RW_MAX;
    int64_t r = splice_check(in.f, out.f);

    if (!r)
        r = end_position(c, &in);
    if (!r)
        r = end_position(c, &out);
    if (!r && n) {
        bool waits = !(c->a[5] & SPLICE_F_NONBLOCK) && !file_nonblock(in.f) &&
                     !file_nonblock(out.f);
        r = transfer(c, &in, &out, n, waits);
    }
    if (out.f)
        file_put(out.f);
    return r;
}
