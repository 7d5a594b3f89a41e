/* c-echo - an echo server in C: TCP and UDP on one port, IPv4 and IPv6, a goroutine for each
 * connection. c-echo [PORT] */
#include <arpa/inet.h>
#include <errno.h>
#include <gort.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void serve(void *arg)
{
    int fd = (int)(long)arg;
    char buf[16384];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        for (ssize_t sent = 0, m; sent < n; sent += m)
            if ((m = send(fd, buf + sent, (size_t)(n - sent), MSG_NOSIGNAL)) < 0) {
                close(fd);
                return;
            }
    close(fd);
}

static void datagrams(void *arg)
{
    int fd = (int)(long)arg;
    struct sockaddr_storage from;
    char buf[65536];

    for (;;) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
        if (n >= 0)
            sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
}

/* A socket of IPv6 takes IPv4, too. */
static int bound(const char *port, int type)
{
    struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = type, .ai_flags = AI_PASSIVE };
    struct addrinfo *a;
    int one = 1, err = getaddrinfo(NULL, port, &hints, &a);

    if (err) {
        fprintf(stderr, "c-echo: port %s: %s\n", port, gai_strerror(err));
        exit(2);
    }
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen))
        fail("bind");
    freeaddrinfo(a);
    return fd;
}

int main(int argc, char **argv)
{
    const char *port = argc > 1 ? argv[1] : "7";
    int l = bound(port, SOCK_STREAM);

    gort_go(datagrams, (void *)(long)bound(port, SOCK_DGRAM));
    if (listen(l, SOMAXCONN))
        fail("listen");
    printf("echo on port %s\n", port);
    fflush(stdout);
    for (;;) {
        int fd = accept(l, NULL, NULL);
        if (fd >= 0)
            gort_go(serve, (void *)(long)fd);
        else if (errno != ECONNABORTED)
            fail("accept");
    }
}
