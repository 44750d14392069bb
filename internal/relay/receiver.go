package relay

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// source is the stream as the receiver sees it. A message's memory is good until the next call of Next.
type source interface {
	// Next blocks until a message or the end of the stream; closing the stream ends it.
	Next() (*replication.Message, error)
	// Buffered reports whether Next would return without waiting for the network.
	Buffered() bool
	// Bulk reports whether much has been coming, so that Next will return soon: with more, or with a Pause.
	Bulk() bool
}

// batchLimits bound a unit.
type batchLimits struct {
	events, bytes int
}

// eagerEvents is how many events a unit must have before it is handed to a waiting committer although more messages
// are already there to be decoded. A Kafka transaction costs Relay and the broker about as much as two thousand events,
// so that many keep the price low; they are received in some tens of milliseconds, and only while that much is coming.
const eagerEvents = 4000

// eagerBytes is enough for that too: it is more than as many small events take, and a steady flow of large ones would
// otherwise keep the first of them waiting until the whole batch is full, for a second and longer.
const eagerBytes = 2 << 20

// pausesKept is over how many pauses of the flow a unit is filled further while the committer waits. At a pause the unit
// is lent, but what the kernel has by then, less than it was to wait for, may be read before the committer has looked, and
// takes the unit back. In a backlog the server pauses now and then, and batches would be small if each pause ended one; in
// a steady flow that just makes bulk there is one every 5 ms, and events would wait for a batch to be full.
const pausesKept = 4

// receiver reads the stream, skips what is decided, maps the rest and fills units. It runs on one goroutine.
type receiver struct {
	src      source
	pipe     *pipeline
	resume   *guard.Resume
	mapper   *outbox.Mapper
	tables   map[tableName]bool // outbox tables
	limits   batchLimits
	parking  *parking
	onUpdate OnUpdate
	timeline uint32
	status   *status.Tracker
	protocol *slog.Logger

	plans  map[uint32]plannedRelation // by OID of the relation
	unit   *unit                      // being filled; nil until a row needs one
	at     progress                   // last whole transaction or keepalive
	tx     openTransaction
	paused bool // the last message said that the flow has paused

	// probing hands every transaction over by itself: after a halt the same event may be refused again, and all that shares
	// a Kafka transaction with it would be written and aborted once more each time.
	probing atomic.Bool

	skipped struct{ transactions, rows uint64 } // decided already, since the last report
}

// plannedRelation is how the rows of a relation are mapped for as long as the server describes it in the same way.
type plannedRelation struct {
	rel  *replication.Relation
	plan *outbox.Plan // nil: not an outbox table
}

// run ends with an error, always; nothing is handed over afterwards.
func (r *receiver) run(ctx context.Context) error {
	for {
		m, err := r.next()
		if err == nil {
			err = r.handle(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// next lends the unit to the committer while it waits for the network, if it ends between transactions: rows of the open
// one that are not for us, or its first row while that is still coming, keep nobody waiting. In bulk it waits for the
// next read first: a Kafka transaction of one read's events would cost more than the events.
func (r *receiver) next() (*replication.Message, error) {
	if r.unit == nil || r.unit.empty() || !r.unit.endsWhole() || r.src.Buffered() || (r.src.Bulk() && !r.paused) {
		return r.src.Next()
	}
	if r.paused {
		r.unit.pauses++
	}
	if r.unit.pauses >= pausesKept && r.pipe.isHungry() {
		r.pipe.hand(r.unit)
		r.unit = nil
		return r.src.Next()
	}
	r.pipe.lend(r.unit)
	m, err := r.src.Next()
	r.unit = r.pipe.reclaim()
	return m, err
}

func (r *receiver) handle(ctx context.Context, m *replication.Message) error {
	r.paused = m.Kind == replication.Pause
	switch m.Kind {
	case replication.Insert:
		return r.row(ctx, m)
	case replication.Begin:
		r.begin(m)
	case replication.Commit:
		return r.commit(ctx, m)
	case replication.LogicalMessage:
		if !m.Transactional {
			r.status.Ignored("non_transactional_message")
			return nil
		}
		return r.row(ctx, m)
	case replication.Keepalive:
		return r.keepalive(m)
	case replication.Update:
		return r.update(m)
	case replication.Delete, replication.Truncate:
		r.status.Ignored(m.Kind.String())
	}
	return nil
}

func (r *receiver) begin(m *replication.Message) {
	digest := r.tx.digest
	if digest == nil {
		digest = xxhash.New()
	}
	digest.Reset()
	r.tx = openTransaction{
		Transaction: outbox.Transaction{Timeline: r.timeline, CommitLSN: outbox.LSN(m.CommitLSN), CommitTime: m.CommitTime, XID: m.XID},
		open:        true,
		digest:      digest,
	}
}

// row takes an Insert or a transactional WAL message: it counts and is digested as received, whatever becomes of it.
func (r *receiver) row(ctx context.Context, m *replication.Message) error {
	if r.tx.rows == 0 {
		if err := r.firstRow(); err != nil {
			return err
		}
	}
	index := r.tx.rows
	r.tx.rows++
	r.tx.digest.Write(m.Raw)
	if index < uint64(r.tx.skip) {
		if r.tx.skip != guard.AllRows && r.tx.rows == uint64(r.tx.skip) {
			return asError(r.resume.PartEnds(r.tx.reference()))
		}
		return nil
	}
	return r.publish(ctx, m, index)
}

func (r *receiver) firstRow() error {
	r.pipe.clearIdle()
	skip, refusal := r.resume.FirstRow(r.tx.reference())
	if refusal != nil {
		return refusal
	}
	r.tx.skip = skip
	if skip != guard.AllRows && skip > 0 {
		r.tx.piece = r.resume.Pieces()
	}
	return nil
}

// publish maps a row into the unit. A row that cannot become a record is parked, or halts before its transaction.
func (r *receiver) publish(ctx context.Context, m *replication.Message, index uint64) error {
	plan, wanted, err := r.route(m)
	if err != nil || !wanted {
		return err
	}
	if r.unit == nil {
		if r.unit, err = r.pipe.fresh(ctx); err != nil {
			return err
		}
	}
	if err := r.mapRow(plan, m, index); err != nil {
		return r.haltOr(err)
	}
	if r.unit.commitTime == 0 {
		r.unit.commitTime = r.tx.CommitTime
	}
	if r.full() {
		return r.overflow(ctx)
	}
	return nil
}

// route finds out whether a row is an event: one of an outbox table, or a message with our prefix.
func (r *receiver) route(m *replication.Message) (*outbox.Plan, bool, error) {
	if m.Kind == replication.LogicalMessage {
		return nil, r.mapper.WantsMessage(m.Prefix), nil
	}
	known := r.plans[m.Relation.OID]
	if known.rel != m.Relation {
		plan, err := r.plan(m.Relation)
		if err != nil {
			return nil, false, err
		}
		known = plannedRelation{rel: m.Relation, plan: plan}
		r.plans[m.Relation.OID] = known
	}
	return known.plan, known.plan != nil, nil
}

// plan prepares the mapping of an outbox table; it is nil for any other table, whose rows are ignored.
func (r *receiver) plan(rel *replication.Relation) (*outbox.Plan, error) {
	if !r.tables[tableName{rel.Namespace, rel.Name}] {
		return nil, nil
	}
	table := outbox.Table{Schema: rel.Namespace, Name: rel.Name}
	for _, c := range rel.Columns {
		table.Columns = append(table.Columns, outbox.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
	}
	plan, err := r.mapper.Plan(table)
	if err != nil {
		return nil, r.halt(&outbox.BadEvent{Position: r.tx.position(max(r.tx.rows, 1) - 1), Reason: reasonTableAltered, Detail: err.Error()})
	}
	return plan, nil
}

func (r *receiver) mapRow(plan *outbox.Plan, m *replication.Message, index uint64) error {
	if index > math.MaxUint32 {
		return fmt.Errorf("transaction %d has more than %d rows", r.tx.XID, uint32(math.MaxUint32))
	}
	if len(m.Raw) > r.limits.bytes {
		return r.tooLarge(plan, m, uint32(index))
	}
	before := r.unit.batch.Mark()
	err := r.mapInto(plan, m, uint32(index))
	switch {
	case err != nil:
		return r.unmapped(m, err)
	case r.parking.quiet():
		return nil
	}
	return r.sidetrack(before)
}

// mapInto appends the record of a row or message to the unit's batch.
func (r *receiver) mapInto(plan *outbox.Plan, m *replication.Message, index uint32) error {
	if plan == nil {
		return r.mapper.MapMessage(m.Content, r.tx.Transaction, index, r.unit.batch)
	}
	return plan.Map(outbox.Row{Values: m.Values}, r.tx.Transaction, index, r.unit.batch)
}

// halt drops the open transaction, or the open piece of it, and hands over what stands before it.
func (r *receiver) halt(bad *outbox.BadEvent) error {
	if u := r.unit; u != nil {
		u.batch.Truncate(u.whole)
		u.siding.truncate()
		if !u.empty() {
			r.pipe.hand(u)
		}
		r.unit = nil
	}
	return &halt{bad: bad, commitTime: r.tx.CommitTime}
}

func (r *receiver) full() bool {
	return r.unit.events() >= r.limits.events || r.unit.size() >= r.limits.bytes
}

// overflow makes room inside a transaction: whole transactions before it go first, and only a transaction that fills a
// unit alone is cut into pieces.
func (r *receiver) overflow(ctx context.Context) error {
	next, err := r.pipe.fresh(ctx)
	if err != nil {
		return err
	}
	full := r.unit
	r.unit = next
	if full.transactions > 0 {
		full.batch.MoveTail(full.whole, next.batch)
		full.siding.moveTail(&next.siding)
		full.count(r.status)
		next.commitTime = r.tx.CommitTime
		r.pipe.hand(full)
		return nil
	}
	full.count(r.status)
	r.tx.piece++
	part := r.tx.reference()
	full.partial, full.piece, full.resume, full.witness = &part, r.tx.piece, r.at.resume, r.at.witness
	r.pipe.hand(full)
	return nil
}

func (r *receiver) commit(ctx context.Context, m *replication.Message) error {
	tx := r.tx.reference()
	skipped := r.tx.skip == guard.AllRows
	r.tx.open = false
	r.status.Received(outbox.LSN(m.EndLSN), r.tx.CommitTime)
	if tx.Rows > 0 {
		if refusal := r.resume.Commit(tx); refusal != nil {
			return refusal
		}
	}
	if skipped {
		r.skipped.transactions++
		r.skipped.rows += tx.Rows
		return nil
	}
	r.reportSkipped()
	r.at.resume = max(r.at.resume, outbox.LSN(m.EndLSN)) // an empty transaction can lie before the checkpoint
	if tx.Rows > 0 {
		r.at.witness = tx
	}
	return r.complete(ctx)
}

// reportSkipped says, once the stream has passed the checkpoint, what was received again.
func (r *receiver) reportSkipped() {
	if r.skipped.transactions == 0 {
		return
	}
	r.status.Skipped(r.skipped.rows)
	r.protocol.Info("skip", "transactions", r.skipped.transactions, "rows", r.skipped.rows, keyResumeLSN, r.resume.From())
	r.skipped.transactions, r.skipped.rows = 0, 0
}

// complete notes the end of a whole transaction and hands the unit over if that is the moment.
func (r *receiver) complete(ctx context.Context) error {
	u := r.unit
	if u == nil && r.tx.piece > 0 {
		// The last row filled its piece to the brim, or the rest has no events: a checkpoint must still end the transaction.
		var err error
		if u, err = r.pipe.fresh(ctx); err != nil {
			return err
		}
		r.unit = u
	}
	if u == nil || (u.empty() && r.tx.piece == 0) {
		r.idle()
		return nil
	}
	u.count(r.status)
	u.whole = u.batch.Mark()
	u.siding.markWhole()
	u.resume, u.witness = r.at.resume, r.at.witness
	u.transactions++
	u.piece = r.finalPiece()
	if u.piece > 0 || r.probing.Load() || (u.eager() && r.pipe.isHungry()) {
		r.pipe.hand(u)
		r.unit = nil
	}
	return nil
}

// finalPiece is the number of the piece that ends a transaction; 0 when it was not cut.
func (r *receiver) finalPiece() uint32 {
	if r.tx.piece == 0 {
		return 0
	}
	return r.tx.piece + 1
}

func (r *receiver) keepalive(m *replication.Message) error {
	if r.tx.open {
		return nil
	}
	end := outbox.LSN(m.WALEnd)
	if refusal := r.resume.Keepalive(end); refusal != nil {
		return refusal
	}
	r.reportSkipped()
	r.status.Received(end, 0)
	r.at.resume = max(r.at.resume, end)
	if r.unit == nil || r.unit.empty() {
		r.idle()
		return nil
	}
	// Everything that came before the keepalive is in this unit or in an earlier one, so once the unit is committed
	// nothing before it is pending.
	r.unit.resume = r.at.resume
	return nil
}

// idle offers the present place for an idle checkpoint.
func (r *receiver) idle() {
	if r.resume.Verified() {
		r.pipe.setIdle(r.at)
	}
}

// asError keeps a nil refusal a nil error.
func asError(r *guard.Refusal) error {
	if r == nil {
		return nil
	}
	return r
}
