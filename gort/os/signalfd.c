/* signalfd.c - descriptors from which a thread reads the signals that wait for it: signalfd(2). */
#include <string.h>
#include "gort/g.h"
#include "gort/os/mem.h"
#include "gort/os/pending.h"
#include "gort/os/sys.h"

struct l_signalfd_siginfo {
    uint32_t signo;
    int32_t  err, code;
    uint32_t pid, uid;
    int32_t  fd;
    uint32_t tid, band, overrun, trapno;
    int32_t  status, value_int;
    uint64_t value_ptr, utime, stime, addr;
    uint16_t addr_lsb;
    uint8_t  pad[46];
};
_Static_assert(sizeof(struct l_signalfd_siginfo) == 128, "struct signalfd_siginfo");

struct signalfd { uint64_t set; /* [atomic] */ };

static uint64_t set_of(const struct file *f)
{
    return __atomic_load_n(&((struct signalfd *)f->priv)->set, __ATOMIC_RELAXED);
}

static struct l_signalfd_siginfo siginfo_of(const struct sig_info *s)
{
    struct l_signalfd_siginfo i = {.signo = s->number, .err = s->err, .code = s->code,
                                   .pid = s->pid, .uid = s->uid};

    if (s->code < 0) {
        i.value_int = (int32_t)s->value;
        i.value_ptr = s->value;
    }
    return i;
}

/* As many as there are and fit. One that cannot be handed over stays. */
static int64_t signalfd_read(struct file *f, void *buf, size_t n)
{
    const struct g *gp = call_caller();
    uint64_t set = set_of(f);
    struct sig_info s;
    size_t done = 0;

    if (n < sizeof(struct l_signalfd_siginfo))
        return -L_EINVAL;
    while (n - done >= sizeof(struct l_signalfd_siginfo) && pending_first(gp, set, &s)) {
        struct l_signalfd_siginfo i = siginfo_of(&s);
        if (user_copy((char *)buf + done, &i, sizeof i))
            return done ? (int64_t)done : -L_EFAULT;
        pending_drop(gp, s.number);
        done += sizeof i;
    }
    return done ? (int64_t)done : -L_EAGAIN;
}

static int64_t signalfd_write(struct file *f, const void *buf, size_t n)
{
    (void)f, (void)buf, (void)n;
    return -L_EINVAL;
}

/* Readable for who asks; for the network poller, which asks for all, if it is for anybody. */
static unsigned signalfd_poll(struct file *f)
{
    return pending_set(call_running()) & set_of(f) ? L_POLLIN : 0;
}

static struct waitq *signalfd_queue(struct file *f, bool write)
{
    (void)f, (void)write;
    return &pending_queue;
}

static void signalfd_release(struct file *f) { os_free(f->priv, sizeof(struct signalfd)); }

static const struct file_ops signalfd_ops = {
    .read = signalfd_read, .write = signalfd_write, .poll = signalfd_poll,
    .queue = signalfd_queue, .release = signalfd_release, .anon = "[signalfd]",
};

static int64_t signalfd_new(uint64_t set, uint64_t flags)
{
    struct signalfd *s = os_alloc(sizeof *s);

    if (!s)
        return -L_ENOMEM;
    s->set = set;
    struct file *f = file_new_anon(0600, L_O_RDWR | (uint32_t)(flags & L_O_NONBLOCK),
                                   &signalfd_ops, s);
    if (!f) {
        os_free(s, sizeof *s);
        return -L_ENOMEM;
    }
    return fd_install(f, flags & L_O_CLOEXEC, 0);
}

/* fd -1 is a new one; the set of any other is replaced. */
static int64_t signalfd(struct call *c, uint64_t flags)
{
    uint64_t set;

    if (c->a[2] != sizeof set)
        return -L_EINVAL;
    if (copy_in(c, &set, c->a[1], sizeof set))
        return -L_EFAULT;
    if (flags & ~(uint64_t)(L_O_CLOEXEC | L_O_NONBLOCK))
        return -L_EINVAL;
    set = SIG_SET(set);
    if ((int32_t)c->a[0] == -1)
        return signalfd_new(set, flags);
    struct file *f = call_file(c, c->a[0]);
    if (!f || f->ops != &signalfd_ops)
        return f ? -L_EINVAL : -L_EBADF;
    __atomic_store_n(&((struct signalfd *)f->priv)->set, set, __ATOMIC_RELAXED);
    queue_wake(&pending_queue);
    return (int32_t)c->a[0];
}

int64_t sys_signalfd(struct call *c) { return signalfd(c, 0); }
int64_t sys_signalfd4(struct call *c) { return signalfd(c, (uint32_t)c->a[3]); }
