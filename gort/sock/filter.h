/* filter.h - SO_ATTACH_FILTER: programs (bpf.h) that say of each datagram how much of it a socket
 * takes; socket(7).
 *
 *   sender --> dgram_new --> filter --> inbox     UDP and ICMP of this machine, AF_UNIX, netlink
 *   device --> gort/net  --> filter --> its queue  UDP of other machines (udp_sock.filter)
 *
 * A program sees what its socket's protocol received: of UDP from its header on, of raw ICMP from
 * the IP header on, of others the bytes that are read. It runs in the sender and, of UDP and
 * AF_UNIX, under no lock, for the longest takes 88 us: a run holds a reference to the program, so
 * a detach does not wait for it. A datagram that is not taken is lost, and its sender does not
 * learn of it. Streams have no filters. */
#ifndef GORT_SOCK_FILTER_H
#define GORT_SOCK_FILTER_H

#include "gort/sock/sock.h"

struct dgram;
struct filter_prog;
struct pkt;

/* Is s of a kind that can have one? */
bool filter_possible(const struct sock *s);
/* setsockopt: takes the program that the struct sock_fprog at p names in place of the one before.
 * 0, -L_EINVAL, -L_EFAULT, -L_ENOMEM; -L_EPERM: the filter is locked. */
int64_t filter_attach(struct call *c, struct sock *s, uint64_t p, uint32_t len);
int filter_detach(struct sock *s);              /* 0, -L_EPERM, -L_ENOENT */
/* From now on the filter, or that there is none, stays. 0; -L_EPERM: that is so already, and `on`
 * is false; -L_ENOMEM. */
int filter_lock(struct sock *s, bool on);
bool filter_is_locked(struct sock *s);
/* getsockopt: gives the program. Lengths count instructions: that at len_at is the room at p, 0
 * only asks for the length. 0, -L_EINVAL (no room), -L_EFAULT. */
int64_t filter_get(struct call *c, struct sock *s, uint64_t p, uint64_t len_at);
void filter_free(struct sock *s);               /* with the last reference to s */

/* The program that s has now, with a reference; NULL: none. Locks: any below RANK_LEAF. */
struct filter_prog *filter_hold(struct sock *s);
/* How much a program takes of a packet that has come by this interface, read from its UDP header
 * on; 0: nothing. Drops the reference. No locks. */
uint32_t filter_packet(struct filter_prog *prog, const struct pkt *p, bool v4, unsigned ifindex);

enum { FILTERED = 1 };
/* A datagram for r's inbox: what r's filter leaves of m. 0; FILTERED: nothing, and so there is no
 * datagram; -L_ENOBUFS, -L_EFAULT. Locks: any below RANK_FILE. */
int inbox_make(struct sock *r, struct msg *m, const struct sock_addr *from,
               const struct sock_addr *to, struct dgram **out);
/* Makes it and queues it. 0: the reader is to be woken; FILTERED; -L_EAGAIN: no room. What is lost
 * is counted. */
int inbox_put(struct sock *r, struct msg *m, const struct sock_addr *from,
              const struct sock_addr *to);

#endif
