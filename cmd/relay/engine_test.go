package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/doctor"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/relay"
)

// fakeEngine stands for the packages that do the work; nil functions must not be called.
type fakeEngine struct {
	run         func(context.Context, setup, runOptions) error
	init        func(context.Context, setup, io.Writer) error
	adopt       func(context.Context, setup, adoptOptions, io.Writer) error
	inspect     func(setup) (inspector, error)
	wait        func(context.Context, setup, inspect.Goal, func(string)) error
	parked      func(context.Context, setup) ([]parkedEvent, error)
	showParked  func(context.Context, setup, string) ([]parkedContent, error)
	planRelease func(context.Context, setup, releaseOptions) (releasePlan, error)
	release     func(context.Context, setup, releaseOptions, io.Writer) (releaseOutcome, error)
	audit       func(context.Context, setup, audit.Options) (*audit.Report, error)
	doctor      func(context.Context, setup, doctorOptions) (*doctor.Report, error)
	planRepair  func(context.Context, setup, relay.RepairOptions) (relay.RepairPlan, error)
	repair      func(context.Context, setup, relay.RepairOptions, io.Writer) (relay.Repaired, error)
	planDrop    func(context.Context, setup) (relay.DropPlan, error)
	drop        func(context.Context, setup, io.Writer) error
}

func (f fakeEngine) PlanDrop(ctx context.Context, s setup) (relay.DropPlan, error) {
	return f.planDrop(ctx, s)
}

func (f fakeEngine) Drop(ctx context.Context, s setup, out io.Writer) error {
	return f.drop(ctx, s, out)
}

func (f fakeEngine) PlanRepair(ctx context.Context, s setup, o relay.RepairOptions) (relay.RepairPlan, error) {
	return f.planRepair(ctx, s, o)
}

func (f fakeEngine) Repair(ctx context.Context, s setup, o relay.RepairOptions, out io.Writer) (relay.Repaired, error) {
	return f.repair(ctx, s, o, out)
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

func (f fakeEngine) Inspect(s setup) (inspector, error) { return f.inspect(s) }

func (f fakeEngine) Wait(ctx context.Context, s setup, goal inspect.Goal, say func(string)) error {
	return f.wait(ctx, s, goal, say)
}

// fakeInspector answers what it was told to; nil functions must not be called.
type fakeInspector struct {
	checkpoints func() ([]inspect.Checkpoint, error)
	history     func(name string, limit int) (inspect.History, error)
	status      func() (inspect.Status, error)
	lag         func() (inspect.Lag, error)
	tail        func(inspect.TailOptions, func([]inspect.Event) error) error
	event       func(topic string, partition int32, offset int64) (inspect.Event, error)
	trace       func(id string, o inspect.TraceOptions) (inspect.Trace, error)
}

func (f fakeInspector) Checkpoints(context.Context) ([]inspect.Checkpoint, error) {
	return f.checkpoints()
}

func (f fakeInspector) History(_ context.Context, name string, limit int) (inspect.History, error) {
	return f.history(name, limit)
}

func (f fakeInspector) Status(context.Context) (inspect.Status, error) { return f.status() }

func (f fakeInspector) Lag(context.Context) (inspect.Lag, error) { return f.lag() }

func (f fakeInspector) Tail(_ context.Context, o inspect.TailOptions, show func([]inspect.Event) error) error {
	return f.tail(o, show)
}

func (f fakeInspector) Event(_ context.Context, topic string, partition int32, offset int64) (inspect.Event, error) {
	return f.event(topic, partition, offset)
}

func (f fakeInspector) Trace(_ context.Context, id string, o inspect.TraceOptions) (inspect.Trace, error) {
	return f.trace(id, o)
}

func (f fakeInspector) Close() {}

// inspecting is an engine that only looks, with these answers.
func inspecting(f fakeInspector) fakeEngine {
	return fakeEngine{inspect: func(setup) (inspector, error) { return f, nil }}
}

func (f fakeEngine) Doctor(ctx context.Context, s setup, o doctorOptions) (*doctor.Report, error) {
	return f.doctor(ctx, s, o)
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
