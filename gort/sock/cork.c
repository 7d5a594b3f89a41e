#include "gort/sock/cork.h"

#include <string.h>
#include "gort/os/mem.h"

struct cork *cork_new(const struct msg *m, const struct sock_addr *to,
                      const struct sock_addr *from, size_t max)
{
    struct cork *k = os_alloc_last(sizeof *k);

    if (k) {
        k->m = *m;
        k->m.flags &= ~(unsigned)L_MSG_MORE;
        k->to = *to;
        k->from = *from;
        k->n = 0;
        k->max = max < CORK_MAX ? max : CORK_MAX;
    }
    return k;
}

void cork_free(struct cork *k)
{
    if (k)
        os_free(k, sizeof *k);
}

struct cork *cork_take(struct sock *s)
{
    lock(&s->lock);
    struct cork *k = s->corked;
    __atomic_store_n(&s->corked, NULL, __ATOMIC_RELAXED);
    unlock(&s->lock);
    return k;
}

int cork_add(struct sock *s, struct cork **fresh, const char *bytes, size_t n)
{
    struct cork *lost = NULL;
    int err = 0;

    lock(&s->lock);
    if (!s->corked) {
        __atomic_store_n(&s->corked, *fresh, __ATOMIC_RELAXED);
        *fresh = NULL;
    }
    struct cork *k = s->corked;
    if (!k) {
        err = -L_EAGAIN;
    } else if (n > k->max - k->n) {
        err = -L_EMSGSIZE;
        lost = k;
        __atomic_store_n(&s->corked, NULL, __ATOMIC_RELAXED);
    } else {
        memcpy(k->bytes + k->n, bytes, n);
        k->n += n;
    }
    unlock(&s->lock);
    cork_free(lost);
    return err;
}
