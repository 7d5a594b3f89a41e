/* labels.c - a goroutine's profiler labels in its traceback's header.
 *
 *   goroutine 7 [running labels:{"req": "42"}]:      form 0, Go 1.26
 *   goroutine 7 [running] {req: 42}:                 form 1, since Go 1.27: quoted where needed */
#include "gort/abi/gotypes.h"
#include "gort/abi/app.h"
#include "gort/g.h"
#include "gort/observe/traceback.h"

/* What runtime/pprof hangs on a goroutine (internal/runtime/pprof/label). */
struct label { struct gostring key, value; };
struct label_set { struct goslice list; };

static void put_n(const struct traceback_out *o, const char *s, size_t n)
{
    o->write(o->arg, s, n);
}

static void put(const struct traceback_out *o, const char *s) { put_n(o, s, __builtin_strlen(s)); }

/* Takes a character from text of `left` > 0 bytes; returns how many bytes it has. What is no
 * UTF-8 is U+FFFD, byte by byte, as in Go's range loop. */
static unsigned next_rune(const uint8_t *s, int64_t left, uint32_t *rune)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
                 s[0] < 0xf8 ? 4 : 0;
    uint32_t r = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    bool good = n != 0 && (int64_t)n <= left;

    for (unsigned i = 1; good && i < n; i++) {
        good = (s[i] & 0xc0) == 0x80;
        r = r << 6 | (s[i] & 0x3f);
    }
    good = good && r >= least[n] && r <= 0x10ffff && (r < 0xd800 || r > 0xdfff);
    *rune = good ? r : 0xfffd;
    return good ? n : 1;
}

static void put_escape(const struct traceback_out *o, uint32_t r, unsigned digits)
{
    char buf[10] = { '\\', digits == 2 ? 'x' : digits == 4 ? 'u' : 'U' };

    for (unsigned i = 0; i < digits; i++)
        buf[2 + i] = "0123456789abcdef"[r >> 4 * (digits - 1 - i) & 15];
    put_n(o, buf, 2 + digits);
}

/* Bytes that are no UTF-8 are shown as such in form 1, as U+FFFD in form 0. */
static void put_quoted(const struct traceback_out *o, const struct gostring *t, int form)
{
    uint32_t r;

    put(o, "\"");
    for (int64_t i = 0; i < t->len;) {
        const char *s = t->ptr + i;
        unsigned n = next_rune((const uint8_t *)s, t->len - i, &r);
        i += n;
        if (r == 0xfffd && n == 1 && form == 1) {
            put_escape(o, (uint8_t)*s, 2);
        } else if (r == '\n' || r == '\r' || r == '\t') {
            put(o, r == '\n' ? "\\n" : r == '\r' ? "\\r" : "\\t");
        } else if (r == '"' || r == '\\') {
            put(o, "\\");
            put_n(o, s, 1);
        } else if (r >= ' ' && r <= '~') {
            put_n(o, s, 1);
        } else {
            put_escape(o, r, r < 127 ? 2 : r < 0x10000 ? 4 : 8);
        }
    }
    put(o, "\"");
}

/* Form 1 quotes what has other characters than these. */
static bool is_plain(const struct gostring *t)
{
    for (int64_t i = 0; i < t->len; i++) {
        char c = t->ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '/' || c == '_'))
            return false;
    }
    return true;
}

void traceback_labels(const struct traceback_out *o, const struct g *gp)
{
    const struct label_set *set = gp->labels;
    int form = app ? app->debug->labelform : 0;

    if (!set || set->list.len == 0 || !app ||
        __atomic_load_n(&app->debug->tracebacklabels, __ATOMIC_RELAXED) != 1) {
        put(o, "]");
        return;
    }
    const struct label *l = set->list.ptr;
    put(o, form == 1 ? "] {" : " labels:{");
    for (int64_t i = 0; i < set->list.len; i++) {
        const struct gostring *pair[] = { &l[i].key, &l[i].value };
        if (i > 0)
            put(o, ", ");
        for (unsigned k = 0; k < 2; k++) {
            if (form == 1 && is_plain(pair[k]))
                put_n(o, pair[k]->ptr, (size_t)pair[k]->len);
            else
                put_quoted(o, pair[k], form);
            if (k == 0)
                put(o, ": ");
        }
    }
    put(o, form == 1 ? "}" : "}]");
}
