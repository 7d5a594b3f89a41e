package main

func main() {
	m := map[any]bool{}
	m[func() {}] = true
}
