// The first process of the Linux guest that gort is compared with: brings the network up, runs
// /program with the arguments in /.gort/args, as gort would, writes its status to the third serial
// port and turns the machine off. scripts/bench builds the initramfs around it.
package main

import (
	"fmt"
	"os"
	"os/exec"
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

func main() {
	for _, m := range [][2]string{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		os.MkdirAll(m[1], 0o755)
		must(syscall.Mount(m[0], m[1], m[0], 0, ""))
	}
	network()
	text, err := os.ReadFile("/.gort/args")
	must(err)
	args := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	c := exec.Command("/program", args[1:]...)
	c.Stdout, c.Stderr = port("/dev/ttyS0"), port("/dev/ttyS1")
	err = c.Run()
	status := c.ProcessState.ExitCode()
	if status < 0 {
		fmt.Fprintln(c.Stderr, "linuxinit:", err)
		status = 128
	}
	fmt.Fprintf(port("/dev/ttyS2"), "gort: exit %d\n", status)
	off()
}
