// Goroutines that wait for a device, a deadline, a signal or the finalizer queue are woken while
// the collector marks: with the boot option stackmove it moves each of their stacks.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

type node struct {
	next *node
	pad  [6]int
}

var keep *node

func list(n int) (l *node) {
	for range n {
		l = &node{next: l}
	}
	return l
}

// deadlines reads from a pipe that stays empty: each read ends with its deadline.
func deadlines(stop *atomic.Bool, done chan<- string) {
	r, w, err := os.Pipe()
	if err != nil {
		done <- err.Error()
		return
	}
	defer w.Close()
	var b [16]byte
	for !stop.Load() {
		r.SetReadDeadline(time.Now().Add(200 * time.Microsecond))
		if n, err := r.Read(b[:]); n != 0 || !os.IsTimeout(err) {
			done <- fmt.Sprint("deadline: ", n, err)
			return
		}
	}
	done <- "deadlines"
}

func pipes(stop *atomic.Bool, done chan<- string) {
	r, w, err := os.Pipe()
	if err != nil {
		done <- err.Error()
		return
	}
	go func() {
		for i := 0; !stop.Load(); i++ {
			fmt.Fprintf(w, "%08d", i)
			if i%16 == 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
		w.Close()
	}()
	var b [8]byte
	for i := 0; ; i++ {
		if _, err := io.ReadFull(r, b[:]); err == io.EOF {
			break
		} else if n, e := strconv.Atoi(string(b[:])); e != nil || err != nil || n != i {
			done <- fmt.Sprint("pipe: ", string(b[:]), err, e)
			return
		}
	}
	done <- "pipes"
}

func signals(stop *atomic.Bool, done chan<- string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	for !stop.Load() {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		select {
		case <-c:
		case <-time.After(30 * time.Second):
			done <- "a signal is lost"
			return
		}
	}
	done <- "signals"
}

func finalizers(stop *atomic.Bool, done chan<- string) {
	for !stop.Load() {
		ran := make(chan int, 1)
		o := &node{}
		o.pad[0] = 42
		runtime.SetFinalizer(o, func(o *node) { ran <- o.pad[0] })
		o = nil
		select {
		case v := <-ran:
			if v != 42 {
				done <- fmt.Sprint("finalizer of ", v)
				return
			}
		case <-time.After(60 * time.Second):
			done <- "a finalizer is lost"
			return
		}
	}
	done <- "finalizers"
}

func main() {
	ms := 300
	if len(os.Args) > 1 {
		ms, _ = strconv.Atoi(os.Args[1])
	}
	keep = list(50000)
	var stop atomic.Bool
	done := make(chan string)
	work := []func(*atomic.Bool, chan<- string){deadlines, pipes, signals, finalizers}
	for _, f := range work {
		go f(&stop, done)
	}
	go func() {
		for { // until the end: a finalizer may still be waited for
			runtime.GC()
		}
	}()
	time.Sleep(time.Duration(ms) * time.Millisecond)
	stop.Store(true)
	said := map[string]bool{}
	for range work {
		s := <-done
		if said[s] = true; s[len(s)-1] != 's' {
			fmt.Println(s)
		}
	}
	fmt.Println(len(said), said["deadlines"], said["pipes"], said["signals"], said["finalizers"])
}
