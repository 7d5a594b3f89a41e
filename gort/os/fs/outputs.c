/* outputs.c - files that go to the host when the program ends: the bundle's .gort/outputs names
 * them, or directories with all that is in them. A serial port is slow, so it carries only where
 * the bytes are: the host has the emulator write that memory to a file. On COM3, for each file that
 * exists:
 *
 *   gort: file PATH              with a slash at its end: a directory
 *   gort: part ADDRESS SIZE      physical, hexadecimal; until the host answers 'o' it stays as is
 *   ...
 *   gort: end
 */
#include <stdio.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "arch/x86_64/asm.h"
#include "gort/load/bundle.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/os.h"
#include "drivers/power.h"
#include "drivers/console.h"
#include "kernel/clock.h"
#include "kernel/print.h"
#include "mm/mm.h"

#define DEPTH_MAX 32    /* directories in each other */
#define ANSWER_NS 60000000000ll /* a host answers within milliseconds, if there is one */

static char small[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void say(const char *text) { console_write(CONSOLE_CTL, text, strlen(text)); }

/* Physically contiguous memory for the parts of a file; its size in *size. */
static char *buffer(size_t *size)
{
    static const unsigned orders[] = { FRAME_ORDER_2M, 6, 3 };

    for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        uint64_t pa = frame_alloc(orders[i]);
        *size = PAGE_SIZE << orders[i];
        if (pa)
            return phys_to_virt(pa);
    }
    *size = sizeof small;
    return small;
}

static bool hand_over(const char *buf, size_t n)
{
    uint32_t before = console_answers();
    int64_t end = clock_mono_ns() + ANSWER_NS;
    char line[64];

    snprintf(line, sizeof line, "gort: part %lx %lx\n", (unsigned long)virt_to_phys(buf),
             (unsigned long)n);
    say(line);
    while (console_answers() == before) {
        if (clock_mono_ns() > end)
            return false;
        cpu_relax();
    }
    return true;
}

static void begin(const char *path, const char *mark)
{
    say("gort: file ");
    say(path);
    say(mark);
    say("\n");
}

static void send_file(struct inode *n, const char *path, char *buf, size_t cap)
{
    int64_t at = 0, got;

    begin(path, "");
    while ((got = data_read(&n->data, buf, cap, at)) > 0) {
        at += got;
        if (!hand_over(buf, (size_t)got)) {
            kprintf("gort: the host does not accept %s\n", path);
            break;
        }
    }
    say("gort: end\n");
}

/* path, of length len in a buffer of L_PATH_MAX, is a name in a directory after this; false: too
 * long, or it is the directory or its parent. */
static bool path_append(char *path, size_t len, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || len + strlen(name) + 2 > L_PATH_MAX)
        return false;
    path[len] = '/';
    strcpy(path + len + 1, name);
    return true;
}

static void send(char *path, unsigned depth, char *buf, size_t cap);

/* Links are not followed: what they name is sent where it is, or was not asked for. */
static void send_directory(struct inode *dir, char *path, unsigned depth, char *buf, size_t cap)
{
    uint64_t pos = 0, entries[64];
    size_t len = strlen(path);
    int64_t got;

    begin(path, "/");
    say("gort: end\n");
    while ((got = vfs_getdents(dir, &pos, entries, sizeof entries)) > 0)
        for (const char *e = (char *)entries; e < (char *)entries + got;) {
            const struct l_dirent *d = (const void *)e;
            if (d->type != L_S_IFLNK >> 12 && path_append(path, len, d->name))
                send(path, depth + 1, buf, cap);
            path[len] = '\0';
            e += d->reclen;
        }
}

static void send(char *path, unsigned depth, char *buf, size_t cap)
{
    struct inode *n;

    if (vfs_lookup(NULL, path, WALK_FOLLOW, &n) < 0)
        return;
    if (inode_is(n, L_S_IFREG) && !n->ops)
        send_file(n, path, buf, cap);
    else if (inode_is(n, L_S_IFDIR) && depth < DEPTH_MAX)
        send_directory(n, path, depth, buf, cap);
    else if (inode_is(n, L_S_IFDIR))
        kprintf("gort: %s is too deep below what is sent to the host\n", path);
    inode_put(n);
}

static void send_all(void)
{
    static char path[L_PATH_MAX];
    const struct bundle_strings *l = &bundle.outputs;
    size_t cap;
    char *buf = buffer(&cap);

    for (const char *s = l->first; s; s = bundle_string_next(l, s))
        if (strlen(s) < sizeof path)
            send(strcpy(path, s), 0, buf, cap);
}

_Noreturn void os_exit(int status)
{
    static uint32_t leaving; /* [atomic] */

    while (__atomic_exchange_n(&leaving, 1, __ATOMIC_SEQ_CST)) /* another CPU does it already */
        cpu_relax();
    if (bundle.outputs.first)
        send_all();
    machine_exit(status);
}
