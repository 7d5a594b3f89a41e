/* mm.h - physical frames and virtual address ranges.
 *
 *   DIRECT_MAP_BASE 0xffff800000000000   all RAM, RW+NX, 2 MiB / 1 GiB pages
 *   VM_KERNEL_BASE  0xffffa00000000000   kernel stacks, runtime metadata: vm_reserve(VM_KERNEL)
 *   KERNEL_BASE     0xffffffff80000000   kernel image: text RX, rodata R, data RW+NX
 *   lower half                           the app at its own addresses (page 0 never mapped),
 *                                        the Go heap between HEAP_BASE and HEAP_TOP
 *
 * The runtime reserves, commits and decommits address ranges and knows nothing of frames. */
#ifndef MM_MM_H
#define MM_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arch/x86_64/page.h" /* PAGE_SIZE, phys_to_virt */

#define VM_KERNEL_BASE 0xffffa00000000000ull
#define HEAP_BASE      0xc000000000ull
#define HEAP_TOP       0x7ffffffff000ull

/* ---- frames ------------------------------------------------------------------------ */
enum { FRAME_ORDER_4K = 0, FRAME_ORDER_2M = 9, FRAME_ORDER_1G = 18, FRAME_ORDER_MAX = 18 };

/* 2^order frames, physically contiguous and aligned to their size, contents undefined.
 * Returns the physical address, 0 if there is none. g0 or boot context. */
uint64_t frame_alloc(unsigned order);
void frame_free(uint64_t pa, unsigned order);
/* A word beside the frame at pa, which is allocated: its owner's until the frame is freed. What it
 * holds at first is undefined. */
uint32_t *frame_word(uint64_t pa);
uint64_t virt_to_phys(const void *va); /* any mapped kernel or app address; 0 if unmapped */

struct mm_stats {
    uint64_t ram_bytes;    /* RAM that the allocator has managed since boot */
    uint64_t free_bytes;
    uint64_t most_used;    /* bytes that were not free at any one time since boot */
    uint64_t largest_free; /* bytes of the largest free block */
    uint64_t kernel_bytes; /* image, page tables, per-CPU stacks */
};
void mm_stats_read(struct mm_stats *out);
/* With `bytes` less memory, would more be left than what is kept for the kernel? Roughly; any
 * context. */
bool mm_can_spare(uint64_t bytes);
uint64_t mm_kept(void); /* bytes: what is kept */

/* ---- ranges ------------------------------------------------------------------------ */
/* VM_COMBINED: writes are collected and go out in bursts, in any order (a framebuffer). */
enum vm_prot { VM_R = 1, VM_W = 2, VM_X = 4, VM_UNCACHED = 8, VM_COMBINED = 16 };
enum vm_zone { VM_KERNEL, VM_HEAP };

/* Reserves `size` bytes of address space (multiple of 4 KiB) aligned to `align` (power of
 * two >= 4 KiB), at `hint` if that is non-zero and free, else anywhere in the zone.
 * Nothing is mapped. Returns the address, 0 if there is no room. */
uintptr_t vm_reserve(enum vm_zone zone, uintptr_t hint, size_t size, size_t align);
/* As vm_reserve, somewhere in [lo, hi), aligned to 4 KiB. */
uintptr_t vm_reserve_in(enum vm_zone zone, uintptr_t lo, uintptr_t hi, size_t size);
void vm_release(uintptr_t va, size_t size); /* range must be wholly decommitted */

/* Backs [va, va+size) (4 KiB multiples, within reserved ranges, not yet committed) with
 * zero-filled frames, RW+NX, 2 MiB pages where address and supply allow. All or nothing:
 * 0 or -ENOMEM. Ranges of VM_HEAP leave the kernel some frames: recovering from a
 * lack of memory itself takes goroutines, page tables and the collector's buffers. vm_commit_last
 * may use those frames. */
int vm_commit(uintptr_t va, size_t size);
int vm_commit_last(uintptr_t va, size_t size);
/* One page, filled before anybody can see it: page is where, for as long as fill runs. */
int vm_commit_page(uintptr_t va, void (*fill)(void *page, const void *arg), const void *arg);
/* Frames for what is touched, where [lo, hi) is to be had on demand: maps zeroed pages at va, and
 * around it what is likely to be touched next, up to the 2 MiB that hold va. What is mapped there
 * already stays, and other CPUs may do the same. lo is a multiple of 8 KiB, and of two such pages
 * both come or none. *got: the bytes that this call has mapped. False: out of memory. g0, with
 * locks below RANK_VM held or none. */
enum vm_fill_how { VM_FILL = 0, VM_FILL_FEW = 1 /* 8 KiB, no more */, VM_FILL_LAST = 2 /* as
                   vm_commit_last */ };
bool vm_fill(uintptr_t va, uintptr_t lo, uintptr_t hi, unsigned how, size_t *got);
/* Makes [lo, hi), which is reserved, memory that vm_fill brings when it is touched. At boot, before
 * other CPUs run, a few times. False: once too often. */
bool vm_lazy_add(uintptr_t lo, uintptr_t hi);
/* Which of these ranges has va? Any context. */
bool vm_lazy_range(uintptr_t va, uintptr_t *lo, uintptr_t *hi);
/* The first page in [va, end) that is mapped, or is not; end if there is none. Others may map
 * pages meanwhile. Any context. */
uintptr_t vm_next(uintptr_t va, uintptr_t end, bool mapped);
/* Unmaps, shoots down remote TLBs, frees the frames. Parts that are not committed are
 * skipped. Splits 2 MiB pages at the edges. */
void vm_decommit(uintptr_t va, size_t size);
/* As vm_decommit, for n ranges, with few shootdowns for all of them. */
struct vm_range { uintptr_t va; size_t size; };
void vm_decommit_all(const struct vm_range *r, unsigned n);
/* Maps given physical memory (MMIO, the bundle, ELF segments). 0, -ENOMEM, -EEXIST. */
int vm_map_phys(uintptr_t va, uint64_t pa, size_t size, unsigned prot);
/* Removes a mapping of vm_map_phys; its frames are not freed. */
void vm_unmap_phys(uintptr_t va, size_t size);
/* Moves what is mapped in [from, from + size), with its rights, to `to`, where nothing is mapped;
 * the frames stay what they are. At most some MiB: the lock is held. 0, or -ENOMEM: there is no
 * page table, and all is where it was. */
int vm_move(uintptr_t from, uintptr_t to, size_t size);
/* prot 0: no access, the contents are kept. -ENOMEM: parts are not mapped. */
int vm_protect(uintptr_t va, size_t size, unsigned prot);
/* Is the byte mapped (and writable)? Walks the tables, any context, no locks: for crash
 * reports and syscalls that must answer EFAULT. */
bool vm_is_mapped(uintptr_t va, bool write);

/* Is va in a large page? Any context. */
bool vm_is_huge(uintptr_t va);

/* Maps device registers or firmware tables of any size and alignment somewhere in the
 * kernel zone; NULL if there is no memory. Never unmapped. g0 or boot context. */
void *vm_map_device(uint64_t pa, size_t size, unsigned prot);

/* Runtime metadata that is never freed: zeroed, aligned to `align` (<= 4 KiB). Panics with
 * an out-of-memory report when there is no RAM. `stat` accounts it; NULL: persistent_other. */
void *persistent_alloc(size_t size, size_t align, uint64_t *stat);
extern uint64_t persistent_other; /* [atomic] bytes: goroutines, Ms, Ps, timers, sudogs ... */

/* ---- boot ---------------------------------------------------------------------------
 * mm_init builds the kernel's page tables and leaves the loader's; bi is the kernel's copy,
 * whose mem_map is moved to kernel memory. limit: manage at most that many bytes, 0 = all.
 * mm_reclaim gives the loader's memory to the allocator: nothing of it may be used then. */
struct boot_info;
void mm_init(struct boot_info *bi, uint64_t limit);
void mm_reclaim(const struct boot_info *bi);
/* Stacks with guard pages, for a CPU's next desc_load. False: no memory. (cpu_stacks.c) */
struct cpu;
bool cpu_give_stacks(struct cpu *c);
/* A CPU with all its memory, not started yet; NULL: no memory for its stacks. */
struct cpu *cpu_create(unsigned id, uint32_t apic_id);
/* A page below 1 MiB for real-mode code, 0 if there is none. */
uint64_t mm_low_page(void);

#endif
