/* bundle.c - see bundle.h. */
#include "gort/load/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "boot/common/cpio.h"
#include "mm/mm.h"

struct bundle bundle;

static const void *archive; /* [const after boot] */
static size_t archive_size;
static char error_text[CPIO_TEXT_MAX];

#define SEEN_WORDS 8192u /* half a million bits: some 20,000 names */
static uint64_t seen[SEEN_WORDS]; /* [boot] */

static int fail(const char **err, const char *text)
{
    *err = text;
    return -EINVAL;
}

static bool is_private(const char *name)
{
    return strcmp(name, "init") == 0 || strcmp(name, ".gort") == 0 ||
           strncmp(name, ".gort/", 6) == 0;
}

/* A hard link of "newc" has its data in one entry only, the last as a rule. */
static void resolve_link(struct cpio_entry *e)
{
    struct cpio c;
    struct cpio_entry other;

    cpio_open(&c, archive, archive_size);
    while (cpio_next(&c, &other) == 1)
        if (other.ino == e->ino && other.size) {
            e->data = other.data;
            e->size = other.size;
            return;
        }
}

bool bundle_next(struct bundle_iter *it, struct bundle_file *f)
{
    struct cpio c;
    struct cpio_entry e;

    cpio_open(&c, archive, archive_size);
    c.pos = it->pos;
    while (archive && cpio_next(&c, &e) == 1) {
        it->pos = c.pos;
        if (is_private(e.name))
            continue;
        if (e.nlink > 1 && e.size == 0 && (e.mode & CPIO_S_IFMT) == CPIO_S_IFREG)
            resolve_link(&e);
        *f = (struct bundle_file){
            .name = e.name,
            .name_len = e.name_len,
            .data = e.data,
            .size = e.size,
            .mode = e.mode,
            .mtime = e.mtime,
            .uid = e.uid,
            .gid = e.gid,
            .ino = e.ino,
            .nlink = e.nlink,
        };
        return true;
    }
    return false;
}

const char *bundle_string_next(const struct bundle_strings *l, const char *s)
{
    s += strlen(s) + 1;
    return s < l->first + l->bytes ? s : NULL;
}

/* Every string must end inside of its entry. */
static bool read_strings(const struct cpio_entry *e, struct bundle_strings *l)
{
    l->first = e->size ? (const char *)e->data : NULL;
    l->bytes = e->size;
    l->count = 0;
    for (size_t i = 0; i < e->size; i++)
        l->count += e->data[i] == 0;
    return e->size == 0 || e->data[e->size - 1] == 0;
}

/* One line of text: an optional newline and NUL at its end are cut off. The archive cannot be
 * written to, so the text is copied. */
static const char *read_line(const struct cpio_entry *e, char *buf, size_t room)
{
    size_t n = e->size;

    while (n && (e->data[n - 1] == '\n' || e->data[n - 1] == 0))
        n--;
    if (n >= room || memchr(e->data, 0, n))
        return NULL;
    memcpy(buf, e->data, n);
    buf[n] = 0;
    return buf;
}

static int read_private(const struct cpio_entry *e, const char **err)
{
    static char cwd[1024], words[1024];

    if (strcmp(e->name, "init") == 0) {
        bundle.init = e->data;
        bundle.init_size = e->size;
        bundle.init_mtime = e->mtime;
    } else if (strcmp(e->name, ".gort/args") == 0) {
        if (!read_strings(e, &bundle.args))
            return fail(err, ".gort/args: the last argument lacks its NUL");
    } else if (strcmp(e->name, ".gort/env") == 0) {
        if (!read_strings(e, &bundle.env))
            return fail(err, ".gort/env: the last variable lacks its NUL");
    } else if (strcmp(e->name, ".gort/outputs") == 0) {
        if (!read_strings(e, &bundle.outputs))
            return fail(err, ".gort/outputs: the last path lacks its NUL");
    } else if (strcmp(e->name, ".gort/cwd") == 0) {
        bundle.cwd = read_line(e, cwd, sizeof cwd);
        if (!bundle.cwd || bundle.cwd[0] != '/')
            return fail(err, ".gort/cwd is not an absolute path of up to 1023 bytes");
    } else if (strcmp(e->name, ".gort/options") == 0) {
        bundle.options = read_line(e, words, sizeof words);
        if (!bundle.options)
            return fail(err, ".gort/options is not one text of up to 1023 bytes");
    }
    return 0;
}

int bundle_open(uint64_t pa, uint64_t size, const char **err)
{
    struct cpio c;
    struct cpio_entry e;

    if (!pa || !size)
        return fail(err, "no bundle: boot an image of `gort build`, or give qemu -initrd");
    bundle = (struct bundle){.cwd = "/", .options = ""};
    cpio_open(&c, phys_to_virt(pa), size);
    if (cpio_check(&c, seen, SEEN_WORDS, NULL)) {
        memcpy(error_text, c.text, sizeof error_text);
        return fail(err, error_text);
    }
    archive = phys_to_virt(pa);
    archive_size = size;
    cpio_open(&c, archive, archive_size);
    while (cpio_next(&c, &e) == 1) {
        if (is_private(e.name)) {
            int error = read_private(&e, err);
            if (error)
                return error;
        } else {
            bundle.nfiles++;
        }
    }
    if (!bundle.init)
        return fail(err, "there is no init in it: was it made by `gort build`?");
    return 0;
}

const char *bundle_getenv(const char *name)
{
    size_t n = strlen(name);

    for (const char *s = bundle.env.first; s; s = bundle_string_next(&bundle.env, s))
        if (strncmp(s, name, n) == 0 && s[n] == '=')
            return s + n + 1;
    return NULL;
}
