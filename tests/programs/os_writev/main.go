// A short writev into a pipe is one message: all or nothing, never mixed with others'.
package main

import (
	"bytes"
	"fmt"
	"sync"
	"syscall"
	"unsafe"
)

func writev(fd int, parts ...[]byte) (int, syscall.Errno) {
	v := make([]syscall.Iovec, len(parts))
	for i, p := range parts {
		v[i].Base = &p[0]
		v[i].SetLen(len(p))
	}
	n, _, e := syscall.Syscall(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v[0])), uintptr(len(v)))
	return int(n), e
}

func main() {
	var p [2]int
	syscall.Pipe2(p[:], syscall.O_NONBLOCK)
	full := make([]byte, 65536-4096+1000)
	n, err := syscall.Write(p[1], full)
	fmt.Println(n, err)
	a, b := bytes.Repeat([]byte{'a'}, 2000), bytes.Repeat([]byte{'b'}, 2000)
	fmt.Println(writev(p[1], a, b)) // does not fit
	fmt.Println(syscall.Read(p[0], full))
	fmt.Println(writev(p[1], a, b))
	fmt.Println(syscall.Read(p[0], full))
	fmt.Println(bytes.Equal(full[:4000], append(a, b...)))

	const writers, messages = 4, 2000
	var q [2]int
	syscall.Pipe(q[:])
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			head, body := []byte{byte(w)}, bytes.Repeat([]byte{byte(w)}, 99)
			for range messages {
				if n, e := writev(q[1], head, body[:50], body[50:]); n != 100 || e != 0 {
					fmt.Println("writev:", n, e)
				}
			}
		}()
	}
	mixed := 0
	var got []byte
	buf := make([]byte, 30000)
	for len(got) < writers*messages*100 {
		n, err := syscall.Read(q[0], buf)
		if n <= 0 {
			fmt.Println("read:", n, err)
			return
		}
		got = append(got, buf[:n]...)
	}
	for i := 0; i < len(got); i += 100 {
		for _, c := range got[i : i+100] {
			if c != got[i] {
				mixed++
				break
			}
		}
	}
	wg.Wait()
	fmt.Println("mixed:", mixed)
}
