/* echo.S - a guest of a few instructions, to test the runner with: greets on COM1 and COM2,
 * then echoes its input. 'q' writes status 7 to COM3 and powers off; 'x' stops without a
 * status; 'h' goes on forever. */
    .section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long start

    .text
    .code32
    .globl start
start:
    mov $0x7000, %esp
    mov $out, %esi
    mov $0x3f8, %dx
    call puts
    mov $err, %esi
    mov $0x2f8, %dx
    call puts
    mov $ready, %esi
    mov $0x3e8, %dx
    call puts
echo:
    mov $0x3fd, %dx
    inb %dx, %al
    test $1, %al
    jnz 1f
    mov $0x3ed, %dx         /* a key on COM3 is echoed too */
    inb %dx, %al
    test $1, %al
    jz echo
    mov $0x3e8, %dx
    inb %dx, %al
    mov $0x3f8, %dx
    call putc
    jmp echo
1:  mov $0x3f8, %dx
    inb %dx, %al
    call putc
    cmp $'q', %al
    je quit
    cmp $'h', %al
    je .
    cmp $'x', %al
    jne echo
    jmp stop
quit:
    mov $ctl, %esi
    mov $0x3e8, %dx
    call puts
stop:
    mov $0xf4, %dx
    outb %al, %dx
    jmp .
puts:
    lodsb
    test %al, %al
    jz 2f
    call putc
    jmp puts
2:  ret
putc:                       /* %al to port %dx, when the transmitter is empty */
    mov %al, %ah
    add $5, %dx
3:  inb %dx, %al
    test $0x20, %al
    jz 3b
    sub $5, %dx
    mov %ah, %al
    outb %al, %dx
    ret

out: .asciz "out\r\n"
err: .asciz "err\n"
ready: .asciz "gort: ready\n"
ctl: .asciz "gort: exit 7\n"
