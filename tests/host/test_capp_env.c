// sources: gort/capp/capp_env.c
/* GOGC and the like in the environment of C programs, read by Go's rules. */
#include "gort/capp/capp_env.h"
#include <stdio.h>
#include <string.h>

static int failures;
static const char *vars[4]; /* GOGC GOMEMLIMIT GOTRACEBACK GODEBUG */

static const char *get(const char *name)
{
    static const char *const names[] = { "GOGC", "GOMEMLIMIT", "GOTRACEBACK", "GODEBUG" };

    for (int i = 0; i < 4; i++)
        if (!strcmp(name, names[i]))
            return vars[i];
    return NULL;
}

static struct app_debug with(int which, const char *v, bool good)
{
    struct app_debug d = { .gcstoptheworld = 1 };
    const char *bad = NULL;

    memset(vars, 0, sizeof vars);
    vars[which] = v;
    if ((capp_env(&d, get, &bad) == NULL) != good || (!good && strcmp(bad, v)))
        printf("FAIL %s: %s\n", v, good ? "is refused" : "is taken"), failures++;
    return d;
}

static void equal(const char *what, int64_t got, int64_t want)
{
    if (got != want)
        printf("FAIL %s: %lld, want %lld\n", what, (long long)got, (long long)want), failures++;
}

int main(void)
{
    static const struct { const char *s; int64_t n; } limits[] = {
        { "1024", 1024 }, { "7B", 7 }, { "64MiB", 64ll << 20 }, { "3KiB", 3072 },
        { "2GiB", 2ll << 30 }, { "1TiB", 1ll << 40 }, { "off", INT64_MAX }, { "", INT64_MAX },
        { "9223372036854775807", INT64_MAX }, { "0", 0 },
    };
    static const char *const malformed[] = { "x", "1XiB", "-5", "9223372036854775808", "MiB", "1MB",
                                             "1 MiB", "16777216TiB", "iB", "B" };

    for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++)
        equal(limits[i].s, with(1, limits[i].s, true).memlimit, limits[i].n);
    for (unsigned i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        with(1, malformed[i], false);
    equal("GOGC=50", with(0, "50", true).gogc, 50);
    equal("GOGC=off", with(0, "off", true).gogc, -1);
    equal("GOGC=x", with(0, "x", true).gogc, 100);
    equal("GOGC=", with(0, "", true).gogc, 100);
    equal("GOGC=-3", with(0, "-3", true).gogc, -1);
    equal("GOGC unset", with(2, "all", true).gogc, 100);
    equal("all", with(2, "all", true).gotraceback, 2);
    equal("crash", with(2, "crash", true).gotraceback, 4);
    equal("0", with(2, "0", true).gotraceback, 0);
    equal("what", with(2, "what", true).gotraceback, 0);
    equal("1", with(2, "1", true).gotraceback, 2);
    equal("2", with(2, "2", true).gotraceback, 3);
    equal("unset", with(0, "1", true).gotraceback, 1);
    struct app_debug d = with(3, "gctrace=1,schedtrace=100,unknown=3,gctrac=7,gcstoptheworld=0,"
                                 "scavtrace=x,gccheckmark=,clobberfree=2", true);
    equal("gctrace", d.gctrace, 1);
    equal("schedtrace", d.schedtrace, 100);
    equal("gcstoptheworld", d.gcstoptheworld, 1);
    equal("scavtrace", d.scavtrace, 0);
    equal("gccheckmark", d.gccheckmark, 0);
    equal("clobberfree", d.clobberfree, 2);
    equal("gcstoptheworld=2", with(3, ",=,gcstoptheworld=2", true).gcstoptheworld, 2);
    printf("%s environment of C programs\n", failures ? "FAIL" : "ok");
    return failures != 0;
}
