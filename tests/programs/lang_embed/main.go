// Embedding, promoted methods through pointers and interfaces, method expressions, shadowing.
package main

import "fmt"

type logger struct{ lines []string }

func (l *logger) log(s string)  { l.lines = append(l.lines, s) }
func (l logger) count() int     { return len(l.lines) }
func (l *logger) Error() string { return fmt.Sprint(l.lines) }

type named struct{ name string }

func (n named) String() string { return "named " + n.name }

type service struct {
	*logger
	named
	error
	port int
}

func (s service) count() int { return s.logger.count() * 100 }

type outer struct {
	service
	extra [3]int
}

func main() {
	o := outer{service: service{logger: &logger{}, named: named{"svc"}, port: 80}}
	o.log("one")
	o.service.log("two")
	f := o.log
	f("three")
	(*logger).log(o.logger, "four")
	fmt.Println(o.count(), o.logger.count(), o.port, o.name, o.String())
	var c interface{ count() int } = o
	fmt.Println(c.count(), fmt.Stringer(o).String())
	g := outer.count
	h := interface{ count() int }.count
	fmt.Println(g(o), h(c))
	p := &o
	p.service.named.name = "changed"
	fmt.Println(p, o.logger)
	defer func() { fmt.Println(recover()) }()
	_ = o.service.error.Error()
}
