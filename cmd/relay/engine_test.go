package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/outbox-relay/relay/internal/audit"
)

// fakeEngine stands for the packages that do the work; nil functions must not be called.
type fakeEngine struct {
	run         func(context.Context, setup, runOptions) error
	init        func(context.Context, setup, io.Writer) error
	adopt       func(context.Context, setup, adoptOptions, io.Writer) error
	checkpoints func(context.Context, setup) ([]checkpoint, error)
	parked      func(context.Context, setup) ([]parkedEvent, error)
	showParked  func(context.Context, setup, string) ([]parkedContent, error)
	planRelease func(context.Context, setup, releaseOptions) (releasePlan, error)
	release     func(context.Context, setup, releaseOptions, io.Writer) (releaseOutcome, error)
	audit       func(context.Context, setup, audit.Options) (*audit.Report, error)
}

func (f fakeEngine) Parked(ctx context.Context, s setup) ([]parkedEvent, error) {
	return f.parked(ctx, s)
}

func (f fakeEngine) ShowParked(ctx context.Context, s setup, name string) ([]parkedContent, error) {
	return f.showParked(ctx, s, name)
}

func (f fakeEngine) PlanRelease(ctx context.Context, s setup, o releaseOptions) (releasePlan, error) {
	return f.planRelease(ctx, s, o)
}

func (f fakeEngine) Release(ctx context.Context, s setup, o releaseOptions, out io.Writer) (releaseOutcome, error) {
	return f.release(ctx, s, o, out)
}

func (f fakeEngine) Run(ctx context.Context, s setup, o runOptions) error { return f.run(ctx, s, o) }

func (f fakeEngine) Init(ctx context.Context, s setup, out io.Writer) error {
	return f.init(ctx, s, out)
}

func (f fakeEngine) Adopt(ctx context.Context, s setup, o adoptOptions, out io.Writer) error {
	return f.adopt(ctx, s, o, out)
}

func (f fakeEngine) Checkpoints(ctx context.Context, s setup) ([]checkpoint, error) {
	return f.checkpoints(ctx, s)
}

func (f fakeEngine) Audit(ctx context.Context, s setup, o audit.Options) (*audit.Report, error) {
	return f.audit(ctx, s, o)
}

// testApp is an app with captured output and the configuration of a relay named payments.
type testApp struct {
	*app
	out, err bytes.Buffer
}

func newTestApp(t *testing.T, e engine) *testApp {
	t.Helper()
	file := filepath.Join(t.TempDir(), "relay.yaml")
	const text = "name: payments\nsource: {url: 'postgres://relay:hunter2@db/shop'}\nkafka: {brokers: ['k:1']}\nserver: {listen: '127.0.0.1:0'}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var a testApp
	a.app = newApp(e, &a.out, &a.err, []string{"RELAY_CONFIG=" + file, "GOMEMLIMIT=off"})
	a.exit = func(code int) { t.Errorf("process exits at once with %d", code) }
	return &a
}
