/* cpio.c - see cpio.h. */
#include "boot/common/cpio.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 110u
#define FIELD_COUNT 13u
#define TRAILER     "TRAILER!!!"

/* The header's fields in file order, 8 hexadecimal digits each, after the 6 byte magic. */
enum field {
    F_INO,
    F_MODE,
    F_UID,
    F_GID,
    F_NLINK,
    F_MTIME,
    F_FILESIZE,
    F_DEVMAJOR,
    F_DEVMINOR,
    F_RDEVMAJOR,
    F_RDEVMINOR,
    F_NAMESIZE,
    F_CHECK
};

static const char *const field_names[FIELD_COUNT] = {
    "inode",  "mode",   "uid",     "gid",     "link count", "mtime",     "file size",
    "device", "device", "rdevice", "rdevice", "name size",  "check sum",
};

__attribute__((format(printf, 3, 4))) static int fail(struct cpio *c, int error, const char *fmt,
                                                      ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->text, sizeof c->text, fmt, ap);
    va_end(ap);
    c->error = error;
    return error;
}

static int hex_digit(uint8_t ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static int parse_fields(struct cpio *c, const uint8_t *h, uint32_t v[FIELD_COUNT])
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        v[i] = 0;
        for (unsigned k = 0; k < 8; k++) {
            int d = hex_digit(h[6 + 8 * i + k]);
            if (d < 0)
                return fail(c, CPIO_BAD_DIGIT,
                            "entry at offset %zu: %s is not hexadecimal (byte 0x%02x)", c->pos,
                            field_names[i], h[6 + 8 * i + k]);
            v[i] = v[i] << 4 | (uint32_t)d;
        }
    }
    return CPIO_OK;
}

static int check_name(struct cpio *c, const char *name, uint32_t namesize)
{
    if (namesize < 2 || namesize > CPIO_NAME_MAX + 1)
        return fail(c, CPIO_BAD_NAME, "entry at offset %zu: name of %u bytes", c->pos,
                    (unsigned)namesize);
    if (name[namesize - 1])
        return fail(c, CPIO_BAD_NAME, "entry at offset %zu: name lacks its NUL", c->pos);
    size_t len = strlen(name);
    for (size_t i = len; i < namesize; i++)
        if (name[i])
            return fail(c, CPIO_BAD_NAME, "entry at offset %zu: NUL inside of a name", c->pos);
    if (len == 0)
        return fail(c, CPIO_BAD_NAME, "entry at offset %zu: empty name", c->pos);
    return CPIO_OK;
}

/* Refuses what could leave the tree or name one file twice: "/a", "a//b", "./a", "a/../b". */
static bool name_is_safe(const char *name)
{
    for (const char *p = name;; p++) {
        const char *end = strchr(p, '/');
        size_t n = end ? (size_t)(end - p) : strlen(p);
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        if (!end)
            return true;
        p = end;
    }
}

static int check_mode(struct cpio *c, const struct cpio_entry *e)
{
    uint32_t type = e->mode & CPIO_S_IFMT;

    if (type != CPIO_S_IFREG && type != CPIO_S_IFDIR && type != CPIO_S_IFLNK)
        return fail(c, CPIO_BAD_MODE,
                    "entry at offset %zu (%s): mode 0%o is no file, directory or link", c->pos,
                    e->name, (unsigned)e->mode);
    if (type == CPIO_S_IFDIR && e->size)
        return fail(c, CPIO_BAD_MODE, "entry at offset %zu (%s): directory with data", c->pos,
                    e->name);
    return CPIO_OK;
}

void cpio_open(struct cpio *c, const void *base, size_t size)
{
    c->base = base;
    c->size = size;
    c->pos = 0;
    c->error = CPIO_OK;
    c->text[0] = 0;
}

/* Checks magic and room of the header at c->pos; *summed tells which magic it was. */
static int check_magic(struct cpio *c, bool *summed)
{
    const uint8_t *h = c->base + c->pos;
    size_t left = c->size - c->pos;

    if (left == 0 && c->pos)
        return fail(c, CPIO_NO_TRAILER, "archive ends at %zu without a trailer", c->size);
    if (left < 6 || memcmp(h, "07070", 5) != 0 || (h[5] != '1' && h[5] != '2'))
        return fail(c, CPIO_BAD_MAGIC, "no newc cpio header at offset %zu of %zu", c->pos, c->size);
    if (left < HEADER_SIZE)
        return fail(c, CPIO_TRUNCATED, "archive ends inside the header at offset %zu", c->pos);
    *summed = h[5] == '2';
    return CPIO_OK;
}

/* Places name and data, and moves c->pos behind them. All sums are in 64 bits of 32-bit
 * fields and offsets below the size: they cannot wrap. */
static int place(struct cpio *c, const uint32_t v[FIELD_COUNT], struct cpio_entry *e)
{
    uint64_t name = c->pos + HEADER_SIZE, name_end = name + v[F_NAMESIZE];
    uint64_t data = (name_end + 3) & ~3ull, end = data + v[F_FILESIZE];

    if (name_end > c->size)
        return fail(c, CPIO_TRUNCATED,
                    "entry at offset %zu: name ends at %llu, archive has %zu bytes", c->pos,
                    (unsigned long long)name_end, c->size);
    int error = check_name(c, (const char *)c->base + name, v[F_NAMESIZE]);
    if (error)
        return error;
    e->name = (const char *)c->base + name;
    if (v[F_FILESIZE] && end > c->size)
        return fail(c, CPIO_TRUNCATED,
                    "entry at offset %zu (%s): data end at %llu, archive has %zu bytes", c->pos,
                    e->name, (unsigned long long)end, c->size);
    e->offset = c->pos;
    e->size = v[F_FILESIZE];
    end = (end + 3) & ~3ull;
    if (data > c->size)
        data = c->size;
    e->data = c->base + data;
    c->pos = end < c->size ? (size_t)end : c->size;
    return CPIO_OK;
}

static void fill(struct cpio_entry *e, const uint32_t v[FIELD_COUNT], bool summed)
{
    e->ino = v[F_INO];
    e->mode = v[F_MODE];
    e->uid = v[F_UID];
    e->gid = v[F_GID];
    e->nlink = v[F_NLINK];
    e->mtime = v[F_MTIME];
    e->sum = v[F_CHECK];
    e->has_sum = summed;
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
    while (!c->error) {
        uint32_t v[FIELD_COUNT];
        bool summed = false;
        size_t start = c->pos;

        if (check_magic(c, &summed) || parse_fields(c, c->base + c->pos, v) || place(c, v, e))
            break;
        size_t next = c->pos;
        c->pos = start; /* messages below still speak of this entry */
        if (strcmp(e->name, TRAILER) == 0)
            return 0;
        fill(e, v, summed);
        if (check_mode(c, e))
            break;
        bool root = strcmp(e->name, ".") == 0;
        if (strncmp(e->name, "./", 2) == 0)
            e->name += 2;
        if (!root && !name_is_safe(e->name)) {
            fail(c, CPIO_UNSAFE_NAME, "entry at offset %zu: unsafe name %s", c->pos, e->name);
            break;
        }
        e->name_len = strlen(e->name);
        c->pos = next;
        if (!root)
            return 1;
    }
    return c->error;
}

/* The sum of all bytes modulo 2^32, eight at a time: each of four 16-bit lanes takes two
 * bytes per word, so 128 words (128 * 2 * 255 < 65536) fit before the lanes are emptied. */
static uint32_t byte_sum(const uint8_t *p, size_t n)
{
    const uint64_t low = 0x00ff00ff00ff00ffull;
    uint32_t sum = 0;

    while (n >= 8) {
        uint64_t lanes = 0;
        for (unsigned k = 0; k < 128 && n >= 8; k++, p += 8, n -= 8) {
            uint64_t w;
            __builtin_memcpy(&w, p,
                             8); /* one load: plain memcpy is a call in a freestanding build */
            lanes += (w & low) + (w >> 8 & low);
        }
        for (; lanes; lanes >>= 16)
            sum += (uint32_t)(lanes & 0xffff);
    }
    while (n--)
        sum += *p++;
    return sum;
}

bool cpio_sum_ok(const struct cpio_entry *e)
{
    return !e->has_sum || byte_sum(e->data, e->size) == e->sum;
}

/* FNV-1a, the constants of its authors. */
static uint64_t name_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325ull;

    while (*s)
        h = (h ^ (uint8_t)*s++) * 0x100000001b3ull;
    return h ^ h >> 29;
}

/* Is there an entry of this name before `e`? All entries before it are known to be good. */
static bool named_before(const struct cpio *c, const struct cpio_entry *e)
{
    struct cpio scan;
    struct cpio_entry other;

    cpio_open(&scan, c->base, c->size);
    while (cpio_next(&scan, &other) == 1 && other.offset < e->offset)
        if (other.name_len == e->name_len && memcmp(other.name, e->name, e->name_len) == 0)
            return true;
    return false;
}

int cpio_check(struct cpio *c, uint64_t *seen, size_t words, size_t *count)
{
    struct cpio_entry e;
    size_t n = 0;

    memset(seen, 0, words * sizeof *seen);
    c->pos = 0;
    while (cpio_next(c, &e) == 1) {
        uint64_t h = name_hash(e.name) & (words * 64 - 1);
        if ((seen[h / 64] >> h % 64 & 1) && named_before(c, &e))
            return fail(c, CPIO_DUPLICATE, "entry at offset %zu: second %s", e.offset, e.name);
        seen[h / 64] |= 1ull << h % 64;
        if (!cpio_sum_ok(&e))
            return fail(c, CPIO_BAD_SUM, "entry at offset %zu (%s): data are damaged", e.offset,
                        e.name);
        n++;
    }
    if (count)
        *count = n;
    return c->error;
}
