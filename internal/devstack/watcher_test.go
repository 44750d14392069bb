package devstack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

// childEnv makes TestMain start servers instead of tests: the process that is then killed.
const childEnv = "DEVSTACK_TEST_CHILD"

// started is what the child tells.
type started struct {
	PIDs []int
	Dirs []string
}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child starts one of each server, tells about them and waits to be killed.
func child() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{})
	if err != nil {
		return err
	}
	k, err := devstack.StartKafka(ctx, devstack.KafkaOptions{})
	if err != nil {
		return err
	}
	c, err := devstack.NewCompanions("relay-test-")
	if err != nil {
		return err
	}
	companion := osexec.Command("sleep", "600")
	if err := c.Start(companion); err != nil {
		return err
	}
	pids, err := p.Processes()
	if err != nil {
		return err
	}
	if os.Getenv(childEnv) == "paused" {
		if err := errors.Join(p.Pause(), k.Pause(0)); err != nil {
			return err
		}
	}
	pids = append(append(pids, k.Processes()...), companion.Process.Pid)
	s := started{PIDs: pids, Dirs: []string{p.SocketDir, k.Dir(), c.Dir()}}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestServersDieWithTheirParent(t *testing.T) {
	for _, how := range []string{"running", "paused"} {
		t.Run(how, func(t *testing.T) {
			cmd := osexec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childEnv+"="+how)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var s started
			err = json.NewDecoder(out).Decode(&s)
			if killed := cmd.Process.Kill(); err != nil || killed != nil {
				t.Fatalf("child: %v, kill: %v", err, killed)
			}
			_ = cmd.Wait() // says that it was killed
			if len(s.PIDs) < 5 {
				t.Errorf("the child started only %d processes", len(s.PIDs))
			}
			gone(t, s)
		})
	}
}

// gone waits until no process and no directory of s is left.
func gone(t *testing.T, s started) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for _, pid := range s.PIDs {
		for devstack.Alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d lives on", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for _, dir := range s.Dirs {
		for exists(dir) {
			if time.Now().After(deadline) {
				t.Fatalf("directory %s is still there", dir)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
