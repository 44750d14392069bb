package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// child is one run of the relay command.
type child struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// command prepares a run. None of the variables that configure a relay reach it: they are in its file already.
func (b *bench) command(ctx context.Context, args ...string) *child {
	c := &child{cmd: exec.CommandContext(ctx, b.Program, args...)}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "RELAY_") {
			c.cmd.Env = append(c.cmd.Env, variable)
		}
	}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = childPatience
	endWithUs(c.cmd)
	return c
}

// childPatience is how long a child may take to end when the benchmark is interrupted: a Kafka transaction that has
// begun is finished.
const childPatience = 12 * time.Second

// run waits for the end.
func (c *child) run(ctx context.Context) error {
	err := c.cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &childError{args: c.cmd.Args[1:], err: err, said: c.out.String()}
}

// childError is a relay process that did not do what was asked.
type childError struct {
	args []string
	err  error
	said string
}

const saidAtMost = 2000

func (e *childError) Error() string {
	said := e.said[max(0, len(e.said)-saidAtMost):]
	return fmt.Sprintf("run relay %s: %v: %s", e.args[0], e.err, strings.TrimSpace(said))
}

func (e *childError) Unwrap() error { return e.err }
