/* test_bundle.c - gort/load/bundle.c over small archives that are written here.
 * tests/py/test_mkbundle.py tests those of scripts/mkbundle and cpio(1).
 * sources: gort/load/bundle.c boot/common/cpio.c */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "gort/load/bundle.h"
#include "mm/mm.h"

static int failures;
static uint8_t buf[8192];
static size_t len;

void *phys_to_virt(uint64_t pa) { return (void *)(uintptr_t)pa; }

static void report(const char *name, bool good, const char *text)
{
    failures += !good;
    printf("%s %s%s%s\n", good ? "ok" : "FAIL", name, good ? "" : ": ", good ? "" : text);
}

static void put(const char *name, unsigned mode, unsigned ino, unsigned nlink, const char *data,
                size_t n)
{
    len += (size_t)sprintf((char *)buf + len,
                           "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
                           "%08x%08x%s",
                           ino, mode, 0u, 0u, nlink, 9u, (unsigned)n, 0u, 0u, 0u, 0u,
                           (unsigned)strlen(name) + 1, 0u, name) +
           1;
    while (len % 4)
        buf[len++] = 0;
    memcpy(buf + len, data, n);
    len += n;
    while (len % 4)
        buf[len++] = 0;
}

static int open_it(const char **err)
{
    put("TRAILER!!!", 0, 0, 1, "", 0);
    int e = bundle_open((uintptr_t)buf, len, err);
    len = 0;
    return e;
}

static void put_init(void) { put("init", 0100755, 1, 1, "\177ELF", 4); }

static void expect(const char *name, const char *text)
{
    const char *err = "";
    int e = open_it(&err);

    report(name, e == -EINVAL && strcmp(err, text) == 0, err);
}

static void test_good(void)
{
    const char *err = "";
    struct bundle_iter it = {0};
    struct bundle_file f;
    unsigned links = 0, count = 0;

    put_init();
    put(".gort", 0040755, 2, 2, "", 0);
    put(".gort/args", 0100644, 3, 1, "prog\0-v\0", 8);
    put(".gort/env", 0100644, 4, 1, "A=1\0B=\0", 7);
    put(".gort/cwd", 0100644, 5, 1, "/data\n", 6);
    put(".gort/options", 0100644, 6, 1, "verbose lockrank", 16);
    put("data", 0040755, 7, 2, "", 0);
    put("data/a", 0100644, 8, 2, "", 0);
    put("data/b", 0100644, 8, 2, "both", 4);
    put("initial", 0100644, 9, 1, "", 0);
    bool good = open_it(&err) == 0 && bundle.init_size == 4 && bundle.init_mtime == 9 &&
                bundle.args.count == 2 && !strcmp(bundle.args.first, "prog") &&
                bundle.env.count == 2 && !strcmp(bundle.cwd, "/data") &&
                !strcmp(bundle.options, "verbose lockrank") && bundle.nfiles == 4;
    report("bundle_good", good, err);
    const char *s = bundle_string_next(&bundle.args, bundle.args.first);
    report("bundle_strings", s && !strcmp(s, "-v") && !bundle_string_next(&bundle.args, s), "args");
    while (bundle_next(&it, &f)) {
        count++;
        links += f.size == 4 && !memcmp(f.data, "both", 4) && f.ino == 8;
    }
    report("bundle_iterates", count == 4 && !strcmp(f.name, "initial"), "count");
    report("bundle_hard_links", links == 2, "links");
    put_init();
    good = open_it(&err) == 0 && !strcmp(bundle.cwd, "/") && !*bundle.options &&
           !bundle.args.first && bundle.args.count == 0 && bundle.nfiles == 0;
    report("bundle_defaults", good, err);
}

static void test_errors(void)
{
    const char *err = "";

    report("bundle_none", bundle_open(0, 0, &err) == -EINVAL && strstr(err, "no bundle"), err);
    expect("bundle_without_init", "there is no init in it: was it made by `gort build`?");
    put_init();
    put(".gort/args", 0100644, 3, 1, "prog\0-v", 7);
    expect("bundle_args", ".gort/args: the last argument lacks its NUL");
    put_init();
    put(".gort/env", 0100644, 3, 1, "A=1", 3);
    expect("bundle_env", ".gort/env: the last variable lacks its NUL");
    put_init();
    put(".gort/cwd", 0100644, 3, 1, "data", 4);
    expect("bundle_cwd", ".gort/cwd is not an absolute path of up to 1023 bytes");
    put_init();
    put(".gort/cwd", 0100644, 3, 1, "/a\0b", 4);
    expect("bundle_cwd_nul", ".gort/cwd is not an absolute path of up to 1023 bytes");
    put_init();
    static char words[1100];
    memset(words, 'w', sizeof words);
    put(".gort/options", 0100644, 3, 1, words, sizeof words);
    expect("bundle_options", ".gort/options is not one text of up to 1023 bytes");
    put_init();
    put_init();
    expect("bundle_two_inits", "entry at offset 120: second init");
}

int main(void)
{
    test_good();
    test_errors();
    return failures != 0;
}
