//go:build !linux

package bench

import "os/exec"

func endWithUs(*exec.Cmd) {}
