// Says what the date is, two seconds of its own time apart.
package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println(time.Now().UnixMilli())
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		time.Now()
	}
	fmt.Println(time.Now().UnixMilli())
}
