/* linux_net.h - numbers and layouts of Linux' sockets on x86-64.
 *
 * Facts from the man pages socket(2), socket(7), ip(7), ipv6(7), tcp(7), unix(7), netlink(7),
 * send(2), recv(2), cmsg(3), and Go's package syscall. */
#ifndef GORT_SOCK_LINUX_NET_H
#define GORT_SOCK_LINUX_NET_H

#include "gort/os/linux.h"

enum {
    L_EDESTADDRREQ = 89, L_EMSGSIZE = 90, L_EPROTOTYPE = 91, L_ENOPROTOOPT = 92,
    L_EPROTONOSUPPORT = 93, L_ESOCKTNOSUPPORT = 94, L_EOPNOTSUPP = 95, L_EADDRINUSE = 98,
    L_EADDRNOTAVAIL = 99, L_ENETUNREACH = 101, L_ECONNABORTED = 103, L_ECONNRESET = 104,
    L_ENOBUFS = 105, L_EISCONN = 106, L_ENOTCONN = 107, L_ETOOMANYREFS = 109,
    L_ECONNREFUSED = 111, L_EHOSTUNREACH = 113, L_EALREADY = 114, L_EINPROGRESS = 115,
};

enum { L_AF_UNSPEC, L_AF_UNIX, L_AF_INET, L_AF_INET6 = 10, L_AF_NETLINK = 16, L_AF_MAX = 46 };
enum { L_SOCK_STREAM = 1, L_SOCK_DGRAM, L_SOCK_RAW, L_SOCK_SEQPACKET = 5, L_SOCK_MAX = 11,
       L_SOCK_NONBLOCK = 04000, L_SOCK_CLOEXEC = 02000000, L_SOCK_TYPE = 0xf };
enum { L_IPPROTO_IP = 0, L_IPPROTO_ICMP = 1, L_IPPROTO_TCP = 6, L_IPPROTO_UDP = 17,
       L_IPPROTO_IPV6 = 41, L_IPPROTO_ICMPV6 = 58, L_IPPROTO_RAW = 255 };
enum { L_SOL_RAW = 255, L_ICMP_FILTER = 1, L_ICMPV6_FILTER = 1 };
enum { L_SHUT_RD, L_SHUT_WR, L_SHUT_RDWR };
enum { L_SOMAXCONN = 4096 };

#define L_POLLRDHUP 0x2000u

enum { L_MSG_OOB = 1, L_MSG_PEEK = 2, L_MSG_CTRUNC = 8, L_MSG_TRUNC = 0x20, L_MSG_DONTWAIT = 0x40,
       L_MSG_EOR = 0x80, L_MSG_WAITALL = 0x100, L_MSG_NOSIGNAL = 0x4000, L_MSG_MORE = 0x8000,
       L_MSG_WAITFORONE = 0x10000, L_MSG_ERRQUEUE = 0x2000,
       L_MSG_CMSG_CLOEXEC = 0x40000000 };

enum { L_SOL_SOCKET = 1 };
enum {
    L_SO_REUSEADDR = 2, L_SO_TYPE = 3, L_SO_ERROR = 4, L_SO_DONTROUTE = 5, L_SO_BROADCAST = 6,
    L_SO_SNDBUF = 7, L_SO_RCVBUF = 8, L_SO_KEEPALIVE = 9, L_SO_OOBINLINE = 10, L_SO_PRIORITY = 12,
    L_SO_LINGER = 13, L_SO_REUSEPORT = 15, L_SO_PASSCRED = 16, L_SO_PEERCRED = 17,
    L_SO_RCVLOWAT = 18, L_SO_SNDLOWAT = 19, L_SO_RCVTIMEO = 20, L_SO_SNDTIMEO = 21,
    L_SO_BINDTODEVICE = 25, L_SO_ATTACH_FILTER = 26, L_SO_DETACH_FILTER = 27,
    L_SO_TIMESTAMP = 29, L_SO_TIMESTAMPNS = 35,
    L_SO_ACCEPTCONN = 30, L_SO_SNDBUFFORCE = 32, L_SO_LOCK_FILTER = 44,
    L_SO_RCVBUFFORCE = 33, L_SO_MARK = 36, L_SO_PROTOCOL = 38, L_SO_DOMAIN = 39,
    L_SO_INCOMING_CPU = 49,
};
enum {
    L_TCP_NODELAY = 1, L_TCP_MAXSEG = 2, L_TCP_CORK = 3, L_TCP_KEEPIDLE = 4, L_TCP_KEEPINTVL = 5,
    L_TCP_KEEPCNT = 6, L_TCP_SYNCNT = 7, L_TCP_LINGER2 = 8, L_TCP_DEFER_ACCEPT = 9, L_TCP_INFO = 11,
    L_TCP_QUICKACK = 12, L_TCP_CONGESTION = 13, L_TCP_USER_TIMEOUT = 18, L_TCP_FASTOPEN = 23,
    L_TCP_NOTSENT_LOWAT = 25,
};
enum { L_UDP_CORK = 1, L_UDP_SEGMENT = 103, L_UDP_GRO = 104 };
enum {
    L_IP_TOS = 1, L_IP_TTL = 2, L_IP_HDRINCL = 3, L_IP_PKTINFO = 8, L_IP_MTU_DISCOVER = 10,
    L_IP_RECVERR = 11,
    L_IP_RECVTTL = 12, L_IP_RECVTOS = 13, L_IP_MULTICAST_IF = 32, L_IP_MULTICAST_TTL = 33,
    L_IP_MULTICAST_LOOP = 34, L_IP_FREEBIND = 15, L_IP_RECVORIGDSTADDR = 20,
};
enum {
    L_IPV6_CHECKSUM = 7,
    L_IPV6_UNICAST_HOPS = 16, L_IPV6_MULTICAST_IF = 17, L_IPV6_MULTICAST_HOPS = 18,
    L_IPV6_MULTICAST_LOOP = 19, L_IPV6_MTU_DISCOVER = 23, L_IPV6_V6ONLY = 26,
    L_IPV6_RECVPKTINFO = 49, L_IPV6_PKTINFO = 50, L_IPV6_RECVERR = 25,
    L_IPV6_RECVHOPLIMIT = 51, L_IPV6_HOPLIMIT = 52, L_IPV6_RECVPATHMTU = 60,
    L_IPV6_RECVTCLASS = 66, L_IPV6_TCLASS = 67, L_IPV6_RECVORIGDSTADDR = 74, L_IPV6_FREEBIND = 78,
};

struct l_sockaddr_in { uint16_t family; uint8_t port[2], addr[4], zero[8]; };
struct l_sockaddr_in6 { uint16_t family; uint8_t port[2], flow[4], addr[16]; uint32_t scope; };
struct l_sockaddr_un { uint16_t family; char path[108]; };
struct l_sockaddr_nl { uint16_t family, pad; uint32_t pid, groups; };
_Static_assert(sizeof(struct l_sockaddr_in) == 16, "sockaddr_in");
_Static_assert(sizeof(struct l_sockaddr_in6) == 28, "sockaddr_in6");
_Static_assert(sizeof(struct l_sockaddr_un) == 110, "sockaddr_un");
enum { L_SOCKADDR_MAX = 128 };

struct l_msghdr {
    uint64_t name; uint32_t namelen, pad0;
    uint64_t iov, iovlen, control, controllen;
    int32_t flags; uint32_t pad1;
};
_Static_assert(sizeof(struct l_msghdr) == 56, "struct msghdr");
struct l_mmsghdr { struct l_msghdr hdr; uint32_t len, pad; };
struct l_cmsghdr { uint64_t len; int32_t level, type; };
enum { L_SCM_RIGHTS = 1, L_SCM_CREDENTIALS = 2, L_SCM_MAX_FD = 253 };
struct l_ucred { int32_t pid; uint32_t uid, gid; };
struct l_linger { int32_t onoff, seconds; };

#define L_FIONREAD  0x541b
#define L_FIONBIO   0x5421
#define L_SIOCATMARK 0x8905
#define L_SIOCOUTQ  0x5411
#define L_SIOCGIFNAME  0x8910
#define L_SIOCGIFCONF  0x8912
#define L_SIOCGIFFLAGS 0x8913
#define L_SIOCGIFADDR  0x8915
#define L_SIOCGIFBRDADDR 0x8919
#define L_SIOCGIFNETMASK 0x891b
#define L_SIOCGIFMTU   0x8921
#define L_SIOCGIFHWADDR 0x8927
#define L_SIOCGIFINDEX 0x8933
#define L_SIOCETHTOOL  0x8946

#endif
