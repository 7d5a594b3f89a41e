// Goexit from main leaves the others running; when they are gone that is a deadlock.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	deferred := make(chan bool)
	go func() { <-deferred; fmt.Println("still running") }()
	defer close(deferred)
	defer fmt.Println("deferred")
	runtime.Goexit()
}
