/* far.h - the transport to other machines: TCP and UDP of gort/net under tcp.c and udp.c.
 *
 *      struct sock --pipe--> duplex (this machine)          both ends are local addresses
 *                  --conn--> tcp_conn --> device            else
 *      a listener has a queue of each; a UDP socket has an inbox and a `wired` half of its own
 *
 * sock.lock guards which half there is; the halves have locks of their own (RANK_TCP, RANK_UDP),
 * under which they wake rq and wq. A connection that a socket has given up (a connect that failed
 * and is tried again) stays allocated until the socket closes: another call may be using it. */
#ifndef GORT_SOCK_FAR_H
#define GORT_SOCK_FAR_H

#include "gort/sock/sock.h"

/* Is the address one of this machine, so that no packet to it is sent out? */
bool far_is_own(const struct net_addr *a);

/* ---- TCP: far_tcp.c ------------------------------------------------------------------------- */
/* Listens for connections from outside, if s's address can be reached from there. sock.lock is
 * held. 0 or an error. */
int far_listen(struct sock *s, unsigned backlog);
/* Starts a connect; sock.lock is held and the state allows it. -L_EINPROGRESS, or an error. */
int far_connect(struct sock *s, const struct sock_addr *to);
int far_accept(struct sock *l, struct sock **out);
/* Updates s's state from the result of its connect, if that went to another machine. */
void far_settle(struct sock *s);
int far_take_error(struct sock *s); /* 0 or negative */
int64_t far_send(struct sock *s, struct msg *m);
int64_t far_recv(struct sock *s, struct msg *m);
int64_t far_room(struct sock *s); /* these three as in file_ops */
int64_t far_give(struct sock *s, struct pkt *pieces, bool more);
struct pkt *far_take(struct sock *s, size_t most, int64_t *err);
unsigned far_poll(struct sock *s);
int far_shutdown(struct sock *s, unsigned how);
size_t far_unread(struct sock *s);
size_t far_unacked(struct sock *s);
/* s no longer listens: stops taking connections from outside. sock.lock is held. */
void far_deafen(struct sock *s);
void far_close(struct sock *s);
/* A program has changed an option of s. */
void far_option(struct sock *s, int level, int name);
/* Writes the first n bytes of Linux's struct tcp_info. */
void far_tcp_info(struct sock *s, uint8_t *info, size_t n);

/* ---- UDP: far_udp.c ------------------------------------------------------------------------- */
/* s has an address now: binds its wired half, so that datagrams from outside reach it. sock.lock is
 * held. */
int far_udp_bind(struct sock *s);
/* What keeps the groups of s: its wired half, made for them if s has no address yet. NULL: there is
 * none, as s is bound to a loopback address, or is no socket of UDP, or the machine has no
 * device; or no memory. Takes sock.lock. */
struct udp_sock *far_udp_member(struct sock *s);
/* Connects the wired half; sock.lock is held. `to` with family 0 disconnects; an address of this
 * machine mutes the wired half. */
int far_udp_connect(struct sock *s, const struct sock_addr *to);
/* The source address of a connected s. */
struct net_addr far_udp_source(const struct sock *s);
int64_t far_udp_send(struct sock *s, struct msg *m, const struct sock_addr *to);
/* Of what s sends to the group `to`: the address it comes from, and the interface it goes by. */
struct net_addr far_udp_group_source(const struct sock *s, const struct msg *m,
                                     const struct sock_addr *to);
unsigned far_udp_group_interface(const struct sock *s, const struct msg *m,
                                 const struct sock_addr *to);
/* Any locks below RANK_UDP held. */
bool far_udp_is_member(const struct sock *s, const struct net_addr *group, unsigned ifindex);
int64_t far_udp_recv(struct sock *s, struct msg *m);
unsigned far_udp_poll(struct sock *s);
size_t far_udp_unread(struct sock *s);
uint32_t far_udp_drops(struct sock *s); /* of the wired half that there is now */
void far_udp_close(struct sock *s);
void far_udp_options(struct sock *s);

#endif
