/* sys/socket.h - sockets. Numbers and layouts are the kernel's, which are Linux'. errno has
 * newlib's numbers. A call that waits parks the goroutine. */
#ifndef _SYS_SOCKET_H
#define _SYS_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t socklen_t;
typedef uint16_t sa_family_t;

enum { AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 10, AF_LOCAL = AF_UNIX };
#define PF_UNSPEC AF_UNSPEC
#define PF_UNIX AF_UNIX
#define PF_LOCAL AF_LOCAL
#define PF_INET AF_INET
#define PF_INET6 AF_INET6
enum { SOCK_STREAM = 1, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET = 5,
       SOCK_NONBLOCK = 04000, SOCK_CLOEXEC = 02000000 };
enum { SHUT_RD, SHUT_WR, SHUT_RDWR };
enum { MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_EOR = 0x80,
       MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000 };
enum { SOL_SOCKET = 1 };
enum { SO_REUSEADDR = 2, SO_TYPE, SO_ERROR, SO_BROADCAST = 6, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
       SO_LINGER = 13, SO_REUSEPORT = 15, SO_RCVTIMEO = 20, SO_SNDTIMEO, SO_ACCEPTCONN = 30,
       SO_PROTOCOL = 38, SO_DOMAIN };
enum { SOMAXCONN = 4096 };
enum { SCM_RIGHTS = 1 };

struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct sockaddr_storage {
    sa_family_t ss_family;
    char __bytes[118];
    uint64_t __align;
};
struct linger { int l_onoff, l_linger; };

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    size_t msg_iovlen;
    void *msg_control;
    size_t msg_controllen;
    int msg_flags;
};
struct cmsghdr { size_t cmsg_len; int cmsg_level, cmsg_type; };

#define CMSG_ALIGN(n) (((n) + 7) & ~(size_t)7)
#define CMSG_SPACE(n) (CMSG_ALIGN(n) + sizeof(struct cmsghdr))
#define CMSG_LEN(n) (sizeof(struct cmsghdr) + (n))
#define CMSG_DATA(c) ((unsigned char *)((struct cmsghdr *)(c) + 1))
#define CMSG_FIRSTHDR(m) ((m)->msg_controllen >= sizeof(struct cmsghdr) ? \
                          (struct cmsghdr *)(m)->msg_control : (struct cmsghdr *)0)
#define CMSG_NXTHDR(m, c) \
    ((char *)(c) + CMSG_ALIGN((c)->cmsg_len) + sizeof(struct cmsghdr) > \
     (char *)(m)->msg_control + (m)->msg_controllen ? (struct cmsghdr *)0 : \
     (struct cmsghdr *)((char *)(c) + CMSG_ALIGN((c)->cmsg_len)))

int socket(int domain, int type, int protocol);
int socketpair(int domain, int type, int protocol, int fd[2]);
int bind(int fd, const struct sockaddr *a, socklen_t n);
int listen(int fd, int backlog);
int accept(int fd, struct sockaddr *a, socklen_t *n);
int accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int connect(int fd, const struct sockaddr *a, socklen_t n);
int getsockname(int fd, struct sockaddr *a, socklen_t *n);
int getpeername(int fd, struct sockaddr *a, socklen_t *n);
ssize_t send(int fd, const void *buf, size_t n, int flags);
ssize_t recv(int fd, void *buf, size_t n, int flags);
ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *a,
               socklen_t alen);
ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *a, socklen_t *alen);
ssize_t sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t recvmsg(int fd, struct msghdr *m, int flags);
int shutdown(int fd, int how);
int setsockopt(int fd, int level, int name, const void *v, socklen_t n);
int getsockopt(int fd, int level, int name, void *v, socklen_t *n);

#ifdef __cplusplus
}
#endif

#endif
