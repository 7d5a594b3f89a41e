#include "gort/os/fs/ldisc.h"

#include <string.h>

enum { IN_END = 0x100,   /* a line ends behind this byte */
       IN_EOF = 0x200 }; /* with IN_END: it is VEOF, which nobody reads */

enum { SIGINT_ = 2, SIGQUIT_ = 3, SIGTSTP_ = 20 };
enum { CHAR_MAX_COLUMNS = 8, NOROOM = 16 /* bytes of out that are kept free */ };

void ldisc_init(struct ldisc *l)
{
    static const struct l_termios sane = {
        .iflag = L_ICRNL | L_IXON, .oflag = L_OPOST | L_ONLCR,
        .cflag = 0xbf, /* 38400 baud, 8 bits, receiver on */
        .lflag = L_ISIG | L_ICANON | L_ECHO | L_ECHOE | L_ECHOK | L_ECHOCTL | L_ECHOKE | L_IEXTEN,
        .cc = {[L_VINTR] = 3, [L_VQUIT] = 28, [L_VERASE] = 127, [L_VKILL] = 21, [L_VEOF] = 4,
               [L_VMIN] = 1, [L_VSTART] = 17, [L_VSTOP] = 19, [L_VSUSP] = 26, [L_VREPRINT] = 18,
               [L_VDISCARD] = 15, [L_VWERASE] = 23, [L_VLNEXT] = 22},
    };

    l->t = sane;
}

static bool has(const struct ldisc *l, uint32_t lflag) { return l->t.lflag & lflag; }

/* Is c the character of that role? A role with character 0 is nobody's. */
static bool is(const struct ldisc *l, unsigned role, uint8_t c) { return c && l->t.cc[role] == c; }

static bool is_control(uint8_t c) { return c < 32 || c == 127; }

/* A byte within a character of UTF-8: it has no column of its own. */
static bool is_inner(const struct ldisc *l, uint8_t c)
{
    return l->t.iflag & L_IUTF8 && (c & 0xc0) == 0x80;
}

/* ---- output ------------------------------------------------------------------------------- */

static size_t out_room(const struct ldisc *l)
{
    return LDISC_OUT - (size_t)(l->out_head - l->out_tail);
}

bool ldisc_output_room(const struct ldisc *l) { return !l->stopped && out_room(l) > NOROOM; }

static void emit(struct ldisc *l, uint8_t c) { l->out[l->out_head++ % LDISC_OUT] = c; }

static void out_newline(struct ldisc *l)
{
    if (l->t.oflag & L_ONLCR)
        emit(l, '\r');
    if (l->t.oflag & (L_ONLCR | L_ONLRET))
        l->column = l->line_column = 0;
    emit(l, '\n');
}

static void out_return(struct ldisc *l)
{
    if (l->t.oflag & L_ONOCR && l->column == 0)
        return;
    if (l->t.oflag & L_OCRNL) {
        if (l->t.oflag & L_ONLRET)
            l->column = l->line_column = 0;
        emit(l, '\n');
        return;
    }
    l->column = l->line_column = 0;
    emit(l, '\r');
}

static void out_tab(struct ldisc *l)
{
    uint32_t columns = 8 - l->column % 8;

    l->column += columns;
    if ((l->t.oflag & L_TABDLY) != L_TABDLY) {
        emit(l, '\t');
        return;
    }
    while (columns--)
        emit(l, ' ');
}

static void out_other(struct ldisc *l, uint8_t c)
{
    if (c == '\b' && l->column > 0)
        l->column--;
    if (!is_control(c)) {
        if (l->t.oflag & L_OLCUC && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        l->column += !is_inner(l, c);
    }
    emit(l, c);
}

/* There is room for CHAR_MAX_COLUMNS bytes. */
static void out_char(struct ldisc *l, uint8_t c)
{
    if (!(l->t.oflag & L_OPOST))
        emit(l, c);
    else if (c == '\n')
        out_newline(l);
    else if (c == '\r')
        out_return(l);
    else if (c == '\t')
        out_tab(l);
    else
        out_other(l, c);
}

size_t ldisc_output(struct ldisc *l, const uint8_t *p, size_t n)
{
    size_t done = 0;

    for (; done < n && ldisc_output_room(l); done++)
        out_char(l, p[done]);
    return done;
}

size_t ldisc_out_look(const struct ldisc *l, uint8_t *buf, size_t n)
{
    size_t have = (size_t)(l->out_head - l->out_tail);

    n = n < have ? n : have;
    for (size_t i = 0; i < n; i++)
        buf[i] = l->out[(l->out_tail + i) % LDISC_OUT];
    return n;
}

/* ---- echo: what has no room is not shown --------------------------------------------------- */

static void echo(struct ldisc *l, uint8_t c)
{
    if (out_room(l) >= CHAR_MAX_COLUMNS)
        out_char(l, c);
}

static void echo_text(struct ldisc *l, const char *s)
{
    while (*s)
        echo(l, (uint8_t)*s++);
}

/* Control characters are shown as ^X, if wanted so. */
static void echo_shown(struct ldisc *l, uint8_t c)
{
    if (has(l, L_ECHOCTL) && is_control(c) && c != '\t') {
        echo(l, '^');
        c ^= 0100;
    }
    echo(l, c);
}

static void erasing_ends(struct ldisc *l)
{
    if (l->erasing)
        echo(l, '/');
    l->erasing = false;
}

/* ---- the line that is being typed ---------------------------------------------------------- */

static uint16_t *slot(struct ldisc *l, uint64_t at) { return &l->in[at % LDISC_IN]; }
static uint8_t byte_at(const struct ldisc *l, uint64_t at) { return (uint8_t)l->in[at % LDISC_IN]; }

/* A line that is too long loses what follows. */
static void put(struct ldisc *l, uint8_t c)
{
    if (!has(l, L_ICANON) || l->head - l->line < LDISC_LINE)
        *slot(l, l->head++) = c;
}

static void line_ends(struct ldisc *l, uint8_t c, unsigned how)
{
    *slot(l, l->head++) = (uint16_t)(c | how);
    l->line = l->head;
}

/* The columns between the last tab, or the line's begin, and position `end`. */
static uint32_t columns_before(const struct ldisc *l, uint64_t end)
{
    uint32_t n = 0;

    while (end-- > l->line) {
        uint8_t c = byte_at(l, end);
        if (c == '\t')
            return n;
        if (is_control(c))
            n += has(l, L_ECHOCTL) ? 2 : 0;
        else
            n += !is_inner(l, c);
    }
    return n + l->line_column;
}

static void wipe_tab(struct ldisc *l)
{
    for (uint32_t n = 8 - columns_before(l, l->head) % 8; n > 0; n--)
        echo(l, '\b');
}

/* Shows that the character which began at l->head, up to `end`, is gone. */
static void wipe(struct ldisc *l, uint64_t end, bool one)
{
    uint8_t c = byte_at(l, l->head);

    if (has(l, L_ECHOPRT)) {
        if (!l->erasing)
            echo(l, '\\');
        l->erasing = true;
        echo_shown(l, c);
        for (uint64_t at = l->head + 1; at < end; at++)
            echo(l, byte_at(l, at));
    } else if (one && !has(l, L_ECHOE)) {
        echo_shown(l, l->t.cc[L_VERASE]);
    } else if (c == '\t') {
        wipe_tab(l);
    } else {
        if (is_control(c) && has(l, L_ECHOCTL))
            echo_text(l, "\b \b");
        if (!is_control(c) || has(l, L_ECHOCTL))
            echo_text(l, "\b \b");
    }
}

/* Where the last character of the line begins; l->line if it has no begin. */
static uint64_t last_char(const struct ldisc *l)
{
    uint64_t at = l->head;

    do
        at--;
    while (at > l->line && is_inner(l, byte_at(l, at)));
    return at;
}

static bool is_word(uint8_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           (c >= 0xc0 && c != 0xd7 && c != 0xf7); /* letters of Latin-1 */
}

enum erase { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static void erase(struct ldisc *l, enum erase what)
{
    bool word = false;

    while (l->head > l->line) {
        uint64_t end = l->head, at = last_char(l);
        uint8_t c = byte_at(l, at);
        if (is_inner(l, c))
            break;
        if (what == ERASE_WORD && !is_word(c) && word)
            break;
        word |= is_word(c);
        l->head = at;
        if (has(l, L_ECHO))
            wipe(l, end, what == ERASE_CHAR);
        if (what == ERASE_CHAR)
            break;
    }
    if (l->head == l->line && has(l, L_ECHO))
        erasing_ends(l);
}

static void kill_line(struct ldisc *l)
{
    if (l->head == l->line)
        return;
    if (has(l, L_ECHO) && has(l, L_ECHOK) && has(l, L_ECHOKE) && has(l, L_ECHOE)) {
        erase(l, ERASE_LINE);
        return;
    }
    l->head = l->line;
    if (!has(l, L_ECHO))
        return;
    erasing_ends(l);
    echo_shown(l, l->t.cc[L_VKILL]);
    if (has(l, L_ECHOK))
        echo(l, '\n');
}

static void reprint(struct ldisc *l)
{
    erasing_ends(l);
    echo_shown(l, l->t.cc[L_VREPRINT]);
    echo(l, '\n');
    for (uint64_t at = l->line; at < l->head; at++)
        echo_shown(l, byte_at(l, at));
}

/* ---- input -------------------------------------------------------------------------------- */

void ldisc_flush_input(struct ldisc *l)
{
    l->head = l->line = l->tail;
    l->quote = l->erasing = false;
}

static void signal_char(struct ldisc *l, unsigned sig, uint8_t c)
{
    l->signals |= 1ull << sig;
    if (!has(l, L_NOFLSH)) {
        ldisc_flush_input(l);
        l->out_head = l->shown_from;
        l->column = l->shown_column;
    }
    if (l->t.iflag & L_IXON)
        l->stopped = false;
    if (has(l, L_ECHO))
        echo_shown(l, c);
}

static bool input_signal(struct ldisc *l, uint8_t c)
{
    unsigned sig = is(l, L_VINTR, c) ? SIGINT_ : is(l, L_VQUIT, c) ? SIGQUIT_ :
                   is(l, L_VSUSP, c) ? SIGTSTP_ : 0;

    if (sig && has(l, L_ISIG))
        signal_char(l, sig, c);
    return sig && has(l, L_ISIG);
}

static bool input_flow(struct ldisc *l, uint8_t c)
{
    bool start = is(l, L_VSTART, c), stop = is(l, L_VSTOP, c);

    if (!(l->t.iflag & L_IXON) || !(start || stop))
        return false;
    l->stopped = !start;
    return true;
}

/* A byte that means nothing but itself. newline: it is one, made of a carriage return. */
static void input_plain(struct ldisc *l, uint8_t c, bool newline)
{
    if (has(l, L_ECHO)) {
        erasing_ends(l);
        if (l->head == l->line)
            l->line_column = l->column;
        if (newline)
            echo(l, c);
        else
            echo_shown(l, c);
    }
    if (c == 0xff && l->t.iflag & L_PARMRK)
        put(l, c);
    put(l, c);
}

static void input_quote(struct ldisc *l)
{
    l->quote = true;
    if (!has(l, L_ECHO))
        return;
    erasing_ends(l);
    if (has(l, L_ECHOCTL))
        echo_text(l, "^\b");
}

static bool input_edit(struct ldisc *l, uint8_t c)
{
    bool more = has(l, L_IEXTEN);

    if (is(l, L_VERASE, c))
        erase(l, ERASE_CHAR);
    else if (is(l, L_VKILL, c))
        kill_line(l);
    else if (more && is(l, L_VWERASE, c))
        erase(l, ERASE_WORD);
    else if (more && is(l, L_VLNEXT, c))
        input_quote(l);
    else if (more && has(l, L_ECHO) && is(l, L_VREPRINT, c))
        reprint(l);
    else
        return false;
    return true;
}

static bool input_end(struct ldisc *l, uint8_t c)
{
    if (c == '\n') {
        if (has(l, L_ECHO | L_ECHONL))
            echo(l, c);
        line_ends(l, c, IN_END);
    } else if (is(l, L_VEOF, c)) {
        line_ends(l, 0, IN_END | IN_EOF);
    } else if (is(l, L_VEOL, c) || (has(l, L_IEXTEN) && is(l, L_VEOL2, c))) {
        if (has(l, L_ECHO)) {
            if (l->head == l->line)
                l->line_column = l->column;
            echo_shown(l, c);
        }
        line_ends(l, c, IN_END);
    } else {
        return false;
    }
    return true;
}

static void input_char(struct ldisc *l, uint8_t c)
{
    if (l->t.iflag & L_ISTRIP)
        c &= 0x7f;
    if (l->t.iflag & L_IUCLC && has(l, L_IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (l->quote) {
        l->quote = false;
        input_plain(l, c, false);
        return;
    }
    if (input_flow(l, c) || input_signal(l, c))
        return;
    if (l->stopped && (l->t.iflag & (L_IXON | L_IXANY)) == (L_IXON | L_IXANY))
        l->stopped = false;
    if (c == '\r' && l->t.iflag & L_IGNCR)
        return;
    bool newline = c == '\r' && l->t.iflag & L_ICRNL;
    if (newline)
        c = '\n';
    else if (c == '\n' && l->t.iflag & L_INLCR)
        c = '\r';
    if (!has(l, L_ICANON) || (!input_edit(l, c) && !input_end(l, c)))
        input_plain(l, c, newline);
}

/* A byte takes up to two places. A line that is being typed, alone, never fills them all. */
bool ldisc_input_room(const struct ldisc *l) { return l->head - l->tail <= LDISC_IN - 2; }

size_t ldisc_input(struct ldisc *l, const uint8_t *p, size_t n)
{
    size_t done = 0;

    l->shown_from = l->out_head;
    l->shown_column = l->column;
    for (; done < n && ldisc_input_room(l); done++)
        input_char(l, p[done]);
    return done;
}

/* ---- reading ------------------------------------------------------------------------------ */

bool ldisc_readable(const struct ldisc *l, size_t min)
{
    return has(l, L_ICANON) ? l->line != l->tail : l->head - l->tail >= min;
}

/* VEOF behind the last byte that fits goes with it: the next read waits for another line. */
static struct ldisc_part look_line(const struct ldisc *l, uint8_t *buf, size_t n)
{
    struct ldisc_part p = {0};

    while (!p.over && l->tail + p.eaten < l->line) {
        uint16_t e = l->in[(l->tail + p.eaten) % LDISC_IN];
        if (!(e & IN_EOF) && p.bytes == n)
            break;
        if (!(e & IN_EOF))
            buf[p.bytes++] = (uint8_t)e;
        p.eaten++;
        p.over = e & IN_END;
    }
    return p;
}

struct ldisc_part ldisc_look(const struct ldisc *l, uint8_t *buf, size_t n)
{
    size_t have = (size_t)(l->head - l->tail);

    if (has(l, L_ICANON))
        return look_line(l, buf, n);
    n = n < have ? n : have;
    for (size_t i = 0; i < n; i++)
        buf[i] = byte_at(l, l->tail + i);
    return (struct ldisc_part){n, n, n == have};
}

void ldisc_eat(struct ldisc *l, size_t eaten) { l->tail += eaten; }

size_t ldisc_count(const struct ldisc *l)
{
    if (!has(l, L_ICANON))
        return (size_t)(l->head - l->tail);
    size_t n = 0;
    for (uint64_t at = l->tail; at < l->line; at++)
        n += !(l->in[at % LDISC_IN] & IN_EOF);
    return n;
}

/* What has been typed may be read when lines end to matter, and is one line when they begin to. */
void ldisc_set(struct ldisc *l, const struct l_termios *t)
{
    bool turns = (l->t.lflag ^ t->lflag) & L_ICANON;

    l->t = *t;
    if (!(t->iflag & L_IXON))
        l->stopped = false;
    if (!turns)
        return;
    for (uint64_t at = l->tail; at < l->head; at++)
        *slot(l, at) &= 0xff;
    l->line = l->tail;
    if (has(l, L_ICANON) && l->head != l->tail) {
        *slot(l, l->head - 1) |= IN_END;
        l->line = l->head;
    }
    l->quote = l->erasing = false;
}
