package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// relay is the relay program, one process after the other.
type relay struct {
	stage *stage
	fail  context.CancelCauseFunc // called when a process ends that nobody has ended

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	exit  error         // how; set before ended is closed
	begin int64         // where its part of the log begins
}

// command prepares a run of the program: what a user would type.
func (r *relay) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.stage.program(), append(args, "--config", r.stage.config())...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")} // none of the user's PG* and RELAY_*
	return cmd
}

// init runs relay init and gives what it says.
func (r *relay) init(ctx context.Context) (string, error) {
	out, err := r.command(ctx, "init").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("relay init: %w: %s", err, out)
	}
	return string(out), nil
}

// audit runs relay audit and gives its first lines.
func (r *relay) audit(ctx context.Context) (string, error) {
	out, err := r.command(ctx, "audit").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("relay audit: %w: %s", err, out)
	}
	summary, _, _ := strings.Cut(string(out), "\n\n")
	return summary, nil
}

// start starts relay run. It runs until it is killed or stopped, whatever becomes of ctx.
func (r *relay) start(ctx context.Context) error {
	log, err := os.OpenFile(r.stage.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the relay's log: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("open the relay's log: %w", err)
	}
	cmd := r.command(context.WithoutCancel(ctx), "run")
	cmd.Stdout, cmd.Stderr = log, log
	if err := r.stage.companions.Start(cmd); err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	r.cmd, r.ended, r.begin = cmd, make(chan struct{}), info.Size()
	go r.watch()
	return nil
}

func (r *relay) watch() {
	r.exit = r.stage.companions.Wait(r.cmd)
	if r.exit != nil && !killed(r.exit) {
		r.fail(fmt.Errorf("relay ended by itself: %w: %s", r.exit, r.logTail()))
	}
	close(r.ended)
}

// killed tells whether a process was ended with SIGKILL.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (r *relay) pid() int { return r.cmd.Process.Pid }

// kill is kill -9: nothing is finished first.
func (r *relay) kill() error {
	if err := r.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill relay: %w", err)
	}
	<-r.ended
	return nil
}

// stop ends the relay as a service manager does, and demands that it ends well.
func (r *relay) stop(ctx context.Context) error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop relay: %w", err)
	}
	select {
	case <-r.ended:
		if r.exit != nil {
			return fmt.Errorf("stop relay: %w: %s", r.exit, r.logTail())
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// logLine is what the demo reads in the relay's log.
type logLine struct {
	Message   string `json:"msg"`
	Listen    string // of "relay started"
	ResumeLSN string `json:"resume_lsn"` // of "checkpoint read"
	Events    int    // of "checkpoint read"
}

// said finds the last line with this message in the running process's part of the log.
func (r *relay) said(message string) (found logLine) {
	log, err := os.ReadFile(r.stage.log())
	if err != nil {
		return found
	}
	for lines := bufio.NewScanner(bytes.NewReader(log[r.begin:])); lines.Scan(); {
		var line logLine
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == message {
			found = line
		}
	}
	return found
}

func (r *relay) logTail() string {
	log, err := os.ReadFile(r.stage.log())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-2000):])
}
