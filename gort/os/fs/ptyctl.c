/* ptyctl.c - ioctl(2) of pseudo terminals, and who the terminal's signals are for.
 *
 * Both ends answer for the one terminal, as on Linux: the master's termios is the slave's. */
#include <string.h>
#include "gort/os/fs/pty.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/signal.h"
#include "gort/os/sys.h"

enum {
    TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCSBRK = 0x5409, TCXONC, TCFLSH, TIOCEXCL,
    TIOCNXCL, TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ,
    FIONREAD = 0x541b, TIOCNOTTY = 0x5422, TIOCSETD, TIOCGETD, TCSBRKP, TIOCGSID = 0x5429,
    TIOCGPTPEER = 0x5441,
};
#define TCGETS2    0x802c542aul
#define TCSETS2    0x402c542bul
#define TCSETSW2   0x402c542cul
#define TCSETSF2   0x402c542dul
#define TIOCGPTN   0x80045430ul
#define TIOCSPTLCK 0x40045431ul
#define TIOCGDEV   0x80045432ul
#define TIOCSIG    0x40045436ul
#define TIOCGPTLCK 0x80045439ul
#define TIOCGEXCL  0x80045440ul

enum { THE_GROUP = 1 }; /* process, process group and session have one number */

struct l_termios2 { struct l_termios t; uint32_t ispeed, ospeed; };
_Static_assert(sizeof(struct l_termios2) == 44, "struct termios2");

static int64_t put_int(struct call *c, uint64_t to, int32_t v)
{
    return copy_out(c, to, &v, sizeof v);
}

/* ---- modes ----------------------------------------------------------------------------------- */

enum { CBAUD = 010017, BOTHER = 010000, CS8 = 060, CREAD = 0200, PARENB = 0400 };

/* Baud of a speed of c_cflag: the low ones count from 0, the high ones from BOTHER. */
static uint32_t baud(uint32_t cflag)
{
    static const uint32_t low[16] = {0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400,
                                     4800, 9600, 19200, 38400};
    static const uint32_t high[16] = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600,
                                      1000000, 1152000, 1500000, 2000000, 2500000, 3000000,
                                      3500000, 4000000};

    return (cflag & BOTHER ? high : low)[cflag & 15];
}

static int64_t modes_get(struct call *c, struct pty *p, uint64_t to, size_t bytes)
{
    struct l_termios2 t;

    lock(&p->lock);
    t = (struct l_termios2){p->l->t, p->ispeed, p->ospeed};
    unlock(&p->lock);
    return copy_out(c, to, &t, bytes);
}

/* Of the line's hardware there is none: eight bits, always ready. `flush`: what has been typed and
 * not read is lost. */
static int64_t modes_set(struct call *c, struct pty *p, uint64_t from, size_t bytes, bool flush)
{
    struct l_termios2 t = {0};

    if (copy_in(c, &t, from, bytes))
        return -L_EFAULT;
    t.t.cflag = (t.t.cflag & ~(uint32_t)PARENB) | CS8 | CREAD;
    bool other = (t.t.cflag & CBAUD) == BOTHER;
    lock(&p->lock);
    if (flush)
        ldisc_flush_input(p->l);
    ldisc_set(p->l, &t.t);
    if (!other)
        p->ispeed = p->ospeed = baud(t.t.cflag);
    else if (bytes == sizeof t) {
        p->ispeed = t.ispeed;
        p->ospeed = t.ospeed;
    }
    unlock(&p->lock);
    pty_changed(p);
    return 0;
}

static int64_t size_get(struct call *c, struct pty *p, uint64_t to)
{
    lock(&p->lock);
    struct l_winsize size = p->size;
    unlock(&p->lock);
    return copy_out(c, to, &size, sizeof size);
}

static int64_t size_set(struct call *c, struct pty *p, uint64_t from)
{
    struct l_winsize size;

    if (copy_in(c, &size, from, sizeof size))
        return -L_EFAULT;
    lock(&p->lock);
    bool same = !memcmp(&size, &p->size, sizeof size);
    p->size = size;
    unlock(&p->lock);
    pty_signal(p, same ? 0 : 1ull << L_SIGWINCH);
    return 0;
}

/* ---- what is on its way ---------------------------------------------------------------------- */

static int64_t flush(struct pty *p, bool master, uint64_t which)
{
    enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

    if (which > TCIOFLUSH)
        return -L_EINVAL;
    bool in = which != TCOFLUSH, out = which != TCIFLUSH;
    lock(&p->lock);
    if (master ? out : in)
        ldisc_flush_input(p->l);
    if (master ? in : out)
        p->l->out_tail = p->l->out_head;
    unlock(&p->lock);
    pty_changed(p);
    return 0;
}

/* Output halts and goes on; the character that halts the other side is typed, or shown. */
static int64_t flow(struct pty *p, bool master, uint64_t what)
{
    enum { TCOOFF, TCOON, TCIOFF, TCION };
    int64_t err = 0;

    lock(&p->lock);
    if (what == TCOOFF || what == TCOON) {
        if (!master)
            p->l->stopped = what == TCOOFF;
    } else if (what == TCIOFF || what == TCION) {
        uint8_t key = p->l->t.cc[what == TCIOFF ? L_VSTOP : L_VSTART];
        if (key && !master)
            ldisc_output(p->l, &key, 1);
    } else {
        err = -L_EINVAL;
    }
    unlock(&p->lock);
    pty_changed(p);
    return err;
}

static int64_t count_get(struct call *c, struct pty *p, bool master, uint64_t to)
{
    lock(&p->lock);
    size_t n = master ? (size_t)(p->l->out_head - p->l->out_tail) : ldisc_count(p->l);
    unlock(&p->lock);
    return put_int(c, to, (int32_t)n);
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* The master may ask whose its terminal is; a slave only if it is the process's own. */
static int64_t group_get(struct call *c, struct pty *p, bool master, uint64_t to)
{
    bool own = pty_is_controlling(p);

    return own || master ? put_int(c, to, own ? THE_GROUP : 0) : -L_ENOTTY;
}

static int64_t group_set(struct call *c, struct pty *p, uint64_t from)
{
    int32_t group;

    if (!pty_is_controlling(p))
        return -L_ENOTTY;
    if (copy_in(c, &group, from, sizeof group))
        return -L_EFAULT;
    return group == THE_GROUP ? 0 : group < 0 ? -L_EINVAL : -L_ESRCH;
}

static int64_t give_up(struct pty *p)
{
    if (!pty_release_control(p))
        return -L_ENOTTY;
    signal_raise(L_SIGHUP);
    signal_raise(L_SIGCONT);
    return 0;
}

static int64_t peer_open(struct call *c, struct pty *p, uint32_t flags)
{
    struct file *f;
    uint32_t kept = flags & (L_O_ACCMODE | L_O_NONBLOCK | L_O_APPEND);
    int64_t err = pty_open_slave(p, p->node, kept | L_O_LARGEFILE, &f);

    (void)c;
    return err ? err : fd_install(f, flags & L_O_CLOEXEC, 0);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int64_t lock_set(struct call *c, struct pty *p, uint64_t from)
{
    int32_t on;

    if (copy_in(c, &on, from, sizeof on))
        return -L_EFAULT;
    lock(&p->lock);
    p->locked = on;
    unlock(&p->lock);
    return 0;
}

static int64_t key_signal(struct pty *p, uint64_t sig)
{
    if (sig != L_SIGINT && sig != L_SIGQUIT && sig != L_SIGTSTP)
        return -L_EINVAL;
    pty_signal(p, 1ull << sig);
    return 0;
}

static int64_t master_ioctl(struct call *c, struct pty *p, uint64_t request, uint64_t arg)
{
    switch (request) {
    case TIOCGPTN:
        return put_int(c, arg, (int32_t)p->index);
    case TIOCSPTLCK:
        return lock_set(c, p, arg);
    case TIOCGPTLCK:
        return put_int(c, arg, p->locked);
    case TIOCGPTPEER:
        return peer_open(c, p, (uint32_t)arg);
    case TIOCSIG:
        return key_signal(p, arg);
    default:
        return -L_ENOTTY;
    }
}

static int64_t session_ioctl(struct call *c, struct pty *p, bool master, uint64_t request,
                             uint64_t arg)
{
    switch (request) {
    case TIOCSCTTY:
        return pty_control(p);
    case TIOCNOTTY:
        return master ? -L_ENOTTY : give_up(p);
    case TIOCGPGRP:
        return group_get(c, p, master, arg);
    case TIOCSPGRP:
        return group_set(c, p, arg);
    case TIOCGSID:
        return pty_is_controlling(p) ? put_int(c, arg, THE_GROUP) : -L_ENOTTY;
    default:
        return master ? master_ioctl(c, p, request, arg) : -L_ENOTTY;
    }
}

static int64_t exclusive_set(struct pty *p, bool on)
{
    lock(&p->lock);
    p->exclusive = on;
    unlock(&p->lock);
    return 0;
}

static int64_t line_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg)
{
    struct pty *p = f->priv;
    bool master = pty_is_master(f);

    switch (request) {
    case TCSBRK:
    case TCSBRKP:
    case TIOCSETD: /* there is one line discipline, number 0 */
        return 0;
    case TIOCGETD:
    case TIOCOUTQ: /* what is written is the master's at once */
        return put_int(c, arg, 0);
    case TCXONC:
        return flow(p, master, arg);
    case TCFLSH:
        return flush(p, master, arg);
    case FIONREAD:
        return count_get(c, p, master, arg);
    case TIOCSTI:
        return -L_EIO;
    case TIOCEXCL:
    case TIOCNXCL:
        return exclusive_set(p, request == TIOCEXCL);
    case TIOCGEXCL:
        return put_int(c, arg, p->exclusive);
    case TIOCGDEV:
        return put_int(c, arg, (int32_t)p->node->rdev);
    default:
        return session_ioctl(c, p, master, request, arg);
    }
}

int64_t pty_ioctl(struct call *c, struct file *f, uint64_t request, uint64_t arg)
{
    struct pty *p = f->priv;

    if (!pty_is_master(f) && p->hung)
        return request == TIOCSPGRP ? -L_ENOTTY : -L_EIO;
    switch (request) {
    case TCGETS:
        return modes_get(c, p, arg, sizeof(struct l_termios));
    case TCGETS2:
        return modes_get(c, p, arg, sizeof(struct l_termios2));
    case TCSETS:
    case TCSETSW: /* output is never on its way */
    case TCSETSF:
        return modes_set(c, p, arg, sizeof(struct l_termios), request == TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return modes_set(c, p, arg, sizeof(struct l_termios2), request == TCSETSF2);
    case TIOCGWINSZ:
        return size_get(c, p, arg);
    case TIOCSWINSZ:
        return size_set(c, p, arg);
    default:
        return line_ioctl(c, f, request, arg);
    }
}
