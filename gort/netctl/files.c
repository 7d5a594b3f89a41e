/* files.c - /etc/resolv.conf and /etc/hosts follow what DHCP and routers say, as long as nothing
 * else writes to them: a file that differs from what was written here last is left alone. */
#include <string.h>
#include "gort/netctl/boot.h"
#include "gort/netctl/netctl.h"
#include "gort/os/fs/vfs.h"
#include "gort/os/os.h"
#include "kernel/lock.h"

static struct text { char b[NETCTL_TEXT]; size_t n; } resolv, hosts; /* as left */
static uint32_t writing;            /* [atomic] a CPU is writing; 2: it must write once more */

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if (t->n + n >= sizeof t->b)
        return;
    memcpy(t->b + t->n, s, n + 1);
    t->n += n;
}

static bool as_left(struct inode *n, const struct text *old)
{
    char now[NETCTL_TEXT + 1];
    int64_t got = data_read(&n->data, now, sizeof now, 0);

    return got == (int64_t)old->n && !memcmp(now, old->b, old->n);
}

static void replace(const char *path, struct text *old, const struct text *new)
{
    struct open_result r;
    int64_t at = 0;

    if (old->n == new->n && !memcmp(old->b, new->b, new->n))
        return;
    if (vfs_open(NULL, path, L_O_CREAT | L_O_RDWR, 0644, &r))
        return;
    if (as_left(r.inode, old)) {
        data_truncate(&r.inode->data, 0);
        data_write(&r.inode->data, new->b, new->n, &at);
        *old = *new;
    }
    inode_put(r.inode);
}

/* The address of this machine's name: the first IPv4 address, else the first IPv6 address that is
 * not link-local. */
static bool own_address(struct net_addr *out)
{
    struct netif *ifp;

    for (int v6 = 0; v6 < 2; v6++)
        for (unsigned i = 2; (ifp = netif_get(i)); i++)
            for (unsigned k = 0; k < ifp->naddrs; k++) {
                const struct netif_addr *a = &ifp->addrs[k];
                if (a->tentative || addr_is_v4(&a->addr) == !!v6 || addr_link_local(&a->addr))
                    continue;
                *out = a->addr;
                return true;
            }
    return false;
}

static void write_hosts(void)
{
    struct text new = {.n = 0};
    struct net_addr a;
    char addr[48];

    if (!hosts.n)
        add(&hosts, os_hosts);
    if (own_address(&a)) {
        add(&new, "127.0.0.1 localhost\n::1 localhost\n");
        add(&new, netctl_addr_print(&a, addr));
        add(&new, " gort\n");
    } else {
        add(&new, os_hosts);
    }
    replace("/etc/hosts", &hosts, &new);
}

void netctl_files_write(void)
{
    struct text new;

    if (__atomic_fetch_add(&writing, 1, __ATOMIC_ACQ_REL))
        return;         /* the CPU that is writing does it once more */
    do {
        __atomic_store_n(&writing, 1, __ATOMIC_RELEASE);
        new.n = netctl_resolv_conf(new.b, sizeof new.b);
        replace("/etc/resolv.conf", &resolv, &new);
        write_hosts();
    } while (__atomic_sub_fetch(&writing, 1, __ATOMIC_ACQ_REL));
}
