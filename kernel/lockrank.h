/* lockrank.h - every lock of the system, in the order in which they may be taken.
 * A lock may be taken only while all locks held by this CPU have a smaller rank. */
#ifndef KERNEL_LOCKRANK_H
#define KERNEL_LOCKRANK_H

enum lock_rank {
    RANK_NONE = 0,
    RANK_STW,           /* world stop: one stopper at a time */
    RANK_GC,            /* collector's phase changes */
    RANK_SYMTAB,
    RANK_VFS,           /* file tree */
    RANK_MMAP,          /* memory mappings */
    RANK_FILE,          /* one open file, pipe or console */
    RANK_POLL,          /* poll descriptor */
    RANK_SEMA,          /* semaphore table root */
    RANK_NOTIFY,        /* sync.Cond list */
    RANK_HCHAN,         /* channels; several at once in address order (selectgo) */
    RANK_SUDOG,
    RANK_TIMERS,        /* one P's timer heap */
    RANK_TIMER,         /* one timer */
    RANK_BUBBLE,        /* synctest */
    RANK_ALLG,
    RANK_SCHED,         /* global run queue, idle lists */
    RANK_FINALIZER,
    RANK_SPECIAL,       /* one span's specials */
    RANK_WORKBUF,
    RANK_STACKPOOL,
    RANK_MCENTRAL,
    RANK_MHEAP,
    RANK_PROF,          /* buckets of the memory profile */
    RANK_PERSISTENT,    /* runtime metadata allocator */
    RANK_VM,            /* address ranges and page tables */
    RANK_NETQ,          /* one queue of a network device */
    RANK_PKT,           /* packet memory */
    RANK_FRAMES,        /* page-frame allocator */
    RANK_SHOOTDOWN,
    RANK_LIBC,          /* newlib's hooks */
    RANK_CONSOLE,
    RANK_LEAF,
};

#endif
