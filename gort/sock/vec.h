/* vec.h - a cursor over the program's buffers: the one place where sockets touch them. */
#ifndef GORT_SOCK_VEC_H
#define GORT_SOCK_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gort/sock/linux_net.h"

struct vec {
    const struct l_iovec *iov; /* checked, and copied before anything is done with it */
    size_t n, at;              /* buffers; bytes of the first that are done with */
    uint64_t left;             /* bytes in all that are not */
};

static inline struct vec vec_one(struct l_iovec *room, const void *buf, size_t n)
{
    *room = (struct l_iovec){ (uint64_t)(uintptr_t)buf, n };
    return (struct vec){ room, 1, 0, n };
}

/* Copies n <= v->left bytes and moves on. 0, or -L_EFAULT with part of it done. */
int vec_from(struct vec *v, void *to, size_t n);
int vec_to(struct vec *v, const void *from, size_t n);
void vec_skip(struct vec *v, size_t n);

#endif
