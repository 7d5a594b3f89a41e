/* cpio.h - reads a "newc" cpio archive that lies in memory. Pure: no allocation, no state
 * but the caller's, so that it also runs in host tests.
 *
 *   header (110 ASCII bytes) | name, NUL | pad to 4 | data | pad to 4 | next header ...
 *   ... | entry named TRAILER!!! | anything
 *
 * Both magics are read: 070701 and 070702, which carries a byte sum of each entry's data
 * (scripts/mkbundle writes it, so that a flipped bit is found at boot). A name may be
 * padded with further NULs: mkbundle does it to page-align the data of `init`.
 *
 * The bytes are not trusted: every length is checked before it is used. An error stops the
 * walk for good and leaves a text that names what is wrong and the offset of the entry.
 * Format: cpio(5), and the kernel documentation of initramfs buffers. */
#ifndef BOOT_COMMON_CPIO_H
#define BOOT_COMMON_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpio_error {
    CPIO_OK = 0,
    CPIO_BAD_MAGIC = -1, /* not an archive, or not where a header should be */
    CPIO_BAD_DIGIT = -2, /* a header field is not hexadecimal */
    CPIO_TRUNCATED = -3, /* a header, name or data reaches past the end */
    CPIO_NO_TRAILER = -4, /* the archive ends between entries, without its trailer */
    CPIO_BAD_NAME = -5, /* empty, not NUL-terminated, NUL inside, too long */
    CPIO_UNSAFE_NAME = -6, /* absolute, or with "..", "." or empty components */
    CPIO_BAD_MODE = -7, /* no file type that we know, or data where none may be */
    CPIO_BAD_SUM = -8, /* data differ from the sum in the header */
    CPIO_DUPLICATE = -9, /* two entries have one name */
};

#define CPIO_S_IFMT  0170000u
#define CPIO_S_IFDIR 0040000u
#define CPIO_S_IFREG 0100000u
#define CPIO_S_IFLNK 0120000u

#define CPIO_NAME_MAX 4095u /* bytes of a name, its NUL not counted */
#define CPIO_TEXT_MAX 192u /* bytes of an error text; long names are cut */

struct cpio_entry {
    const char *name; /* NUL-terminated, relative, no "./" in front */
    const uint8_t *data; /* in the archive; of a symbolic link: the target, no NUL */
    size_t name_len;
    size_t size; /* bytes of data */
    size_t offset; /* of the header in the archive, for messages */
    uint32_t mode; /* type and permissions, as in struct stat */
    uint32_t ino, uid, gid, nlink;
    uint32_t mtime; /* seconds since 1970 */
    uint32_t sum; /* valid if has_sum */
    bool has_sum;
};

struct cpio {
    const uint8_t *base;
    size_t size, pos;
    int error; /* sticky */
    char text[CPIO_TEXT_MAX];
};

void cpio_open(struct cpio *c, const void *base, size_t size);
/* The next entry: 1, or 0 at the trailer, or an enum cpio_error with c->text. A "./" in
 * front of names is skipped and the entry "." itself is passed over, as `find | cpio`
 * makes them. Data sums are not looked at. */
int cpio_next(struct cpio *c, struct cpio_entry *e);
/* Does the entry's data match its sum? True if it has none. Reads all of the data. */
bool cpio_sum_ok(const struct cpio_entry *e);
/* Walks the whole archive, sums and duplicate names included. `seen` is scratch space of
 * `words` 64-bit words, a power of two: a set of name hashes that keeps the search for
 * duplicates near linear (of 8192 words up to some 20,000 entries). Returns 0 and the
 * number of entries in *count (may be NULL), or an error with c->text. */
int cpio_check(struct cpio *c, uint64_t *seen, size_t words, size_t *count);

#endif
