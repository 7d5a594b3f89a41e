package main

type shape interface{ area() int }
type square struct{ side int }

func (s *square) area() int { return s.side * s.side }

func main() {
	var x any = square{3}
	println(x.(shape).area())
}
