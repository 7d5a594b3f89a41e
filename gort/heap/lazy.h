/* lazy.h - memory of the program that costs frames when it is touched, not when it is made.
 *
 *   large object without pointers        span, addresses, no page-table entries
 *   .bss of the program, far parts       likewise (load/elf_load.c, vm_lazy_add)
 *
 *      program touches a page -> #PF -> os/fault.c, on g0 -> lazy_bring -> frames, zeroed
 *      kernel copies for a system call -> user_copy stops -> user_bring -> lazy_bring
 *      kernel touches it otherwise  -> #PF -> os/fault.c, on the same stack -> lazy_touch
 *
 * Who may touch such memory, and what it may hold:
 *
 *   goroutines, in any function          nothing that the kernel knows of
 *   C on g0 (chan's buffers, profiles)   locks below RANK_VM: bringing a page takes vm_lock and
 *                                        what is above it, nothing else
 *   interrupt handlers                   never: they would wait for a lock that the code which
 *                                        they interrupted holds. Such a fault is a crash report
 *
 * An object's span has `lazy`. Its pages that had frames when it was made keep them (their bytes
 * are old ones, lazy_stale tells which), the others keep their bit PA_GONE for as long as the span
 * lives, whether they have been touched or not: only the page tables know. lazy_settle, when the
 * span is freed, tells the page bitmaps. `touched` says how many bytes have come meanwhile.
 *
 * What counts: HeapAlloc, HeapInuse, HeapSys and the pacer's goal have the whole object, as in Go.
 * mheap.committed has what is touched, mheap.untouched the rest. A limit that the program sets is
 * held against both, as Go does it on Linux; the limit that the machine's RAM is, against what is
 * committed.
 *
 * A goroutine cannot wait for the collector where it faults, for it stands between any two
 * instructions. So a touch that leaves little memory asks for a cycle (gc_touched), and one that
 * finds none takes free pages' frames back, and then ends the program as an allocation would.
 *
 * The boot option lazystress makes every large object without pointers lazy, with no frame at all,
 * and brings 8 KiB at a time. */
#ifndef GORT_HEAP_LAZY_H
#define GORT_HEAP_LAZY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mspan;

#define LAZY_MIN (1ul << 20) /* bytes of an object from which on it is lazy */

enum lazy_result { LAZY_NOT /* no such memory */, LAZY_OK, LAZY_NOMEM };

/* Is va in lazy memory, and in which piece of it? Any context. */
bool lazy_range(uintptr_t va, uintptr_t *lo, uintptr_t *hi);
/* Is an object of `size` bytes without pointers to be lazy? */
bool lazy_size(size_t size);
/* Makes va present. how: VM_FILL_*. g0, locks below RANK_VM. */
enum lazy_result lazy_touch(uintptr_t va, unsigned how);
/* As lazy_touch, and takes memory from free pages and packets if need be. g0, no locks at or above
 * RANK_MHEAP. */
enum lazy_result lazy_bring(uintptr_t va);
/* The lazy span s is about to be freed: the page bitmaps learn which of its pages have frames. */
void lazy_settle(struct mspan *s);
/* The first run of bytes [*off, *off + return) of s, at or behind *off, that had frames when s was
 * made. 0: there is none. g0, no locks. */
size_t lazy_stale(const struct mspan *s, size_t *off);

#endif
