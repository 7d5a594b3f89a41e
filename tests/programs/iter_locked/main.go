// A coroutine goes with its creator's lock to a thread, and no other way.
package main

import (
	"fmt"
	"iter"
	"runtime"
)

func count(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

func main() {
	runtime.LockOSThread()
	next, stop := iter.Pull(count)
	for range 3 {
		fmt.Println(next())
	}
	stop()
	runtime.UnlockOSThread()

	next, stop = iter.Pull(count)
	fmt.Println(next())
	stop()

	runtime.LockOSThread()
	next, _ = iter.Pull(count)
	fmt.Println(next())
	runtime.UnlockOSThread()
	fmt.Println(next())
}
