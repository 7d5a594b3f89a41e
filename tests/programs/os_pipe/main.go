// Pipes: blocking, deadlines, closing, many bytes.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

func main() {
	bulk()
	deadlines()
	closing()
	broken()
	many()
}

func pipe() (*os.File, *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	return r, w
}

func bulk() {
	r, w := pipe()
	sum := make(chan [32]byte)
	go func() {
		b, err := io.ReadAll(r)
		fmt.Println("read", len(b), err)
		sum <- sha256.Sum256(b)
	}()
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	n, err := w.Write(data)
	fmt.Println("wrote", n, err)
	w.Close()
	fmt.Println(<-sum == sha256.Sum256(data))
	r.Close()
}

func deadlines() {
	r, w := pipe()
	start := time.Now()
	r.SetReadDeadline(start.Add(50 * time.Millisecond))
	_, err := r.Read(make([]byte, 1))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded), time.Since(start) >= 50*time.Millisecond)
	_, err = r.Read(make([]byte, 1))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	r.SetReadDeadline(time.Time{})
	go func() {
		time.Sleep(10 * time.Millisecond)
		w.Write([]byte("x"))
	}()
	n, err := r.Read(make([]byte, 9))
	fmt.Println(n, err)
	w.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	n, err = w.Write(make([]byte, 1<<20))
	// What the pipe holds is written, or nothing if the time was over before.
	fmt.Println(n == 0 || n == 65536, errors.Is(err, os.ErrDeadlineExceeded))
	r.Close()
	w.Close()
}

func closing() {
	r, w := pipe()
	done := make(chan error)
	go func() {
		_, err := r.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	r.Close()
	fmt.Println(errors.Is(<-done, os.ErrClosed))
	w.Close()
	r, w = pipe()
	go func() {
		_, err := r.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	w.Close()
	fmt.Println(<-done)
	r.Close()
}

func broken() {
	r, w := pipe()
	r.Close()
	_, err := w.Write([]byte("x"))
	fmt.Println(err)
	w.Close()
}

func many() {
	var wg sync.WaitGroup
	total := make(chan int, 50)
	for i := range 50 {
		r, w := pipe()
		wg.Go(func() {
			for j := range 100 {
				w.Write([]byte{byte(i), byte(j)})
			}
			w.Close()
		})
		wg.Go(func() {
			b, _ := io.ReadAll(r)
			r.Close()
			total <- len(b)
		})
	}
	wg.Wait()
	close(total)
	sum := 0
	for n := range total {
		sum += n
	}
	fmt.Println(sum)
}
