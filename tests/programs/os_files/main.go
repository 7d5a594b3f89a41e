// The file system as package os shows it.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var dir string

// say prints a result with the directory's name taken out.
func say(args ...any) {
	fmt.Print(strings.ReplaceAll(fmt.Sprintln(args...), dir, "DIR"))
}

func at(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var err error
	dir, err = os.MkdirTemp("", "files")
	must(err)
	defer os.RemoveAll(dir)
	contents()
	names()
	links()
	attributes()
	sparse()
	many()
}

func contents() {
	must(os.WriteFile(at("a"), []byte("hello, world\n"), 0o640))
	f, err := os.OpenFile(at("a"), os.O_RDWR|os.O_APPEND, 0)
	must(err)
	n, err := f.WriteString("more\n")
	say("append", n, err)
	_, err = f.Seek(7, io.SeekStart)
	must(err)
	b, err := io.ReadAll(f)
	say(string(b), err)
	must(f.Truncate(5))
	b, _ = os.ReadFile(at("a"))
	say(string(b))
	_, err = f.ReadAt(make([]byte, 10), 2)
	say("ReadAt", err)
	must(f.Close())
	_, err = f.Write(nil)
	say(err)
	_, err = os.OpenFile(at("a"), os.O_CREATE|os.O_EXCL, 0o600)
	say(err, errors.Is(err, fs.ErrExist))
	_, err = os.Open(at("missing"))
	say(err, errors.Is(err, fs.ErrNotExist))
}

func names() {
	must(os.MkdirAll(at("d/e/f"), 0o755))
	say(os.Mkdir(at("d"), 0o755))
	say(os.Remove(at("d")))
	must(os.Rename(at("a"), at("d/e/g")))
	say(os.Rename(at("d"), at("d/e/h")))
	say(os.Rename(at("d/e/g"), at("d/e/f")))
	must(filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		say(p, d.Type(), err)
		return nil
	}))
	must(os.RemoveAll(at("d")))
	es, err := os.ReadDir(dir)
	say(len(es), err)
}

func links() {
	must(os.WriteFile(at("x"), []byte("linked"), 0o600))
	must(os.Link(at("x"), at("y")))
	must(os.Symlink("x", at("z")))
	must(os.Symlink("nowhere", at("broken")))
	s, err := os.Readlink(at("z"))
	say(s, err)
	a, _ := os.Stat(at("x"))
	b, _ := os.Stat(at("y"))
	c, _ := os.Stat(at("z"))
	say(os.SameFile(a, b), os.SameFile(a, c))
	l, _ := os.Lstat(at("z"))
	say(l.Mode(), l.Size())
	_, err = os.Stat(at("broken"))
	say(err)
	must(os.Symlink("loop", at("loop")))
	_, err = os.Open(at("loop"))
	say(err)
	p, err := filepath.EvalSymlinks(at("z"))
	say(filepath.Base(p), err)
}

func attributes() {
	must(os.Chmod(at("x"), 0o4751))
	fi, _ := os.Stat(at("x"))
	say(fi.Mode(), fi.Size(), fi.IsDir())
	when := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
	must(os.Chtimes(at("x"), when, when))
	fi, _ = os.Stat(at("x"))
	say(fi.ModTime().UTC())
	must(os.Chown(at("x"), 12, 34))
	say(os.Chmod(at("missing"), 0o600))
	say(os.Truncate(at("missing"), 0))
}

func sparse() {
	f, err := os.Create(at("sparse"))
	must(err)
	defer f.Close()
	_, err = f.WriteAt([]byte("end"), 1<<33)
	must(err)
	fi, _ := f.Stat()
	say(fi.Size())
	b := make([]byte, 5)
	n, err := f.ReadAt(b, 1<<33-2)
	say(n, err, b)
}

func many() {
	for i := range 500 {
		must(os.WriteFile(at(fmt.Sprintf("file%03d", i)), make([]byte, i*97), 0o644))
	}
	total, count := int64(0), 0
	es, err := os.ReadDir(dir)
	must(err)
	for _, e := range es {
		if strings.HasPrefix(e.Name(), "file") {
			fi, _ := e.Info()
			total += fi.Size()
			count++
		}
	}
	say(count, total)
	root, err := os.OpenRoot(dir)
	must(err)
	b, err := root.ReadFile("file001")
	say(len(b), err)
	_, err = root.Open("../escape")
	say(err)
	root.Close()
}
