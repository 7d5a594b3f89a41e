// A named pipe: both opens wait for each other.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	dir, _ := os.MkdirTemp("", "fifo")
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "pipe")
	fmt.Println(syscall.Mkfifo(name, 0o600))
	fi, _ := os.Stat(name)
	fmt.Println(fi.Mode())
	got := make(chan string)
	go func() {
		r, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		b, err := io.ReadAll(r)
		fmt.Println(err)
		got <- string(b)
	}()
	w, err := os.OpenFile(name, os.O_WRONLY, 0)
	fmt.Println(err)
	fmt.Fprint(w, "through the pipe")
	w.Close()
	fmt.Println(<-got)
}
