package relay

import (
	"context"
	"errors"
	"time"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// streaming is a session that has passed the guard: three goroutines that end together.
type streaming struct {
	pipe      *pipeline
	receiver  *receiver
	committer *committer
	watcher   interface {
		run(ctx context.Context, cancel context.CancelCauseFunc) error
	}
	bad badEvents // named by Kafka in this session
}

// newStreaming connects the parts. once ends the session when everything committed before now is durable.
func (s *session) newStreaming(bad badEvents, once bool) *streaming {
	cp := s.facts.Checkpoint
	at := progress{resume: cp.ResumeLSN}
	if cp.Witness != nil {
		at.witness = *cp.Witness
	}
	s.stream.Domains(s.columns())
	st := &streaming{pipe: newPipeline(s.cfg.Batch.count())}
	st.receiver = &receiver{
		src: s.stream, pipe: st.pipe, mapper: s.mapper, parking: s.newParking(bad), at: at,
		resume:   guard.NewResume(cp, *s.facts.Slot.ConfirmedFlush, s.fingerprint, func(m string) { s.log.Warn(m) }), //nolint:sloglint // the guard speaks
		tables:   s.tableNames(),
		limits:   batchLimits{events: s.cfg.Batch.MaxEvents, bytes: s.cfg.Batch.MaxBytes},
		onUpdate: s.cfg.OnUpdate, timeline: s.facts.Server.Timeline, status: s.cfg.Status, protocol: s.protocol,
		plans: make(map[uint32]plannedRelation),
	}
	last := *cp
	last.Fingerprint, last.Publication = s.fingerprint, guard.Record(s.facts.Publication)
	st.committer = &committer{
		pipe: st.pipe, planner: s.kafka, producer: s.producer, stream: streamAcknowledger{s.stream}, protocol: s.protocol, status: s.cfg.Status, trace: s.cfg.Trace, now: time.Now,
		last: last, acknowledged: cp.ResumeLSN, timeline: s.facts.Server.Timeline, writer: s.writer(), idleEvery: s.cfg.IdleEvery,
		badReports: func(b badEvents) { st.bad = b }, log: s.cfg.Logger,
	}
	st.committer.durable.wanted = make(chan struct{}, 1)
	st.committer.durable.reached(cp.ResumeLSN)
	if once {
		st.committer.stopAt, st.pipe.tellIdle = s.facts.Server.FlushLSN, true
	}
	st.watcher = &watcher{session: s, every: s.cfg.WatchEvery}
	return st
}

// tableName is a table as the catalogue has it; a name may contain dots.
type tableName struct{ schema, name string }

// tableNames are the outbox tables as the stream names them.
func (s *session) tableNames() map[tableName]bool {
	names := make(map[tableName]bool)
	for _, t := range s.tables {
		names[tableName{t.Schema, t.Name}] = true
	}
	return names
}

// columns are those of the outbox tables.
func (s *session) columns() (columns []replication.TableColumn) {
	for _, t := range s.tables {
		columns = append(columns, t.Columns...)
	}
	return columns
}

// run streams until something ends it. What was handed over before an event that cannot be published is committed
// first; everything else ends at once, and what had begun is decided by the next session.
func (st *streaming) run(ctx context.Context, closeStream func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ends := make(chan error, 3)
	received := make(chan struct{})
	go func() {
		defer close(received)
		err := st.receiver.run(ctx)
		if _, halted := errors.AsType[*halt](err); halted {
			st.pipe.close() // the committer ends after what stands before the event
			ends <- err
			return
		}
		cancel(err)
		ends <- err
	}()
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		err := st.committer.run(ctx)
		if err == nil {
			err = errDrained
		}
		cancel(err)
		ends <- err
	}()
	go func() { ends <- st.watcher.run(ctx, cancel) }()
	first := <-ends
	<-committed // acknowledges what it finishes, so the stream is still needed
	errClose := closeStream()
	<-received
	for range 2 {
		_ = <-ends // the first reason counts
	}
	return st.verdict(first, context.Cause(ctx), errClose)
}

// errDrained: the committer has made everything durable that was handed over.
var errDrained = errors.New("drained")

// verdict is why the session ended: a halt is what the receiver said first; else it is the first cause.
func (st *streaming) verdict(first, cause, errClose error) error {
	if _, halted := errors.AsType[*halt](first); halted && errors.Is(cause, errDrained) {
		return first
	}
	if cause != nil {
		return cause
	}
	return errors.Join(first, errClose)
}

// streamAcknowledger speaks of LSNs as the rest of Relay does.
type streamAcknowledger struct{ *replication.Stream }

// Acknowledge tells Postgres that everything before lsn is durable.
func (a streamAcknowledger) Acknowledge(lsn outbox.LSN) error {
	return a.Stream.Acknowledge(replication.LSN(lsn))
}
