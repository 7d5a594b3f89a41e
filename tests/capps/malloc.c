/* malloc and its kin: malloc             eight goroutines free objects of each other
 *                     malloc twice|foreign|realloc   ends in a report */
#include <errno.h>
#include <gort.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 8, PASSED = 4000 };
struct parcel { size_t n; unsigned char *p; };
static gort_waitgroup done;
static gort_chan *post[WORKERS];
static int bad;

static void fail(const char *what)
{
    printf("FAIL %s\n", what);
    bad++;
}

static size_t size_of(unsigned i) { return i % 97 == 0 ? i * 31 % 90000 : i * 7919 % 700; }

static void check(struct parcel a)
{
    for (size_t i = 0; i < a.n; i += i < 32 ? 1 : 101)
        if (a.p[i] != (unsigned char)a.n)
            __atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
    free(a.p);
}

/* Sends every second object to the next goroutine, and frees those that the previous one sends. */
static void work(void *arg)
{
    int id = (int)(intptr_t)arg;
    struct parcel a, got;

    for (unsigned i = 0; i < PASSED; i++) {
        a.n = size_of(i + (unsigned)id * 1000);
        a.p = malloc(a.n);
        memset(a.p, (int)a.n, a.n);
        if (i % 2)
            check(a);
        else if (!gort_try_send(post[(id + 1) % WORKERS], &a))
            check(a);
        if (gort_try_recv(post[id], &got, NULL))
            check(got);
    }
    gort_wg_done(&done);
}

static void exchange(void)
{
    struct parcel got;

    for (int i = 0; i < WORKERS; i++)
        post[i] = gort_chan_make(sizeof(struct parcel), 64);
    gort_wg_add(&done, WORKERS);
    for (intptr_t i = 0; i < WORKERS; i++)
        gort_go(work, (void *)i);
    gort_wg_wait(&done);
    for (int i = 0; i < WORKERS; i++)
        while (gort_try_recv(post[i], &got, NULL))
            check(got);
    if (bad)
        fail("contents");
}

static void functions(void)
{
    void *p = NULL;

    if (posix_memalign(&p, 4096, 10) || (uintptr_t)p % 4096 || posix_memalign(&p, 3, 1) != EINVAL)
        fail("posix_memalign");
    free(p);
    p = aligned_alloc(64, 640);
    if ((uintptr_t)p % 64 || malloc_usable_size(p) < 640)
        fail("aligned_alloc");
    free(p);
    errno = 0;
    volatile size_t much = ~0ul / 2;
    if (calloc(much, 3) || errno != ENOMEM || malloc(much) || reallocarray(NULL, much, 4))
        fail("absurd sizes");
    char *s = realloc(NULL, 20);
    strcpy(s, "kept");
    for (size_t n = 30; n < 3000000; n = n * 3 / 2)
        s = realloc(s, n);
    s = realloc(s, 8);
    if (strcmp(s, "kept") || malloc_usable_size(s) > 1000)
        fail("realloc");
    free(s);
    free(NULL);
    p = calloc(1000, 1000);
    for (size_t i = 0; i < 1000000; i++)
        if (((char *)p)[i])
            return fail("calloc");
    free(p);
}

/* All of the machine's memory, twice. */
static void exhaust(void)
{
    static void *p[4096];
    int n[2];

    for (int round = 0; round < 2; round++) {
        n[round] = 0;
        errno = 0;
        while (n[round] < 4096 && (p[n[round]] = malloc(1 << 20)))
            memset(p[n[round]++], 1, 1 << 20);
        if (errno != ENOMEM)
            fail("ENOMEM");
        for (int i = 0; i < n[round]; i++)
            free(p[i]);
    }
    if (n[0] < 20 || n[1] < n[0] - 4)
        fail("memory comes back");
    malloc_trim(0);
    if (mallinfo().arena > 4 << 20)
        fail("memory goes back");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        char *volatile p = malloc(100);
        int local;
        if (!strcmp(argv[1], "foreign"))
            p = (char *)&local;
        else
            free(p);
        if (!strcmp(argv[1], "realloc"))
            p = realloc(p, 1000);
        free(p);
        return 0;
    }
    exchange();
    functions();
    exhaust();
    puts(bad ? "bad" : "good");
    return bad != 0;
}
