package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/status"
)

func TestRunEnds(t *testing.T) {
	tests := []struct {
		name string
		end  func(setup) error
		code int
		err  string
	}{
		{"caught up", func(setup) error { return nil }, fault.ExitDone, ""},
		{"refused at the start", func(setup) error {
			return &fault.Error{Code: fault.SlotAhead, Summary: "slot is ahead", Hint: "repair"}
		}, fault.ExitRefused, "relay: refused to start: slot is ahead [RLY1003]\nHint: repair\n"},
		{"refused after streaming", func(s setup) error {
			s.status.SessionStarted()
			s.status.Recovered(time.Second)
			s.status.SessionEnded("refused")
			return &fault.Error{Code: fault.PublicationDiffers, Summary: "table is gone"}
		}, fault.ExitRefused, "relay: refused to go on: table is gone [RLY1007]\n"},
		{"halted", func(setup) error {
			return &fault.Error{Code: fault.Unpublishable, Summary: "stopped before an event"}
		}, fault.ExitRefused, "relay: stopped before an event [RLY4001]\n"},
		{"unreachable", func(setup) error {
			return fmt.Errorf("look: %w", &fault.Error{Code: fault.KafkaUnreachable, Summary: "no broker"})
		}, fault.ExitUnreachable, "relay: cannot start: look: no broker [RLY5002]\n"},
		{"anything else", func(setup) error { return errors.New("disk full") }, fault.ExitFailed, "relay: cannot start: disk full [RLY9001]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestApp(t, fakeEngine{run: func(_ context.Context, s setup, _ runOptions) error { return tt.end(s) }})
			code := a.main([]string{"run", "--set", "log.level=error"})
			if code != tt.code || a.err.String() != tt.err {
				t.Errorf("exit code %d, want %d; stderr (-want +got):\n%s", code, tt.code, cmp.Diff(tt.err, a.err.String()))
			}
		})
	}
}

func TestRunPassesItsFlags(t *testing.T) {
	var got runOptions
	a := newTestApp(t, fakeEngine{run: func(_ context.Context, s setup, o runOptions) error {
		got = o
		if s.config.Name != "payments" || s.status == nil || s.version == "" || s.protocol == nil {
			t.Errorf("setup %+v", s)
		}
		s.protocol.Info("own", "slot", "relay_payments")
		return nil
	}})
	file := filepath.Join(t.TempDir(), "protocol.jsonl")
	if code := a.main([]string{"run", "--once", "--exit-when-refused", "--protocol-log", file}); code != 0 {
		t.Fatalf("exit code %d: %s", code, a.err.String())
	}
	if want := (runOptions{once: true, exitWhenRefused: true}); got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `"msg":"own","slot":"relay_payments"}`) {
		t.Errorf("protocol log %q, %v", text, err)
	}
}

// TestSignalEndsRunWithZero: the first signal cancels, the engine finishes what has begun, the process ends with 0.
func TestSignalEndsRunWithZero(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for name, end := range map[string]error{"clean": nil, "with the cause": errInterrupted, "cancelled": context.Canceled} {
			t.Run(sig.String()+" "+name, func(t *testing.T) {
				var state status.State
				a := newTestApp(t, fakeEngine{run: func(ctx context.Context, s setup, _ runOptions) error {
					raise(t, sig)
					<-ctx.Done()
					if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
						t.Errorf("cause %v", cause)
					}
					waitFor(t, func() bool { state = s.status.State(); return state == status.Stopping })
					return end
				}})
				if code := a.main([]string{"run"}); code != fault.ExitDone {
					t.Errorf("exit code %d: %s", code, a.err.String())
				}
				log := a.err.String()
				if stopping, stopped := strings.Index(log, `"stopping"`), strings.Index(log, `"stopped"`); stopping < 0 || stopped < stopping {
					t.Errorf("log does not say stopping, then stopped:\n%s", log)
				}
			})
		}
	}
}

// TestSignalDoesNotHideAnError: what goes wrong while stopping is still told.
func TestSignalDoesNotHideAnError(t *testing.T) {
	a := newTestApp(t, fakeEngine{run: func(ctx context.Context, _ setup, _ runOptions) error {
		raise(t, syscall.SIGTERM)
		<-ctx.Done()
		return errors.New("disk full")
	}})
	if code := a.main([]string{"run"}); code != fault.ExitFailed || !strings.Contains(a.err.String(), "relay: cannot start: disk full") {
		t.Errorf("exit code %d: %s", code, a.err.String())
	}
}

func TestSecondSignalExitsAtOnce(t *testing.T) {
	exited := make(chan int, 1)
	a := newTestApp(t, fakeEngine{run: func(ctx context.Context, _ setup, _ runOptions) error {
		raise(t, syscall.SIGTERM)
		<-ctx.Done()
		raise(t, syscall.SIGTERM)
		if code := <-exited; code != fault.ExitInterrupted {
			t.Errorf("exit code %d", code)
		}
		return nil
	}})
	a.exit = func(code int) { exited <- code }
	a.main([]string{"run"})
}

func TestSignalInterruptsACommand(t *testing.T) {
	a := newTestApp(t, fakeEngine{wait: func(ctx context.Context, _ setup, _ inspect.Goal, _ func(string)) error {
		raise(t, syscall.SIGINT)
		<-ctx.Done()
		return context.Cause(ctx)
	}})
	if code := a.main([]string{"wait", "--for", "caught-up"}); code != fault.ExitInterrupted || a.err.String() != "relay: interrupted\n" {
		t.Errorf("exit code %d: %s", code, a.err.String())
	}
}

func raise(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits for a condition; the test's own time limit is the limit.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for !condition() {
		if t.Context().Err() != nil {
			t.Fatal("test ended while waiting")
		}
		time.Sleep(time.Millisecond)
	}
}
