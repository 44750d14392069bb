package devstack

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processes lists all process ids.
func processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// processStat gives the state letter of a process and its parent's id (proc_pid_stat(5)).
func processStat(pid int) (state string, parent int, err error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", 0, err
	}
	// The second field is the command in parentheses and may itself hold blanks and parentheses.
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 2 {
		return "", 0, fmt.Errorf("read the state of process %d: %q", pid, stat)
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err
}
