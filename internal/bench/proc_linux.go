package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peakRSS is the most that this process had resident, in bytes. Not getrusage's: that one begins with what the parent
// had when it forked.
func peakRSS() int64 { return memoryOf("self", "VmHWM") }

// residentOf is what a process has resident now, in bytes; 0 when it is gone.
func residentOf(pid int) int64 { return memoryOf(strconv.Itoa(pid), "VmRSS") }

// memoryOf reads a line of proc_pid_status(5).
func memoryOf(pid, field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// cpuOf is what a process has used, user and system; 0 when it is gone.
func cpuOf(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// Fields are counted behind the name, which may hold anything: proc_pid_stat(5).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const (
		utime, stime = 11, 12            // fields 14 and 15, the first here being 3
		tick         = time.Second / 100 // USER_HZ is the same on every architecture that Go runs on
	)
	var used time.Duration
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		used += time.Duration(n) * tick
	}
	return used
}

// freeBytes is the room in a directory; 0 when it is not there.
func freeBytes(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return int64(s.Bavail) * s.Bsize
}
