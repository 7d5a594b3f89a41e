/* scavenge.h - giving frames behind free pages back to mm/.
 *
 *   eager        past the memory limit, at once, by whoever allocates or lowers the limit
 *   background   what the heap will not need before its next goal, plus 10 %, in pieces that
 *                take one percent of a CPU's time (background.h)
 *   forced       everything, for debug.FreeOSMemory */
#ifndef GORT_HEAP_SCAVENGE_H
#define GORT_HEAP_SCAVENGE_H

#include <stdbool.h>

/* Until no more frames are held than the limit allows, or no page is free. g0, no locks. */
void scavenge_to_limit(void);
/* A sweep is complete: scavenges to the limit now and what is in excess by and by. g0. */
void scavenge_swept(void);

/* Frames for what is never freed are to be had: free pages of the heap go before those that mm
 * keeps. False: there are none. g0, no locks. */
bool scavenge_for_metadata(void);

#endif
