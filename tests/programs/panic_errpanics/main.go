package main

type bad struct{}

func (bad) Error() string { panic("Error itself panics") }

func main() { panic(bad{}) }
