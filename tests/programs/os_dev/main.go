// Devices and /proc.
package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"
)

func open(name string, flag int) *os.File {
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		panic(err)
	}
	return f
}

func main() {
	null := open("/dev/null", os.O_RDWR)
	n, err := null.Write([]byte("gone"))
	fmt.Println(n, err)
	_, err = null.Read(make([]byte, 1))
	fmt.Println(err)
	b := bytes.Repeat([]byte{7}, 10)
	io.ReadFull(open("/dev/zero", os.O_RDONLY), b)
	fmt.Println(b)
	_, err = open("/dev/full", os.O_WRONLY).Write([]byte("x"))
	fmt.Println(err)
	a, c := make([]byte, 1000), make([]byte, 1000)
	io.ReadFull(open("/dev/urandom", os.O_RDONLY), a)
	rand.Read(c)
	fmt.Println(bytes.Equal(a, c), bytes.Count(a, []byte{0}) < 50)
	fi, _ := os.Stat("/dev/null")
	fmt.Println(fi.Mode())
	exe, err := os.ReadFile("/proc/self/exe")
	fmt.Println(string(exe[1:4]), err)
	cmd, _ := os.ReadFile("/proc/self/cmdline")
	fmt.Println(strings.Count(string(cmd), "\x00") == len(os.Args))
	maps, _ := os.ReadFile("/proc/self/maps")
	fmt.Println(strings.Contains(string(maps), "r-xp"))
	fds, err := os.ReadDir("/proc/self/fd")
	fmt.Println(len(fds) >= 3, err)
	fmt.Fprintln(open("/dev/stdout", os.O_WRONLY), "through /dev/stdout")
	host, err := os.Hostname()
	fmt.Println(host != "", err)
	fmt.Println(os.Getpagesize(), os.Getuid() >= 0, os.Getpid() > 0)
}
