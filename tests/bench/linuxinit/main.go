// The first process of the Linux guest that gort is compared with: brings the network up, runs
// /program with the arguments in /.gort/args, as gort would, writes its status to the third serial
// port and turns the machine off. The files that /.gort/outputs names come back as lines of stdout,
// each "OUTPUT path base64", and after each file "OUTPUT-SUM path sha256". scripts/bench and
// scripts/pgo build the initramfs around it.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "linuxinit:", err)
		off()
	}
}

func off() {
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func port(name string) *os.File {
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	must(err)
	return f
}

// list reads a file of strings, each ended by a NUL.
func list(name string) []string {
	text, err := os.ReadFile(name)
	must(err)
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 })
}

// sendOutputs writes lines of a length that a terminal's driver takes, and at last the sum of all.
func sendOutputs(to *os.File) {
	for _, path := range list("/.gort/outputs") {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for part := range slices.Chunk(data, 1500) {
			fmt.Fprintf(to, "OUTPUT %s %s\n", path, base64.StdEncoding.EncodeToString(part))
		}
		fmt.Fprintf(to, "OUTPUT-SUM %s %x\n", path, sha256.Sum256(data))
	}
}

func main() {
	for _, m := range [][2]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		os.MkdirAll(m[1], 0o755)
		must(syscall.Mount(m[0], m[1], m[0], 0, ""))
	}
	network()
	files := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20} // rows with many connections
	must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files))
	text, err := os.ReadFile("/.gort/args")
	must(err)
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	c := exec.Command("/program", args[1:]...)
	c.Stdout, c.Stderr = port("/dev/ttyS0"), port("/dev/ttyS1")
	err = c.Run()
	sendOutputs(c.Stdout.(*os.File))
	status := c.ProcessState.ExitCode()
	if status < 0 {
		fmt.Fprintln(c.Stderr, "linuxinit:", err)
		status = 128
	}
	fmt.Fprintf(port("/dev/ttyS2"), "gort: exit %d\n", status)
	off()
}
