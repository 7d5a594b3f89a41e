/* wall.h - the wall clock that the program sees, held to the machine's own. */
#ifndef GORT_TIME_WALL_H
#define GORT_TIME_WALL_H

#include <stdint.h>

/* Nanoseconds since 1970, as clock_wall_ns, after a look at the CMOS clock now and then (some 20
 * us). g0. */
int64_t wall_now(void);
/* That, and in *mono clock_mono_ns at the same moment. */
int64_t wall_and_mono(int64_t *mono);

/* What is known of the difference d between the CMOS clock and ours, in ns: low <= d < high. The
 * CMOS clock counts whole seconds, so one look tells d to a second; many tell it better. Pure. */
struct wall_bounds { int64_t low, high; };
/* A look saw the CMOS clock, at the beginning of its second, `seen` ahead of ours. Returns by how
 * much ours is to be set forward: 0 as long as that fits what was seen before. b is all zero at
 * the first look. */
int64_t wall_judge(struct wall_bounds *b, int64_t seen);

#endif
