// System calls without package os.
package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

func main() {
	var fds [2]int
	fmt.Println(syscall.Pipe(fds[:]))
	go func() {
		var ts = syscall.Timespec{Nsec: 20000000}
		syscall.Nanosleep(&ts, nil)
		syscall.Write(fds[1], []byte("late"))
	}()
	var b [10]byte // on the stack: the call blocks and fills it
	n, err := syscall.Read(fds[0], b[:])
	fmt.Println(n, err, string(b[:4]))
	var tv syscall.Timeval
	fmt.Println(syscall.Gettimeofday(&tv), tv.Sec > 1700000000)
	_, _, e := syscall.Syscall(syscall.SYS_WRITE, uintptr(fds[1]), 8, 100)
	fmt.Println(e)
	_, _, e = syscall.Syscall(syscall.SYS_WRITE, 99, uintptr(unsafe.Pointer(&b)), 1)
	fmt.Println(e)
	var u syscall.Utsname
	fmt.Println(syscall.Uname(&u), u.Sysname[0] == 'L')
	var r syscall.Rlimit
	fmt.Println(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r), r.Cur >= 256)
	fmt.Println(syscall.Umask(0o77) >= 0, syscall.Umask(0o22))
	var st syscall.Stat_t
	fmt.Println(syscall.Fstat(fds[0], &st), st.Mode&syscall.S_IFMT == syscall.S_IFIFO)
	fmt.Println(syscall.Close(fds[0]), syscall.Close(fds[0]))
	_, err = syscall.Write(fds[1], []byte("x"))
	fmt.Println(err)
	_, err = syscall.Seek(fds[1], 0, 1)
	fmt.Println(err)
}
