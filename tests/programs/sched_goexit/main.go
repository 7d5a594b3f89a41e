// Goexit runs the deferred calls, and cannot be recovered from.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func leave(log *[]string) {
	defer func() { *log = append(*log, fmt.Sprint("recover ", recover())) }()
	runtime.Goexit()
}

func main() {
	var log []string
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		defer func() { log = append(log, "outer") }()
		leave(&log)
		log = append(log, "not reached")
	}()
	wg.Wait()
	fmt.Println(log)

	wg.Add(1)
	go func() {
		defer wg.Done()
		defer func() {
			defer func() { fmt.Println("inner", recover()) }()
			panic("while leaving")
		}()
		runtime.Goexit()
	}()
	wg.Wait()

	wg.Add(1)
	go func() {
		defer wg.Done()
		defer func() { fmt.Println("after panic:", recover()) }()
		defer func() { runtime.Goexit() }()
		panic("replaced")
	}()
	wg.Wait()
	fmt.Println("done")
}
