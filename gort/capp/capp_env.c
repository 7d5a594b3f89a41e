/* capp_env.c - see capp_env.h. */
#include "gort/capp/capp_env.h"
#include <stddef.h>
#include <string.h>

/* A decimal number that ends at `end`, of at most max. */
static bool number(const char *s, const char *end, int64_t max, int64_t *out)
{
    bool negative = *s == '-';
    int64_t n = 0;

    s += negative || *s == '+';
    if (s == end)
        return false;
    for (; s < end; s++) {
        if (*s < '0' || *s > '9' || n > (max - (*s - '0')) / 10)
            return false;
        n = n * 10 + (*s - '0');
    }
    *out = negative ? -n : n;
    return true;
}

/* A number of bytes: 1024, 64MiB; the suffixes are B, KiB, MiB, GiB, TiB. */
static bool byte_count(const char *s, int64_t *out)
{
    static const char units[] = "KMGT";
    size_t len = strlen(s);
    unsigned shift = 0;

    if (len && s[len - 1] == 'B') {
        const char *u = NULL;
        if (len >= 3 && s[len - 2] == 'i') {
            u = strchr(units, s[len - 3]);
            if (!u)
                return false;
        }
        shift = u ? 10 * (unsigned)(u - units + 1) : 0;
        len -= u ? 3 : 1;
    }
    if (!number(s, s + len, INT64_MAX, out) || *out < 0 || *out > INT64_MAX >> shift)
        return false;
    *out <<= shift;
    return true;
}

static void godebug(struct app_debug *d, const char *s)
{
    const struct { const char *name; int32_t *v; } known[] = {
        { "clobberfree", &d->clobberfree }, { "dontfreezetheworld", &d->dontfreezetheworld },
        { "gccheckmark", &d->gccheckmark },
        { "gcpacertrace", &d->gcpacertrace }, { "gcstoptheworld", &d->gcstoptheworld },
        { "gctrace", &d->gctrace }, { "sbrk", &d->sbrk }, { "scavtrace", &d->scavtrace },
        { "scheddetail", &d->scheddetail }, { "schedtrace", &d->schedtrace },
    };

    for (; s && *s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        const char *end = strchr(s, ','), *eq = strchr(s, '=');
        int64_t n;
        if (!end)
            end = s + strlen(s);
        if (!eq || eq > end || !number(eq + 1, end, INT32_MAX, &n))
            continue;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strlen(known[i].name) == (size_t)(eq - s) &&
                memcmp(s, known[i].name, (size_t)(eq - s)) == 0)
                *known[i].v = (int32_t)n;
    }
}

static int32_t traceback_level(const char *s)
{
    static const char *const names[] = { "none", "single", "all", "system", "crash" };
    static const int8_t level[] = { 0, 1, 2, 3, 4 };
    int64_t n;

    if (!s || !*s)
        return 1;
    for (size_t i = 0; i < sizeof level; i++)
        if (strcmp(s, names[i]) == 0)
            return level[i];
    if (!number(s, s + strlen(s), INT32_MAX, &n) || n <= 0)
        return 0;
    return n == 1 ? 2 : 3; /* all goroutines; and the runtime's frames */
}

const char *capp_env(struct app_debug *d, const char *(*get)(const char *name),
                     const char **value)
{
    const char *s = get("GOGC");
    int64_t n;

    godebug(d, get("GODEBUG"));
    if (d->gcstoptheworld < 1)
        d->gcstoptheworld = 1; /* C has no write barriers */
    d->gotraceback = traceback_level(get("GOTRACEBACK"));
    d->gogc = 100;
    if (s && strcmp(s, "off") == 0)
        d->gogc = -1;
    else if (s && number(s, s + strlen(s), INT32_MAX, &n))
        d->gogc = n < 0 ? -1 : (int32_t)n;
    d->memlimit = INT64_MAX;
    s = get("GOMEMLIMIT");
    if (s && *s && strcmp(s, "off") != 0 && !byte_count(s, &d->memlimit)) {
        *value = s;
        return "malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`";
    }
    return NULL;
}
