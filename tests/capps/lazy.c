/* .bss and an object without pointers, each larger than the machine: pages come when goroutines,
 * several at once, or system calls touch them. */
#include <fcntl.h>
#include <gort.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, WORKERS = 4 };
static char big[900 * MIB];
static int after = 1;
static gort_waitgroup done;
static char *object;
static int bad;

static void work(void *arg)
{
    int id = (int)(long)arg;

    for (long i = id; i < 16 * MIB; i += WORKERS) {
        bad += big[300 * MIB + i] != 0 || object[500 * MIB + i] != 0;
        big[300 * MIB + i] = object[500 * MIB + i] = (char)(i + 1);
    }
    gort_wg_done(&done);
}

int main(void)
{
    int fd = open("/tmp/lazy", O_RDWR | O_CREAT, 0600);

    object = gort_new_noscan(900ul * MIB);
    gort_wg_add(&done, WORKERS);
    for (long i = 0; i < WORKERS; i++)
        gort_go(work, (void *)i);
    gort_wg_wait(&done);
    for (long i = 0; i < 16 * MIB; i++)
        bad += big[300 * MIB + i] != (char)(i + 1) || object[500 * MIB + i] != (char)(i + 1);
    if (fd < 0 || write(fd, "hello", 6) != 6 || lseek(fd, 0, SEEK_SET) != 0 ||
        read(fd, big + 700 * MIB - 3, 6) != 6 || strcmp(big + 700 * MIB - 3, "hello") ||
        write(fd, object + 800 * MIB, 4096) != 4096)
        bad++;
    if (bad || !after)
        printf("FAIL %d\n", bad);
    else
        printf("ok\n");
    return 0;
}
