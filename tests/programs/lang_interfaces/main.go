package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

type animal interface {
	name() string
	animalNoise
}
type animalNoise interface{ noise() string }
type base struct{ n string }

func (b base) name() string { return b.n }

type dog struct {
	base
	loud bool
}

func (d *dog) noise() string {
	if d.loud {
		return "WUFF"
	}
	return "wuff"
}

type num int

func (n num) name() string  { return fmt.Sprint("num", int(n)) }
func (n num) noise() string { return "click" }

type myErr struct{ code int }

func (e *myErr) Error() string        { return fmt.Sprint("code ", e.code) }
func (e *myErr) Is(target error) bool { return target == io.EOF && e.code == 0 }

func mayFail(code int) error {
	var e *myErr
	if code != 0 {
		e = &myErr{code}
	}
	return e
}

func kind(x any) string {
	switch v := x.(type) {
	case nil:
		return "nil"
	case int, int64:
		return fmt.Sprintf("integer %v", v)
	case animal:
		return "animal " + v.name()
	case error:
		return "error " + v.Error()
	case func() int:
		return fmt.Sprint("func ", v())
	case []string:
		return strings.Join(v, "+")
	case fmt.Stringer:
		return "stringer"
	default:
		return fmt.Sprintf("%T", v)
	}
}

func main() {
	for _, a := range []animal{&dog{base{"rex"}, false}, &dog{base{"max"}, true}, num(3)} {
		_, isNum := a.(num)
		fmt.Println(a.name(), a.noise(), isNum)
	}
	for _, x := range []any{nil, 1, int64(2), num(4), errors.New("e"), func() int { return 5 }, []string{"a", "b"}, 1.5, struct{}{}, map[int]bool{}} {
		fmt.Println(kind(x))
	}
	err := mayFail(0)
	fmt.Println(err == nil, mayFail(2))
	wrapped := fmt.Errorf("outer: %w", errors.Join(mayFail(7), io.ErrUnexpectedEOF))
	var me *myErr
	fmt.Println(errors.As(wrapped, &me), me.code, errors.Is(wrapped, io.ErrUnexpectedEOF), errors.Is(wrapped, io.EOF), errors.Is(&myErr{0}, io.EOF))
	fmt.Println(wrapped)
	var x, y any = 1, 1
	fmt.Println(x == y, x == any(1.0), x == any(int8(1)), any([2]int{1, 2}) == any([2]int{1, 2}))
	var r io.Reader = strings.NewReader("read through an interface")
	if w, ok := r.(io.WriterTo); ok {
		var sb strings.Builder
		n, _ := w.WriteTo(&sb)
		fmt.Println(n, sb.String())
	}
	_, ok := r.(io.Closer)
	fmt.Println(ok)
}
