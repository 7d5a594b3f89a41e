/* socket.c - BSD sockets in C, over loopback: what the headers of gort/capp/lib/include promise. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int bad;

#define EXPECT(x) \
    do { \
        if (!(x)) { \
            printf("line %d: %s (errno %d)\n", __LINE__, #x, errno); \
            bad++; \
        } \
    } while (0)
#define FAILS(x, e) EXPECT((errno = 0, (x) < 0) && errno == (e))

static void text(int family, const char *in, const char *out)
{
    uint8_t b[16];
    char back[INET6_ADDRSTRLEN];

    if (!out) {
        EXPECT(inet_pton(family, in, b) == 0);
        return;
    }
    EXPECT(inet_pton(family, in, b) == 1);
    EXPECT(inet_ntop(family, b, back, sizeof back) && !strcmp(back, out));
}

static void texts(void)
{
    char b[16];

    text(AF_INET, "127.0.0.1", "127.0.0.1");
    text(AF_INET, "255.255.255.255", "255.255.255.255");
    text(AF_INET, "1.2.3", NULL);
    text(AF_INET, "1.2.3.256", NULL);
    text(AF_INET, "01.2.3.4", NULL);
    text(AF_INET, "1.2.3.4.", NULL);
    text(AF_INET6, "::", "::");
    text(AF_INET6, "::1", "::1");
    text(AF_INET6, "fe80::", "fe80::");
    text(AF_INET6, "1:0:0:2:0:0:0:3", "1:0:0:2::3");
    text(AF_INET6, "2001:DB8::192.0.2.1", "2001:db8::c000:201");
    text(AF_INET6, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
    text(AF_INET6, "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    text(AF_INET6, "1::2::3", NULL);
    text(AF_INET6, ":1", NULL);
    text(AF_INET6, "1:", NULL);
    text(AF_INET6, "12345::", NULL);
    text(AF_INET6, "1:2:3:4:5:6:7:8:9", NULL);
    FAILS(inet_pton(99, "", b), EAFNOSUPPORT);
    EXPECT(!inet_ntop(AF_INET, "\x7f\0\0\1", b, 9) && errno == ENOSPC);
    EXPECT(inet_addr("1.2.3.4") == htonl(0x01020304) && inet_addr("x") == INADDR_NONE);
}

static void names(void)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *a;

    EXPECT(!getaddrinfo("localhost", "80", &hints, &a));
    EXPECT(a && a->ai_protocol == IPPROTO_TCP);
    freeaddrinfo(a);
    hints.ai_family = AF_INET6;
    EXPECT(!getaddrinfo("::1", "443", &hints, &a));
    EXPECT(a && !a->ai_next && ((struct sockaddr_in6 *)a->ai_addr)->sin6_port == htons(443));
    freeaddrinfo(a);
    EXPECT(getaddrinfo("127.0.0.1", "80", &hints, &a) == EAI_NONAME);
    EXPECT(getaddrinfo("no.such.host", "80", NULL, &a) == EAI_NONAME);
    EXPECT(getaddrinfo("::1", "http", NULL, &a) == EAI_SERVICE);
    EXPECT(getaddrinfo(NULL, NULL, NULL, &a) == EAI_NONAME);
}

static int listener(struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int l = socket(AF_INET, SOCK_STREAM, 0);

    *a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    EXPECT(l >= 0 && !bind(l, (struct sockaddr *)a, sizeof *a) && !listen(l, 5));
    EXPECT(!getsockname(l, (struct sockaddr *)a, &n) && n == sizeof *a && a->sin_port);
    return l;
}

static void stream(void)
{
    struct sockaddr_in a, peer;
    socklen_t n = sizeof peer;
    int l = listener(&a), c = socket(AF_INET, SOCK_STREAM, 0), one = 1, err = 7;
    char buf[64];

    FAILS(bind(c, (struct sockaddr *)&a, sizeof a), EADDRINUSE);
    FAILS(recv(c, buf, 1, 0), ENOTCONN);
    EXPECT(!connect(c, (struct sockaddr *)&a, sizeof a));
    FAILS(connect(c, (struct sockaddr *)&a, sizeof a), EISCONN);
    int s = accept(l, (struct sockaddr *)&peer, &n);
    EXPECT(s >= 0 && n == sizeof peer && peer.sin_family == AF_INET);
    EXPECT(!setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    EXPECT(send(c, "hello", 5, 0) == 5);
    EXPECT(recv(s, buf, sizeof buf, MSG_PEEK) == 5 && recv(s, buf, sizeof buf, 0) == 5);
    FAILS(recv(s, buf, 1, MSG_DONTWAIT), EAGAIN);
    EXPECT(!shutdown(c, SHUT_WR) && recv(s, buf, 1, 0) == 0);
    EXPECT(write(s, "back", 4) == 4 && read(c, buf, sizeof buf) == 4);
    close(s);
    close(l);
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(connect(refused, (struct sockaddr *)&a, sizeof a), ECONNREFUSED);
    n = sizeof err;
    EXPECT(!getsockopt(refused, SOL_SOCKET, SO_ERROR, &err, &n) && !err);
    close(refused);
    close(c);
}

/* SO_ERROR's value is an errno of this library, not the kernel's. */
static void pending(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int u = socket(AF_INET, SOCK_DGRAM, 0), gone = socket(AF_INET, SOCK_DGRAM, 0), err = 0;

    EXPECT(!bind(gone, (struct sockaddr *)&a, n) && !getsockname(gone, (struct sockaddr *)&a, &n));
    close(gone);
    EXPECT(!connect(u, (struct sockaddr *)&a, sizeof a) && send(u, "x", 1, 0) == 1);
    n = sizeof err;
    EXPECT(!getsockopt(u, SOL_SOCKET, SO_ERROR, &err, &n) && err == ECONNREFUSED);
    close(u);
    FAILS(send(0, "x", 1, 0), ENOTSOCK);
    FAILS(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT);
}

static void pass(int to, int from)
{
    union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = { 0 };
    char byte = 'f';
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
                        .msg_controllen = sizeof c };
    int p[2], got;

    EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
    memcpy(CMSG_DATA(h), &p[0], sizeof(int));
    EXPECT(sendmsg(to, &m, 0) == 1);
    memset(&c, 0, sizeof c);
    m.msg_controllen = sizeof c;
    EXPECT(recvmsg(from, &m, 0) == 1 && CMSG_FIRSTHDR(&m) && !CMSG_NXTHDR(&m, CMSG_FIRSTHDR(&m)));
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
    EXPECT(write(got, "y", 1) == 1 && read(p[1], &byte, 1) == 1 && byte == 'y');
    close(got);
    close(p[0]);
    close(p[1]);
}

static void waiting(void)
{
    struct timeval t = { 0, 10000 };
    fd_set in;
    int p[2];
    char b;

    EXPECT(!socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
    struct pollfd f[2] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 } };
    EXPECT(poll(f, 1, 10) == 0);
    EXPECT(poll(f, 2, 1000) == 1 && !f[0].revents && f[1].revents == POLLOUT);
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    EXPECT(select(p[0] + 1, &in, NULL, NULL, &t) == 0 && !FD_ISSET(p[0], &in));
    EXPECT(write(p[1], "z", 1) == 1);
    FD_SET(p[0], &in);
    EXPECT(select(p[0] + 1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &in));
    EXPECT(poll(f, 1, -1) == 1 && f[0].revents == POLLIN && read(p[0], &b, 1) == 1 && b == 'z');
    pass(p[0], p[1]);
    t = (struct timeval){ 0, 20000 };
    EXPECT(!setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    FAILS(read(p[0], &b, 1), EAGAIN);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    texts();
    names();
    stream();
    pending();
    waiting();
    printf("%d bad\n", bad);
    return 0;
}
