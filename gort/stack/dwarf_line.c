/* dwarf_line.c - see dwarf_line.h. Numbers in brackets are sections of the DWARF 5 standard. */
#include "gort/stack/dwarf_line.h"
#include <string.h>

/* Standard opcodes [6.2.5.2], extended ones [6.2.5.3], forms [7.5.6], entry contents [6.2.4.1]. */
enum {
    LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNS_CONST_ADD_PC = 8,
    LNS_FIXED_ADVANCE_PC = 9,
    LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2,
    FORM_BLOCK2 = 3, FORM_BLOCK4, FORM_DATA2, FORM_DATA4, FORM_DATA8, FORM_STRING, FORM_BLOCK,
    FORM_BLOCK1, FORM_DATA1, FORM_STRP = 0x0e, FORM_UDATA = 0x0f, FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
    LNCT_PATH = 1, LNCT_DIRECTORY = 2,
};

struct cursor {
    const uint8_t *p, *end;
    bool bad;                  /* something was read past the end; all that was read then is 0 */
};

struct unit {
    const struct dwarf_sections *s;
    struct cursor program, tables, lengths;
    bool wide;                 /* offsets of 8 bytes */
    uint16_t version;
    uint8_t min_length, line_range, opcode_base;
    int8_t line_base;
};

struct row { uint64_t pc, file; uint32_t line; };

/* ---- reading ---------- */

static struct cursor part(struct cursor *c, uint64_t n)
{
    struct cursor r = { c->p, c->p, true };

    if (c->bad || n > (uint64_t)(c->end - c->p)) {
        c->bad = true;
        c->p = c->end;
        return r;
    }
    r = (struct cursor){ c->p, c->p + n, false };
    c->p += n;
    return r;
}

/* n bytes, least first. */
static uint64_t fixed(struct cursor *c, unsigned n)
{
    struct cursor r = part(c, n);
    uint64_t v = 0;

    for (unsigned i = 0; !r.bad && i < n; i++)
        v |= (uint64_t)r.p[i] << 8 * i;
    return v;
}

static uint64_t leb(struct cursor *c, bool sign)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t b;

    do {
        b = (uint8_t)fixed(c, 1);
        if (shift < 64)
            v |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
    } while (b & 0x80);
    if (sign && shift < 64 && b & 0x40)
        v |= ~0ull << shift;
    return v;
}

static const char *string(struct cursor *c)
{
    const char *text = (const char *)c->p;
    const uint8_t *end = c->bad ? NULL : memchr(c->p, 0, (size_t)(c->end - c->p));

    if (!end) {
        c->bad = true;
        return "";
    }
    c->p = end + 1;
    return text;
}

static const char *string_at(const void *section, size_t n, uint64_t offset)
{
    struct cursor c = { section, (const uint8_t *)section + n, n == 0 };

    part(&c, offset);
    return string(&c);
}

/* ---- the tables of directories and files ---------- */

/* One field of an entry, as a string or a number. */
static void field(struct cursor *c, const struct unit *u, uint64_t form, const char **text,
                  uint64_t *number)
{
    switch (form) {
    case FORM_STRING:    *text = string(c); break;
    case FORM_LINE_STRP: *text = string_at(u->s->line_str.p, u->s->line_str.n,
                                           fixed(c, u->wide ? 8 : 4)); break;
    case FORM_STRP:      *text = string_at(u->s->str.p, u->s->str.n,
                                           fixed(c, u->wide ? 8 : 4)); break;
    case FORM_UDATA:     *number = leb(c, false); break;
    case FORM_DATA1:     *number = fixed(c, 1); break;
    case FORM_DATA2:     *number = fixed(c, 2); break;
    case FORM_DATA4:     *number = fixed(c, 4); break;
    case FORM_DATA8:     *number = fixed(c, 8); break;
    case FORM_DATA16:    part(c, 16); break;
    case FORM_BLOCK:     part(c, leb(c, false)); break;
    case FORM_BLOCK1:    part(c, fixed(c, 1)); break;
    case FORM_BLOCK2:    part(c, fixed(c, 2)); break;
    case FORM_BLOCK4:    part(c, fixed(c, 4)); break;
    default:             c->bad = true; /* its length is unknown, so nothing after it is known */
    }
}

struct entry { const char *path; uint64_t dir; };

/* A table of version 5 [6.2.4.1]: its entry `want`; c comes to stand behind it. */
static struct entry table5(struct cursor *c, const struct unit *u, uint64_t want)
{
    struct entry found = { NULL, 0 };
    uint64_t fields = fixed(c, 1);
    struct cursor format = *c;

    for (uint64_t i = 0; i < 2 * fields; i++)
        leb(c, false);
    uint64_t n = leb(c, false);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        struct cursor f = format;
        struct entry e = { "", 0 };
        for (uint64_t k = 0; k < fields; k++) {
            uint64_t content = leb(&f, false), form = leb(&f, false), number = 0;
            const char *text = "";
            field(c, u, form, &text, &number);
            if (content == LNCT_PATH)
                e.path = text;
            else if (content == LNCT_DIRECTORY)
                e.dir = number;
        }
        if (i == want && !c->bad)
            found = e;
        if (!fields)
            break;
    }
    return found;
}

/* The tables of versions 2 to 4: names that end in an empty one, numbered from 1. */
static struct entry table2(struct cursor *c, bool files, uint64_t want)
{
    struct entry found = { NULL, 0 };

    for (uint64_t i = 1; !c->bad; i++) {
        struct entry e = { string(c), 0 };
        if (!*e.path)
            break;
        if (files) {
            e.dir = leb(c, false);
            leb(c, false); /* time, length */
            leb(c, false);
        }
        if (i == want && !c->bad)
            found = e;
    }
    return found;
}

static struct entry dir_then(struct cursor *c, const struct unit *u, uint64_t want)
{
    *c = u->tables;
    return u->version >= 5 ? table5(c, u, want) : table2(c, false, want);
}

static bool name_file(const struct unit *u, uint64_t file, struct dwarf_line *out)
{
    struct cursor c;

    dir_then(&c, u, 0);
    struct entry f = u->version >= 5 ? table5(&c, u, file) : table2(&c, true, file);
    if (!f.path || !*f.path)
        return false;
    struct entry d = dir_then(&c, u, f.dir), root = { NULL, 0 };
    if (u->version >= 5 && f.dir)
        root = dir_then(&c, u, 0);
    out->file = f.path;
    out->dir = d.path ? d.path : "";
    out->root = root.path ? root.path : "";
    return true;
}

/* ---- the program ---------- */

/* The unit's header [6.2.4]. c comes to stand behind the unit. */
static bool unit_begin(struct cursor *c, struct unit *u)
{
    uint64_t n = fixed(c, 4);

    u->wide = n == 0xffffffff;
    if (u->wide)
        n = fixed(c, 8);
    struct cursor all = part(c, n);
    u->version = (uint16_t)fixed(&all, 2);
    if (u->version < 2 || u->version > 5)
        return false;
    if (u->version >= 5)
        fixed(&all, 2); /* sizes of addresses and of segment selectors */
    struct cursor header = part(&all, fixed(&all, u->wide ? 8 : 4));
    u->program = all;
    u->min_length = (uint8_t)fixed(&header, 1);
    if (u->version >= 4)
        fixed(&header, 1); /* operations per instruction: 1 on this machine */
    fixed(&header, 1);     /* is a row a statement? every row tells where its code is from */
    u->line_base = (int8_t)fixed(&header, 1);
    u->line_range = (uint8_t)fixed(&header, 1);
    u->opcode_base = (uint8_t)fixed(&header, 1);
    u->lengths = part(&header, u->opcode_base ? u->opcode_base - 1u : 0);
    u->tables = header;
    return !header.bad && u->line_range && u->opcode_base;
}

/* An extended opcode. True: the row is finished; *end: and the sequence. */
static bool extended(struct cursor *c, struct row *r, bool *end)
{
    struct cursor op = part(c, leb(c, false));
    uint64_t code = fixed(&op, 1);

    if (code == LNE_SET_ADDRESS)
        r->pc = fixed(&op, (unsigned)(op.end - op.p > 8 ? 8 : op.end - op.p));
    *end = code == LNE_END_SEQUENCE;
    return *end;
}

static void advance(const struct unit *u, struct row *r, uint64_t n) { r->pc += n * u->min_length; }

/* Runs the program up to its next row. False: it ends. */
static bool next_row(struct unit *u, struct row *r, bool *end)
{
    struct cursor *c = &u->program;

    *end = false;
    while (!c->bad && c->p < c->end) {
        uint8_t op = (uint8_t)fixed(c, 1);
        if (op >= u->opcode_base) {
            op -= u->opcode_base;
            advance(u, r, op / u->line_range);
            r->line += (uint32_t)(u->line_base + op % u->line_range);
            return true;
        }
        switch (op) {
        case 0:
            if (extended(c, r, end))
                return true;
            break;
        case LNS_COPY:             return true;
        case LNS_ADVANCE_PC:       advance(u, r, leb(c, false)); break;
        case LNS_ADVANCE_LINE:     r->line += (uint32_t)leb(c, true); break;
        case LNS_SET_FILE:         r->file = leb(c, false); break;
        case LNS_CONST_ADD_PC:     advance(u, r, (255u - u->opcode_base) / u->line_range); break;
        case LNS_FIXED_ADVANCE_PC: r->pc += fixed(c, 2); break;
        default:                   /* what it says is of no interest: its operands, at least */
            for (unsigned i = 0; i < u->lengths.p[op - 1]; i++)
                leb(c, false);
        }
    }
    return false;
}

static bool unit_line_at(struct unit *u, uint64_t pc, struct dwarf_line *out)
{
    const struct row start = { 0, 1, 1 };
    struct row r = start, before = start;
    bool inside = false, end;

    while (next_row(u, &r, &end)) {
        if (inside && before.pc <= pc && pc < r.pc && before.line) {
            out->line = before.line;
            return name_file(u, before.file, out);
        }
        inside = !end;
        if (end)
            r = start;
        before = r;
    }
    return false;
}

bool dwarf_line_at(const struct dwarf_sections *s, uint64_t pc, struct dwarf_line *out)
{
    struct cursor c = { s->line.p, (const uint8_t *)s->line.p + s->line.n, s->line.n == 0 };
    struct unit u = { .s = s };

    while (!c.bad && c.p < c.end)
        if (unit_begin(&c, &u) && unit_line_at(&u, pc, out))
            return true;
    return false;
}

void dwarf_line_path(const struct dwarf_line *l, char *buf, size_t n)
{
    const char *part[3] = { l->root, l->dir, l->file };
    unsigned first = *l->file == '/' ? 2 : *l->dir == '/' ? 1 : 0;
    size_t at = 0;

    for (unsigned i = first; i < 3; i++) {
        for (const char *p = part[i]; *p && at + 1 < n; p++)
            buf[at++] = *p;
        if (i < 2 && *part[i] && at + 1 < n)
            buf[at++] = '/';
    }
    if (n)
        buf[at] = 0;
}
