package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
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
	// Checkpoints looks at the checkpoint of this relay and at its slot; it fences nobody and takes nothing. When Postgres
	// does not answer it gives both the checkpoints and an error.
	Checkpoints(ctx context.Context, s setup) ([]checkpoint, error)
	// Parked lists what is parked, and ShowParked gives the events of one position or id with their values. Both only read.
	Parked(ctx context.Context, s setup) ([]parkedEvent, error)
	ShowParked(ctx context.Context, s setup, name string) ([]parkedContent, error)
	// PlanRelease looks what a retry or skip would do, and Release does it.
	PlanRelease(ctx context.Context, s setup, o releaseOptions) (releasePlan, error)
	Release(ctx context.Context, s setup, o releaseOptions, out io.Writer) (releaseOutcome, error)
	// Audit compares the outbox with Kafka; it fences nobody and takes nothing.
	Audit(ctx context.Context, s setup, o audit.Options) (*audit.Report, error)
}

// setup is what an engine is given.
type setup struct {
	config   config.Config
	logger   *slog.Logger
	protocol *slog.Logger // nil: not wanted
	status   *status.Tracker
	version  string
	host     string
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

// checkpoint is a checkpoint with what its slot says and what a session that starts now would make of both.
type checkpoint struct {
	Relay string `json:"relay"`
	// Record is the checkpoint, null when there is none.
	Record *publisher.Checkpoint `json:"checkpoint"`
	// Slot is null when it does not exist, or Postgres did not answer.
	Slot    *slotView `json:"slot"`
	Verdict verdict   `json:"verdict"`
	// Code and Reason say why a session would refuse.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// verdict says how things stand with a relay.
type verdict string

const (
	verdictOK      verdict = "ok"      // a relay has the slot
	verdictIdle    verdict = "idle"    // nobody has it; a relay could go on
	verdictRefused verdict = "refused" // a person must decide
	verdictUnknown verdict = "unknown" // Postgres did not answer
)

// slotView is what Postgres says of the slot.
type slotView struct {
	Name           string      `json:"name"`
	ConfirmedFlush *outbox.LSN `json:"confirmed_flush_lsn"`
	// BehindBytes is how far the slot is behind the checkpoint; negative when it is ahead, which refuses.
	BehindBytes *int64 `json:"behind_bytes"`
	ActivePID   uint32 `json:"active_pid"`
	WALStatus   string `json:"wal_status"`
}

// newSetup is a setup for one command.
func (a *app) newSetup(c config.Config, logger *slog.Logger) setup {
	host := hostname()
	version := buildVersion().Version
	return setup{
		config: c, logger: logger, version: version, host: host,
		status: status.New(c.Name, status.WithBuild(version, host), status.WithMemoryBudget(int64(c.Batch.Memory)),
			status.WithReadyMaxLag(c.Server.ReadyMaxLag.Std())),
	}
}

// commandTimeout bounds a command that only looks, whatever the servers do.
const commandTimeout = 30 * time.Second
