/* ldisc.h - the line discipline of a pseudo terminal: what happens between its two ends.
 *
 *      master's write --> ldisc_input --> in --> ldisc_look, ldisc_eat --> slave's read
 *                             | echo
 *                             v
 *      master's read <------ out <-- ldisc_output <----------------------- slave's write
 *
 *         tail          line          head
 *      in: | complete lines | the line that is being typed |       (ICANON)
 *          | bytes that may be read                        |       (else: `line` has no meaning)
 *
 * Nothing here waits, locks or touches a program's memory: who owns the struct has a lock for it.
 * What the bits of termios do is in termios(3); where that is silent it is what Linux does, which
 * tests/programs/os_pty compares. */
#ifndef GORT_OS_FS_LDISC_H
#define GORT_OS_FS_LDISC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { L_VINTR, L_VQUIT, L_VERASE, L_VKILL, L_VEOF, L_VTIME, L_VMIN, L_VSWTC, L_VSTART, L_VSTOP,
       L_VSUSP, L_VEOL, L_VREPRINT, L_VDISCARD, L_VWERASE, L_VLNEXT, L_VEOL2, L_NCCS = 19 };
enum { L_ISTRIP = 040, L_INLCR = 0100, L_IGNCR = 0200, L_ICRNL = 0400, L_IUCLC = 01000,
       L_IXON = 02000, L_IXANY = 04000, L_PARMRK = 010, L_IUTF8 = 040000 };
enum { L_OPOST = 1, L_OLCUC = 2, L_ONLCR = 4, L_OCRNL = 010, L_ONOCR = 020, L_ONLRET = 040,
       L_TABDLY = 014000 /* XTABS too */ };
enum { L_ISIG = 1, L_ICANON = 2, L_ECHO = 010, L_ECHOE = 020, L_ECHOK = 040, L_ECHONL = 0100,
       L_NOFLSH = 0200, L_ECHOCTL = 01000, L_ECHOPRT = 02000, L_ECHOKE = 04000,
       L_IEXTEN = 0100000 };

struct l_termios { /* as TCGETS has it */
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[L_NCCS];
};
_Static_assert(sizeof(struct l_termios) == 36, "struct termios");

enum { LDISC_IN = 16384, LDISC_OUT = 16384, LDISC_LINE = 4095 /* bytes before the newline */ };

/* All fields: the owner's lock. */
struct ldisc {
    struct l_termios t;
    uint64_t head, line, tail;      /* of in: positions that only rise */
    uint64_t out_head, out_tail;
    uint32_t column;                /* where the next byte of output will stand */
    uint32_t line_column;           /* ... where the line that is being typed began */
    uint64_t shown_from;            /* what ldisc_input shows begins here, and there: a signal */
    uint32_t shown_column;          /* that flushes takes it back */
    bool quote;                     /* the next byte is none that edits (VLNEXT) */
    bool erasing;                   /* ECHOPRT has begun to show what is erased */
    bool stopped;                   /* output stands still (VSTOP) */
    uint64_t signals;               /* bit per signal that input has asked for */
    uint16_t in[LDISC_IN];          /* a byte, and IN_* of ldisc.c */
    uint8_t out[LDISC_OUT];
};

/* l is zeroed. */
void ldisc_init(struct ldisc *l);
void ldisc_set(struct ldisc *l, const struct l_termios *t);
/* Bytes that are typed. How many it has taken: fewer than n when nobody reads. */
size_t ldisc_input(struct ldisc *l, const uint8_t *p, size_t n);
/* Bytes that the slave writes. How many it has taken: fewer than n where there is no room. */
size_t ldisc_output(struct ldisc *l, const uint8_t *p, size_t n);
bool ldisc_input_room(const struct ldisc *l);
bool ldisc_output_room(const struct ldisc *l);

/* What a read gets: `bytes`, for which `eaten` positions go; over: the read ends with them. */
struct ldisc_part { size_t bytes, eaten; bool over; };
/* The next n bytes, at most, for a read for which ldisc_readable holds; they stay until
 * ldisc_eat(eaten). n > 0. */
struct ldisc_part ldisc_look(const struct ldisc *l, uint8_t *buf, size_t n);
void ldisc_eat(struct ldisc *l, size_t eaten);
/* Is there a line, or are there `min` bytes if it is not lines that are read? */
bool ldisc_readable(const struct ldisc *l, size_t min);
/* Bytes that can be read without waiting: FIONREAD. */
size_t ldisc_count(const struct ldisc *l);
/* The next n bytes of output, at most; they stay. */
size_t ldisc_out_look(const struct ldisc *l, uint8_t *buf, size_t n);

void ldisc_flush_input(struct ldisc *l);

#endif
