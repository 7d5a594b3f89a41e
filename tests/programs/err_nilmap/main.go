package main

type index struct{ m map[string][]int }

func (x *index) add(k string, v int) { x.m[k] = append(x.m[k], v) }

func main() { new(index).add("k", 1) }
