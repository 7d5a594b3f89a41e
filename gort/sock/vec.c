/* vec.c - copying between the program's buffers and the kernel's. */
#include "gort/sock/vec.h"
#include "gort/os/user.h"

/* The caller has made the pages present. A page that is unmapped again gives -L_EFAULT. */
static int copy(uint64_t p, void *ours, size_t n, bool in)
{
    void *theirs = (void *)p;
    size_t left = in ? user_copy(ours, theirs, n) : user_copy(theirs, ours, n);

    return left ? -L_EFAULT : 0;
}

static int move(struct vec *v, char *ours, size_t n, bool in)
{
    while (n) {
        size_t part = v->iov->len - v->at;
        if (part > n)
            part = n;
        int err = ours && part ? copy(v->iov->base + v->at, ours, part, in) : 0;
        if (err)
            return err;
        n -= part;
        v->at += part;
        v->left -= part;
        if (ours)
            ours += part;
        if (v->at == v->iov->len && v->n > 1) {
            v->iov++;
            v->n--;
            v->at = 0;
        }
    }
    return 0;
}

int vec_from(struct vec *v, void *to, size_t n) { return move(v, to, n, true); }
int vec_to(struct vec *v, const void *from, size_t n)
{
    return move(v, (void *)(uintptr_t)from, n, false);
}
void vec_skip(struct vec *v, size_t n) { move(v, NULL, n, true); }
