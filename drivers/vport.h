/* vport.h - byte streams that have a name: the ports of a virtio console (virtio 1.1, section
 * 5.3). The host gives them:
 *
 *   -device virtio-serial-pci -chardev ...,id=c -device virtserialport,chardev=c,name=gort.stdout
 *
 * Output is copied into a ring that the device reads: nothing here waits for the device, and a
 * port's lock (RANK_PORT) is held for a copy. After a crash has begun no lock is taken; a
 * port whose lock another CPU held at that moment is not used any more. */
#ifndef DRIVERS_VPORT_H
#define DRIVERS_VPORT_H

#include <stdbool.h>
#include <stddef.h>

struct vport;

/* A write of up to so many bytes is whole in the stream, or does not happen: what Linux promises of
 * pipes (PIPE_BUF, pipe(7)). Several writers of one port mix whole messages only. */
#define VPORT_WHOLE 4096u

/* The port of that name, which the host has opened; NULL: there is none. */
struct vport *vport_find(const char *name);
/* Copies n > 0 bytes, of more than VPORT_WHOLE as much as there is room for, and tells the device;
 * returns bytes, 0: none now. g0 or crash context. */
size_t vport_write(struct vport *p, const void *buf, size_t n);
/* True: there is room now, for VPORT_WHOLE bytes at least; false: the callback comes when half of
 * the writes under way have been taken. */
bool vport_room(struct vport *p);
/* Copies input that has arrived; 0: there is none now, and the callback comes when there is. */
size_t vport_read(struct vport *p, void *buf, size_t n);
/* Has the device taken everything? No lock, any context. */
bool vport_drained(const struct vport *p);
/* False once its device has been reset for a fault, or vport_abandon. Any context. */
bool vport_alive(const struct vport *p);
void vport_abandon(struct vport *p);
/* The oldest bytes of an abandoned port that its device has not taken; they count as taken then.
 * Returns how many, 0: that was all. g0 or crash context. */
size_t vport_rest(struct vport *p, const uint8_t **part);
/* Resets devices that have broken the protocol, with a message. No locks; g0. */
void vport_settle(void);
/* fn(arg) in interrupt context when input has come, or room that was waited for. */
void vport_set_callback(void (*fn)(void *), void *arg);

#endif
