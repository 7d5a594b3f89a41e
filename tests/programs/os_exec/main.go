// There are no other processes: os/exec returns an error.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	err := exec.Command("ls").Run()
	fmt.Println(err, errors.Is(err, exec.ErrNotFound))
	err = exec.Command("/proc/self/exe").Run()
	fmt.Println(err, errors.Is(err, syscall.ENOSYS))
	_, err = os.StartProcess("/proc/self/exe", []string{"x"}, &os.ProcAttr{})
	fmt.Println(err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(err)
	var w syscall.WaitStatus
	_, err = syscall.Wait4(-1, &w, 0, nil)
	fmt.Println(err)
}
