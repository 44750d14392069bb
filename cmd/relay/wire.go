package main

import (
	"context"
	"io"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// realEngine does the work with package relay.
type realEngine struct{}

// Run is the daemon.
func (realEngine) Run(ctx context.Context, s setup, o runOptions) error {
	running, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(relay.ErrStopped) })()
	return relay.Run(running, relayConfig(s), relay.RunOptions{Once: o.once, ExitWhenRefused: o.exitWhenRefused, Control: s.control})
}

// Init creates slot, topics and first checkpoint.
func (realEngine) Init(ctx context.Context, s setup, out io.Writer) error {
	return relay.Init(ctx, relayConfig(s), out)
}

// Adopt writes a checkpoint for a slot that is there.
func (realEngine) Adopt(ctx context.Context, s setup, o adoptOptions, out io.Writer) error {
	return relay.Adopt(ctx, relayConfig(s), relay.AdoptOptions{From: o.from, AcceptLoss: o.acceptLoss, AcceptDuplicates: o.acceptDuplicates}, out)
}

// PlanRepair looks what a repair would do.
func (realEngine) PlanRepair(ctx context.Context, s setup, o relay.RepairOptions) (relay.RepairPlan, error) {
	return relay.PlanRepair(ctx, relayConfig(s), o)
}

// Repair publishes what is missing.
func (realEngine) Repair(ctx context.Context, s setup, o relay.RepairOptions, out io.Writer) (relay.Repaired, error) {
	return relay.Repair(ctx, relayConfig(s), o, out)
}

// PlanDrop looks what retiring the relay takes away.
func (realEngine) PlanDrop(ctx context.Context, s setup) (relay.DropPlan, error) {
	return relay.PlanDrop(ctx, relayConfig(s))
}

// Drop retires the relay.
func (realEngine) Drop(ctx context.Context, s setup, out io.Writer) error {
	return relay.Drop(ctx, relayConfig(s), out)
}

// Inspect prepares to look.
func (realEngine) Inspect(s setup) (inspector, error) {
	return inspect.Open(inspectConfig(s))
}

// Audit compares the outbox with Kafka.
func (realEngine) Audit(ctx context.Context, s setup, o audit.Options) (*audit.Report, error) {
	return relay.Audit(ctx, relayConfig(s), o)
}

// Wait waits until the relay has come somewhere.
func (realEngine) Wait(ctx context.Context, s setup, goal inspect.Goal, say func(string)) error {
	return inspect.Wait(ctx, inspectConfig(s), goal, say)
}

func inspectConfig(s setup) inspect.Config {
	return inspect.Config{Relay: relayConfig(s), CheckpointPrefix: s.config.Kafka.CheckpointTopic, Daemon: s.config.Server.Listen, Sockets: s.sockets}
}

// relayConfig translates the configuration for the packages that do the work.
func relayConfig(s setup) relay.Config {
	c := s.config
	topics := publisher.TopicSpec{
		Partitions:        int32(c.Kafka.Partitions),
		ReplicationFactor: int16(c.Kafka.ReplicationFactor),
		MinInSync:         int32(minInSync(c.Kafka.ReplicationFactor)),
	}
	r := relay.Config{
		Source:      sourceConfig(c),
		Outbox:      c.Mapping(),
		Kafka:       kafkaConfig(c),
		Table:       c.Outbox.Table,
		OnUpdate:    relay.OnUpdate(c.Outbox.OnUpdate),
		Cleanup:     cleanupConfig(c),
		Failover:    c.Source.Failover == "auto",
		Parked:      parkedTopic(c),
		Failure:     relay.Failure{Park: c.Failure.OnUnpublishable == "park", HoldKey: c.Failure.HoldKey, MaxHeld: c.Failure.MaxHeld},
		Development: c.Kafka.Development,
		Batch:       relay.Batch{MaxEvents: c.Batch.MaxEvents, MaxBytes: int(c.Batch.MaxBytes), Memory: int(c.Batch.Memory)},
		Version:     s.version,
		Host:        s.host,
		Logger:      s.logger,
		Protocol:    s.protocol,
		Status:      s.status,
		Trace:       s.trace,
	}
	if c.Kafka.CreateTopics != "none" {
		r.InternalTopics = &topics
	}
	if c.Kafka.CreateTopics == "all" {
		r.Kafka.CreateTopics = &topics
	}
	return r
}

// cleanupConfig cleans the table of our migrations only: others are no ring of weekdays.
func cleanupConfig(c config.Config) relay.Cleanup {
	return relay.Cleanup{
		Enabled: c.Outbox.Cleanup.Enabled && c.Outbox.Format == "relay", Keep: c.Outbox.Cleanup.Keep.Std(),
		LockTimeout: c.Outbox.Cleanup.LockTimeout.Std(),
	}
}

func sourceConfig(c config.Config) replication.Config {
	r := replication.Config{
		ConnString:    c.Source.URL,
		Slot:          c.Source.Slot,
		Publication:   c.Source.Publication,
		Messages:      c.Outbox.WALMessages != "",
		SenderTimeout: c.Source.WalSenderTimeout.Std(),
	}
	if c.Source.PasswordFile != "" {
		r.Password = c.Source.Password
	}
	return r
}

func kafkaConfig(c config.Config) publisher.Config {
	k := publisher.Config{
		Brokers:            c.Kafka.Brokers,
		Relay:              c.Name,
		CheckpointTopic:    checkpointTopic(c),
		ReservedPrefixes:   []string{c.Kafka.CheckpointTopic, c.Failure.ParkedTopic},
		TransactionTimeout: c.Kafka.TransactionTimeout.Std(),
		Compression:        c.Kafka.Compression,
	}
	if c.Routing.Partitioner != "column" { // a column names the partition; without one the default partitioner chooses
		k.Partitioner = c.Routing.Partitioner
	}
	return k
}

func checkpointTopic(c config.Config) string { return c.Kafka.CheckpointTopic + "." + c.Name }

func parkedTopic(c config.Config) string { return c.Failure.ParkedTopic + "." + c.Name }
