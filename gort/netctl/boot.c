/* boot.c - the functions that gort/wire calls to start and ask netctl. */
#include "gort/netctl/boot.h"
#include "gort/netctl/netctl.h"
#include "kernel/options.h"
#include "mm/mm.h"

void *netctl_memory(size_t n)
{
    size_t size = (n + 4095) & ~(size_t)4095;
    uintptr_t va = vm_reserve(VM_KERNEL, 0, size, 4096);

    return va && vm_commit(va, size) == 0 ? (void *)va : NULL;
}

static void init(void)
{
    netctl_changed = netctl_files_write;
    netctl_init();
}

static void start(struct netif *ifp)
{
    netctl_start(ifp, options.ip);
}

const struct wire_control netctl_wire = {init, start, netctl_link, netctl_settled};
