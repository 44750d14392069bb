package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// Viewer looks at relays from outside, whether they run or not: it fences nobody, owns no slot and writes nothing. One
// of the two servers may be out of reach. It is for one goroutine.
type Viewer struct {
	cfg             Config
	session         *session
	postgres, kafka error // why there is no connection
}

// reachLimit bounds how long one server is tried, so that there is time left to look at the other.
const reachLimit = 10 * time.Second

// View prepares to look. Connections are made when they are first needed, each server being tried once. The error
// concerns the configuration only: a server that cannot be reached is told by what is asked of it.
func View(cfg Config) (*Viewer, error) {
	v := &Viewer{cfg: cfg.withDefaults()}
	var err error
	v.session, err = newSession(&v.cfg)
	return v, err
}

// reach connects to both servers, side by side.
func (v *Viewer) reach(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = v.Postgres(ctx) }) // what is wrong is kept
	both.Go(func() { _, _ = v.Kafka(ctx) })
	both.Wait()
}

// limited bounds how long one server is tried.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, reachLimit, fmt.Errorf("no answer within %s", reachLimit))
}

// reachPostgres opens a replication connection, which is asked who the server is, and an ordinary one.
func (s *session) reachPostgres(ctx context.Context) (err error) {
	if s.pg, err = replication.Connect(ctx, s.cfg.Source); err != nil {
		return postgresTrouble(s.cfg, err)
	}
	if s.side, err = s.pg.Sibling(ctx); err != nil {
		return postgresTrouble(s.cfg, err)
	}
	return nil
}

// reachReadOnly lets the server itself see to it that a look writes nothing.
func (v *Viewer) reachReadOnly(ctx context.Context) error {
	if err := v.session.reachPostgres(ctx); err != nil {
		return err
	}
	if _, err := v.session.side.Exec(ctx, "SET default_transaction_read_only = on"); err != nil {
		return v.PostgresTrouble(err)
	}
	return nil
}

func (s *session) reachKafka(ctx context.Context) (err error) {
	if s.kafka, err = publisher.Connect(ctx, s.cfg.Kafka); err != nil {
		return unreachableKafka(s.cfg, err)
	}
	return nil
}

// Close ends the connections.
func (v *Viewer) Close() { v.session.close() }

// Kafka is the connection to Kafka, or why there is none.
func (v *Viewer) Kafka(ctx context.Context) (*publisher.Client, error) {
	if v.session.kafka == nil && v.kafka == nil {
		ctx, cancel := limited(ctx)
		defer cancel()
		v.kafka = v.session.reachKafka(ctx)
	}
	return v.session.kafka, v.kafka
}

// Postgres is an ordinary connection to the source's server, or why there is none. Its search_path is pg_catalog.
func (v *Viewer) Postgres(ctx context.Context) (*pgx.Conn, error) {
	if v.session.side == nil && v.postgres == nil {
		ctx, cancel := limited(ctx)
		defer cancel()
		v.postgres = v.reachReadOnly(ctx)
	}
	if v.postgres != nil {
		return nil, v.postgres
	}
	return v.session.side.Conn, nil
}

// Parked are the events in the parked topic, without their values; none when there is no such topic.
func (v *Viewer) Parked(ctx context.Context) ([]*ParkedEvent, error) {
	kafka, err := v.Kafka(ctx)
	if err != nil || v.cfg.Kafka.ParkedTopic == "" {
		return nil, err
	}
	index := make(parkedIndex)
	if err := kafka.LookParked(ctx, index.take); err != nil && !errors.Is(err, publisher.ErrNoTopic) {
		return nil, v.kafkaTrouble(parkedTopicTrouble(&v.cfg, err))
	}
	return index.sorted(), nil
}

// Mapper makes records of rows as the relay does.
func (v *Viewer) Mapper() *outbox.Mapper { return v.session.mapper }

// Tables are the outbox tables as the catalogue had them at the last Look.
func (v *Viewer) Tables() []replication.Table { return v.session.tables }

// Look judges the relay of the configuration.
//
// The slot is asked first: it never passes the checkpoint, so a checkpoint read later cannot seem to be behind. The end
// of the WAL is asked last, for the checkpoint never passes that. The tails of the topics are compared with the checkpoint
// before they are read and must not be believed when the relay has published meanwhile.
func (v *Viewer) Look(ctx context.Context) Inspection {
	in := v.begin(ctx)
	v.lookAtPostgres(ctx, &in)
	v.judge(ctx, &in)
	return in
}

func (v *Viewer) begin(ctx context.Context) Inspection {
	v.reach(ctx)
	return Inspection{Place: v.place(), Configured: true, SlotName: v.cfg.Source.Slot, Postgres: v.postgres, Kafka: v.kafka}
}

func (v *Viewer) lookAtPostgres(ctx context.Context, in *Inspection) {
	s := v.session
	if in.Postgres == nil {
		in.Postgres = v.PostgresTrouble(v.askPostgres(ctx))
	}
	if in.Postgres == nil {
		in.setSlot(s.facts.Slot, s.slot)
		in.WALEnd, in.Version = s.facts.Server.FlushLSN, s.facts.Server.Version
	}
}

// lookAtKafka reads the checkpoint. A refusal says that it cannot be read.
func (v *Viewer) lookAtKafka(ctx context.Context, in *Inspection) {
	if in.Kafka == nil {
		in.Kafka = v.kafkaTrouble(v.askKafka(ctx, in))
	}
	v.askWALEnd(ctx, in)
}

// judge reads the checkpoint and compares it with what Postgres has said.
func (v *Viewer) judge(ctx context.Context, in *Inspection) {
	s := v.session
	v.lookAtKafka(ctx, in)
	if in.Postgres == nil && in.Kafka == nil && in.Refusal == nil {
		if in.Refusal = guard.BeforeFence(&s.facts); in.Refusal == nil {
			in.Refusal = guard.AfterRead(&s.facts)
		}
	}
}

// askWALEnd asks for the end of the WAL once more: a relay at work has gone on while the rest was asked.
func (v *Viewer) askWALEnd(ctx context.Context, in *Inspection) {
	s := v.session
	if in.Postgres != nil || s.facts.Server.InRecovery { // a standby has no end of its own, and is refused for what it is
		return
	}
	end, err := s.walEnd(ctx)
	if err != nil {
		in.Postgres = v.PostgresTrouble(err)
		return
	}
	s.facts.Server.FlushLSN, in.WALEnd = end, end
}

func (v *Viewer) place() publisher.Place {
	return publisher.Place{Relay: v.cfg.Kafka.Relay, Topic: v.cfg.Kafka.CheckpointTopic, Shard: v.cfg.Kafka.Shard}
}

func (v *Viewer) askPostgres(ctx context.Context) error {
	s := v.session
	s.facts.Server = guard.Server{}
	err := s.askServer(ctx)
	if err == nil {
		err = s.askCatalog(ctx, &s.pg.Catalog)
	}
	return err
}

// PostgresTrouble says what an error of Postgres means to somebody who only looks: what a session doubts is out of reach.
func (v *Viewer) PostgresTrouble(err error) error {
	if err == nil {
		return nil
	}
	err = postgresTrouble(&v.cfg, err)
	if _, known := errors.AsType[*fault.Error](err); known {
		return err
	}
	return &fault.Error{Code: fault.PostgresUnreachable, Summary: "Postgres does not answer", Err: err}
}

// KafkaTrouble says what an error of package publisher about a topic means to somebody who only looks.
func (v *Viewer) KafkaTrouble(topic string, err error) error {
	at := v.cfg
	if topic != "" {
		at.Kafka.CheckpointTopic = topic
	}
	return v.kafkaTrouble(checkpointTrouble(&at, err))
}

func (v *Viewer) kafkaTrouble(err error) error {
	_, known := errors.AsType[*fault.Error](err)
	if _, denied := errors.AsType[*publisher.AuthorizationError](err); err == nil || known || denied {
		return err
	}
	return &fault.Error{Code: fault.KafkaUnreachable, Summary: "Kafka does not answer", Err: err}
}

func (v *Viewer) askKafka(ctx context.Context, in *Inspection) error {
	s := v.session
	look, err := s.kafka.Look(ctx)
	if errors.Is(err, publisher.ErrNoTopic) { // the guard has a verdict on that
		look, err = publisher.Look{}, nil
	}
	if err != nil {
		return in.lookFailed(&v.cfg, err)
	}
	s.facts.Checkpoint = look.Checkpoint
	if err := s.askKafka(ctx); err != nil {
		return err
	}
	before := look.Checkpoint
	if before != nil {
		if look, err = s.kafka.Look(ctx); err != nil {
			return in.lookFailed(&v.cfg, err)
		}
		if look.Checkpoint == nil || look.Checkpoint.EventsTotal != before.EventsTotal {
			s.facts.Kafka.ForeignSeq = nil
		}
	}
	s.facts.Barrier, s.facts.Checkpoint = look.Furthest, look.Checkpoint
	in.setLook(&v.cfg, look)
	return nil
}

// Others judges the relays, apart from the configured one, whose checkpoint topics are named prefix, a dot and a name.
// Of those whose Postgres is our server too, checkpoint and slot are judged; of the rest, the checkpoint is shown. Call it
// after Look.
func (v *Viewer) Others(ctx context.Context, prefix string) ([]Inspection, error) {
	kafka, err := v.Kafka(ctx)
	if err != nil {
		return nil, err
	}
	places, err := kafka.Places(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list checkpoint topics: %w", err)
	}
	var all []Inspection
	for _, at := range places {
		if at == v.place() {
			continue
		}
		in := Inspection{Place: at, Postgres: v.postgres}
		in.Kafka = v.kafkaTrouble(v.other(ctx, &in))
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		all = append(all, in)
	}
	return all, nil
}

// other looks at checkpoint, slot and checkpoint again: which slot it is stands in the first, and the last is not behind
// the slot.
func (v *Viewer) other(ctx context.Context, in *Inspection) error {
	s := v.session
	look, err := s.kafka.LookAt(ctx, in.Place)
	if err != nil {
		return in.lookFailed(&v.cfg, err)
	}
	cp := look.Checkpoint
	if cp == nil || in.Postgres != nil || cp.SystemID != s.facts.Server.SystemID {
		in.setLook(&v.cfg, look)
		in.Elsewhere = cp != nil && in.Postgres == nil
		if cp != nil {
			in.SlotName = cp.Slot
		}
		return nil
	}
	slot, err := s.side.Slot(ctx, cp.Slot)
	if err != nil {
		in.Postgres = v.PostgresTrouble(err)
		in.setLook(&v.cfg, look)
		return nil
	}
	if look, err = s.kafka.LookAt(ctx, in.Place); err != nil {
		return in.lookFailed(&v.cfg, err)
	}
	in.setLook(&v.cfg, look)
	in.SlotName = cp.Slot
	in.setSlot(slotFacts(slot), slot)
	in.Version = s.facts.Server.Version
	if v.askWALEnd(ctx, in); in.Postgres == nil && in.Refusal == nil && in.Checkpoint != nil {
		in.Refusal = guard.Elsewhere(v.otherFacts(in, look))
	}
	return nil
}

// otherFacts are what can be known of a relay without its configuration: that is taken from its checkpoint.
func (v *Viewer) otherFacts(in *Inspection, look publisher.Look) *guard.Facts {
	cp := look.Checkpoint
	f := &guard.Facts{
		Want:   guard.Want{Relay: in.Place.Relay, Shard: in.Place.Shard, Of: cp.Of, Slot: cp.Slot},
		Server: v.session.facts.Server,
		Slot:   in.Slot,
		Kafka: guard.Kafka{
			ClusterID: v.session.kafka.ClusterID(), CheckpointTopicFor: in.Place.Topic,
			CheckpointTopic: &guard.Topic{Name: in.Place.Topic, ID: look.TopicID},
		},
		Barrier: look.Furthest, Checkpoint: cp,
	}
	f.Server.Database, f.Server.DatabaseOID = cp.Database, cp.DatabaseOID
	return f
}
