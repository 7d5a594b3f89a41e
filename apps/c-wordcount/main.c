/* Lines, words and bytes of every file of a directory, a goroutine per file: c-wordcount [DIR]. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct count { char path[300]; long lines, words, bytes; int error; };
static gort_chan *results;

static void count(void *arg)
{
    struct count *c = arg;
    FILE *f = fopen(c->path, "r");
    bool inside = false;

    if (!f)
        c->error = errno;
    for (int ch; f && (ch = getc(f)) != EOF; c->bytes++) {
        c->lines += ch == '\n';
        c->words += !isspace(ch) && !inside;
        inside = !isspace(ch);
    }
    if (f)
        fclose(f);
    gort_send(results, &c);
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct count *const *)a)->path, (*(struct count *const *)b)->path);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : "/text";
    struct count *all[100];
    int n = 0;
    DIR *d = opendir(dir);

    if (!d) {
        fprintf(stderr, "c-wordcount: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    results = gort_chan_make(sizeof(struct count *), 0);
    for (struct dirent *e; (e = readdir(d)) && n < 100;) {
        if (e->d_type != DT_REG)
            continue;
        struct count *c = gort_new(sizeof *c);
        snprintf(c->path, sizeof c->path, "%s/%s", dir, e->d_name);
        gort_go(count, c);
        n++;
    }
    closedir(d);
    for (int i = 0; i < n; i++)
        gort_recv(results, &all[i]);
    qsort(all, (size_t)n, sizeof all[0], by_path);
    for (int i = 0; i < n; i++)
        printf("%7ld %7ld %7ld %s\n", all[i]->lines, all[i]->words, all[i]->bytes, all[i]->path);
    return 0;
}
