package relay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// repairRounds publishes missing rows, as many at a time as a batch holds.
type repairRounds struct {
	c      *command
	resume outbox.LSN // of the last checkpoint
	next   publisher.Checkpoint

	all   outbox.Batch // every missing event, in the order of the table
	order []lacking    // and in the order in which they are published

	batch, own outbox.Batch // of this round
	done       Repaired
}

// lacking is an event of all.
type lacking struct {
	at      int
	created int64 // microseconds since the Unix epoch
	id      []byte
}

func (c *command) publishGap(ctx context.Context, plan *RepairPlan, src audit.Sources, resume outbox.LSN) (Repaired, error) {
	r := &repairRounds{c: c, resume: resume, next: *c.facts.Checkpoint}
	if err := r.collect(ctx, plan, src); err != nil {
		return Repaired{}, err
	}
	var rec outbox.Record
	for n, l := range r.order {
		r.all.Read(l.at, &rec)
		if r.full(&rec) {
			if err := r.commit(ctx); err != nil {
				return r.done, err
			}
		}
		rec.Position = r.position(n)
		if err := r.take(&rec, l.created); err != nil {
			return r.done, err
		}
	}
	if err := r.finish(ctx); err != nil {
		return r.done, err
	}
	r.done.Resume = resume
	return r.done, r.commit(ctx)
}

// collect reads the missing rows.
func (r *repairRounds) collect(ctx context.Context, plan *RepairPlan, src audit.Sources) error {
	if src.Postgres == nil {
		return nil
	}
	rows := slices.Concat(plan.Gap.Missing, plan.Gap.Doubtful)
	err := audit.ReadLacking(ctx, src, rows, func(rec *outbox.Record, created int64) error {
		r.order = append(r.order, lacking{at: r.all.Len(), created: created, id: bytes.Clone(rec.ID)})
		r.all.Append(rec)
		return nil
	})
	slices.SortStableFunc(r.order, func(a, b lacking) int {
		return cmp.Or(cmp.Compare(a.created, b.created), bytes.Compare(a.id, b.id))
	})
	return auditTrouble(r.c.cfg, err)
}

// position says of a repaired event where it came from, as far as that is known: it was committed before the place where the
// stream goes on. No record of the WAL begins there, so no event of the stream has the same position.
func (r *repairRounds) position(n int) outbox.Position {
	return outbox.Position{Timeline: r.c.facts.Server.Timeline, CommitLSN: r.resume - 1, Index: uint32(n)}
}

func (r *repairRounds) full(rec *outbox.Record) bool {
	count, size := r.batch.Len()+r.own.Len(), r.batch.Size()+r.own.Size()
	return count > 0 && (count >= r.c.cfg.Batch.MaxEvents || size+len(rec.Value)+len(rec.Key) > r.c.cfg.Batch.MaxBytes)
}

// take puts an event into the round: behind a parked one if its key is held.
func (r *repairRounds) take(rec *outbox.Record, created int64) error {
	behind := r.c.holds.by(rec.Topic, rec.Key)
	if behind == "" {
		r.batch.Append(rec)
		return nil
	}
	e := parkedRecord(rec, created)
	e.Position, e.ID, e.Topic, e.Key, e.Behind = rec.Position, string(rec.ID), rec.Topic, rec.Key, behind
	e.Reason, e.Detail = string(reasonHeld), "repaired while its key was held"
	e.Relay, e.Generation, e.Time = r.next.Relay, r.next.Generation, time.Now().UTC()
	if err := publisher.AppendParked(&r.own, r.c.cfg.Parked, e); err != nil {
		return err
	}
	r.next.Holds.Parked++
	r.done.Held++
	return nil
}

// finish makes the next checkpoint the one that the stream goes on from.
func (r *repairRounds) finish(ctx context.Context) error {
	n, facts := &r.next, &r.c.facts
	if len(guard.Added(facts)) > 0 {
		var err error
		if n.TableAdded, err = r.c.beginning(ctx); err != nil {
			return err
		}
	}
	n.ResumeLSN, n.Floor, n.Timeline = r.resume, r.resume, facts.Server.Timeline
	n.Witness, n.Partial, n.Pieces = nil, nil, 0
	n.Publication, n.Fingerprint = guard.Record(facts.Publication), r.c.fingerprint
	return nil
}

// commit makes the round durable.
func (r *repairRounds) commit(ctx context.Context) error {
	first := r.next.EventsTotal + 1
	r.next.Seq++
	r.next.EventsTotal += uint64(r.batch.Len())
	r.next.Writer = r.c.writer()
	cp := r.next
	commit := publisher.Commit{FirstSeq: first, Checkpoint: &cp}
	if r.batch.Len() > 0 {
		commit.Batch = &r.batch
	}
	if r.own.Len() > 0 {
		commit.Own = &r.own
	}
	result, err := r.c.producer.Publish(ctx, commit)
	if err != nil {
		return repairTrouble(&r.batch, err)
	}
	if result.HoldsOffset >= 0 {
		r.next.Holds.LastOffset = result.HoldsOffset
	}
	if len(result.Ends) > 0 {
		r.next.Ends = result.Ends
	}
	r.c.facts.Checkpoint = &cp
	r.done.Published += r.batch.Len()
	r.batch.Reset()
	r.own.Reset()
	return nil
}

// repairTrouble names the rows that Kafka does not take; the transaction was not committed.
func repairTrouble(batch *outbox.Batch, err error) error {
	refused, ok := errors.AsType[*publisher.EventError](err)
	if !ok {
		return fmt.Errorf("publish missing rows: %w", err)
	}
	f := &fault.Error{
		Code: fault.Unpublishable, Summary: "Kafka does not take some of the missing rows", Err: err,
		Hint: "Mend the cause (create the topic, grant the right, raise the limit) and repeat. To give a row up, copy it, delete it from the outbox table and repeat.",
	}
	for _, e := range refused.All() {
		for _, i := range e.Records[:min(len(e.Records), 10)] {
			f.Details = append(f.Details, fmt.Sprintf("row %s  %s", batch.At(i).ID, e.Reason))
		}
	}
	return f
}
