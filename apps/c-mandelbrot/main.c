/* The Mandelbrot set, a goroutine per row, as a PPM on stdout: c-mandelbrot [SIZE]. */
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>

struct row { int y, size; unsigned char *pixels; gort_waitgroup *done; };

static int escape(double cr, double ci)
{
    double x = 0, y = 0;
    int n = 0;

    for (; n < 200 && x * x + y * y <= 4; n++) {
        double t = x * x - y * y + cr;
        y = 2 * x * y + ci;
        x = t;
    }
    return n;
}

static void draw(void *arg)
{
    struct row *r = arg;

    for (int x = 0; x < r->size; x++) {
        int n = escape(3.0 * x / r->size - 2.2, 3.0 * r->y / r->size - 1.5);
        unsigned char *p = r->pixels + 3 * (r->y * r->size + x);
        p[0] = (unsigned char)(n * 7);
        p[1] = (unsigned char)(n * 3);
        p[2] = (unsigned char)(255 - n);
    }
    gort_wg_done(r->done);
}

int main(int argc, char **argv)
{
    int size = argc > 1 ? atoi(argv[1]) : 64;
    unsigned char *pixels = gort_new_array_noscan((size_t)size * (size_t)size, 3);
    gort_waitgroup done = { 0 };

    gort_wg_add(&done, size);
    for (int y = 0; y < size; y++) {
        struct row *r = gort_new(sizeof *r);
        *r = (struct row){ y, size, pixels, &done };
        gort_go(draw, r);
    }
    gort_wg_wait(&done);
    printf("P6\n%d %d\n255\n", size, size);
    fwrite(pixels, 3, (size_t)size * (size_t)size, stdout);
    return 0;
}
