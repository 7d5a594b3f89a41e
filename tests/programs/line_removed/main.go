// A setting that Go 1.27 no longer has, set to its old value, ends the program before main.
package main

func main() { println("not reached") }
