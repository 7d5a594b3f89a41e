/* virtio_mmio.h - the words of the command line that name devices. Pure. */
#ifndef DRIVERS_VIRTIO_MMIO_H
#define DRIVERS_VIRTIO_MMIO_H

#include <stddef.h>
#include <stdint.h>

struct virtio_mmio_word {
    uint64_t address, size;
    unsigned irq;
    const char *text;      /* the word, for messages */
    size_t length;
};

/* The next word virtio_mmio.device=... of a command line from *at on, which moves behind it.
 * 1; 0: there is none; -1: it is malformed (text and length are set). */
int virtio_mmio_parse(const char **at, struct virtio_mmio_word *out);

#endif
