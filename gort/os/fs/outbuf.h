/* outbuf.h - text that grows: contents of /proc files. Where memory is out, the text ends early. */
#ifndef GORT_OS_FS_OUTBUF_H
#define GORT_OS_FS_OUTBUF_H

#include <stddef.h>

struct g;

struct outbuf {
    char *text;
    size_t len, cap;
    unsigned thread; /* whose file of /proc/self/task is made; 0: the whole process's */
    const struct g *gp; /* whose call opens the file; NULL: nobody's */
};

/* o begins as zeros; its owner frees text, of cap bytes, with os_free. out_printf: up to 511 bytes
 * at a time. */
void out_bytes(struct outbuf *o, const void *p, size_t n);
void out_printf(struct outbuf *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
