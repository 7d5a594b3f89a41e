// The events that inotify reports for files and directories, in Linux' order.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var names = []struct {
	bit  uint32
	name string
}{
	{1, "ACCESS"}, {2, "MODIFY"}, {4, "ATTRIB"}, {8, "CLOSE_WRITE"}, {0x10, "CLOSE_NOWRITE"},
	{0x20, "OPEN"}, {0x40, "MOVED_FROM"}, {0x80, "MOVED_TO"}, {0x100, "CREATE"}, {0x200, "DELETE"},
	{0x400, "DELETE_SELF"}, {0x800, "MOVE_SELF"}, {0x4000, "OVERFLOW"}, {0x8000, "IGNORED"}, {0x40000000, "ISDIR"},
}

const all = 0xfff

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type watcher struct {
	fd      int
	what    map[int]string
	cookies map[uint32]int
}

func newWatcher() *watcher {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	check(err)
	return &watcher{fd, map[int]string{}, map[uint32]int{}}
}

func (w *watcher) add(path string, mask uint32) int {
	wd, err := syscall.InotifyAddWatch(w.fd, path, mask)
	check(err)
	w.what[wd] = filepath.Base(path)
	return wd
}

func (w *watcher) show(title string) {
	fmt.Println(title)
	buf := make([]byte, 65536)
	for {
		n, err := syscall.Read(w.fd, buf)
		if err != nil {
			if err != syscall.EAGAIN {
				fmt.Println("read:", err)
			}
			return
		}
		for at := 0; at < n; {
			e := (*syscall.InotifyEvent)(unsafe.Pointer(&buf[at]))
			s := buf[at+syscall.SizeofInotifyEvent:][:e.Len]
			for len(s) > 0 && s[len(s)-1] == 0 {
				s = s[:len(s)-1]
			}
			fmt.Printf("  %s %q len %d", w.what[int(e.Wd)], s, e.Len)
			for _, b := range names {
				if e.Mask&b.bit != 0 {
					fmt.Print(" ", b.name)
				}
			}
			if e.Cookie != 0 {
				if w.cookies[e.Cookie] == 0 {
					w.cookies[e.Cookie] = len(w.cookies) + 1
				}
				fmt.Print(" cookie ", w.cookies[e.Cookie])
			}
			fmt.Println()
			at += syscall.SizeofInotifyEvent + int(e.Len)
		}
	}
}

func main() {
	tmp, err := os.MkdirTemp("", "inotify")
	check(err)
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "dir")
	check(os.Mkdir(dir, 0o755))
	at := func(s string) string { return filepath.Join(dir, s) }
	w := newWatcher()
	w.add(dir, all)

	check(os.WriteFile(at("a"), []byte("text"), 0o644))
	w.show("new file")
	check(os.WriteFile(at("a"), []byte("more text"), 0o644))
	w.show("written again")
	os.ReadFile(at("a"))
	w.show("read")
	w.add(at("a"), all)
	check(os.Chmod(at("a"), 0o600))
	check(os.Truncate(at("a"), 3))
	check(os.Chtimes(at("a"), time.Unix(1, 0), time.Unix(2, 0)))
	w.show("attributes")
	check(os.Rename(at("a"), at("b-with-a-long-name")))
	w.show("renamed")
	check(os.Link(at("b-with-a-long-name"), at("l")))
	w.show("linked")
	check(os.Remove(at("l")))
	w.show("link removed")
	f, err := os.Open(at("b-with-a-long-name"))
	check(err)
	check(os.Remove(at("b-with-a-long-name")))
	w.show("removed while open")
	w.add(dir, all&^syscall.IN_CLOSE_NOWRITE) // Linux knows the name still, gort does not
	f.Close()
	w.add(dir, all)
	w.show("closed")

	check(os.Mkdir(at("d"), 0o755))
	w.add(at("d"), all)
	check(os.Symlink("d", at("s")))
	w.show("directory, link")
	check(os.WriteFile(at("d/x"), nil, 0o644))
	check(os.Rename(at("d/x"), at("y")))
	check(os.WriteFile(at("z"), nil, 0o644))
	w.show("moved out")
	w.add(at("z"), all)
	check(os.Rename(at("y"), at("z")))
	w.show("moved over")
	os.ReadDir(at("d"))
	w.show("listed")
	check(os.Rename(at("d"), filepath.Join(tmp, "e")))
	w.show("directory moved away")
	check(os.Remove(filepath.Join(tmp, "e")))
	w.show("directory removed")

	wd := w.add(at("z"), syscall.IN_MODIFY)
	again := w.add(at("z"), syscall.IN_ATTRIB|0x20000000)
	fmt.Println("same watch:", wd == again)
	g, err := os.OpenFile(at("z"), os.O_WRONLY|os.O_APPEND, 0)
	check(err)
	g.WriteString("1")
	g.WriteString("2")
	g.WriteString("3")
	g.Close()
	w.show("repeated")
	_, err = syscall.InotifyRmWatch(w.fd, uint32(wd))
	check(err)
	w.show("no longer watched")
	_, err = syscall.InotifyRmWatch(w.fd, uint32(wd))
	fmt.Println("twice:", err)
	w.add(at("z"), syscall.IN_ATTRIB|0x80000000)
	os.Chmod(at("z"), 0o644)
	os.Chmod(at("z"), 0o600)
	w.show("one shot")
	_, err = syscall.InotifyAddWatch(w.fd, at("none"), all)
	fmt.Println("missing:", err)
	_, err = syscall.InotifyAddWatch(w.fd, at("z"), all|0x01000000)
	fmt.Println("only directories:", err)
	_, err = syscall.InotifyAddWatch(w.fd, dir, 0)
	fmt.Println("nothing:", err)
	_, err = syscall.InotifyAddWatch(w.fd, dir, all|0x10000000)
	fmt.Println("exists:", err)
	_, err = syscall.InotifyAddWatch(0, dir, all)
	fmt.Println("no inotify:", err)
	_, err = syscall.InotifyInit1(1)
	fmt.Println("flags:", err)
	os.Chmod(at("z"), 0o644)
	var avail int32
	syscall.Syscall(syscall.SYS_IOCTL, uintptr(w.fd), 0x541b, uintptr(unsafe.Pointer(&avail)))
	_, err = syscall.Read(w.fd, make([]byte, 16))
	fmt.Println("readable:", avail, "small buffer:", err)
	w.show("then")
	syscall.Close(w.fd)

	// Through package os, which waits for it, while others write.
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	check(err)
	_, err = syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE)
	check(err)
	n := os.NewFile(uintptr(fd), "inotify")
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 50; k++ {
				name := at(fmt.Sprintf("f%d-%d", i, k))
				check(os.WriteFile(name, nil, 0o644))
				check(os.Remove(name))
			}
		}()
	}
	buf := make([]byte, 1000)
	seen := 0
	for seen < 200 {
		k, err := n.Read(buf)
		check(err)
		for p := 0; p < k; seen++ {
			p += syscall.SizeofInotifyEvent + int((*syscall.InotifyEvent)(unsafe.Pointer(&buf[p])).Len)
		}
	}
	wg.Wait()
	go func() {
		time.Sleep(5 * time.Millisecond)
		n.Close()
	}()
	_, err = n.Read(buf)
	fmt.Println("seen", seen, "then", err)
}
