package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// Build compiles the relay command into dir and gives its path. Under the race detector the relay has it too.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "relay")
	args := slices.Concat([]string{"build"}, raceFlags(), []string{"-o", binary, "github.com/outbox-relay/relay/cmd/relay"})
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build relay: %w\n%s", err, out)
	}
	return binary, nil
}

// Process is one run of the real relay command.
type Process struct {
	Name    string
	Started time.Time

	log      *journal // standard error, JSON
	protocol *journal
	cmd      *exec.Cmd
	ended    chan struct{}
	err      error // of Wait; set before ended is closed
}

// Launch runs `relay run` with a configuration. Its logs are kept in dir, as <name>.log and <name>.protocol. It dies with
// this process at the latest.
func Launch(binary, config, dir, name string) (*Process, error) {
	return launchCommand(binary, dir, name, "run", "--config", config)
}

// launchCommand runs any relay command that writes a protocol log.
func launchCommand(binary, dir, name string, args ...string) (*Process, error) {
	p := &Process{Name: name, ended: make(chan struct{})}
	var logs, actions *os.File
	var err error
	if p.log, logs, err = newJournal(filepath.Join(dir, name+".log")); err != nil {
		return nil, err
	}
	defer logs.Close()
	if p.protocol, actions, err = newJournal(filepath.Join(dir, name+".protocol")); err != nil {
		return nil, err
	}
	defer actions.Close()
	// The protocol log is a pipe, so that what stands in it was written before the process died, and a watcher learns of
	// an action in the moment of the next one.
	p.cmd = exec.Command(binary, append(args, "--protocol-log", "/dev/fd/3")...)
	p.cmd.Stderr = logs
	p.cmd.ExtraFiles = []*os.File{actions}
	dieWithUs(p.cmd)
	return p, p.start()
}

// start runs the command on a thread that lives as long as the process: the kernel takes the end of the thread that
// started a process for the death of its parent.
func (p *Process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		p.Started = time.Now()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	return nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running is false once the process has ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s to relay %s: %w", s, p.Name, err)
	}
	return nil
}

// Kill ends the process with SIGKILL and waits until all it wrote has been taken down. A process that has ended by
// itself is an error: relays do not.
func (p *Process) Kill() error {
	if !p.Running() {
		return fmt.Errorf("kill relay %s: it has ended by itself: %w", p.Name, p.err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.settle()
}

// Stop ends the process with SIGTERM, at which it finishes what has begun and exits with 0.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return fmt.Errorf("wait for relay %s to stop: %w", p.Name, context.Cause(ctx))
	}
	if err := p.settle(); err != nil {
		return err
	}
	if p.err != nil {
		return fmt.Errorf("stop relay %s: %w", p.Name, p.err)
	}
	return nil
}

// settle waits for the end of the process and of its logs.
func (p *Process) settle() error {
	<-p.ended
	return errors.Join(p.log.done(), p.protocol.done())
}

// close ends the process whatever it does.
func (p *Process) close() error {
	if p.Running() {
		_ = p.cmd.Process.Kill() // it may end in this moment
	}
	return p.settle()
}

// Status is what a relay says of itself at /status, as far as tests look at it.
type Status struct {
	State    status.State `json:"state"`
	Ready    bool         `json:"ready"`
	Reason   string       `json:"reason"`
	Code     fault.Code   `json:"code"` // 0: none
	Sessions struct {
		Ended map[string]uint64 `json:"ended"` // by reason
	} `json:"sessions"`
}

// Ended counts the sessions that have ended.
func (s *Status) Ended() uint64 {
	var n uint64
	for _, each := range s.Sessions.Ended {
		n += each
	}
	return n
}

// Status asks the process what it knows of itself.
func (p *Process) Status(ctx context.Context) (*Status, error) {
	line, err := p.log.await(ctx, 0, func(l string) bool { return strings.Contains(l, `"msg":"relay started"`) })
	if err != nil {
		return nil, err
	}
	var started struct{ Listen string }
	if err := json.Unmarshal([]byte(line.text), &started); err != nil {
		return nil, fmt.Errorf("read log of relay %s: %w", p.Name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+started.Listen+"/status", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true // the process may be stopped or gone at the next question
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask relay %s for its status: %w", p.Name, err)
	}
	defer resp.Body.Close()
	var v Status
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return nil, fmt.Errorf("read status of relay %s: %w", p.Name, err)
	}
	return &v, nil
}

// alarming tells a log line that says that a person must decide, or that the relay is broken.
func alarming(line string) bool {
	return slices.ContainsFunc([]string{
		`"state":"` + string(status.Refused) + `"`, `"state":"` + string(status.Halted) + `"`, "DATA RACE", "panic:",
	}, func(sign string) bool { return strings.Contains(line, sign) })
}

// Alarm is what the relay wrote when it refused or halted, for which no campaign gives it a cause, or when it was found
// to be broken. Empty: it never did.
func (p *Process) Alarm() string {
	for _, l := range p.log.all() {
		if alarming(l.text) {
			return strings.TrimSpace(l.text)
		}
	}
	return ""
}

// askEvery is how often AwaitStatus asks.
const askEvery = 20 * time.Millisecond

// AwaitStatus asks until the status is as wanted. A relay that ended will never have it.
func (p *Process) AwaitStatus(ctx context.Context, what string, wanted func(*Status) bool) error {
	for {
		v, err := p.Status(ctx)
		if err == nil && wanted(v) {
			return nil
		}
		if !p.Running() {
			return fmt.Errorf("wait until relay %s is %s: %w", p.Name, what, errEnded)
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			seen := "nothing"
			if v != nil {
				seen = fmt.Sprintf("%s: %s", v.State, v.Reason)
			}
			return fmt.Errorf("wait until relay %s is %s (last seen: %s): %w", p.Name, what, seen, errors.Join(context.Cause(ctx), err))
		}
	}
}

// AwaitState asks until the relay is in a state.
func (p *Process) AwaitState(ctx context.Context, s status.State) error {
	return p.AwaitStatus(ctx, string(s), func(v *Status) bool { return v.State == s })
}
