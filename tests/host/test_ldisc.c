/* test_ldisc.c - the line discipline of terminals: what is shown and read of what is typed, and,
 * with random keys and modes, what always holds.
 * sources: gort/os/fs/ldisc.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gort/os/fs/ldisc.h"

static int failures;
static void report(const char *name, bool good)
{
    failures += !good;
    printf("%s %s\n", good ? "ok" : "FAIL", name);
}

static struct ldisc l;

static void fresh(void)
{
    memset(&l, 0, sizeof l);
    ldisc_init(&l);
}

static void set(uint32_t iflag, uint32_t oflag, uint32_t lflag)
{
    struct l_termios t = l.t;

    t.iflag = iflag;
    t.oflag = oflag;
    t.lflag = lflag;
    ldisc_set(&l, &t);
}

static bool type(const char *keys)
{
    size_t n = strlen(keys);

    return ldisc_input(&l, (const uint8_t *)keys, n) == n;
}

static bool shows(const char *want)
{
    uint8_t buf[LDISC_OUT];
    size_t n = ldisc_out_look(&l, buf, sizeof buf);

    l.out_tail += n;
    return n == strlen(want) && !memcmp(buf, want, n);
}

/* A whole read of n bytes, in pieces; -1: it would wait. */
static int read_in(char *buf, size_t n, size_t piece)
{
    size_t done = 0;
    bool over = false;

    if (!ldisc_readable(&l, 1))
        return -1;
    while (!over && done < n) {
        size_t want = n - done < piece ? n - done : piece;
        struct ldisc_part p = ldisc_look(&l, (uint8_t *)buf + done, want);
        if (p.bytes > want)
            return -2;
        ldisc_eat(&l, p.eaten);
        done += p.bytes;
        over = p.over || !p.bytes;
    }
    return (int)done;
}

static bool reads(const char *want, size_t n)
{
    char buf[LDISC_IN];
    int got = read_in(buf, n, 7);

    return got == (int)strlen(want) && !memcmp(buf, want, strlen(want));
}

static bool waits(void) { return !ldisc_readable(&l, 1); }

/* ---- cases --------------------------------------------------------------------------------- */

static void test_lines(void)
{
    fresh();
    report("a part of a line is not read", type("ab") && waits() && shows("ab"));
    report("a line", type("c\r") && shows("c\r\n") && reads("abc\n", 100) && waits());
    report("a line at a time", type("one\ntwo\n") && reads("one\n", 100) && reads("tw", 2) &&
                               reads("o\n", 100) && waits());
    report("end of file", type("x\4\4") && reads("x", 100) && reads("", 100) && waits());
    report("end behind what fits", type("four\4") && reads("four", 4) && waits());
    report("counted", type("a\nb\4c") && ldisc_count(&l) == 3);
    ldisc_flush_input(&l);
    report("flushed", ldisc_count(&l) == 0 && waits());
}

static void test_editing(void)
{
    fresh();
    report("erase", type("ab\177c\n") && shows("ab\b \bc\r\n") && reads("ac\n", 100));
    report("erase a tab", type("a\t\177\n") && shows("a\t\b\b\b\b\b\b\b\r\n") && reads("a\n", 9));
    report("word, line", type("a bc \27\25d\n") && reads("d\n", 9));
    report("quote", type("\26\177\n") && reads("\177\n", 9));
    report("nothing before the line is erased", type("x\n\177\27\25y\n") && reads("x\n", 9) &&
                                                 reads("y\n", 9));
    set(L_IUTF8, 0, L_ICANON);
    report("erase a character of three bytes", type("a\342\202\254\177b\n") && reads("ab\n", 9));
}

static void test_signals(void)
{
    fresh();
    report("interrupt", type("gone\3kept\n") && l.signals == 1ull << 2 && shows("^Ckept\r\n") &&
                        reads("kept\n", 9));
    l.signals = 0;
    type("shown");
    report("an earlier echo stays", type("\32") && l.signals == 1ull << 20 && shows("shown^Z"));
}

static void test_long(void)
{
    char buf[LDISC_IN];
    uint8_t byte = 'x';
    size_t n = 0;

    fresh();
    set(0, 0, L_ICANON);
    for (int i = 0; i < 3 * LDISC_IN; i++)
        if (ldisc_input(&l, &byte, 1) != 1)
            break;
    report("a long line takes what comes, and loses it", type("\n") &&
           read_in(buf, sizeof buf, 100) == LDISC_LINE + 1 && buf[LDISC_LINE] == '\n');
    while (ldisc_input(&l, (const uint8_t *)"line\n", 5) == 5)
        n++;
    report("lines that nobody reads fill it", n > 3000 && !ldisc_input_room(&l));
    ldisc_flush_input(&l);
    set(0, 0, 0);
    for (n = 0; ldisc_input(&l, &byte, 1) == 1; n++)
        ;
    report("bytes fill it", n >= LDISC_IN - 2 && n <= LDISC_IN);
    for (n = 0; ldisc_output(&l, &byte, 1) == 1; n++)
        ;
    report("output fills it", n > LDISC_OUT - 64 && n <= LDISC_OUT && !ldisc_output_room(&l));
}

static void test_switch(void)
{
    fresh();
    report("lines become bytes", type("a\nb\4c") && (set(0, 0, 0), true) && ldisc_count(&l) == 5);
    char buf[9];
    report("an end of file is a zero then", read_in(buf, 9, 9) == 5 && !memcmp(buf, "a\nb\0c", 5));
    report("bytes become a line", type("xy") && (set(0, 0, L_ICANON), true) && reads("xy", 9) &&
                                  waits());
}

/* ---- random --------------------------------------------------------------------------------- */

static uint32_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static bool sound(void)
{
    return l.head - l.tail <= LDISC_IN && l.out_head - l.out_tail <= LDISC_OUT &&
           l.tail <= l.head &&
           (!(l.t.lflag & L_ICANON) || (l.tail <= l.line && l.line <= l.head &&
                                        l.head - l.line <= LDISC_LINE));
}

static void random_step(void)
{
    uint8_t buf[600];
    size_t n = 1 + rnd(sizeof buf);

    switch (rnd(8)) {
    case 0:
        set(rnd(0100000), rnd(020000), rnd(0200000));
        break;
    case 1:
        l.t.cc[rnd(L_NCCS)] = (uint8_t)rnd(256);
        break;
    case 2:
        l.out_tail += ldisc_out_look(&l, buf, n);
        break;
    case 3:
        if (ldisc_readable(&l, 1))
            read_in((char *)buf, n, 1 + rnd(64));
        break;
    default: {
        static const char keys[] = "ab \t\n\r\177\27\25\22\26\3\34\32\23\21\4\303\244";
        for (size_t i = 0; i < n; i++)
            buf[i] = rnd(9) ? (uint8_t)keys[rnd(sizeof keys - 1)] : (uint8_t)rnd(256);
        if (rnd(3))
            ldisc_input(&l, buf, n);
        else
            ldisc_output(&l, buf, n);
    }
    }
}

static void test_random(void)
{
    bool good = true;

    for (int run = 0; run < 200 && good; run++) {
        fresh();
        for (int i = 0; i < 2000 && good; i++) {
            random_step();
            good = sound();
        }
    }
    report("random keys and modes", good);
}

/* Without keys that edit, what is typed is what is read, whether in lines or not. */
static void test_conserved(void)
{
    static char typed[100000], got[100000];
    size_t in = 0, out = 0;

    fresh();
    set(0, 0, L_ICANON);
    for (int i = 0; i < 20000 && in < sizeof typed - 100; i++) {
        if (rnd(2) && ldisc_input_room(&l)) {
            uint8_t c = rnd(5) ? (uint8_t)('a' + rnd(26)) : '\n';
            in += ldisc_input(&l, &c, 1) ? (typed[in] = (char)c, 1) : 0;
        } else if (rnd(5) == 0) {
            int n = read_in(got + out, 1 + rnd(80), 1 + rnd(20));
            out += n > 0 ? (size_t)n : 0;
        } else if (rnd(500) == 0) {
            set(0, 0, l.t.lflag ^ L_ICANON);
        }
    }
    report("what is typed is what is read", out > 1000 && !memcmp(typed, got, out));
}

int main(void)
{
    test_lines();
    test_editing();
    test_signals();
    test_long();
    test_switch();
    test_random();
    test_conserved();
    return failures != 0;
}
