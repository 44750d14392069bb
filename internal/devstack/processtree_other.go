//go:build !linux

package devstack

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// processes lists all process ids.
func processes() ([]int, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=").Output()
	if err != nil {
		return nil, err
	}
	var pids []int
	for field := range strings.FieldsSeq(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// processStat gives the state letter of a process and its parent's id.
func processStat(pid int) (state string, parent int, err error) {
	out, err := exec.Command("ps", "-o", "stat=,ppid=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", 0, fmt.Errorf("look up process %d: %w", pid, err)
	}
	fields := strings.Fields(string(out))
	if len(fields) != 2 {
		return "", 0, fmt.Errorf("look up process %d: ps says %q", pid, out)
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0][:1], parent, err
}
