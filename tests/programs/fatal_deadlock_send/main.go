package main

func main() {
	c := make(chan int, 1)
	c <- 1
	go func() { c <- 2 }()
	c <- 3
}
