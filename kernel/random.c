/* random.c - ChaCha20 (RFC 8439) with fast key erasure: each request runs the cipher under
 * the present key, takes the first 32 bytes as the next key and hands out the rest, so what
 * was given away cannot be computed from what is left in memory. Fresh hardware entropy is
 * mixed into the key at every request. */
#include "kernel/random.h"
#include <errno.h>
#include <string.h>
#include "arch/x86_64/arch.h"
#include "kernel/clock.h"
#include "kernel/lock.h"
#include "kernel/options.h"
#include "kernel/print.h"

#define JITTER_FEW  16u
#define JITTER_MANY 256u

static struct lock random_lock = LOCK_INIT("random", RANK_LEAF);
static uint32_t key[8];    /* [random_lock] */
static bool seeded;        /* [random_lock] firmware or host gave at least 16 bytes */
static size_t (*source)(void *to, size_t n); /* [random_lock] a device's; NULL: none */

static uint32_t rotl(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 16);
    x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 12);
    x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 8);
    x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 7);
}

static void chacha_block(const uint32_t k[8], uint32_t counter, uint32_t out[16])
{
    uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];

    memcpy(in + 4, k, 32);
    in[12] = counter;
    memcpy(x, in, sizeof x);
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 4; j++)
            quarter(x, j, 4 + j, 8 + j, 12 + j);
        for (int j = 0; j < 4; j++)
            quarter(x, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        out[i] = x[i] + in[i];
}

static bool hw_rdseed(uint64_t *v)
{
    unsigned char ok;

    for (int i = 0; i < 64; i++) {
        __asm__ volatile("rdseed %0; setc %1" : "=r"(*v), "=qm"(ok)::"cc");
        if (ok)
            return true;
        cpu_relax();
    }
    return false;
}

static bool hw_rdrand(uint64_t *v)
{
    unsigned char ok;

    for (int i = 0; i < 16; i++) { /* Intel's manual asks for ten tries */
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(ok)::"cc");
        if (ok)
            return true;
    }
    return false;
}

bool word_plausible(struct word_watch *w, uint64_t v)
{
    w->broken |= v == 0 || v == UINT64_MAX || (w->any && v == w->last);
    w->last = v;
    w->any = true;
    return !w->broken;
}

/* [random_lock] */
static bool hw_random(uint64_t *v)
{
    static struct word_watch seed, rand;

    return (cpu_features.rdseed && !seed.broken && hw_rdseed(v) && word_plausible(&seed, *v)) ||
           (cpu_features.rdrand && !rand.broken && hw_rdrand(v) && word_plausible(&rand, *v));
}

/* Mixes in the time of this request in ticks: always available, and not counted as entropy.
 * [random_lock] */
static void mix_time(void)
{
    uint64_t t = rdtsc();

    key[0] ^= (uint32_t)t;
    key[1] ^= (uint32_t)(t >> 32);
}

static void mix_words(const uint64_t v[4])
{
    for (int i = 0; i < 4; i++) {
        key[2 * i] ^= (uint32_t)v[i];
        key[2 * i + 1] ^= (uint32_t)(v[i] >> 32);
    }
}

static bool mix_hardware(void)
{
    uint64_t v[4];

    for (int i = 0; i < 4; i++)
        if (!hw_random(&v[i]))
            return false;
    mix_words(v);
    return true;
}

/* XORs four words of the CPU's entropy into the key, and bytes of a device. False: the key has
 * never had entropy from the CPU, a device or the firmware. */
static bool mix_locked(void)
{
    uint64_t v[4] = { 0 };

    if (options.seed) /* reproducible: the key comes from the seed alone */
        return true;
    mix_time();
    if (source && source(v, sizeof v) >= 16) {
        mix_words(v);
        seeded = true;
    }
    return mix_hardware() || seeded;
}

int random_bytes(void *buf, size_t n)
{
    uint8_t *out = buf;
    uint32_t block[16], k[8];

    lock(&random_lock);
    if (!mix_locked()) {
        unlock(&random_lock);
        return -EIO;
    }
    chacha_block(key, 0, block);
    memcpy(key, block, 32);      /* the next request's */
    memcpy(k, block + 8, 32);    /* this request's */
    unlock(&random_lock);
    for (uint32_t counter = 1; n; counter++) {
        size_t part = n < sizeof block ? n : sizeof block;
        if (counter == 0)
            /* requests of more than 256 GiB wrap the counter: a changed key keeps the stream from
             * repeating */
            k[0]++;
        chacha_block(k, counter, block);
        memcpy(out, block, part);
        out += part;
        n -= part;
    }
    memset(block, 0, sizeof block);
    memset(k, 0, sizeof k);
    __asm__ volatile("" ::"r"(block), "r"(k) : "memory"); /* keep the two memsets */
    return 0;
}

/* Words for numbers that are guessed at one by one from outside (ports): a request of its own for
 * each costs more than the connection that it is for. What has been handed out is erased, what has
 * not may be found in memory until it is. */
enum { WORDS = 32 };
static struct { uint32_t word[WORDS]; unsigned left; } words[CPU_MAX]; /* [owner] */

int random_word(uint32_t *v)
{
    unsigned cpu = cpu_id();

    if (!words[cpu].left) {
        int err = random_bytes(words[cpu].word, sizeof words[cpu].word);
        if (err)
            return err;
        words[cpu].left = WORDS;
    }
    uint32_t *w = &words[cpu].word[--words[cpu].left];
    *v = *w;
    *w = 0;
    return 0;
}

void random_set_source(size_t (*take)(void *to, size_t n))
{
    lock(&random_lock);
    source = take;
    unlock(&random_lock);
}

/* xorshift128+: two words of state, never both zero. */
uint64_t random_fast(void)
{
    struct cpu *c = cpu_self();
    uint64_t a = c->rand[0], b = c->rand[1];

    c->rand[0] = b;
    a ^= a << 23;
    a ^= a >> 17 ^ b ^ b >> 26;
    c->rand[1] = a;
    return a + b;
}

void random_cpu_init(void)
{
    struct cpu *c = cpu_self();
    uint64_t s[2];

    if (options.seed || random_bytes(s, sizeof s) < 0) {
        uint64_t base = options.seed ? options.seed : rdtsc();
        s[0] = (base + c->id + 1) * 0x9e3779b97f4a7c15ull;
        s[1] = (base ^ (s[0] >> 29)) * 0xbf58476d1ce4e5b9ull;
    }
    c->rand[0] = s[0] | 1;
    c->rand[1] = s[1];
    for (int i = 0; i < 8; i++)
        random_fast();
    c->choice = random_fast();
}

/* The wall clock makes one boot differ from another. */
static void mix_wall(void)
{
    uint64_t wall = (uint64_t)clock_wall_ns();

    key[2] ^= (uint32_t)wall;
    key[3] ^= (uint32_t)(wall >> 32);
}

/* Mixes in how long a piece of work takes, which differs by a few ticks with what else the CPU
 * does. It is not counted as entropy, but better than a key that can be computed where there
 * is no other source. */
static void mix_jitter(unsigned rounds)
{
    uint32_t block[16];

    for (uint32_t i = 0; i < rounds; i++) {
        mix_time();
        chacha_block(key, i, block);
        memcpy(key, block, sizeof key);
    }
}

void random_init(const void *seed, size_t n)
{
    if (options.seed) {
        memcpy(key, &options.seed, sizeof options.seed);
    } else {
        memcpy(key, seed, n <= sizeof key ? n : sizeof key);
        mix_wall();
        /* Few rounds where there is something better: they are there in case that it is not. */
        mix_jitter(mix_hardware() || n >= 16 ? JITTER_FEW : JITTER_MANY);
    }
    seeded = n >= 16;
    if (!seeded && !cpu_features.rdseed && !cpu_features.rdrand)
        boot_log("random: no source of randomness: crypto/rand will fail");
    random_cpu_init();
}
