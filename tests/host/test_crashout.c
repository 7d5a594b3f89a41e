// sources: gort/os/crashout.c
/* debug.SetCrashOutput's file: which output goes there, and when; a full pipe is not waited for. */
#include <stdio.h>
#include <string.h>
#include "gort/observe/dying.h"
#include "gort/os/file.h"
#include "gort/os/os.h"
#include "kernel/print.h"
#include "rt_frames.h"

/* ---- the machine ------------------------------------------------------------------------- */

enum { FILE_FD = 3, PIPE_FD = 4, READ_END = 5, PIPE_ROOM = 10 };

static struct file files[] = {
    [FILE_FD] = { .flags = L_O_RDWR }, [PIPE_FD] = { .flags = L_O_WRONLY },
    [READ_END] = { .flags = 0 }, /* O_RDONLY */
};
static char written[100];
static size_t used, pushes;
static int held;
static bool dying;
static void (*message)(const char *s, size_t n);

bool dying_here(void) { return dying; }
void print_sink_add(void (*write)(const char *s, size_t n)) { message = write; }
void file_put(struct file *f) { held -= f != NULL; }

struct file *fd_get(int64_t fd)
{
    bool open = fd >= FILE_FD && fd <= READ_END;

    held += open;
    return open ? &files[fd] : NULL;
}

/* Seven bytes at a time; the pipe takes PIPE_ROOM in all. */
int64_t file_push(struct file *f, const void *buf, size_t n)
{
    n = n < 7 ? n : 7;
    pushes++;
    if (f == &files[PIPE_FD]) {
        if (used == PIPE_ROOM)
            return -L_EAGAIN;
        n = n < PIPE_ROOM - used ? n : PIPE_ROOM - used;
    }
    memcpy(written + used, buf, n);
    used += n;
    return (int64_t)n;
}

/* ---- the tests --------------------------------------------------------------------------- */

static int failures;

static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

static uintptr_t set(uintptr_t fd)
{
    struct crash_fd_set_frame f = { fd, 0 };

    used = pushes = 0;
    rt_crash_fd_set(&f);
    return f.old;
}

static void say(const char *text)
{
    struct crash_copy_frame f = { (void *)text, (int32_t)strlen(text) };

    rt_crash_copy(&f);
}

static bool wrote(const char *text)
{
    return held == 0 && used == strlen(text) && memcmp(written, text, used) == 0;
}

int main(void)
{
    crashout_init();
    dying = true;
    say("nowhere");
    dying = false;
    check(wrote("") && set(FILE_FD) == UINTPTR_MAX, "there was none");
    message("alive", 5);
    say("alive");
    check(wrote(""), "who lives writes nothing there");
    dying = true;
    say("panic: oops\n");
    message("goroutine 1", 11);
    check(wrote("panic: oops\ngoroutine 1"), "Go's words and the kernel's");
    check(set(PIPE_FD) == FILE_FD, "the one that was set before");
    message("0123456789abcdef", 16);
    check(wrote("0123456789") && pushes == 3, "a pipe takes what it has room for");
    set(READ_END);
    say("wrong end");
    set(77);
    say("closed");
    check(wrote("") && pushes == 0, "what cannot be written to is left alone");
    set(UINTPTR_MAX);
    say("none");
    check(wrote(""), "none again");
    return failures != 0;
}
