package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
)

type inner struct{ A, B int }
type rec struct {
	Name string `json:"name" db:"n"`
	Age  int
	inner
	Inner *inner
	tags  []string
}

func (r rec) Hello(greeting string, more ...int) (string, int) {
	n := 0
	for _, m := range more {
		n += m
	}
	return greeting + ", " + r.Name, n
}
func (r *rec) SetAge(a int) { r.Age = a }
func (r rec) Floats(a float64, b float32, c int8, s struct{ X, Y float64 }) float64 {
	return a + float64(b) + float64(c) + s.X*s.Y
}

type binary func(int, int) int

func main() {
	r := &rec{Name: "Ann", Age: 30, Inner: &inner{1, 2}, tags: []string{"t"}}
	t := reflect.TypeOf(*r)
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Println(f.Name, f.Type, f.Tag.Get("db"), f.Offset, f.Anonymous, f.IsExported())
	}
	for i := range reflect.TypeOf(r).NumMethod() {
		m := reflect.TypeOf(r).Method(i)
		fmt.Println(m.Name, m.Type)
	}
	v := reflect.ValueOf(r)
	out := v.MethodByName("Hello").Call([]reflect.Value{reflect.ValueOf("hi"), reflect.ValueOf(1), reflect.ValueOf(2)})
	fmt.Println(out[0], out[1].Int())
	out = v.Method(1).CallSlice([]reflect.Value{reflect.ValueOf("yo"), reflect.ValueOf([]int{4, 5})})
	fmt.Println(out[0], out[1])
	v.MethodByName("SetAge").Call([]reflect.Value{reflect.ValueOf(31)})
	v.Elem().Field(0).SetString("Bob")
	fmt.Println(r.Name, r.Age)
	fl := v.MethodByName("Floats").Interface().(func(float64, float32, int8, struct{ X, Y float64 }) float64)
	fmt.Println(fl(1.5, 2.25, -3, struct{ X, Y float64 }{2, 4}))

	mul := reflect.MakeFunc(reflect.TypeOf(binary(nil)), func(args []reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.ValueOf(int(args[0].Int() * args[1].Int()))}
	}).Interface().(binary)
	fmt.Println(mul(6, 7))
	var join func(string, []string, ...any) (string, error)
	reflect.ValueOf(&join).Elem().Set(reflect.MakeFunc(reflect.TypeOf(join), func(a []reflect.Value) []reflect.Value {
		s := strings.Join(a[1].Interface().([]string), a[0].String()) + fmt.Sprint(a[2].Len())
		return []reflect.Value{reflect.ValueOf(s), reflect.Zero(reflect.TypeFor[error]())}
	}))
	fmt.Println(join("-", []string{"a", "b"}, 1, 2.0, "x"))

	m := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), reflect.TypeFor[int]()))
	for i, k := range []string{"one", "two", "three"} {
		m.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(i+1))
	}
	keys := m.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	fmt.Println(keys, m.Len(), m.Interface())
	s := reflect.Append(reflect.MakeSlice(reflect.SliceOf(reflect.TypeFor[int]()), 0, 1), reflect.ValueOf(1), reflect.ValueOf(2))
	fmt.Println(s, s.Len(), s.Type(), reflect.DeepEqual(s.Interface(), []int{1, 2}))
	st := reflect.StructOf([]reflect.StructField{
		{Name: "X", Type: reflect.TypeFor[int](), Tag: `json:"x"`},
		{Name: "F", Type: reflect.TypeFor[func() string]()}})
	sv := reflect.New(st).Elem()
	sv.Field(0).SetInt(5)
	fmt.Printf("%v %+v\n", st, sv.Field(0))
	fmt.Println(reflect.ArrayOf(3, st).Size(), reflect.ChanOf(reflect.RecvDir, st).String()[:8], reflect.PointerTo(t), reflect.FuncOf([]reflect.Type{t}, nil, false))

	c1, c2 := make(chan int, 1), make(chan string)
	cases := []reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c1)},
		{Dir: reflect.SelectSend, Chan: reflect.ValueOf(c2), Send: reflect.ValueOf("s")},
		{Dir: reflect.SelectDefault}}
	i, _, _ := reflect.Select(cases)
	fmt.Println(i)
	c1 <- 11
	i, x, ok := reflect.Select(cases)
	fmt.Println(i, x, ok)
	go func() { reflect.ValueOf(c2).Recv() }()
	i, _, _ = reflect.Select(cases[:2])
	fmt.Println(i)
	close(c1)
	x, ok = reflect.ValueOf(c1).Recv()
	fmt.Println(x, ok)
	try := func(f func()) {
		defer func() { fmt.Println("panic:", recover()) }()
		f()
	}
	try(func() { reflect.ValueOf(*r).Field(0).SetString("x") })
	try(func() { v.Elem().FieldByName("tags").Set(reflect.ValueOf([]string{})) })
	try(func() { v.MethodByName("Hello").Call(nil) })
	try(func() { reflect.ValueOf(3).Len() })
	try(func() {
		reflect.MakeFunc(reflect.TypeOf(func() {}), func([]reflect.Value) []reflect.Value { panic("inside") }).Call(nil)
	})
	sw := reflect.Swapper([]string{"a", "b"})
	sw(0, 1)
	ptr := reflect.New(reflect.TypeFor[[3]int]())
	ptr.Elem().Index(1).SetInt(8)
	fmt.Println(ptr.Elem(), ptr.Type(), reflect.ValueOf(any(nil)).IsValid(), reflect.Indirect(ptr).Len())
}
