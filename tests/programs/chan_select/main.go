// All forms of select.
package main

import "fmt"

func main() {
	a, b := make(chan int, 1), make(chan string, 1)
	select {
	case v := <-a:
		fmt.Println("a", v)
	default:
		fmt.Println("nothing")
	}
	a <- 5
	select {
	case v, ok := <-a:
		fmt.Println("a", v, ok)
	case s := <-b:
		fmt.Println("b", s)
	}
	select {
	case a <- 6:
		fmt.Println("sent")
	default:
		fmt.Println("full")
	}
	select {
	case a <- 7:
		fmt.Println("sent")
	default:
		fmt.Println("full", len(a))
	}
	var none chan int
	select {
	case <-none:
	case none <- 1:
	case v := <-a:
		fmt.Println("nil channels never", v)
	}
	close(b)
	select {
	case s, ok := <-b:
		fmt.Printf("%q %v\n", s, ok)
	}

	done := make(chan bool)
	go func() {
		select {
		case v := <-a:
			fmt.Println("late", v)
		case <-none:
		}
		done <- true
	}()
	a <- 8
	<-done

	i := 0
	arr := [3]int{}
	c := make(chan int, 1)
	c <- 42
	select {
	case arr[index(&i)] = <-c:
	}
	fmt.Println(arr, i)
}

func index(i *int) int { *i++; return *i }
