package main

import "sync"

func main() {
	c := sync.NewCond(new(sync.Mutex))
	c.L.Lock()
	c.Wait()
}
