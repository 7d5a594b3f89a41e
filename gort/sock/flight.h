/* flight.h - files in flight (SCM_RIGHTS), and sockets of AF_UNIX that are reached through each
 * other's queues alone.
 *
 *   descriptors, calls --> file --> socket --> queue --> rights --> files ...
 *
 * A file in flight is open although no descriptor says so. Once a socket lies in its own queue, or
 * several in each other's, nobody can receive them any more, and counting references never closes
 * them. So what is in flight is a graph, and a collector goes through it:
 *
 *   vertex   a socket of AF_UNIX that is in flight, or whose queue holds such a socket, or a
 *            listener whose backlog has connections in it
 *   hold     what one vertex has in its queue: the sockets of one message, or one connection that
 *            nobody has accepted
 *   outside  a socket is known outside if its file has more references than it has from queues,
 *            or if it is not in flight at all
 *
 * A cycle looks at each vertex once (CHECK), goes from those that are known outside through their
 * holds (SCAN), and empties the queues of those it has not come to (DROP), by which they close.
 * The program goes on meanwhile, some dozens of steps between two looks. That is sound because
 * during CHECK and SCAN every socket that is sent or received counts as reached: if one can be
 * reached in the end, so can all on the way to it; the first of them was known outside when it was
 * looked at or has been received since, and each that follows lay in its predecessor's queue when
 * that was gone through or has been sent since. What cannot be reached stays so, as nobody can
 * receive from its queues.
 *
 * When: a socket of AF_UNIX is closed, or a descriptor of one in flight, or the rights to one are
 * dropped, or there are twice as many in flight as the last cycle has left; and only if a socket in
 * flight holds others. A call that holds a socket just then keeps it, and all behind it, until the
 * next such event, as on Linux.
 * It runs in steps at the end of system calls (call_reap) and, if none come, from schedule().
 *
 * Closing a file may free rights, which closes files: rights_free does not go deeper each time, but
 * puts what it finds on a list that the outermost one works through. That too is done in steps. */
#ifndef GORT_SOCK_FLIGHT_H
#define GORT_SOCK_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;
struct sock;

struct flight_link { struct flight_link *prev, *next; }; /* next NULL: on no list */

struct hold {
    struct flight_link link;    /* [flight lock] of its owner's holds */
    struct sock *embryo;        /* [const] the connection; NULL: this is a message's */
    uint64_t scanned;           /* [flight lock] cycle */
};

/* The files of a message. */
struct rights {
    struct hold hold;           /* while they are in a queue */
    struct rights *next;        /* [lock of the stream, or of what is to be freed] */
    uint64_t at;                /* [lock of the stream] they came with the `len` bytes from here */
    size_t len;
    unsigned n, room;           /* files; how many there is memory for */
    struct file *file[];        /* referenced */
};

/* NULL: no memory. */
struct rights *rights_new(unsigned room);
/* The files of r are put in the queue of `to`, which is not closed, or taken out. The lock of the
 * queue is held. */
void rights_queued(struct rights *r, struct sock *to);
void rights_taken(struct rights *r);
/* Drops the references to the files of r, or of a list whose last `next` stands at end; NULL: of
 * none. For this door they may lie in their queue still. No locks: this may close sockets. */
void rights_free(struct rights *r);
void rights_free_list(struct rights *first, struct rights **end);

/* A socket of AF_UNIX as a vertex; it stands behind its struct sock. */
struct flight {
    struct flight_link link;    /* all of these [flight lock] */
    struct flight_link holds;   /* ring, `holds` itself is its head */
    struct hold own;            /* in a listener's backlog */
    struct file *file;          /* of the socket, while n > 0 */
    uint32_t n;                 /* references to the file from queues */
    uint64_t reached;           /* cycle */
    bool knot;                  /* in flight, and holds something */
};

void flight_init(struct sock *s);   /* s is new */
/* p stands in l's backlog from now on, or does no more. flight_arrives: l->lock is held. */
void flight_arrives(struct sock *l, struct sock *p);
void flight_accepted(struct sock *p);
/* s is closed: nothing is put in its queue any more, and what was has been taken out. */
void flight_closed(struct sock *s);
bool flight_has(struct sock *s);    /* is s in flight? */
/* Something that may have been the last reference to a socket in flight from outside is gone. */
void flight_look(void);
/* A step of what is to be done. False: there is nothing, or another CPU does it. No locks. */
bool flight_step(void);

#endif
