package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/doctor"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// engine does what commands ask for.
type engine interface {
	// Run is the daemon. It ends when ctx is cancelled with errInterrupted, having finished what has begun: then, and
	// when once is done, with nil.
	Run(ctx context.Context, s setup, o runOptions) error
	// Init creates slot, topics and first checkpoint, saying on out what it does.
	Init(ctx context.Context, s setup, out io.Writer) error
	// Adopt writes a checkpoint for a slot that is there.
	Adopt(ctx context.Context, s setup, o adoptOptions, out io.Writer) error
	// Parked lists what is parked, and ShowParked gives the events of one position or id with their values. Both only read.
	Parked(ctx context.Context, s setup) ([]parkedEvent, error)
	ShowParked(ctx context.Context, s setup, name string) ([]parkedContent, error)
	// PlanRelease looks what a retry or skip would do, and Release does it.
	PlanRelease(ctx context.Context, s setup, o releaseOptions) (releasePlan, error)
	Release(ctx context.Context, s setup, o releaseOptions, out io.Writer) (releaseOutcome, error)
	// PlanRepair looks what a repair would do, and Repair does it.
	PlanRepair(ctx context.Context, s setup, o relay.RepairOptions) (relay.RepairPlan, error)
	Repair(ctx context.Context, s setup, o relay.RepairOptions, out io.Writer) (relay.Repaired, error)
	// PlanDrop looks what retiring the relay takes away, and Drop does it.
	PlanDrop(ctx context.Context, s setup) (relay.DropPlan, error)
	Drop(ctx context.Context, s setup, out io.Writer) error
	// Audit compares the outbox with Kafka; it fences nobody and takes nothing.
	Audit(ctx context.Context, s setup, o audit.Options) (*audit.Report, error)
	// Doctor looks at everything that a relay rests on. When a server does not answer it gives both a report and an error.
	Doctor(ctx context.Context, s setup, o doctorOptions) (*doctor.Report, error)
	// Inspect prepares to look; connections are made when they are needed.
	Inspect(s setup) (inspector, error)
	// Wait waits until the goal is reached or ctx ends; say tells what is worth knowing meanwhile.
	Wait(ctx context.Context, s setup, goal inspect.Goal, say func(string)) error
}

// setup is what an engine is given.
type setup struct {
	config   config.Config
	logger   *slog.Logger
	protocol *slog.Logger // nil: not wanted
	status   *status.Tracker
	control  *relay.Control // of a relay that runs
	trace    relay.Tracer   // nil: nobody wants spans
	version  string
	host     string
	sockets  []string // where the relay's admin socket may be
}

type runOptions struct {
	once            bool
	exitWhenRefused bool
}

type adoptOptions struct {
	from             outbox.LSN
	acceptLoss       bool
	acceptDuplicates bool
}

// newSetup is a setup for one command.
func (a *app) newSetup(c config.Config, logger *slog.Logger) setup {
	host := hostname()
	version := buildVersion().Version
	return setup{
		config: c, logger: logger, version: version, host: host, sockets: a.adminSockets(c), control: relay.NewControl(),
		status: status.New(c.Name, append(trackerOptions(c), status.WithBuild(version, host))...),
	}
}

// trackerOptions are what the status takes from the configuration.
func trackerOptions(c config.Config) []status.Option {
	return []status.Option{status.WithMemoryBudget(int64(c.Batch.Memory)), status.WithReadyMaxLag(c.Server.ReadyMaxLag.Std())}
}

// commandTimeout bounds a command that only looks, whatever the servers do.
const commandTimeout = 30 * time.Second
