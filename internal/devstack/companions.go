package devstack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Companions are programs that work beside the servers, such as a relay, in a directory of their own. Like the servers
// they never outlive this process, even when it is killed; the directory goes with them. Methods may be called from
// several goroutines.
type Companions struct{ watcher *watcher }

// NewCompanions makes the directory, below the temporary directory; its name begins with prefix.
func NewCompanions(prefix string) (*Companions, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	w, err := newWatcher(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Companions{watcher: w}, nil
}

// Dir is the directory.
func (c *Companions) Dir() string { return c.watcher.dir }

// Start starts cmd, which must not have ExtraFiles, in a process group of its own: what is typed at a terminal does not
// reach it. A shell comes first and becomes the program, so cmd.Process is the program.
func (c *Companions) Start(cmd *exec.Cmd) error {
	if cmd.Err == nil {
		cmd.Args = append([]string{"/bin/sh", "-c", announceScript, "KILL", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		cmd.ExtraFiles = []*os.File{c.watcher.pipe}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	return cmd.Start()
}

// Wait is cmd.Wait for what Start has started.
func (c *Companions) Wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	// It fails only when Close has ended the watcher, and with it the program.
	_ = c.watcher.ended(cmd.Process.Pid)
	return err
}

// Close kills what still runs and removes the directory. Wait must be called for each program all the same.
func (c *Companions) Close() error { return c.watcher.Close() }
