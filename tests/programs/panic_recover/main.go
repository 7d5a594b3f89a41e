// When recover works and when it does not.
package main

import "fmt"

func main() {
	fmt.Println("outside:", recover())
	run("direct", func() { defer func() { fmt.Println(recover()) }(); panic(1) })
	run("helper of deferred", func() { defer func() { helper() }(); panic(2) })
	run("deferred helper", func() { defer helper(); panic(3) })
	run("recover deferred itself", func() { defer recover(); panic(4) })
	run("nested function", func() {
		defer func() { func() { fmt.Println("inner", recover()) }() }()
		panic(5)
	})
	run("twice", func() {
		defer func() { fmt.Println(recover(), recover()) }()
		panic(6)
	})
	run("method value", func() { r := rec{"mv"}; defer r.recover(); panic(7) })
	run("interface method", func() { var i recoverer = rec{"im"}; defer i.recover(); panic(8) })
	run("pointer wrapper", func() { var i recoverer = &rec{"pw"}; defer i.recover(); panic(9) })
	run("bound", func() { f := rec{"bound"}.recover; defer f(); panic(10) })
	run("replaced", func() {
		defer func() { fmt.Println(recover()) }()
		defer func() { panic("second") }()
		panic("first")
	})
	run("recovered and again", func() {
		defer func() { fmt.Println(recover()) }()
		defer func() { recover(); panic("again") }()
		panic("first")
	})
	run("nested recovered", func() {
		defer func() { fmt.Println("outer", recover()) }()
		defer func() {
			defer func() { fmt.Println("inner", recover()) }()
			panic("in deferred")
		}()
		panic("in body")
	})
	fmt.Println(named(false))
	fmt.Println(named(true))
	fmt.Println(loop())
}

type recoverer interface{ recover() }
type rec struct{ name string }

func (r rec) recover() { fmt.Println(r.name, recover()) }

func helper() { fmt.Println("helper", recover()) }

func run(name string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Println(name, "left", r)
		}
	}()
	fmt.Print(name, ": ")
	f()
	fmt.Println(name, "returned")
}

func named(p bool) (s string, n int) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprint("recovered ", r)
		}
		n++
	}()
	if p {
		panic("x")
	}
	return "normal", 1
}

func loop() (n int) {
	for i := range 100 {
		func() {
			defer func() { n += recover().(int) }()
			deep(i % 10)
		}()
	}
	return n
}

func deep(n int) {
	defer func() {
		if n == 3 {
			recover()
			panic(1000)
		}
	}()
	if n == 0 {
		panic(1)
	}
	deep(n - 1)
}
