// The file tree takes all memory that it may have; the rest of the program goes on.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func fill(name string) (int64, error) {
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_CREAT, 0o600)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(fd)
	block := make([]byte, 1<<20)
	var total int64
	for {
		n, err := syscall.Write(fd, block)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

func main() {
	if err := os.Chdir(os.TempDir()); err != nil {
		panic(err)
	}
	fd, _ := syscall.Open("large", syscall.O_RDWR|syscall.O_CREAT, 0o600)
	before := used()
	fmt.Println(syscall.Fallocate(fd, 0, 0, 1<<40))
	fmt.Println(syscall.Fallocate(fd, 0, 0, 400<<20))
	var st syscall.Stat_t
	syscall.Fstat(fd, &st)
	fmt.Println(st.Size, st.Blocks, used() < before+(1<<20)) // what it made is given back
	fmt.Println(syscall.Mkfifo("fifo", 0o600), syscall.Symlink("large", "link"))
	n, err := fill("full")
	fmt.Println(n > 100<<20, err)
	_, err = syscall.Write(fd, make([]byte, 1<<20))
	fmt.Println(err)

	// Blocking calls need a little of the kernel's memory each.
	in, _ := syscall.Open("fifo", syscall.O_RDWR, 0)
	done := make(chan int)
	const readers = 1000
	for range readers {
		go func() {
			var b [1]byte
			n, _ := syscall.Read(in, b[:])
			done <- n
		}()
	}
	time.Sleep(50 * time.Millisecond)
	small := make([]byte, readers)
	fmt.Println(syscall.Write(in, small))
	sum := 0
	for range readers {
		sum += <-done
	}
	fmt.Println(sum)
	names, err := os.ReadDir(".")
	fmt.Println(len(names) >= 4, err)
	fmt.Println(os.Readlink("link"))
	fmt.Println(os.Remove("full"), os.Truncate("link", 5))
	_, err = syscall.Write(fd, make([]byte, 1<<20))
	fmt.Println(err)
}

func used() int64 {
	var s syscall.Statfs_t
	syscall.Statfs(".", &s)
	return int64(s.Blocks-s.Bfree) * s.Bsize
}
