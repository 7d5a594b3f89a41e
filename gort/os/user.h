/* user.h - the one door to the program's memory.
 *
 * A pointer that comes with a system call may be anything: wild, of a mapping whose pages are
 * not there yet, or of one that another goroutine takes away (munmap, ftruncate) while the
 * kernel copies. No handler reads or writes through such a pointer itself. It copies with these
 * functions, and what cannot be copied is an error of the call.
 *
 *   user_copy   the copy itself. The instructions that touch memory lie between labels
 *               (usercopy.S); a page fault there ends the copy instead of the machine
 *               (user_fault_irq, called by the handler of page faults).
 *   copy_in, copy_out, copy_str   user_copy, and pages of mappings are brought when missing.
 *
 * Bringing a page takes locks. So code that copies under a lock (contents of files, pipes) uses
 * user_copy alone and returns -L_EFAULT where a page is missing; the loop in sys_io.c brings the
 * page and tries again. */
#ifndef GORT_OS_USER_H
#define GORT_OS_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/os/linux.h"

struct call;
struct g;
struct trap_frame;

#define USER_END 0x800000000000ull /* the lower half of the address space ends here */

/* Copies n bytes; either side, or both, may be the program's. Returns how many bytes at the end
 * were NOT copied because a page cannot be read or written: 0 = all is well. Any locks held. */
size_t user_copy(void *dst, const void *src, size_t n);
/* Writes n zero bytes: as user_copy. */
size_t user_clear(void *dst, size_t n);

/* Does [p, p + n) lie where the program may have memory? Whether there are pages is another
 * question. Stacks of C goroutines, which lie in the kernel's half, count for those. */
bool user_range(const struct call *c, uint64_t p, uint64_t n);
bool user_range_of(const struct g *gp, uint64_t p, uint64_t n); /* gp: who makes the call */
static inline bool user_range_low(uint64_t p, uint64_t n) /* in the program's half */
{
    return p + n >= p && p + n <= USER_END;
}
/* Brings the page at `at` for access VM_R or VM_W. 0, -L_EFAULT, -L_ENOMEM. g0, no lock at or
 * above RANK_MMAP. */
int user_bring(const struct call *c, uint64_t at, unsigned access);
/* Brings the pages of [p, p + n) one by one. Returns how many bytes from p on may be accessed,
 * at most n; 0: -L_EFAULT. Another goroutine may unmap them before the caller looks. Context:
 * as user_bring. */
size_t user_present(const struct call *c, uint64_t p, size_t n, unsigned access);

/* The copies that most handlers need. 0 or a negative error; locks: as user_bring. */
int copy_in(const struct call *c, void *dst, uint64_t src, size_t n);
int copy_out(const struct call *c, uint64_t dst, const void *src, size_t n);
/* A NUL-terminated path: also -L_ENAMETOOLONG. */
int copy_str(const struct call *c, uint64_t src, char buf[L_PATH_MAX]);

/* A page fault at one of user_copy's instructions: it returns to its caller. Interrupt context. */
bool user_fault_irq(struct trap_frame *tf);

#endif
