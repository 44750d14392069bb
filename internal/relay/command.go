package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// slotPatience is how long a command asks for a slot that a daemon is about to let go.
const slotPatience = 15 * time.Second

// command is a session with another job than streaming. It has the slot by courtesy of the daemon and is as safe as the
// daemon is: slot, fence, barrier, read.
type command struct {
	*session
	out     io.Writer
	counted *publisher.Holds // what is set aside, when it was counted anew
	orphans *outbox.Batch    // tombstones of holds that nothing waits for; nil: none
}

// commandPatience is how long a command tries again what is only doubtful: a coordinator that moves, a broker that has
// just started.
const commandPatience = 15 * time.Second

// persist runs a command until it is done, refused, or a server is out of reach. What is doubtful is tried again from
// the top: each command is safe to repeat.
func persist(ctx context.Context, try func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	var wait backoff
	for {
		err := try(ctx)
		if _, known := errors.AsType[*fault.Error](err); known || err == nil {
			return err
		}
		if pause.For(limited, wait.next()) != nil {
			return err
		}
	}
}

func newCommand(cfg Config, out io.Writer) (*command, error) {
	cfg = cfg.withDefaults()
	s, err := newSession(&cfg)
	if err != nil {
		return nil, err
	}
	return &command{session: s, out: out}, nil
}

func (c *command) say(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// reach looks and asks; what it finds disturbs nobody.
func (c *command) reach(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	return c.ask(ctx)
}

// lock gets the slot's exclusive lock, for which a daemon steps aside.
func (c *command) lock(ctx context.Context) error {
	var err error
	if c.side, err = c.pg.Sibling(ctx); err != nil {
		return postgresTrouble(c.cfg, err)
	}
	return c.lockExclusive(ctx)
}

// ownPatiently takes the slot; a daemon that has stepped aside may need a moment to close its connection.
func (c *command) ownPatiently(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, slotPatience)
	defer cancel()
	for {
		err := c.own(ctx)
		active, busySlot := errors.AsType[*replication.SlotActiveError](err)
		if !busySlot {
			return err
		}
		if pause.For(limited, standbyEvery) != nil {
			return busy(c.cfg.Source.Slot, fmt.Sprintf("process %d, which does not step aside", active.PID))
		}
	}
}

// commit writes a checkpoint alone.
func (c *command) commit(ctx context.Context, cp publisher.Checkpoint) error {
	cp.Writer = c.writer()
	cp.Fingerprint = c.fingerprint
	cp.Timeline = c.facts.Server.Timeline
	if c.facts.Publication != nil {
		cp.Publication = guard.Record(c.facts.Publication)
	}
	if _, err := c.producer.Publish(ctx, publisher.Commit{Checkpoint: &cp, Own: c.orphans}); err != nil {
		return fmt.Errorf("commit checkpoint: %w", err)
	}
	c.facts.Checkpoint = &cp
	return nil
}

// startAt commits a first checkpoint of this generation.
func (c *command) startAt(ctx context.Context, phase publisher.Phase, resume outbox.LSN) error {
	cp, err := c.begin(ctx, phase, resume)
	if err != nil {
		return err
	}
	return c.commit(ctx, cp)
}

// begin is a first checkpoint of this generation. What is committed from here on is published, so rows can be told by
// their time from those that were there before.
func (c *command) begin(ctx context.Context, phase publisher.Phase, resume outbox.LSN) (publisher.Checkpoint, error) {
	cp := publisher.Checkpoint{Identity: c.identity(), ResumeLSN: resume, Floor: resume, Phase: phase, Seq: 1}
	if before := c.facts.Checkpoint; before != nil {
		cp.Seq = before.Seq + 1
		cp.Holds = before.Holds
	}
	if c.counted != nil {
		cp.Holds = *c.counted
	}
	if cp.Generation == 0 || phase == publisher.PhaseStream {
		var err error
		if cp.Generation, err = c.beginning(ctx); err != nil {
			return cp, err
		}
	}
	return cp, nil
}

// mustBeReady gives the verdicts that forbid to begin at all, before anything is changed.
func (c *command) mustBeReady() error { return asError(guard.BeforeInit(&c.facts)) }

// createTopics makes the checkpoint and parked topics if they are missing, as configured.
func (c *command) createTopics(ctx context.Context) error {
	if c.facts.Kafka.CheckpointTopic != nil && c.parkedExists() {
		return nil
	}
	spec := c.cfg.InternalTopics
	if spec == nil {
		return &fault.Error{
			Code: fault.TopicUnsuitable, Summary: fmt.Sprintf("topic %s or %s does not exist, and kafka.create_topics is none", c.cfg.Kafka.CheckpointTopic, c.cfg.Parked),
			Hint: "`relay init --dry-run` prints the commands that create them.",
		}
	}
	created, err := c.kafka.CreateInternalTopics(ctx, publisher.InternalTopics{
		CheckpointTopic: c.cfg.Kafka.CheckpointTopic, ParkedTopic: c.cfg.Parked,
		ReplicationFactor: spec.ReplicationFactor, MinInSync: spec.MinInSync,
	})
	for _, topic := range created {
		c.say("created topic %s", topic)
	}
	if err != nil && strings.Contains(err.Error(), "INVALID_REPLICATION_FACTOR") {
		return &fault.Error{
			Code: fault.UnsafeReplication, Summary: fmt.Sprintf("the cluster has fewer than %d brokers", spec.ReplicationFactor), Err: err,
			Hint: "kafka.replication_factor is what topics need to survive a lost disk. Where losing events does not matter: kafka.replication_factor: 1 and kafka.development: true.",
		}
	}
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	return c.askKafka(ctx)
}

// countParked counts what is set aside: events may be parked under this name from an earlier life, or the checkpoint that
// knew their number is gone. It needs a barrier in the parked topic.
func (c *command) countParked(ctx context.Context) error {
	holds, err := c.producer.ReadHolds(ctx)
	if err != nil {
		return checkpointTrouble(c.cfg, err)
	}
	index := make(parkedIndex)
	if err := c.producer.ScanParked(ctx, index.take); err != nil {
		return parkedTopicTrouble(c.cfg, err)
	}
	c.counted = &publisher.Holds{Count: uint64(len(holds)), Parked: uint64(len(index))}
	c.orphans = c.orphaned(holds, index)
	if c.orphans != nil {
		c.counted.Count -= uint64(c.orphans.Len())
	}
	if len(index) > 0 {
		c.say("%d events are parked already, and %d keys held: `relay parked list` shows them", len(index), c.counted.Count)
	}
	return nil
}

// orphaned makes tombstones of holds whose parked events are gone, as with the whole topic: no retry would ever end them.
func (c *command) orphaned(holds []publisher.Hold, index parkedIndex) *outbox.Batch {
	waiting := make(map[string]bool)
	for _, e := range index {
		waiting[chainName(e)] = true
	}
	var orphans *outbox.Batch
	for _, h := range holds {
		if waiting[holdName(h.Topic, h.Key)] {
			continue
		}
		if orphans == nil {
			orphans = new(outbox.Batch)
		}
		c.cfg.Kafka.AppendReleased(orphans, h.Topic, h.Key)
		c.say("topic %s, key %s is held no more: what was parked of it is gone", h.Topic, keyText(h.Key))
	}
	return orphans
}

func (c *command) parkedExists() bool {
	for _, t := range c.facts.Kafka.Guarded {
		if t.Name == c.cfg.Parked {
			return true
		}
	}
	return c.cfg.Parked == ""
}
