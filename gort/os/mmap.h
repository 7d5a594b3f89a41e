/* mmap.h - mappings of mmap(2): anonymous memory, private copies and shared pages of files.
 *
 * A mapping is a reserved range; its pages come when they are first touched. A goroutine's page
 * fault leads to mmap_fault on g0, and so does a system call that finds a page of its buffer
 * missing (user.h). A page of a shared mapping is the very frame in which the file keeps its bytes,
 * so the mapping, reads and writes see each other.
 *
 *   touched page of    anonymous memory   private file        shared file
 *   its frame          zeroed             a copy              the file's own
 *   behind the file's end                 SIGBUS              SIGBUS
 *
 * The lock (RANK_MMAP) is held from the choice of a frame until it is mapped, and while a file
 * is cut: a frame is freed only after no mapping has it. */
#ifndef GORT_OS_MMAP_H
#define GORT_OS_MMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inode;

enum mmap_result {
    MMAP_OK,
    MMAP_NOWHERE, /* no mapping there */
    MMAP_DENIED,  /* its protection forbids the access */
    MMAP_BUS,     /* no such page in the file */
    MMAP_NOMEM,
};

/* May va lie in a mapping? No lock, any context: a quick no. */
bool mmap_window(uintptr_t va);
/* Makes the page at va present for the access (VM_R, VM_W or VM_X; any right implies VM_R, as
 * x86 has no page that can be written or executed but not read). g0, no lock at or above
 * RANK_MMAP. */
enum mmap_result mmap_fault(uintptr_t va, unsigned access);
/* mmap_fault, for user.c, on which the contents of files and so mappings stand. [const, set by
 * os_init] */
extern enum mmap_result (*user_fault)(uintptr_t va, unsigned access);

/* The functions below: g0, no lock at or above RANK_MMAP. Ranges are whole pages. */

/* Where a mapping is to be placed. No mapping replaces the program's image, Go's heap or what the
 * runtime has reserved: MMAP_REPLACE gives -L_ENOTSUP there. */
enum mmap_place {
    MMAP_ANYWHERE, /* at `at`, if that is not 0 and all of it is free; else where there is room */
    MMAP_LOW,      /* as MMAP_ANYWHERE, below 2 GiB */
    MMAP_FREE,     /* at `at`, or -L_EEXIST */
    MMAP_REPLACE,  /* at `at`; what was mapped there goes */
};
/* A mapping of `size` bytes. prot: VM_R, VM_W, VM_X, which are PROT_*. inode NULL: anonymous; else
 * a reference is taken. Returns the address, or a negative error. */
int64_t mmap_add(uintptr_t at, enum mmap_place place, size_t size, unsigned prot, bool shared,
                 struct inode *inode, int64_t off);
int mmap_remove(uintptr_t lo, uintptr_t hi);
/* Pages of [lo, *end) that come from now on have these rights, *end being hi or how far it got
 * with some mappings; mmap_apply gives them to those that are present. -L_ENOMEM: there is a hole
 * at lo, or no memory. */
int mmap_protect(uintptr_t lo, uintptr_t hi, unsigned prot, uintptr_t *end);
int mmap_apply(uintptr_t lo, uintptr_t hi);
/* Drops the pages of [lo, hi): anonymous memory reads as zero then, a file's comes from it. */
int mmap_discard(uintptr_t lo, uintptr_t hi);
/* The end of the first piece of [lo, hi): it has at most 512 KiB of present pages, few runs of
 * them and few mappings. mmap_remove, mmap_apply and mmap_discard hold locks all the while, so
 * callers go through a range by pieces. */
uintptr_t mmap_piece(uintptr_t lo, uintptr_t hi);
/* Makes [lo, lo + old), which must end with its mapping, larger where it is. False: no room. */
bool mmap_extend(uintptr_t lo, size_t old, size_t size);
/* mremap: a mapping like [lo, lo + old) of `size` bytes, without pages as yet: its address, or a
 * negative error. mmap_carry moves the pages of [from, from + n) to it, 0 or -L_ENOMEM. */
int64_t mmap_clone(uintptr_t lo, size_t old, size_t size, uintptr_t at, enum mmap_place place);
int mmap_carry(uintptr_t from, uintptr_t to, size_t n);
/* Up to where is every byte of [lo, hi) in a mapping? Looks at some mappings: lo means that there
 * is a hole there, less than hi that one has to ask again from there. */
uintptr_t mmap_covered(uintptr_t lo, uintptr_t hi);

/* For /proc: the first n mappings that end behind va, as they are at this moment. Returns how many
 * there are, at most n. */
struct mapping_seen { uintptr_t lo, hi; unsigned prot; bool shared; uint64_t ino; int64_t off; };
unsigned mmap_see(uintptr_t va, struct mapping_seen *out, unsigned n);

/* Is there a shared mapping of n through which it can be written? */
bool mmap_shows_writable(const struct inode *n);
/* data_truncate, data_punch, data_drop_zeros, of a file that may be mapped. RANK_VFS may be
 * held. */
int mmap_truncate(struct inode *n, int64_t size);
int mmap_punch(struct inode *n, int64_t off, int64_t bytes);
void mmap_drop_zeros(struct inode *n, int64_t off, int64_t bytes); /* off: a multiple of 4 KiB */

#endif
