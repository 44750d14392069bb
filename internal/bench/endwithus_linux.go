package bench

import (
	"os/exec"
	"syscall"
)

// endWithUs has the kernel end a child when the benchmark is killed. It would also do so when the thread that starts it
// ends, which Go's threads do not as long as no goroutine is locked to them.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
