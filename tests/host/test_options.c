/* test_options.c - boot options.
 * sources: kernel/options.c */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "kernel/options.h"
#include "kernel/print.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static char named[256];
void kprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(named, sizeof named, fmt, ap);
    va_end(ap);
}

static char refused[256];
static void bad(const char *word, size_t len)
{
    strncat(refused, word, len);
    strcat(refused, ";");
}

static struct boot_options parse(const char *text)
{
    struct boot_options o = { 0 };

    refused[0] = 0;
    options_apply(&o, text, strlen(text), bad);
    return o;
}

int main(void)
{
    struct boot_options o = parse("verbose lockrank=1\n\tgcstress=100  seed=0xFf maxcpus=2\n"
                                  "deadcpu=3");
    report("words", o.verbose && o.lockrank && o.gcstress == 100 && o.seed == 255 &&
           o.maxcpus == 2 && o.deadcpu == 3 && !*refused);
    o = parse("memlimit=64M");
    report("size", o.memlimit == 64ull << 20 && !*refused);
    o = parse("memlimit=17179869184G");
    report("size overflow", !o.memlimit && !strcmp(refused, "memlimit=17179869184G;"));
    o = parse("verbos verbose2 verbose=2 seed seed= seed=x =3 gcstress=18446744073709551616");
    report("refused", !strcmp(refused, "verbos;verbose2;verbose=2;seed;seed=;seed=x;=3;"
                                       "gcstress=18446744073709551616;"));
    o = parse("verbose verbose=0");
    report("later words win", !o.verbose);
    parse("");
    report("nothing", !*refused);
    struct boot_options p = { 0 };
    options_apply(&p, "verbose", 4, bad);
    report("length counts", !p.verbose);
    options_apply(&p, "verbose\0lockrank", 16, bad);
    report("NUL ends", p.verbose && !p.lockrank);
    options_parse("forcegc=5 gcstres=5");
    report("options_parse", options.forcegc == 5 &&
           strstr(named, "\"gcstres=5\" is not understood"));
    return failures != 0;
}
