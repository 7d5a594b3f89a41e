/* mmap.h - mappings of mmap(2): anonymous memory, private copies and shared pages of files.
 *
 * A mapping is a reserved range; its pages come when they are first touched. The page fault of
 * a goroutine's code leads to mmap_fault on g0, and so does a system call's buffer that lacks one
 * (user.h). A page of a shared mapping is the
 * frame that the file itself has its bytes in, so mapping, reads and writes see each other.
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

/* A mapping of `size` bytes, at `at` exactly if that is not 0 (then what was mapped there goes;
 * `replace` false: it must be free). prot: VM_R, VM_W, VM_X, which are PROT_*. inode NULL:
 * anonymous; else a reference is taken. Returns the address, or a negative error. */
int64_t mmap_add(uintptr_t at, bool replace, size_t size, unsigned prot, bool shared,
                 struct inode *inode, int64_t off);
int mmap_remove(uintptr_t lo, uintptr_t hi);
int mmap_protect(uintptr_t lo, uintptr_t hi, unsigned prot);
/* The pages are forgotten: anonymous memory reads as zero, files are read again. */
int mmap_discard(uintptr_t lo, uintptr_t hi);
/* Moves [lo, lo + old) to a new place of `size` bytes: the address, or a negative error. */
int64_t mmap_move(uintptr_t lo, size_t old, size_t size);
/* Is every byte of the range in a mapping? */
bool mmap_covers(uintptr_t lo, uintptr_t hi);

/* Is there a shared mapping of n through which it can be written? */
bool mmap_shows_writable(const struct inode *n);
/* data_truncate, data_punch, data_drop_zeros, of a file that may be mapped. RANK_VFS may be
 * held. */
int mmap_truncate(struct inode *n, int64_t size);
int mmap_punch(struct inode *n, int64_t off, int64_t bytes);
void mmap_drop_zeros(struct inode *n, int64_t off, int64_t bytes); /* off: a multiple of 4 KiB */

#endif
