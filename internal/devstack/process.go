package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	pid     int
	done    chan struct{} // closed when it has ended and has been reaped
	err     error         // how it ended; set before done is closed
	watcher *watcher
	log     string
}

// startProcess runs cmd, made by w.command, and appends its output to the file log.
func startProcess(w *watcher, cmd *exec.Cmd, log string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	p := &process{pid: cmd.Process.Pid, done: make(chan struct{}), watcher: w, log: log}
	go func() {
		if p.err = cmd.Wait(); p.err == nil {
			p.err = errors.New("exit status 0")
		}
		// It fails only when the watcher has been closed, which then has ended this process already.
		_ = w.ended(p.pid)
		close(p.done)
	}()
	return p, nil
}

// running is false once the process has been reaped.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) error {
	if !p.running() {
		return fmt.Errorf("send %s: the server does not run", s)
	}
	if err := syscall.Kill(p.pid, s); err != nil {
		return fmt.Errorf("send %s to server %d: %w", s, p.pid, err)
	}
	return nil
}

// stop sends s and waits for the end.
func (p *process) stop(ctx context.Context, s syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := p.signal(s); err != nil {
		return err
	}
	return p.wait(ctx)
}

func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of server %d: %w", p.pid, context.Cause(ctx))
	}
}

// ready calls probe until it succeeds. It gives up when the process ends or ctx is done, with the end of the log.
func (p *process) ready(ctx context.Context, probe func(context.Context) error) error {
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("server ended while starting: %w: %s", p.err, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("wait until the server is ready: %w: %w: %s", context.Cause(ctx), err, p.logTail())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *process) logTail() string {
	out, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return tail(out)
}

// closeServer kills what w watches, removes its directory, and waits until the processes have been reaped.
func closeServer(w *watcher, processes ...*process) error {
	err := w.Close()
	for _, p := range processes {
		if p != nil {
			<-p.done
		}
	}
	return err
}
