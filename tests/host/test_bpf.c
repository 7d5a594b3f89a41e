/* test_bpf.c - filters of sockets: which programs are valid, what they answer, and that random ones
 * do as the host's Linux does, on datagrams over its loopback (if there is one).
 * sources: gort/sock/bpf.c */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gort/sock/bpf.h"

/* The host's name for a program; linux/filter.h and bpf.h have names in common. */
struct fprog { unsigned short n; struct bpf_insn *insn; };
enum { ATTACH = 26, DETACH = 27 };
#define AD 0xfffff000u

static int failures;
static void check(bool ok, const char *name)
{
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
    failures += !ok;
}

/* Exactly as long as the program, so that the sanitizer sees what is read behind it. */
static bool valid(const struct bpf_insn *p, uint32_t n)
{
    struct bpf_insn *copy = malloc(n * sizeof *p + 1);
    uint16_t *scratch = malloc(n * sizeof *scratch + 1);

    memcpy(copy, p, n * sizeof *p);
    bool is = bpf_valid(copy, n, scratch);
    free(scratch);
    free(copy);
    return is;
}

struct bytes { const uint8_t *b; uint32_t n; };
static bool read_bytes(const void *from, uint32_t at, void *to, uint32_t n)
{
    const struct bytes *b = from;

    if (at > b->n || n > b->n - at)
        abort(); /* it asks for no bytes that there are not */
    memcpy(to, b->b + at, n);
    return true;
}

static uint32_t numbers;
static uint32_t number(void) { return ++numbers; }

static uint32_t run(const struct bpf_insn *p, const uint8_t *b, uint32_t n, uint32_t ifindex)
{
    uint8_t *copy = malloc(n + 1);
    struct bytes all = { copy, n };
    struct bpf_packet k = { n, read_bytes, &all, 0x800, ifindex, 7, number };

    memcpy(copy, b, n);
    uint32_t r = bpf_run(p, &k);
    free(copy);
    return r;
}

/* ---- by hand ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    bool valid;
    struct bpf_insn p[4];
    uint32_t n;
} programs[] = {
    {"returns", true, {{0x06, 0, 0, 1}}, 1},
    {"is empty", false, {{0, 0, 0, 0}}, 0},
    {"does not return", false, {{0x06, 0, 0, 1}, {0x00, 0, 0, 1}}, 2},
    {"jumps to the end", true, {{0x05, 0, 0, 0}, {0x06, 0, 0, 1}}, 2},
    {"jumps behind the end", false, {{0x05, 0, 0, 1}, {0x06, 0, 0, 1}}, 2},
    {"jumps far away", false, {{0x05, 0, 0, 0xffffffff}, {0x06, 0, 0, 1}}, 2},
    {"jumps behind the end if", false, {{0x15, 0, 1, 0}, {0x06, 0, 0, 1}}, 2},
    {"reads what it has written", true, {{0x02, 0, 0, 3}, {0x60, 0, 0, 3}, {0x16, 0, 0, 0}}, 3},
    {"reads what it has not written", false,
     {{0x02, 0, 0, 3}, {0x61, 0, 0, 4}, {0x16, 0, 0, 0}}, 3},
    {"reads what one path writes", false,
     {{0x15, 0, 1, 0}, {0x02, 0, 0, 3}, {0x60, 0, 0, 3}, {0x16, 0, 0, 0}}, 4},
    {"writes the last word", true, {{0x03, 0, 0, 15}, {0x06, 0, 0, 0}}, 2},
    {"writes behind the last word", false, {{0x03, 0, 0, 16}, {0x06, 0, 0, 0}}, 2},
    {"divides by zero", false, {{0x34, 0, 0, 0}, {0x06, 0, 0, 0}}, 2},
    {"divides by X", true, {{0x3c, 0, 0, 0}, {0x06, 0, 0, 0}}, 2},
    {"shifts by 32", false, {{0x64, 0, 0, 32}, {0x06, 0, 0, 0}}, 2},
    {"asks for the protocol", true, {{0x20, 0, 0, AD}, {0x16, 0, 0, 0}}, 2},
    {"asks for netlink attributes", false, {{0x20, 0, 0, AD + 12}, {0x16, 0, 0, 0}}, 2},
    {"asks for the IP header", false, {{0x20, 0, 0, 0xfff00000}, {0x16, 0, 0, 0}}, 2},
    {"asks for what there never is", true, {{0x20, 0, 0, 0xffdfffff}, {0x16, 0, 0, 0}}, 2},
    {"is not of this machine", false, {{0x106, 0, 0, 0}}, 1},
};

static void test_valid(void)
{
    struct bpf_insn *p = calloc(BPF_PROGRAM_MAX + 1, sizeof *p);
    bool ok = true;

    for (unsigned i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (valid(programs[i].p, programs[i].n) != programs[i].valid) {
            printf("a program that %s\n", programs[i].name);
            ok = false;
        }
    check(ok, "which are valid");
    p[BPF_PROGRAM_MAX - 1].code = p[BPF_PROGRAM_MAX].code = 0x06;
    check(valid(p, BPF_PROGRAM_MAX) && !valid(p, BPF_PROGRAM_MAX + 1), "how long they may be");
    free(p);
}

static void test_answers(void)
{
    static const uint8_t b[] = {0x45, 1, 2, 3, 4, 5, 6, 7};
    struct bpf_insn word[] = {{0x20, 0, 0, 4}, {0x16, 0, 0, 0}};
    struct bpf_insn indirect[] = {{0xb1, 0, 0, 0}, {0x40, 0, 0, 0xfffffff0}, {0x16, 0, 0, 0}};

    check(run(word, b, 8, 1) == 0x04050607 && run(word, b, 7, 1) == 0, "a word, and no whole word");
    check(run(indirect, b, 8, 1) == 0x04050607, "an indirect load that wraps"); /* 20 - 16 */
    indirect[1].k = 0xffffffff;
    check(run(indirect, b, 8, 1) == 0, "an indirect load beyond the end");
    indirect[1].k = 0xffffffe0;
    check(run(indirect, b, 8, 1) == 0, "an indirect load before the beginning");
    word[0].k = AD;
    check(run(word, b, 8, 1) == 0x800, "the protocol");
    word[0].k = AD + 8;
    check(run(word, b, 8, 3) == 3 && run(word, b, 8, 0) == 0, "an interface, and none");
    word[0].k = AD + 36;
    check(run(word, b, 8, 1) == 7, "the CPU");
    struct bpf_insn two[] = {{0x20, 0, 0, AD + 56}, {0x07, 0, 0, 0}, {0x20, 0, 0, AD + 56},
                             {0x1c, 0, 0, 0}, {0x16, 0, 0, 0}};
    check(run(two, b, 8, 1) == 1, "two random numbers");
    word[0].k = 0xffdfffff;
    check(run(word, b, 8, 1) == 0, "what there never is");
}

/* ---- against Linux ------------------------------------------------------------------------ */

static uint64_t seed = 1;
static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % n;
}

static uint32_t operand(void)
{
    switch (rnd(6)) {
    case 0: return rnd(4);
    case 1: return rnd(16);
    case 2: return rnd(64);
    case 3: return rnd(0x7fffffff) * 2;
    case 4: return AD + rnd(64);
    default: return rnd(40);
    }
}

static const uint16_t codes[] = {
    0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x04,
    0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84,
    0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07,
    0x87,
};

static bool uses_memory(const struct bpf_insn *i)
{
    return (i->code & 7) == 2 || (i->code & 7) == 3 || i->code == 0x60 || i->code == 0x61;
}

/* Mostly a valid one. */
static unsigned random_program(struct bpf_insn *p)
{
    unsigned n = 1 + rnd(14);

    for (unsigned i = 0; i < n; i++) {
        unsigned left = n - i;
        p[i].code = rnd(40) ? codes[rnd(sizeof codes / 2)] : (uint16_t)rnd(0x120);
        p[i].k = operand();
        p[i].jt = (uint8_t)rnd(left + !rnd(20));
        p[i].jf = (uint8_t)rnd(left + !rnd(20));
        if (p[i].code == 0x05 && rnd(8))
            p[i].k = rnd(left);
        if (uses_memory(&p[i]) && rnd(10))
            p[i].k = rnd(16);
        if ((p[i].code == 0x64 || p[i].code == 0x74) && rnd(8))
            p[i].k &= 31;
    }
    if (rnd(15))
        p[n - 1] = (struct bpf_insn){ rnd(2) ? 0x06 : 0x16, 0, 0, rnd(80) };
    return n;
}

/* What Linux takes and we refuse, and what has no one answer: CPU and random number. */
static bool is_beside(const struct bpf_insn *p, unsigned n, bool numbers_too)
{
    for (unsigned i = 0; i < n; i++)
        if ((p[i].code & 0xe7) == 0x20 && p[i].k >= 0xffe00000u &&
            (numbers_too ? p[i].k == AD + 36 || p[i].k == AD + 56 : p[i].k - AD != 40))
            return true;
    return false;
}

static void print(const struct bpf_insn *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        printf("  %02x %u %u %x\n", p[i].code, p[i].jt, p[i].jf, p[i].k);
}

static int end(struct sockaddr_in *a)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t n = sizeof *a;

    *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return fd < 0 || bind(fd, (void *)a, n) || getsockname(fd, (void *)a, &n) ? -1 : fd;
}

static struct sockaddr_in from, to;
static int sender, reader;

/* The datagram as a filter sees it: the sum is the pseudo header's. */
static uint32_t make(uint8_t *d, uint32_t payload)
{
    uint32_t n = payload + 8, sum = 2 * (0x7f00 + 1) + 17 + n;

    sum = (sum & 0xffff) + (sum >> 16);
    memcpy(d, &from.sin_port, 2);
    memcpy(d + 2, &to.sin_port, 2);
    d[4] = (uint8_t)(n >> 8);
    d[5] = (uint8_t)n;
    d[6] = (uint8_t)(sum >> 8);
    d[7] = (uint8_t)sum;
    for (uint32_t i = 8; i < n; i++)
        d[i] = (uint8_t)rnd(256);
    return n;
}

static bool runs_alike(const struct bpf_insn *p)
{
    uint8_t d[64], got[64];
    uint32_t n = make(d, rnd(50)), w = run(p, d, n, 1);
    ssize_t want = !w ? -1 : w >= n ? (ssize_t)n - 8 : w < 8 ? 0 : (ssize_t)w - 8;

    sendto(sender, d + 8, n - 8, 0, (void *)&to, sizeof to);
    ssize_t r = recv(reader, got, sizeof got, MSG_DONTWAIT);
    if (r != want)
        printf("taken: Linux %zd, here %zd\n", r, want);
    return r == want;
}

static bool alike(const struct bpf_insn *p, unsigned n, unsigned *ran)
{
    struct fprog f = { (unsigned short)n, (struct bpf_insn *)(uintptr_t)p };
    bool linux_takes = !setsockopt(reader, SOL_SOCKET, ATTACH, &f, sizeof f), ours = valid(p, n);
    int no = 0;

    if (linux_takes != ours) {
        if (linux_takes)
            setsockopt(reader, SOL_SOCKET, DETACH, &no, sizeof no);
        if (linux_takes && is_beside(p, n, false))
            return true;
        printf("valid: Linux %d, here %d\n", linux_takes, ours);
        return false;
    }
    if (!ours || is_beside(p, n, true))
        return true;
    ++*ran;
    return runs_alike(p);
}

static void test_linux(unsigned rounds)
{
    struct bpf_insn p[16];
    unsigned ran = 0;
    bool ok = true;

    sender = end(&from);
    reader = end(&to);
    if (sender < 0 || reader < 0) {
        printf("no loopback here\n");
        return;
    }
    while (rounds-- && ok) {
        unsigned n = random_program(p);
        ok = alike(p, n, &ran);
        if (!ok)
            print(p, n);
    }
    close(sender);
    close(reader);
    check(ok, "random programs do as on Linux");
    check(ran > 1000, "many of them ran");
}

int main(int argc, char **argv)
{
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 0);
    test_valid();
    test_answers();
    test_linux(argc > 1 ? (unsigned)atoi(argv[1]) : 20000);
    return failures != 0;
}
