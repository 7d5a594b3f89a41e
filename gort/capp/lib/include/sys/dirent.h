/* sys/dirent.h - directories, for newlib's <dirent.h>, which has none of its own. */
#ifndef GORT_CAPP_LIB_INCLUDE_SYS_DIRENT_H
#define GORT_CAPP_LIB_INCLUDE_SYS_DIRENT_H

#include <stdint.h>

enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10 };
struct dirent { uint64_t d_ino; unsigned char d_type; char d_name[256]; };
typedef struct DIR DIR;
DIR *opendir(const char *path);
struct dirent *readdir(DIR *d);
int closedir(DIR *d);

#endif
