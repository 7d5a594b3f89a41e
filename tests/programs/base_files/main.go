// Files of the bundle, through os and io/fs.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	data, err := os.ReadFile("poem.txt")
	fmt.Printf("%q %v\n", data, err)

	f, err := os.Open("tree/numbers.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var n int
		fmt.Sscan(s.Text(), &n)
		sum += n
	}
	st, err := f.Stat()
	fmt.Println(sum, st.Name(), st.Size(), st.IsDir(), st.Mode().IsRegular(), err)
	at, err := f.Seek(2, io.SeekStart)
	b := make([]byte, 3)
	n, err2 := io.ReadFull(f, b)
	fmt.Println(at, err, n, err2, string(b))
	n, err = f.ReadAt(b, 0)
	fmt.Println(n, err, string(b))
	at, err = f.Seek(-1, io.SeekEnd)
	fmt.Println(at, err)
	n, err = f.Read(b)
	fmt.Println(n, err)
	n, err = f.Read(b)
	fmt.Println(n, err)
	fmt.Println(f.Close(), f.Close() != nil)

	var names []string
	err = filepath.WalkDir("tree", func(path string, d fs.DirEntry, err error) error {
		names = append(names, fmt.Sprint(path, " ", d.IsDir()))
		return err
	})
	fmt.Println(strings.Join(names, "; "), err)

	_, err = os.ReadFile("tree/absent")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	_, err = os.ReadFile("poem.txt/x")
	fmt.Println(err)
	_, err = os.ReadFile("tree")
	fmt.Println(err)
	_, err = os.Stat("/nowhere/at/all")
	fmt.Println(os.IsNotExist(err))
}
