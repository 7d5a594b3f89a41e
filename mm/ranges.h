/* ranges.h - a set of free address ranges: what vm_reserve hands out. Pure.
 *
 * A treap of disjoint, never adjacent intervals ordered by address; each node knows the
 * largest interval below it, so the lowest sufficient gap is found in O(log n). The caller
 * serialises and supplies nodes. */
#ifndef MM_RANGES_H
#define MM_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range_node {
    uintptr_t lo, hi;           /* [lo, hi) is free */
    uintptr_t max;              /* largest hi - lo in this subtree */
    uint32_t prio;              /* heap order, random */
    struct range_node *left, *right;
};

struct range_set {
    struct range_node *root;
    struct range_node *spare;   /* linked by left */
    struct range_node *(*node_new)(void); /* NULL: out of memory */
    uint32_t seed;
};

/* Adds [lo, hi), which must not overlap what is free. False: no node to be had, or overlap
 * (nothing changed then). */
bool ranges_add(struct range_set *s, uintptr_t lo, uintptr_t hi);
/* Removes exactly [lo, lo+size) if all of it is free. */
bool ranges_take_at(struct range_set *s, uintptr_t lo, uintptr_t size);
/* Removes the lowest aligned block at or above min. Returns it, 0 if there is none. */
uintptr_t ranges_take(struct range_set *s, uintptr_t min, uintptr_t size, uintptr_t align);

#endif
