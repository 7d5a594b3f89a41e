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
    RANK_SOCK,          /* one socket: state, addresses, options */
    RANK_SOCK_NAMES,    /* a table of ports, or of AF_UNIX' names */
    RANK_FILE,          /* one open file, pipe or console */
    RANK_GRAVES,        /* contents of files that are being freed */
    RANK_FLIGHT,        /* sockets in each other's queues */
    RANK_TCP,           /* one TCP connection */
    RANK_TCP_LISTEN,    /* queues of one listener */
    RANK_TCP_PORT,      /* bound ports and listeners, by port */
    RANK_TCP_HASH,      /* a bucket of the table of connections */
    RANK_UDP_PORT,      /* UDP sockets by port */
    RANK_UDP,           /* queue of one UDP socket */
    RANK_NETCTL,        /* lwIP, the network's control plane */
    RANK_NET,           /* interfaces; routes and neighbours; path MTUs: one at a time */
    RANK_POLL,          /* poll descriptor */
    RANK_SEMA,          /* semaphore table root */
    RANK_NOTIFY,        /* sync.Cond list */
    RANK_HCHAN = 50,    /* channels; several at once in address order (selectgo). Its number and
                           RANK_TIMER's are known to the Go overlay, so they stay */
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
    RANK_WHEEL,         /* timers of the network, one CPU's */
    RANK_NET_TX,        /* packets that wait for room in a device queue */
    RANK_NETQ,          /* one queue of a network device */
    RANK_PKT,           /* packet memory */
    RANK_FRAMES,        /* page-frame allocator */
    RANK_LIBC,          /* newlib's hooks */
    RANK_CONSOLE,
    RANK_PORT,          /* one port of a virtio console */
    RANK_LEAF,
};

#endif
