// What /proc/self/status, stat and getrusage say of signals, memory and switches: the sets of signals
// that the runtime, os/signal and sigaction leave, and figures that are not zero.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// field returns what stands behind a name in a file of lines "Name:\tvalue".
func field(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	_, rest, _ := strings.Cut(string(b), "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

func number(file, name string) (n int) {
	fmt.Sscan(field(file, name), &n)
	return n
}

const status = "/proc/self/status"

func show(what, file string) {
	fmt.Print(what, ":")
	for _, name := range []string{"SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"} {
		fmt.Print(" ", field(file, name))
	}
	fmt.Println()
}

func signals() {
	show("start", status)
	c := make(chan os.Signal, 5)
	signal.Notify(c, syscall.SIGTSTP, syscall.SIGUSR1)
	show("notify TSTP USR1", status)
	signal.Stop(c)
	show("stop", status)
	signal.Ignore(syscall.SIGINT, syscall.SIGSEGV, syscall.Signal(34), syscall.SIGKILL, syscall.SIGTTOU)
	show("ignore INT SEGV 34 KILL TTOU", status)
	signal.Reset(syscall.SIGINT)
	show("reset INT", status)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTTOU)
	show("notify INT TTOU", status)
	signal.Reset()
	show("reset", status)
	syscall.Kill(os.Getpid(), syscall.SIGINT) // is lost: Reset has brought back what Notify found
	signal.Notify(c)
	show("notify all", status)
	signal.Ignore()
	show("ignore all", status)
	signal.Reset()
	show("reset all", status)
	raw(13, uintptr(syscall.SIGUSR1), action(1))
	raw(13, 34, action(1))
	var old [4]uintptr
	raw(13, 34, action(0), uintptr(unsafe.Pointer(&old)))
	show("sigaction USR1, 34", status)
	fmt.Println("old", old[0])
	raw(13, uintptr(syscall.SIGUSR1), action(0))
	show("default USR1", status)
}

// action gives a sigaction structure's address: memory that stays.
func action(handler uintptr) uintptr {
	a := &actions[handler]
	a[0] = handler
	return uintptr(unsafe.Pointer(a))
}

var actions [2][4]uintptr
var blocked uint64

func raw(num, a, b uintptr, c ...uintptr) {
	c = append(c, 0)
	if _, _, e := syscall.RawSyscall6(num, a, b, c[0], 8, 0, 0); e != 0 {
		fmt.Println(num, e)
	}
}

// stat shows the same four sets as /proc/self/stat has them: 31 signals, decimal.
func stat() {
	b, _ := os.ReadFile("/proc/self/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	fmt.Println("stat:", f[28:32])
	var lo, hi int
	fmt.Sscan(f[23]+" "+f[24], &lo, &hi)
	fmt.Println("code:", lo > 0 && hi > lo)
}

func thread() {
	queued := func() (n int) {
		fmt.Sscanf(field(status, "SigQ"), "%d/", &n)
		return n
	}
	blocked = 1<<(syscall.SIGUSR2-1) | 1<<39
	raw(14, 0, uintptr(unsafe.Pointer(&blocked)))
	show("blocked USR2 40", status)
	for _, s := range []syscall.Signal{syscall.SIGUSR2, 40, 40, syscall.SIGUSR2} {
		syscall.Tgkill(os.Getpid(), syscall.Gettid(), s)
	}
	show("pending", status)
	show("thread", "/proc/thread-self/status")
	fmt.Println("queued:", queued() >= 3) // of all processes, on Linux
	stat()
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		show("another", "/proc/thread-self/status")
		done <- true
	}()
	<-done
}

func figures() {
	big := make([]byte, 32<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	runtime.KeepAlive(big)
	big = nil
	runtime.GC()
	fmt.Println("memory:", number(status, "VmRSS") > 0, number(status, "VmHWM") >= 32<<10,
		number(status, "VmHWM")+4096 >= number(status, "VmRSS"), // Linux counts each thread's last pages late
		number(status, "VmPeak") >= number(status, "VmSize"),
		number(status, "VmPeak") >= number(status, "VmHWM"), number(status, "VmExe") > 0)
	n := number(status, "voluntary_ctxt_switches")
	for range 10 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("switches:", number(status, "voluntary_ctxt_switches") >= n+5)
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	fmt.Println("rusage:", u.Maxrss >= 32<<10, u.Nvcsw >= int64(n))
}

func init() { runtime.LockOSThread() }

// begin starts the program anew if its parent has signals lost for it, as nohup does: Go's runtime
// leaves some of them so.
func begin() {
	var lost uint64
	fmt.Sscanf(field(status, "SigIgn"), "%x", &lost)
	if lost == 0 || os.Getenv("AGAIN") != "" {
		return
	}
	for s := uintptr(1); s <= 64; s++ {
		if lost>>(s-1)&1 != 0 {
			raw(13, s, action(0))
		}
	}
	fmt.Println(syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), "AGAIN=1")))
}

func main() {
	begin()
	signals()
	thread()
	figures()
}
