/* scavenge.h - giving frames behind free pages back to mm/.
 *
 *   eager        past the memory limit, at once, by whoever allocates or lowers the limit
 *   background   what the heap will not need before its next goal, plus 10 %, in pieces that
 *                take one percent of a CPU's time (background.h)
 *   forced       everything, for debug.FreeOSMemory */
#ifndef GORT_HEAP_SCAVENGE_H
#define GORT_HEAP_SCAVENGE_H

#include <stdbool.h>

/* Gives frames back until the limit is kept, or no free page has a frame. g0, no locks. */
void scavenge_to_limit(void);
/* A sweep is complete: scavenges to the limit now and what is in excess by and by. g0. */
void scavenge_swept(void);

/* Sees to frames for metadata, which is never freed: gives frames of free pages back before mm's
 * reserve is touched. False: there are none to give. g0, no locks. */
bool scavenge_for_metadata(void);

#endif
