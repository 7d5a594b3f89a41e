/* init.c - adds the socket calls, and the files that resolvers read, to the system. */
#include <string.h>
#include "gort/os/fs/vfs.h"
#include "gort/os/sys.h"
#include "gort/sock/interfaces.h"
#include "gort/sock/memory.h"
#include "gort/sock/sock.h"
#include "mm/mm.h"

#define SOCKET_CALLS(X)                                                                      \
    X(41, socket) X(42, connect) X(43, accept) X(44, sendto) X(45, recvfrom) X(46, sendmsg)  \
    X(47, recvmsg) X(48, shutdown) X(49, bind) X(50, listen) X(51, getsockname)              \
    X(52, getpeername) X(53, socketpair) X(54, setsockopt) X(55, getsockopt) X(288, accept4) \
    X(299, recvmmsg) X(307, sendmmsg)

#define X(num, name) int64_t sys_##name(struct call *c);
SOCKET_CALLS(X)
#undef X

static const struct { uint16_t num; call_fn *fn; } calls[] = {
#define X(num, name) { num, sys_##name },
    SOCKET_CALLS(X)
#undef X
};

static const struct { const char *path, *text; } files[] = {
    { "/etc/protocols", "ip\t0\tIP\nicmp\t1\tICMP\nigmp\t2\tIGMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"
                        "ipv6\t41\tIPv6\nipv6-icmp\t58\tIPv6-ICMP\n" },
    { "/etc/services", "ftp\t21/tcp\nssh\t22/tcp\ntelnet\t23/tcp\nsmtp\t25/tcp\tmail\n"
                       "domain\t53/tcp\ndomain\t53/udp\nhttp\t80/tcp\twww\npop3\t110/tcp\n"
                       "ntp\t123/udp\nimap2\t143/tcp\timap\nhttps\t443/tcp\nhttps\t443/udp\n" },
};

/* Makes a file, unless the bundle brings one. */
static void file_make(const char *path, const char *text)
{
    struct open_result r;
    int64_t at = 0;

    if (vfs_open(NULL, path, L_O_CREAT | L_O_EXCL | L_O_WRONLY, 0644, &r))
        return;
    data_write(&r.inode->data, text, strlen(text), &at);
    inode_put(r.inode);
}

void sock_init(void)
{
    struct mm_stats ram;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        os_call_add(calls[i].num, calls[i].fn);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        file_make(files[i].path, files[i].text);
    mm_stats_read(&ram);
    sock_memory_init(ram.ram_bytes / 8);
    interfaces_init();
    file_flies_on = flight_look;
    call_reaps = flight_step;
}
