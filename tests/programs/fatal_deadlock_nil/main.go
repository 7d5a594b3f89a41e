package main

func main() {
	var c chan int
	done := make(chan bool)
	go func() {
		defer close(done)
		c <- 1
	}()
	<-done
}
