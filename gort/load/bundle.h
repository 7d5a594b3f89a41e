/* bundle.h - the archive that the kernel was booted with: the program, its files, and what
 * it is told.
 *
 *   init             the app's ELF
 *   .gort/args       NUL-terminated strings, argv[0] first
 *   .gort/env        NUL-terminated NAME=VALUE
 *   .gort/cwd        absolute path
 *   .gort/options    boot options, words
 *   .gort/outputs    NUL-terminated paths: files that go to the host when the program ends
 *   anything else    the file tree that the program sees, "/" in front
 *
 * The bundle is opened once at boot and never changes or moves: every pointer handed out
 * here stays good, in the direct map. Reading needs no lock, in any context. */
#ifndef GORT_LOAD_BUNDLE_H
#define GORT_LOAD_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of NUL-terminated strings, one behind the other. */
struct bundle_strings {
    const char *first; /* NULL: none */
    size_t bytes; /* of all strings, NULs included */
    size_t count;
};

struct bundle {
    const void *init; /* the app */
    size_t init_size;
    uint32_t init_mtime;
    struct bundle_strings args, env, outputs;
    const char *cwd; /* "/" if the bundle does not say */
    const char *options; /* "" likewise */
    size_t nfiles; /* entries that bundle_next will give */
};

extern struct bundle bundle; /* [const after boot] */

/* Opens and checks the archive of `size` bytes at physical address pa. Checks names, sizes,
 * data sums, duplicates, the strings, and that there is an `init`: 0, or -EINVAL with *err
 * (one line, no newline). pa 0: *err says how to start with a bundle. Boot context. */
int bundle_open(uint64_t pa, uint64_t size, const char **err);

/* The string behind s in its list, or NULL after the last:
 *     for (const char *s = bundle.args.first; s; s = bundle_string_next(&bundle.args, s)) */
const char *bundle_string_next(const struct bundle_strings *l, const char *s);

/* The value in the environment that the program starts with, or NULL. */
const char *bundle_getenv(const char *name);

/* The entries of the program's file tree, in archive order; `init` and .gort/ are left out.
 * Parent directories may be missing (make them, mode 0755), names are unique, relative and
 * free of "." and "..". data stays in place: serve reads straight from it.
 *
 *     struct bundle_iter it = {0};
 *     struct bundle_file f;
 *     while (bundle_next(&it, &f)) ... */
struct bundle_iter {
    size_t pos;
};

struct bundle_file {
    const char *name; /* "etc/hosts", NUL-terminated */
    size_t name_len;
    const uint8_t *data; /* of a symbolic link: the target, not NUL-terminated */
    size_t size;
    uint32_t mode; /* S_IFREG, S_IFDIR or S_IFLNK | permissions, Linux's numbers */
    uint32_t mtime; /* seconds since 1970 */
    uint32_t uid, gid;
    uint32_t ino; /* of the archive; equal for hard links (nlink > 1) */
    uint32_t nlink;
};

bool bundle_next(struct bundle_iter *it, struct bundle_file *f);

#endif
