// Memory mappings.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	m, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	fmt.Println(len(m), err)
	for i := 0; i < len(m); i += 4096 {
		if m[i] != 0 {
			panic("not zero")
		}
		m[i] = byte(i >> 12)
	}
	fmt.Println(m[5*4096])
	fmt.Println(syscall.Mprotect(m, syscall.PROT_READ), syscall.Munmap(m))
	f, _ := os.CreateTemp("", "map")
	defer os.Remove(f.Name())
	f.WriteString("contents of the file")
	m, err = syscall.Mmap(int(f.Fd()), 0, 20, syscall.PROT_READ, syscall.MAP_SHARED)
	fmt.Println(string(m), err)
	fmt.Println(syscall.Munmap(m))
	m, err = syscall.Mmap(int(f.Fd()), 0, 20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	copy(m, "CONTENTS")
	syscall.Munmap(m)
	b, _ := os.ReadFile(f.Name())
	fmt.Println(string(b), err)
	_, err = syscall.Mmap(int(f.Fd()), 1, 20, syscall.PROT_READ, syscall.MAP_SHARED)
	fmt.Println(err)
	fmt.Println(syscall.Munmap(m))
}
