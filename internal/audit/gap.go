package audit

import (
	"context"
	"errors"
	"time"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Gap is what the outbox has and Kafka has not, as a repair needs it: unlike an audit it asks for rows that the checkpoint
// has not reached too.
type Gap struct {
	Rows    uint64 // read
	InKafka uint64 // found there, whoever wrote the record
	Parked  uint64 // found in the parked topic
	// Released were parked once and are not in Kafka: somebody gave them up.
	Released uint64
	// Before were written before this relay began, or before their table was added.
	Before uint64
	// Missing are certainly in no topic and never were; of Doubtful that cannot be known; Bad cannot be mapped.
	Missing, Doubtful, Bad []Lack
	// LostNumbers is how many events of this generation the topics do not hold any more.
	LostNumbers uint64
	// NoRow are events behind GapOptions.Since that have no row, and Differs those whose row says something else.
	NoRow, Differs []Item
	Partitions     []Partition
}

// Lack is a row that is not in Kafka.
type Lack struct {
	ID      string    `json:"id"`
	Topic   string    `json:"topic"`
	Created time.Time `json:"created,omitzero"`
	n       int       // rows with this id that are not
}

// GapOptions say how to look.
type GapOptions struct {
	Options
	// NoRowSince is where this server's history begins to differ from the one that was published. 0: it does not.
	NoRowSince outbox.LSN
}

// ErrBeyond says that the topics hold numbers of this relay that the checkpoint has not counted, so it is not the newest.
var ErrBeyond = errors.New("the topics hold events of this relay that the checkpoint has not counted")

// FindGap compares rows with Kafka by id. All topics that routing can yield are read from their first offset to where they
// end now, as read_committed readers see them; a transaction that is open is waited for.
//
// A row that is not found is missing without doubt in two cases. Either no number of the relay's generation is missing in
// Kafka, so nothing that was published has been removed; or the row's transaction began after the witness had committed,
// so it was not decided when the checkpoint was written. Every other row that is not found may have been published,
// and removed since by retention, compaction or with its topic.
func FindGap(ctx context.Context, src Sources, cp *publisher.Checkpoint, o GapOptions) (_ *Gap, err error) {
	o.Options = o.withDefaults()
	a := newAuditor(src, o.Options)
	defer func() { err = errors.Join(err, a.entries.close()) }()
	a.setCheckpoint(cp)
	for _, step := range []func(context.Context) error{a.readRows, a.readParked, a.findPartitions, a.awaitReaders, a.readEvents} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if a.events.current.before(a.events.highest) {
		return nil, ErrBeyond
	}
	gap := &Gap{Partitions: a.report.Partitions, LostNumbers: cp.EventsTotal}
	if a.report.Rows != nil {
		gap.Rows = a.report.Rows.Read
	}
	if found := a.events.generations[cp.Generation]; found != nil {
		gap.LostNumbers -= found.count
	}
	err = eachGroup(a.entries, func(g *group) error {
		gap.take(a, cp, o.NoRowSince, g)
		return nil
	})
	return gap, err
}

// take judges what there is of one id.
func (gap *Gap) take(a *auditor, cp *publisher.Checkpoint, noRowSince outbox.LSN, g *group) {
	if g.rows.n == 0 {
		gap.withoutRow(a, noRowSince, g)
		return
	}
	if noRowSince > 0 && len(g.differing()) > 0 {
		gap.Differs = append(gap.Differs, Item{ID: g.id, At: a.at(g.records.kept)})
	}
	there := g.records.n + g.foreign.n
	gap.InKafka += uint64(min(there, g.rows.n))
	if there >= g.rows.n {
		return
	}
	absent := g.rows.n - there
	parked := min(g.live, absent)
	gap.Parked += uint64(parked)
	absent -= parked
	released := min(g.released, absent)
	gap.Released += uint64(released)
	if absent -= released; absent == 0 {
		return
	}
	row := &g.rows.kept[0]
	lack := Lack{ID: g.id, Topic: a.places.topics[row.topic], n: absent}
	if row.created != 0 {
		lack.Created = time.UnixMilli(row.created).UTC()
	}
	switch {
	case row.created != 0 && lack.Created.Before(cp.Since()):
		gap.Before += uint64(absent)
	case row.bad:
		gap.Bad = append(gap.Bad, lack)
	case row.created == 0 || absent < g.rows.n || !gap.certain(cp, row):
		gap.Doubtful = append(gap.Doubtful, lack)
	default:
		gap.Missing = append(gap.Missing, lack)
	}
}

func (gap *Gap) certain(cp *publisher.Checkpoint, row *entry) bool {
	undecided := cp.Witness != nil && row.created*1000 > cp.Witness.CommitTime
	return gap.LostNumbers == 0 || undecided
}

func (gap *Gap) withoutRow(a *auditor, since outbox.LSN, g *group) {
	for _, e := range g.records.kept {
		if since > 0 && e.position.CommitLSN >= since {
			gap.NoRow = append(gap.NoRow, Item{ID: g.id, At: a.at([]entry{e}), Detail: "position " + e.position.String()})
		}
	}
}

// ReadLacking hands over the records that the rows become, in the order in which the table has them. What is handed over is
// borrowed. Several rows of one id are taken as often as they are lacking.
func ReadLacking(ctx context.Context, src Sources, lacking []Lack, take func(rec *outbox.Record, created int64) error) error {
	wanted := make(map[string]int, len(lacking))
	for _, l := range lacking {
		wanted[l.ID] = l.n
	}
	rows := newAuditor(src, Options{}.withDefaults()).rowSource()
	_, err := rows.read(ctx, func(r *row) error {
		if wanted[string(r.id)] == 0 || r.bad {
			return nil
		}
		wanted[string(r.id)]--
		return take(&rows.record, r.micros)
	})
	return err
}
