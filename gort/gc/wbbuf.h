/* wbbuf.h - the write barrier's buffer of a P.
 *
 * gcWriteBarrier1..8 (wbroom of overlay/wb_amd64.s) hand out slots; compiled code stores the
 * pointers (what a slot held, what it will hold) there and goes on. A full buffer is flushed: every
 * pointer in it is shaded. While not marking nothing comes here. */
#ifndef GORT_GC_WBBUF_H
#define GORT_GC_WBBUF_H

#include <stdint.h>

#define WBBUF_ENTRIES 512
#define P_WBBUF 2160 /* offset in struct p: wb_amd64.s has the same number */

struct wbbuf {
    uintptr_t next;      /* 0  first free slot; known to wb_amd64.s */
    uintptr_t end;       /* 8 */
    uintptr_t buf[WBBUF_ENTRIES];
};

struct p;
void wbbuf_init(struct p *p);
/* Shades what is buffered. By the owner, or with p stopped. */
void wbbuf_flush(struct p *p);

#endif
