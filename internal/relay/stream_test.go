package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// The tests of this file run the real receiver, pipeline and committer between a scripted stream and a scripted Kafka
// that fails at chosen moments. They say nothing about real servers; they reach the places in between.

var errCrash = errors.New("crash")

// history is what a database committed: it can be sent again from any place, always the same way.
type history []scriptedTx

type scriptedTx struct {
	xid    uint32
	commit outbox.LSN
	end    outbox.LSN
	rows   int
	idle   bool // a keepalive follows
}

// makeHistory gives every transaction 16 bytes of WAL; the next commit record starts exactly where the last one ended.
func makeHistory(rows []int, keepalives []bool) history {
	var h history
	at := outbox.LSN(0x100)
	for i, n := range rows {
		h = append(h, scriptedTx{xid: uint32(1000 + i), commit: at, end: at + 0x10, rows: n, idle: keepalives[i]})
		at += 0x10
	}
	return h
}

// scriptedStream sends what commits at or after the slot's confirmed flush.
type scriptedStream struct {
	messages []replication.Message
	next     int
	slot     *outbox.LSN
	closed   chan struct{}
}

func newScriptedStream(h history, slot *outbox.LSN) *scriptedStream {
	s := &scriptedStream{slot: slot, closed: make(chan struct{})}
	rel := &replication.Relation{OID: 1, Namespace: "public", Name: "outbox", Columns: []replication.Column{
		{Name: "id", TypeOID: 25}, {Name: "aggregate_type", TypeOID: 25}, {Name: "aggregate_id", TypeOID: 25}, {Name: "event_type", TypeOID: 25}, {Name: "payload", TypeOID: 25},
	}}
	for _, tx := range h {
		if tx.commit >= *slot {
			s.messages = append(s.messages, tx.messages(rel)...)
		}
	}
	end := replication.LSN(h[len(h)-1].end)
	s.messages = append(s.messages, replication.Message{Kind: replication.Keepalive, WALEnd: end})
	return s
}

func (tx scriptedTx) messages(rel *replication.Relation) []replication.Message {
	head := replication.Message{CommitLSN: replication.LSN(tx.commit), CommitTime: int64(tx.xid) * 1e6, XID: tx.xid}
	begin := head
	begin.Kind = replication.Begin
	messages := []replication.Message{begin}
	for i := range tx.rows {
		row := head
		row.Kind, row.Relation = replication.Insert, rel
		id := fmt.Sprintf("%d.%d", tx.xid, i)
		row.Values = [][]byte{[]byte(id), []byte("order"), []byte("k"), []byte("made"), []byte("{}")}
		row.Raw = []byte(id)
		messages = append(messages, row)
	}
	commit := head
	commit.Kind, commit.EndLSN = replication.Commit, replication.LSN(tx.end)
	messages = append(messages, commit)
	if tx.idle {
		messages = append(messages, replication.Message{Kind: replication.Keepalive, WALEnd: replication.LSN(tx.end)})
	}
	return messages
}

func (s *scriptedStream) Next() (*replication.Message, error) {
	if s.next == len(s.messages) {
		<-s.closed
		return nil, replication.ErrClosed
	}
	s.next++
	return &s.messages[s.next-1], nil
}

// Buffered is true except before every third message, so that units are lent as well as handed over.
func (s *scriptedStream) Buffered() bool { return s.next%3 != 0 && s.next < len(s.messages) }

// Bulk says now and then that more will come, as long as it does.
func (s *scriptedStream) Bulk() bool { return s.next%5 == 0 && s.next < len(s.messages) }

func (s *scriptedStream) Acknowledge(lsn outbox.LSN) error {
	*s.slot = max(*s.slot, lsn)
	return nil
}

// scriptedKafka keeps what was committed and crashes the relay when told to.
type scriptedKafka struct {
	ids        []string
	seqs       []uint64
	checkpoint publisher.Checkpoint
	crashAt    int  // transactions until a crash
	committed  bool // whether the transaction at which the relay crashes is committed
	violation  string
}

func (k *scriptedKafka) Plan(context.Context, *outbox.Batch, *publisher.Plan) (*publisher.Plan, error) {
	return nil, nil
}

func (k *scriptedKafka) Publish(_ context.Context, c publisher.Commit) (publisher.Result, error) {
	k.crashAt--
	if k.crashAt == 0 && !k.committed {
		return publisher.Result{}, errCrash
	}
	if c.Checkpoint.Seq != k.checkpoint.Seq+1 || c.Checkpoint.ResumeLSN < k.checkpoint.ResumeLSN {
		k.violation = fmt.Sprintf("checkpoint %d at %s after %d at %s", c.Checkpoint.Seq, c.Checkpoint.ResumeLSN, k.checkpoint.Seq, k.checkpoint.ResumeLSN)
	}
	if c.Batch != nil {
		for i := range c.Batch.Len() {
			k.ids = append(k.ids, string(c.Batch.At(i).ID))
			k.seqs = append(k.seqs, c.FirstSeq+uint64(i))
		}
	}
	k.checkpoint = *c.Checkpoint
	if k.crashAt == 0 {
		return publisher.Result{}, errCrash
	}
	return publisher.Result{}, nil
}

// runSession streams from the present checkpoint until everything is durable or Kafka crashes the relay.
func runSession(t *rapid.T, h history, slot *outbox.LSN, kafka *scriptedKafka, limits batchLimits) error {
	cfg := outbox.Defaults()
	cfg.Format = outbox.FormatCustom
	mapper, err := outbox.NewMapper(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stream := newScriptedStream(h, slot)
	cp := kafka.checkpoint
	at := progress{resume: cp.ResumeLSN}
	if cp.Witness != nil {
		at.witness = *cp.Witness
	}
	tracker := status.New("test")
	pipe := newPipeline(3)
	pipe.tellIdle = true
	st := &streaming{
		pipe: pipe,
		receiver: &receiver{
			src: stream, pipe: pipe, resume: guard.NewResume(&cp, *slot, "", func(string) {}), mapper: mapper,
			tables: map[tableName]bool{{"public", "outbox"}: true}, limits: limits, status: tracker, parking: &parking{},
			protocol: slog.New(slog.DiscardHandler), plans: make(map[uint32]plannedRelation), at: at,
		},
		committer: &committer{
			gate: newGate(), pipe: pipe, planner: kafka, producer: kafka, stream: stream, protocol: slog.New(slog.DiscardHandler), status: tracker, last: cp,
			acknowledged: cp.ResumeLSN, now: time.Now, idleEvery: time.Hour, stopAt: h[len(h)-1].end, badReports: func(badEvents) {}, log: slog.New(slog.DiscardHandler),
		},
		watcher: idleWatcher{},
	}
	return st.run(context.Background(), func() error { close(stream.closed); return nil })
}

// idleWatcher sees nothing.
type idleWatcher struct{}

func (idleWatcher) run(ctx context.Context, _ context.CancelCauseFunc) error {
	<-ctx.Done()
	return nil
}

// TestStreamIsExactlyOnce: whatever the transactions, the limits and the crashes, the committed events are those of the
// history, once and in order.
func TestStreamIsExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2, 3, 7, 20}), 1, 12).Draw(t, "rows")
		idle := rapid.SliceOfN(rapid.Bool(), len(rows), len(rows)).Draw(t, "keepalives")
		h := makeHistory(rows, idle)
		limits := batchLimits{events: rapid.IntRange(2, 8).Draw(t, "max events"), bytes: 1 << 20}
		slot := h[0].commit
		kafka := &scriptedKafka{checkpoint: publisher.Checkpoint{ResumeLSN: slot}}
		for done := false; !done; {
			kafka.crashAt = rapid.IntRange(1, 9).Draw(t, "crash at")
			kafka.committed = rapid.Bool().Draw(t, "crash after the commit")
			switch err := runSession(t, h, &slot, kafka, limits); {
			case errors.Is(err, errCaughtUp):
				done = true
			case !errors.Is(err, errCrash):
				t.Fatalf("session ended with %v", err)
			}
			if slot > kafka.checkpoint.ResumeLSN {
				t.Fatalf("slot at %s, checkpoint only at %s", slot, kafka.checkpoint.ResumeLSN)
			}
			if kafka.violation != "" {
				t.Fatal(kafka.violation)
			}
		}
		checkCommitted(t, h, kafka)
	})
}

func checkCommitted(t *rapid.T, h history, kafka *scriptedKafka) {
	var want []string
	for _, tx := range h {
		for i := range tx.rows {
			want = append(want, fmt.Sprintf("%d.%d", tx.xid, i))
		}
	}
	if !slices.Equal(kafka.ids, want) {
		t.Fatalf("committed %v\nwant %v", kafka.ids, want)
	}
	for i, seq := range kafka.seqs {
		if seq != uint64(i+1) {
			t.Fatalf("event %d has relay-seq %d", i+1, seq)
		}
	}
	if kafka.checkpoint.Partial != nil || kafka.checkpoint.ResumeLSN != h[len(h)-1].end {
		t.Fatalf("last checkpoint %+v", kafka.checkpoint)
	}
}
