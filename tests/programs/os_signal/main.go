// Signals to oneself.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTERM)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	p, _ := os.FindProcess(os.Getpid())
	fmt.Println(p.Signal(syscall.SIGTERM), <-c)
	signal.Ignore(syscall.SIGHUP)
	fmt.Println(signal.Ignored(syscall.SIGHUP))
	syscall.Kill(syscall.Getpid(), syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	syscall.Kill(syscall.Getpid(), syscall.SIGINT)
	select {
	case <-ctx.Done():
		fmt.Println(ctx.Err())
	case <-time.After(time.Minute):
		fmt.Println("no signal")
	}
	stop()
	signal.Stop(c)
	signal.Reset()
	fmt.Println("waiting for the end")
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	time.Sleep(time.Minute)
}
