package main

func main() {
	c := make(chan int, 4)
	close(c)
	c <- 1
}
