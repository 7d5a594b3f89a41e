// What a program asks of the system about its threads and limits: the CPUs that a thread may use,
// /proc/self/task, limits that are set and read back, and the one on addresses, which mmap obeys.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

func affinity(trap uintptr, pid int, mask *[16]uint64) (uintptr, syscall.Errno) {
	n, _, err := syscall.RawSyscall(trap, uintptr(pid), unsafe.Sizeof(*mask), uintptr(unsafe.Pointer(mask)))
	return n, err
}

func setAndGet() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, got [16]uint64
	_, err := affinity(syscall.SYS_SCHED_GETAFFINITY, 0, &old)
	fmt.Println("affinity:", err, old != got)
	last := 0
	for i := range 1024 {
		if old[i/64]>>(i%64)&1 != 0 {
			last = i
		}
	}
	var want [16]uint64
	want[last/64] = 1 << (last % 64)
	_, err = affinity(syscall.SYS_SCHED_SETAFFINITY, 0, &want)
	_, err2 := affinity(syscall.SYS_SCHED_GETAFFINITY, 0, &got)
	fmt.Println("one CPU:", err, err2, got == want)
	got = [16]uint64{15: 1 << 63}
	_, err = affinity(syscall.SYS_SCHED_SETAFFINITY, 0, &got)
	fmt.Println("a CPU that there is not:", err)
	_, err = affinity(syscall.SYS_SCHED_SETAFFINITY, 0, &[16]uint64{})
	fmt.Println("none:", err)
	all := [16]uint64{}
	for i := range all {
		all[i] = ^uint64(0)
	}
	_, err = affinity(syscall.SYS_SCHED_SETAFFINITY, syscall.Gettid(), &all)
	got = [16]uint64{}
	_, err2 = affinity(syscall.SYS_SCHED_GETAFFINITY, 0, &got)
	fmt.Println("more than there are:", err, err2, got == old)
	_, err = affinity(syscall.SYS_SCHED_GETAFFINITY, -1, &got)
	_, err2 = affinity(syscall.SYS_SCHED_SETAFFINITY, -1, &got)
	fmt.Println("no such thread:", err, err2)
}

func threads() {
	var tasks []string
	for count, tries := "", 0; count != fmt.Sprint(len(tasks)); tries++ { // until none has come meanwhile
		status, err := os.ReadFile("/proc/self/status")
		_, rest, _ := strings.Cut(string(status), "\nThreads:\t")
		count, _, _ = strings.Cut(rest, "\n")
		tasks, _ = filepath.Glob("/proc/self/task/*")
		if err != nil || tries == 100 {
			fmt.Println("tasks:", err, count, len(tasks))
			break
		}
	}
	for _, task := range tasks {
		for _, name := range []string{"stat", "status", "comm", "schedstat", "children"} {
			if _, err := os.ReadFile(task + "/" + name); err != nil {
				fmt.Println(err)
			}
		}
		stat, _ := os.ReadFile(task + "/stat")
		if n, _, _ := strings.Cut(string(stat), " "); n != filepath.Base(task) {
			fmt.Println("the stat of thread", filepath.Base(task), "is that of", n)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	to, err := os.Readlink("/proc/thread-self")
	fmt.Println("thread-self:", err, to == fmt.Sprintf("%d/task/%d", os.Getpid(), syscall.Gettid()))
}

func limits() {
	const rlimitFsize, rlimitAS = 1, 9
	var old, got syscall.Rlimit
	size := syscall.Rlimit{Cur: 1 << 40, Max: 1 << 41}
	err := syscall.Setrlimit(rlimitFsize, &size)
	err2 := syscall.Getrlimit(rlimitFsize, &got)
	fmt.Println("a file's size:", err, err2, got == size)
	err = syscall.Setrlimit(rlimitFsize, &syscall.Rlimit{Cur: 2, Max: 1})
	fmt.Println("soft above hard:", err)
	fmt.Println("addresses:", syscall.Getrlimit(rlimitAS, &old))
	less := old
	less.Cur = 4096
	err = syscall.Setrlimit(rlimitAS, &less)
	_, err2 = syscall.Mmap(-1, 0, 8192, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	fmt.Println("too many of them:", err, err2)
	err = syscall.Setrlimit(rlimitAS, &old)
	b, err2 := syscall.Mmap(-1, 0, 8192, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	fmt.Println("enough:", err, err2, len(b))
}

func requests() {
	const rndGetEntCnt, siocEthtool, noCommand = 0x80045200, 0x8946, 0xfffffff
	var bits int32
	f, err := os.Open("/dev/random")
	_, _, err2 := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), rndGetEntCnt, uintptr(unsafe.Pointer(&bits)))
	fmt.Println("random:", err, err2, bits > 0)
	f, err = os.Open("/dev/zero")
	_, _, err2 = syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), rndGetEntCnt, uintptr(unsafe.Pointer(&bits)))
	fmt.Println("zero:", err, err2)
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	raw, _ := c.(*net.UDPConn).SyscallConn()
	for _, name := range []string{"lo", "nowhere"} {
		command := [4]uint32{noCommand}
		var request struct {
			name [16]byte
			data unsafe.Pointer
			rest [16]byte
		}
		copy(request.name[:], name)
		request.data = unsafe.Pointer(&command)
		raw.Control(func(fd uintptr) {
			_, _, err2 = syscall.Syscall(syscall.SYS_IOCTL, fd, siocEthtool, uintptr(unsafe.Pointer(&request)))
		})
		fmt.Println("ethtool:", name, err, err2)
	}
}

func main() {
	setAndGet()
	threads()
	limits()
	requests()
}
