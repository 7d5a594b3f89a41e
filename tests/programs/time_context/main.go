package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

type key struct{}

func main() {
	root := context.WithValue(context.Background(), key{}, "value")
	ctx, cancel := context.WithTimeout(root, 20*time.Millisecond)
	defer cancel()
	child, cancelChild := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { <-child.Done() })
	}
	wg.Wait()
	fmt.Println(ctx.Err(), child.Err(), context.Cause(child), child.Value(key{}))
	cancelChild(errors.New("too late"))
	fmt.Println(context.Cause(child), errors.Is(child.Err(), context.DeadlineExceeded))

	c2, cancel2 := context.WithCancelCause(root)
	ran := make(chan bool)
	stopped := context.AfterFunc(c2, func() {
		fmt.Println("after func:", context.Cause(c2))
		close(ran)
	})
	cancel2(errors.New("my reason"))
	<-c2.Done()
	<-ran
	fmt.Println(c2.Err(), context.Cause(c2), stopped())
	_, ok := root.Deadline()
	dl, ok2 := ctx.Deadline()
	fmt.Println(ok, ok2, time.Until(dl) < 0, context.WithoutCancel(c2).Err())
}
