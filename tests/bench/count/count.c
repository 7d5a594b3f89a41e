/* count.c - a plugin of QEMU's translator that counts the guest's instructions, per CPU and per
 * block of code, into a file that others map while the guest runs (scripts/lib/counted.py).
 *
 *     qemu-system-x86_64 -plugin count.so,out=PATH ...
 *
 * What is counted is what runs: a CPU that halts counts nothing, whatever the clocks do. An
 * exception in the midst of a block counts the whole of it. A string instruction counts each
 * repetition, as it does under -icount.
 *
 * QEMU's header for plugins is not installed everywhere; what is declared here is its interface
 * by the manual (docs/devel/tcg-plugins), of which PLUGIN_VERSION says the version. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
typedef void vcpu_cb(unsigned int vcpu, void *arg);
typedef void trans_cb(uint64_t id, struct qemu_plugin_tb *tb);
enum { CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, trans_cb *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, vcpu_cb *, int flags, void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

/* The file: this header, then the blocks. Little-endian, all of 64 bits. */
enum { CPUS = 64, BLOCKS = 1 << 18 };
struct block { uint64_t pc, insns, runs; };
struct file {
    uint64_t total[CPUS];           /* [its CPU] instructions */
    uint64_t nblocks;               /* [lock] */
    uint64_t unused[63];
    struct block blocks[BLOCKS];    /* runs: [atomic]; the rest [const once it is counted] */
};
static struct file *file;
static uint32_t table[2 * BLOCKS];  /* [lock] by hash: number of a block + 1 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The block's record: the same again when the code is translated again. What does not fit shares
 * the last one. */
static struct block *block_of(uint64_t pc, uint64_t insns)
{
    uint64_t h = (pc ^ insns << 48) * 0x9e3779b97f4a7c15ull >> 32;
    struct block *b;

    for (;; h++) {
        uint32_t *slot = &table[h % (2 * BLOCKS)];
        if (*slot) {
            b = &file->blocks[*slot - 1];
            if (b->pc == pc && b->insns == insns)
                return b;
            continue;
        }
        if (file->nblocks == BLOCKS)
            return &file->blocks[BLOCKS - 1];
        b = &file->blocks[file->nblocks];
        *b = (struct block){ pc, insns, 0 };
        *slot = (uint32_t)++file->nblocks;
        return b;
    }
}

static void ran(unsigned int vcpu, void *arg)
{
    struct block *b = arg;
    uint64_t *total = &file->total[vcpu % CPUS];

    __atomic_store_n(total, *total + b->insns, __ATOMIC_RELAXED);
    __atomic_store_n(&b->runs, b->runs + 1, __ATOMIC_RELAXED); /* two CPUs may lose some */
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    pthread_mutex_lock(&lock);
    struct block *b = block_of(qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb));
    pthread_mutex_unlock(&lock);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, ran, CB_NO_REGS, b);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    int fd = -1;

    (void)info;
    if (argc == 1 && !strncmp(argv[0], "out=", 4))
        fd = open(argv[0] + 4, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *file)) {
        fprintf(stderr, "count.so: out=PATH names no file that can be written\n");
        return -1;
    }
    file = mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (file == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
