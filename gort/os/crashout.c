/* crashout.c - debug.SetCrashOutput: the last report of a program goes to a file, too.
 *
 * Go's part of the report comes by a gate, C's as messages of the kernel. It is written at once,
 * by the CPU that dies, and nothing is waited for: a pipe or socket takes what it has room for. */
#include "gort/os/file.h"
#include "gort/os/os.h"
#include "gort/observe/dying.h"
#include "kernel/print.h"
#include "rt_frames.h"

#define NONE UINT64_MAX

static uint64_t crash_fd = NONE; /* [atomic] */

static void copy(const char *s, size_t n)
{
    uint64_t fd = __atomic_load_n(&crash_fd, __ATOMIC_SEQ_CST);
    struct file *f = fd == NONE ? NULL : fd_get((int64_t)fd);

    if (!f)
        return;
    while (n && file_writes(f)) {
        int64_t r = file_push(f, s, n);
        if (r <= 0)
            break;
        s += r;
        n -= (size_t)r;
    }
    file_put(f);
}

static void copy_message(const char *s, size_t n)
{
    if (dying_here())
        copy(s, n);
}

void crashout_init(void) { print_sink_add(copy_message); }

/* While the program dies the file stays what it is, and open. */
void rt_crash_fd_set(struct crash_fd_set_frame *f)
{
    f->old = __atomic_exchange_n(&crash_fd, f->fd, __ATOMIC_SEQ_CST);
}

void rt_crash_copy(struct crash_copy_frame *f)
{
    if (dying_here())
        copy(f->p, (size_t)f->n);
}
