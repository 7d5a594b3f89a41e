/* Functions that newlib declares and the system provides: files and their flags, directories,
 * clocks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int bad;

static void check(int ok, const char *what)
{
    if (!ok)
        printf("FAIL %s (errno %d)\n", what, errno);
    bad += !ok;
}

static void files(void)
{
    char text[16] = "";
    int fd = open("/f", O_CREAT | O_EXCL | O_RDWR | O_APPEND, 0600), two;
    struct stat st;

    check(fd >= 0 && write(fd, "first", 5) == 5, "create");
    check(open("/f", O_CREAT | O_EXCL | O_RDWR, 0600) < 0 && errno == EEXIST, "O_EXCL");
    check((fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE | O_NONBLOCK)) == (O_APPEND | O_RDWR),
          "F_GETFL");
    check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
          (fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == O_NONBLOCK, "F_SETFL");
    check((two = fcntl(fd, F_DUPFD, 20)) >= 20 && write(two, "then", 4) == 4, "F_DUPFD");
    check(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "F_SETFD");
    check(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, 15) == 9 && !strcmp(text, "firstthen"),
          "read");
    check(fcntl(99, F_GETFL) < 0 && errno == EBADF, "EBADF");
    check(fstat(two, &st) == 0 && st.st_size == 9 && S_ISREG(st.st_mode), "fstat");
    check(ftruncate(fd, 2) == 0 && stat("/f", &st) == 0 && st.st_size == 2, "ftruncate");
    FILE *f = fdopen(two, "a");
    check(f && fprintf(f, "%d", 77) == 2 && fclose(f) == 0 && close(fd) == 0, "fdopen");
    check(open("/f", O_DIRECTORY) < 0 && errno == ENOTDIR, "O_DIRECTORY");
    check(rename("/f", "/g") == 0 && access("/f", R_OK) < 0 && access("/g", R_OK) == 0, "rename");
    check(unlink("/g") == 0 && unlink("/g") < 0 && errno == ENOENT, "unlink");
}

static void directories(void)
{
    int n = 0;
    char name[40], at[64];

    check(mkdir("/d", 0755) == 0 && mkdir("/d", 0755) < 0 && errno == EEXIST, "mkdir");
    check(chdir("/d") == 0 && getcwd(at, sizeof at) && !strcmp(at, "/d"), "chdir");
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "a-file-with-a-name-%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    check(rmdir("/d") < 0 && errno == ENOTEMPTY, "ENOTEMPTY");
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, "a-file-with-", 12)) {
            check(e->d_type == DT_REG, "d_type");
            n++;
        }
    check(n == 300 && closedir(d) == 0, "readdir");
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "/d/a-file-with-a-name-%d", i);
        check(unlink(name) == 0, name);
    }
    check(chdir("/") == 0 && rmdir("/d") == 0 && !opendir("/d") && errno == ENOENT, "rmdir");
}

static void clocks(void)
{
    struct timespec a, b, wait = { 0, 20000000 }, wrong = { 0, 1000000000 };

    check(clock_gettime(CLOCK_MONOTONIC, &a) == 0, "CLOCK_MONOTONIC");
    check(nanosleep(&wait, NULL) == 0 && clock_gettime(CLOCK_MONOTONIC, &b) == 0 &&
          (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 20000000, "nanosleep");
    check(nanosleep(&wrong, NULL) < 0 && errno == EINVAL, "nanosleep, EINVAL");
    check(clock_gettime(CLOCK_REALTIME, &a) == 0 && labs(a.tv_sec - time(NULL)) <= 1 &&
          a.tv_sec > 1700000000, "CLOCK_REALTIME");
    check(clock_gettime(77, &a) < 0 && errno == EINVAL, "no such clock");
    check(clock_getres(CLOCK_MONOTONIC, &a) == 0 && a.tv_nsec > 0, "clock_getres");
    check(clock_settime(CLOCK_REALTIME, &a) < 0 && errno == EPERM, "clock_settime");
    check(sysconf(_SC_PAGESIZE) == 4096 &&
          sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(12345) < 0, "sysconf");
    check(clock() != (clock_t)-1, "clock");
    struct tm tm = { .tm_year = 126, .tm_mon = 0, .tm_mday = 31, .tm_hour = 25 };
    check(mktime(&tm) == 1769907600 && tm.tm_mon == 1 && tm.tm_hour == 1, "mktime");
}

static void environment(void)
{
    check(getenv("GIVEN") && !strcmp(getenv("GIVEN"), "a=b c"), "getenv");
    check(setenv("MINE", "1", 0) == 0 && setenv("MINE", "2", 0) == 0 &&
          !strcmp(getenv("MINE"), "1"), "setenv");
    check(unsetenv("MINE") == 0 && !getenv("MINE"), "unsetenv");
    check(system("true") == -1 || errno == ENOSYS || system(NULL) == 0, "system");
}

static void last(void) { puts(bad ? "bad" : "good"); }

int main(void)
{
    atexit(last);
    files();
    directories();
    clocks();
    environment();
    return bad != 0;
}
