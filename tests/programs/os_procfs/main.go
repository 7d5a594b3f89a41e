// Files of /proc, /sys and /etc that Linux has everywhere and that monitoring modules (gopsutil,
// procfs, cpuid, automaxprocs, prometheus' process collector, x/sys, tzlocal) read. Says of each
// only whether it can be read and has the shape that parsers need.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// counts returns the machine's interrupts and context switches, by /proc/stat.
func counts(stat string) (intr, ctxt int) {
	_, rest, _ := strings.Cut(stat, "\nintr ")
	fmt.Sscan(rest, &intr)
	_, rest, _ = strings.Cut(stat, "\nctxt ")
	fmt.Sscan(rest, &ctxt)
	return intr, ctxt
}

func main() {
	for _, name := range []string{
		"/proc/stat", "/proc/loadavg", "/proc/version", "/proc/vmstat", "/proc/filesystems",
		"/proc/partitions", "/proc/diskstats", "/proc/swaps", "/proc/cmdline",
		"/proc/self/statm",
		"/proc/self/io", "/proc/self/limits", "/proc/self/auxv",
		"/proc/self/oom_score", "/proc/self/schedstat", "/proc/self/mounts",
		"/proc/self/ns/pid", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/random/uuid",
		"/proc/sys/fs/file-max", "/proc/sys/fs/nr_open", "/proc/sys/vm/max_map_count",
		"/proc/sys/kernel/threads-max",
		"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible",
		"/sys/devices/system/node", "/sys/class/net", "/sys/fs/cgroup",
		"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
		"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/fd",
		"/dev/stdin", "/dev/stdout", "/dev/shm",
	} {
		if _, err := os.Stat(name); err != nil {
			fmt.Println("lacks", name)
		}
	}
	for _, name := range []string{"ns/pid", "root", "exe", "cwd", "fd/0"} {
		_, err := os.Readlink("/proc/self/" + name)
		_, err2 := os.Stat("/proc/self/" + name)
		fmt.Println(name, err, err2)
	}
	var cpus, fields int
	b, _ := os.ReadFile("/proc/stat")
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, "cpu") {
			cpus++
			fields = len(strings.Fields(line))
		}
	}
	fmt.Println("/proc/stat:", cpus > 1, fields, strings.Contains(string(b), "\nbtime "))
	intr, ctxt := counts(string(b))
	time.Sleep(time.Millisecond)
	b, _ = os.ReadFile("/proc/stat")
	intr2, ctxt2 := counts(string(b))
	fmt.Println("interrupts, switches:", intr > 0 && intr2 > intr, ctxt > 0 && ctxt2 > ctxt)
	b, _ = os.ReadFile("/proc/loadavg")
	fmt.Println("/proc/loadavg:", len(strings.Fields(string(b))))
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	again, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	u1, _ := os.ReadFile("/proc/sys/kernel/random/uuid")
	u2, _ := os.ReadFile("/proc/sys/kernel/random/uuid")
	fmt.Println(len(id), string(id) == string(again), len(u1), string(u1) != string(u2))
	b, _ = os.ReadFile("/proc/self/limits")
	fmt.Println(len(strings.Split(string(b), "\n")), strings.Contains(string(b), "Max open files"))
	b, _ = os.ReadFile("/proc/self/statm")
	fmt.Println("statm:", len(strings.Fields(string(b))))
	b, _ = os.ReadFile("/proc/self/io")
	fmt.Println("io:", len(strings.Split(string(b), "\n")), strings.HasPrefix(string(b), "rchar: "))
	b, _ = os.ReadFile("/proc/self/stat")
	_, rest, _ := strings.Cut(string(b), ") ")
	fmt.Println("/proc/self/stat has at least 50 fields behind the name:", len(strings.Fields(rest)) >= 50)
	b, _ = os.ReadFile("/proc/cpuinfo")
	fmt.Println("/proc/cpuinfo has flags:", strings.Contains(string(b), "\nflags"))
	b, _ = os.ReadFile("/proc/meminfo")
	fmt.Println("/proc/meminfo has SwapTotal, Shmem and Slab:", strings.Contains(string(b), "\nSwapTotal:") &&
		strings.Contains(string(b), "\nShmem:") && strings.Contains(string(b), "\nSlab:"))
	b, _ = os.ReadFile("/proc/self/status")
	fmt.Println("/proc/self/status has CapEff and Cpus_allowed_list:", strings.Contains(string(b), "\nCapEff:") &&
		strings.Contains(string(b), "\nCpus_allowed_list:"))
}
