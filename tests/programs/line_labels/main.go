// Labels in tracebacks: asked for by GODEBUG, in the way of the release line.
package main

import (
	"context"
	"runtime"
	"runtime/pprof"
	"strings"
)

func wait(ready chan<- bool) {
	ready <- true
	select {}
}

func labelled(ready chan<- bool, pairs ...string) {
	ctx := pprof.WithLabels(context.Background(), pprof.Labels(pairs...))
	pprof.SetGoroutineLabels(ctx)
	wait(ready)
}

func main() {
	ready := make(chan bool)
	go labelled(ready, "req", "42", "user/id", "a.b_c")
	<-ready
	go labelled(ready, "plain", "two words", "quote\"d", "back\\slash", "empty", "")
	<-ready
	go labelled(ready, "control", "a\x00b\tc\nd\re\x7ff", "wide", "é世�\U0001f600", "bad", "\xff\xc3x\xe4\xb8")
	<-ready
	go wait(ready)
	<-ready
	for buf := make([]byte, 1<<16); strings.Count(string(buf[:runtime.Stack(buf, true)]), "[select (no cases)") < 4; {
		runtime.Gosched()
	}
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("who", "main")))
	panic("labels")
}
