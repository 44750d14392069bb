//go:build !linux

package chaos

import (
	"errors"
	"os/exec"
	"time"
)

func dieWithUs(*exec.Cmd) {}

// Usage is what a process has taken of the machine.
type Usage struct {
	CPU  time.Duration
	Peak int64 // bytes
}

// Usage is known on Linux only.
func (p *Process) Usage() (Usage, error) { return Usage{}, errors.ErrUnsupported }
