/* memfd.c - files without a name: memfd_create(2), and seals, which such a file can have. */
#include <string.h>
#include "gort/os/fs/memfd.h"
#include "gort/os/mem.h"
#include "gort/os/mmap.h"
#include "gort/os/sys.h"

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL   8u
#define MFD_EXEC          16u
#define MFD_KNOWN (MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)

enum { NAME_MAX_LEN = 249 }; /* what Linux leaves of NAME_MAX */

/* Its name is a link's that leads to nothing: only /proc/self/fd shows it. */
int64_t sys_memfd_create(struct call *c)
{
    uint64_t flags = c->a[1];
    char *name = os_alloc_last(L_PATH_MAX);

    if (!name)
        return -L_ENOMEM;
    bool odd = flags & ~(uint64_t)MFD_KNOWN || (flags & MFD_NOEXEC_SEAL && flags & MFD_EXEC);
    int64_t err = odd ? -L_EINVAL : copy_str(c, c->a[0], name);
    if (!err && strlen(name) > NAME_MAX_LEN)
        err = -L_EINVAL;
    os_free(name, L_PATH_MAX);
    if (err)
        return err == -L_ENAMETOOLONG ? -L_EINVAL : err;
    struct inode *n = inode_new(L_S_IFREG | (flags & MFD_NOEXEC_SEAL ? 0666 : 0777));
    if (!n)
        return -L_ENOMEM;
    n->seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : SEAL_SEAL;
    n->memfd = true;
    struct file *f = file_new(n, L_O_RDWR | L_O_LARGEFILE, NULL, NULL);
    inode_put(n);
    return f ? fd_install(f, flags & MFD_CLOEXEC, 0) : -L_ENOMEM;
}

int64_t seals_add(struct file *f, uint32_t seals)
{
    struct inode *n = f->inode;

    if (!n->memfd || seals & ~(uint32_t)SEAL_ALL)
        return -L_EINVAL;
    if (!file_writes(f))
        return -L_EPERM;
    if (seals & SEAL_WRITE && mmap_shows_writable(n))
        return -L_EBUSY;
    lock(&vfs.lock);
    int64_t err = n->seals & SEAL_SEAL ? -L_EPERM : 0;
    if (!err)
        n->seals |= (uint8_t)seals;
    unlock(&vfs.lock);
    return err;
}

int64_t seals_get(const struct file *f)
{
    return f->inode->memfd ? (int64_t)f->inode->seals : -L_EINVAL;
}

int seals_allow_write(const struct inode *n, int64_t end, int64_t size)
{
    if (!n->seals)
        return 0;
    if (n->seals & (SEAL_WRITE | SEAL_FUTURE_WRITE))
        return -L_EPERM;
    return end > size && n->seals & SEAL_GROW ? -L_EPERM : 0;
}

int seals_allow_size(const struct inode *n, int64_t size, int64_t old)
{
    return (size < old && n->seals & SEAL_SHRINK) || (size > old && n->seals & SEAL_GROW)
               ? -L_EPERM : 0;
}
