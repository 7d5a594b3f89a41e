// Working directory and environment at run time.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir, _ := os.MkdirTemp("", "wd")
	dir, _ = filepath.EvalSymlinks(dir)
	defer os.RemoveAll(dir)
	os.Mkdir(filepath.Join(dir, "sub"), 0o755)
	fmt.Println(os.Chdir(filepath.Join(dir, "sub")))
	wd, err := os.Getwd()
	fmt.Println(filepath.Base(wd), err)
	fmt.Println(os.WriteFile("here", []byte("x"), 0o600))
	_, err = os.Stat(filepath.Join(dir, "sub", "here"))
	fmt.Println(err)
	fmt.Println(os.Chdir("missing"))
	os.Chdir("..")
	rel, _ := os.ReadDir(".")
	fmt.Println(len(rel), rel[0].Name())
	fmt.Println(os.Getenv("FIRST"), os.ExpandEnv("$FIRST-${SECOND}"))
	os.Setenv("SECOND", "changed")
	os.Unsetenv("FIRST")
	v, ok := os.LookupEnv("FIRST")
	fmt.Println(os.Getenv("SECOND"), v, ok)
	os.Setenv("GODEBUG", "x509sha1=1")
	os.Clearenv()
	fmt.Println(len(os.Environ()))
}
