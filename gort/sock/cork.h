/* cork.h - a datagram that a program makes of several writes: UDP_CORK, MSG_MORE.
 *
 * The first write says where it goes, and what its control messages say holds for the whole; later
 * ones only add bytes, as in Linux' udp_sendmsg. */
#ifndef GORT_SOCK_CORK_H
#define GORT_SOCK_CORK_H

#include "gort/sock/sock.h"

enum { CORK_MAX = 65535 };

struct cork {
    struct msg m;                /* of the first write */
    struct sock_addr to, from;
    size_t n, max;               /* bytes so far; of a datagram to there */
    char bytes[CORK_MAX];
};

/* Is there one, unfinished? Any locks. */
static inline bool cork_waits(const struct sock *s)
{
    return __atomic_load_n(&s->corked, __ATOMIC_RELAXED) != NULL;
}
/* A new one for the write m, of up to `max` bytes, at most CORK_MAX. NULL: no memory. */
struct cork *cork_new(const struct msg *m, const struct sock_addr *to,
                      const struct sock_addr *from, size_t max);
/* Takes n bytes to the unfinished datagram of s, or to *fresh if there is none; then that is of s,
 * and *fresh is NULL. 0; -L_EAGAIN: there is none, and no fresh one; -L_EMSGSIZE: it is longer than
 * its most with them, and lost. No locks. */
int cork_add(struct sock *s, struct cork **fresh, const char *bytes, size_t n);
/* Takes the unfinished datagram off s: the caller's, or NULL. No locks. */
struct cork *cork_take(struct sock *s);
void cork_free(struct cork *k); /* NULL is fine */

#endif
