package devstack

import (
	"fmt"
	"syscall"
	"time"
)

// killTree kills a server and its children as one. The server is stopped first, so that it neither replaces children
// nor learns that they died. A server that does not run is killed already.
func (p *process) killTree() error {
	if !p.running() {
		return nil
	}
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	pids, err := children(p.pid)
	if err != nil {
		return err
	}
	for _, pid := range append([]int{p.pid}, pids...) {
		// The only failure is that it has ended by itself.
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
	return gone(pids)
}

// signalTree sends s to a server and its children, the server first: stopped, it starts no more of them.
func (p *process) signalTree(s syscall.Signal) error {
	if err := p.signal(s); err != nil {
		return err
	}
	pids, err := children(p.pid)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		// The only failure is that it has ended by itself.
		_ = syscall.Kill(pid, s)
	}
	return nil
}

// gone waits until none of pids lives: a child that still holds the shared memory keeps the next server from starting.
func gone(pids []int) error {
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				return fmt.Errorf("wait for the end of process %d: still there after SIGKILL", pid)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// alive is false for a zombie too: it waits for its parent, which may be a container's first process that never asks.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, _, err := processStat(pid)
	return err != nil || state != "Z"
}

// children lists the processes whose parent is pid.
func children(pid int) ([]int, error) {
	all, err := processes()
	if err != nil {
		return nil, fmt.Errorf("list the children of process %d: %w", pid, err)
	}
	var found []int
	for _, child := range all {
		if _, parent, err := processStat(child); err == nil && parent == pid {
			found = append(found, child)
		}
	}
	return found, nil
}
