/* console.h - the machine's byte channels.
 *
 * Three leave it: the program's stdout, its stderr together with kernel messages, and the control
 * channel by which the host side learns the exit status and receives output files. Each is a port
 * of a virtio console, if the host gives one by the name of gort.stdout, gort.stderr, gort.control,
 * else COM1, COM2, COM3. With gort.stdout alone, or COM1, stderr goes there too, in order. Input
 * comes from the port gort.stdin or COM1; keys on COM3, the port gort.control, or escaped on
 * COM1. */
#ifndef DRIVERS_CONSOLE_H
#define DRIVERS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void console_init(void);       /* boot: output works from here on, kprintf's too */
void console_input_init(void); /* needs irq_init, and looks for ports: after virtio_init */
/* console_out.c: looks for the host's ports; true: stdout has one. */
bool console_ports(void);
/* Interrupt context: this serial port takes output again. */
void console_sent_irq(unsigned port);
/* The machine ends, or its program: tells the host to take all that is written. From now on a
 * device that takes nothing is waited for for 3 s, not for a minute. Once is enough. g0 or crash
 * context, any locks but those of the console. */
void console_ending(void);
/* Waits (bounded) until everything that was written has left the machine. Any context. */
void console_drain(void);

enum console_channel { CONSOLE_OUT, CONSOLE_ERR, CONSOLE_CTL };

/* Is there a way for a host to hear of the exit status: COM3, or a port of that name? */
bool console_controlled(void);
/* Raw bytes to a channel. g0 or crash context. Waits as long as the device takes them, and a
 * minute (console_ending: 3 s) for one that takes none: for messages. Lines of up to a KiB stay
 * whole as long as the device takes them at once. */
void console_write(enum console_channel ch, const void *buf, size_t n);
/* As console_write to CONSOLE_ERR, for what a program's runtime says: on the screen, too, where no
 * host takes it. */
void console_show(const void *buf, size_t n);
/* As much of n > 0 bytes as there is room for, returned; 0: none, and the callback of
 * console_set_input_callback is called when there is. A port takes up to CONSOLE_WHOLE bytes whole
 * or not at all. Never waits: for programs. g0 context. */
#define CONSOLE_WHOLE 4096u
size_t console_put(enum console_channel ch, const void *buf, size_t n);
/* Would console_put take anything? If not, the callback comes. g0 context. */
bool console_room(enum console_channel ch);

/* Input bytes that the receive interrupt has queued for the program's stdin: copies up to
 * n, returns the count, 0 if there is none now, -1 after end of input (Ctrl-D at the start
 * of a line, or 0x1c 'd' from the runner, never read as data). g0 context. */
long console_read(void *buf, size_t n);
/* How often the host has said, where keys come from, that it has done what it was asked for. g0. */
uint32_t console_answers(void);
/* Which keys have been pressed since the last call: on COM3, on the port gort.control if there is
 * no COM3, or met by console_read. g0. */
enum console_key { KEY_INTERRUPT = 1, KEY_QUIT = 2, KEY_GOROUTINES = 4, KEY_SCHED = 8,
                   KEY_POWER = 16 };
unsigned console_take_keys(void);
/* Any context. */
void console_press(unsigned key);
/* fn runs in interrupt context (no locks!) whenever bytes or keys have arrived, or room for
 * output that was waited for. */
void console_set_input_callback(void (*fn)(void));

#endif
