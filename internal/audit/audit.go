package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Sources are what an audit reads. Nothing is written to any of them, and nobody is fenced.
type Sources struct {
	Kafka *publisher.Client
	// Relay is the name in relay-seq, with the shard.
	Relay string
	// Templates of topic names, literal ones too; Reserved are prefixes of names that events never reach.
	Templates, Reserved []string
	// IDHeader and TransactionHeader name the headers of the event's id and of its transaction; "" when there is none.
	IDHeader, TransactionHeader string
	// Parked reads the parked topic: what it holds, and what it held and does not any more. nil: there is none.
	Parked func(ctx context.Context, take func(id string, live bool) error) error

	// Postgres has the settings that the replication stream pins; nil when there is no table.
	Postgres *pgx.Conn
	Mapper   *outbox.Mapper
	Tables   []outbox.Table
	// Snapshot is an exported one that rows are read in; "": one of this moment.
	Snapshot string
	// Messages: WAL messages are published too, so not every event has a row.
	Messages bool
	// Slot looks at the relay's slot.
	Slot func(ctx context.Context) (Slot, error)
}

// Slot is what Postgres says of a replication slot.
type Slot struct {
	Active bool // a relay is at work
	// CatalogXmin: every transaction with an older id had ended, in the WAL, before what the slot has confirmed; so it is
	// decided. Logical decoding moves it at records of running transactions, which Postgres writes every 15 seconds while
	// there is work, and only once they are confirmed. 0: not known.
	CatalogXmin uint32
}

// Options say how to audit.
type Options struct {
	// Since leaves out older rows and, by their timestamps, older records. Zero: everything.
	Since time.Time
	// Topics to read besides those that are found.
	Topics []string
	// RowsMayGo: rows are deleted one by one soon after they were written.
	RowsMayGo bool
	// Wait is how long a relay at work may take to pass what was read. Default 1 minute.
	Wait time.Duration
	// Memory for the comparison, in bytes; what does not fit goes to temporary files in Dir. Default 64 MiB. A bit for
	// each event in Kafka comes on top, and what one read of Kafka brings.
	Memory int
	Dir    string
	// MaxItems is how many findings of a kind are named. Default 1000.
	MaxItems int
	// Progress is told what is done: records or rows, of a total that is 0 when unknown. nil: nobody.
	Progress func(stage Stage, done, total int64)
}

// Stage of an audit.
type Stage string

// The stages, in order.
const (
	StageRows    Stage = "reading rows"
	StageWait    Stage = "waiting for the checkpoint"
	StageEvents  Stage = "reading Kafka"
	StageCompare Stage = "comparing"
	StageAgain   Stage = "looking again"
)

func (o Options) withDefaults() Options {
	if o.Wait == 0 {
		o.Wait = time.Minute
	}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.MaxItems == 0 {
		o.MaxItems = 1000
	}
	if o.Progress == nil {
		o.Progress = func(Stage, int64, int64) {}
	}
	return o
}

// SourceError says which server an error is about.
type SourceError struct {
	Postgres bool // else Kafka
	Err      error
}

// Error is that of the server.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap gives it.
func (e *SourceError) Unwrap() error { return e.Err }

func ofKafka(err error) error {
	if err == nil {
		return nil
	}
	return &SourceError{Err: err}
}

// ErrNoCheckpoint says that there is nothing to audit against.
var ErrNoCheckpoint = errors.New("there is no checkpoint")

// auditor is one audit on its way.
type auditor struct {
	Sources
	options Options
	report  *Report

	names      headerNames
	places     places
	entries    *sorter
	events     events
	checkpoint *publisher.Checkpoint
	moment     moment
	oldestRow  uint32
	decided    bool // the checkpoint has passed all rows that were read
	slot       Slot
	second     map[string][]entry // suspects by id, to be looked for again
	suspected  int
}

// Run audits. The error says why it could not be done; what is wrong is in the report.
func Run(ctx context.Context, src Sources, o Options) (*Report, error) {
	a := newAuditor(src, o.withDefaults())
	err := a.run(ctx)
	if err = errors.Join(err, a.entries.close()); err != nil {
		return nil, err
	}
	a.report.Ended = time.Now().UTC()
	return a.report, nil
}

func newAuditor(src Sources, o Options) *auditor {
	return &auditor{
		Sources: src, options: o, entries: newSorter(o.Dir, o.Memory), second: map[string][]entry{},
		report: &Report{Relay: src.Relay, Began: time.Now().UTC(), Findings: none(findingKinds()), Unproved: none(unprovedKinds()), Reach: []string{}},
		names:  headerNames{relay: src.Relay, id: src.IDHeader, transaction: src.TransactionHeader},
	}
}

// run reads in this order, so that a relay at work disturbs nothing: first the rows; then a checkpoint that has passed
// them; then what is parked; then Kafka up to where it ends now, which holds everything that the checkpoint counts and
// everything that was taken out of the parked topic.
func (a *auditor) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		a.readRows, a.awaitCheckpoint, a.readParked, a.findPartitions, a.awaitReaders, a.readEvents, a.compare, a.lookAgain, a.last,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	a.judgeNumbers()
	a.reach()
	return nil
}

// found notes what is wrong.
func (a *auditor) found(kind Kind, count uint64, item Item) {
	note(a.report.Findings, kind, count, a.options.MaxItems, item)
}

func (a *auditor) unproved(kind Kind, item Item) {
	note(a.report.Unproved, kind, 1, a.options.MaxItems, item)
}

func (a *auditor) readRows(ctx context.Context) error {
	if a.Postgres == nil {
		return nil
	}
	a.report.Rows = &Rows{Tables: []string{}}
	for _, t := range a.Tables {
		a.report.Rows.Tables = append(a.report.Rows.Tables, t.Schema+"."+t.Name)
	}
	var key, value []byte
	var err error
	a.moment, err = a.rowSource().read(ctx, func(r *row) error {
		a.countRow(r)
		key, value = appendKey(key[:0], r.id), r.appendTo(value[:0])
		return a.entries.add(key, value)
	})
	return err
}

func (a *auditor) rowSource() *rows {
	return &rows{conn: a.Postgres, mapper: a.Mapper, tables: a.Tables, snapshot: a.Snapshot, names: a.names, places: &a.places, since: a.options.Since}
}

func (a *auditor) countRow(r *row) {
	rows := a.report.Rows
	rows.Read++
	if r.asked {
		rows.Asked++
	}
	if r.created != 0 {
		if at := time.UnixMilli(r.created).UTC(); rows.Oldest == nil || at.Before(*rows.Oldest) {
			rows.Oldest = &at
		}
	}
	if a.oldestRow == 0 || xidBefore(r.xid, a.oldestRow) {
		a.oldestRow = r.xid
	}
	if rows.Read%every == 0 {
		a.options.Progress(StageRows, int64(rows.Read), 0)
	}
}

// every how many rows or records the progress is told.
const every = 10_000

// awaitCheckpoint looks until the checkpoint has passed the rows that were read, as long as a relay is at work.
func (a *auditor) awaitCheckpoint(ctx context.Context) error {
	for end := time.Now().Add(a.options.Wait); ; {
		slot, err := a.Slot(ctx) // before the checkpoint: it never passes a later one
		if err != nil {
			return &SourceError{Postgres: true, Err: fmt.Errorf("look at the slot: %w", err)}
		}
		look, err := a.look(ctx)
		if err != nil {
			return err
		}
		if look.Checkpoint == nil || look.Checkpoint.Phase != publisher.PhaseStream {
			return ErrNoCheckpoint
		}
		a.setCheckpoint(look.Checkpoint)
		a.slot = slot
		if a.decided || !slot.Active || time.Now().After(end) {
			return nil
		}
		a.options.Progress(StageWait, 0, 0)
		if err := pause.For(ctx, again); err != nil {
			return err
		}
	}
}

func (a *auditor) look(ctx context.Context) (look publisher.Look, err error) {
	err = patiently(ctx, func() error {
		look, err = a.Kafka.Look(ctx)
		return err
	})
	if err != nil {
		return look, ofKafka(fmt.Errorf("read the checkpoint: %w", err))
	}
	return look, nil
}

func (a *auditor) setCheckpoint(cp *publisher.Checkpoint) {
	a.checkpoint = cp
	a.decided = a.Postgres == nil || cp.ResumeLSN >= a.moment.behind
	c := &a.report.Checkpoint
	c.ResumeLSN, c.Generation, c.EventsTotal, c.Written = cp.ResumeLSN, cp.Generation, cp.EventsTotal, cp.Time
}

func (a *auditor) readParked(ctx context.Context) error {
	if a.Parked == nil {
		return nil
	}
	var key, value []byte
	return ofKafka(a.Parked(ctx, func(id string, live bool) error {
		e := entry{kind: kindParked, later: !live}
		key, value = appendKey(key[:0], []byte(id)), e.appendTo(value[:0])
		return a.entries.add(key, value)
	}))
}
