package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithUs has the kernel kill the process when the thread that starts it ends.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Usage is what a process has taken of the machine.
type Usage struct {
	CPU  time.Duration // all its threads, user and system
	Peak int64         // bytes resident at most
}

// Usage reads what the running process has taken so far.
func (p *Process) Usage() (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return Usage{}, err
	}
	// Fields are counted behind the name, which may hold anything: proc_pid_stat(5).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, stime = 11, 12 // fields 14 and 15, the first here being 3
	var ticks int64
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("read CPU time of relay %s: %w", p.Name, err)
		}
		ticks += n
	}
	peak, err := peakOf(p.PID())
	const ticksPerSecond = 100 // USER_HZ, the same on every architecture that Go runs on
	return Usage{CPU: time.Duration(ticks) * time.Second / ticksPerSecond, Peak: peak}, err
}

func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read peak memory of process %d: VmHWM is missing", pid)
}
