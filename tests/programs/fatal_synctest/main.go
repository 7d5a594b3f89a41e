// A bubble's channel is used from outside.
package main

import (
	"testing"
	"testing/synctest"
)

func leak(t *testing.T) {
	var c chan int
	synctest.Test(t, func(*testing.T) { c = make(chan int, 1) })
	select {
	case c <- 1:
	default:
	}
}

func main() {
	testing.Main(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "TestLeak", F: leak}}, nil, nil)
}
