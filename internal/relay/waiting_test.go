package relay

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

var errNothingMore = errors.New("nothing more comes")

// pausedStream hands out what it has in one go, and then says what the committer would have got had it looked while the
// receiver waited for more.
type pausedStream struct {
	messages []replication.Message
	bulk     bool
	pipe     *pipeline
	taken    *unit
	last     replication.Kind
}

func (s *pausedStream) Next() (*replication.Message, error) {
	if len(s.messages) == 0 {
		s.taken, _ = s.pipe.take()
		return nil, errNothingMore
	}
	m := &s.messages[0]
	s.messages, s.last = s.messages[1:], m.Kind
	return m, nil
}

func (s *pausedStream) Buffered() bool { return len(s.messages) > 0 && s.last != replication.Pause }

func (s *pausedStream) Bulk() bool { return s.bulk }

// received runs a receiver over the messages, with a committer that waits for work, and gives what it would have got.
func received(t *testing.T, s *pausedStream) *unit {
	t.Helper()
	mapping := outbox.Defaults()
	mapping.Format = outbox.FormatCustom
	mapper, err := outbox.NewMapper(mapping)
	if err != nil {
		t.Fatal(err)
	}
	s.pipe = newPipeline(3)
	if u, ended := s.pipe.take(); u != nil || ended {
		t.Fatal("a new pipeline is not empty")
	}
	cp := publisher.Checkpoint{ResumeLSN: 1}
	r := &receiver{
		src: s, pipe: s.pipe, mapper: mapper, parking: &parking{}, status: status.New("test"),
		tables: map[tableName]bool{{"public", "outbox"}: true}, limits: batchLimits{events: 50_000, bytes: 16 << 20},
		resume: guard.NewResume(&cp, 1, "", func(string) {}), protocol: slog.New(slog.DiscardHandler),
		plans: make(map[uint32]plannedRelation),
	}
	if err := r.run(t.Context()); !errors.Is(err, errNothingMore) {
		t.Fatal(err)
	}
	return s.taken
}

func outboxRelation() *replication.Relation {
	return &replication.Relation{OID: 1, Namespace: "public", Name: "outbox", Columns: []replication.Column{
		{Name: "id", TypeOID: 25}, {Name: "aggregate_type", TypeOID: 25}, {Name: "aggregate_id", TypeOID: 25}, {Name: "event_type", TypeOID: 25}, {Name: "payload", TypeOID: 25},
	}}
}

// TestOpenTransactionKeepsNobodyWaiting: an event that committed does not wait for the transaction behind it, of which a
// large row, or much that is not for us, may be coming for seconds.
func TestOpenTransactionKeepsNobodyWaiting(t *testing.T) {
	h := makeHistory([]int{1, 1}, []bool{false, false})
	first, second := h[0].messages(outboxRelation()), h[1].messages(outboxRelation())
	foreign := replication.Message{Kind: replication.LogicalMessage, Transactional: true, Prefix: []byte("somebody's"), Raw: []byte("m")}
	tests := []struct {
		name string
		open []replication.Message
		want int // events that the committer gets
	}{
		{"its first row is coming", second[:1], 1},
		{"rows that are no events", []replication.Message{second[0], foreign, foreign}, 1},
		{"its own event", second[:2], 0}, // the unit ends inside it
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := 0
			if u := received(t, &pausedStream{messages: append(first[:len(first):len(first)], tt.open...)}); u != nil {
				got = u.events()
				if u.resume != h[0].end || u.partial != nil {
					t.Errorf("the unit ends at %s, partial %v; want the end of the first transaction, %s", u.resume, u.partial, h[0].end)
				}
			}
			if got != tt.want {
				t.Errorf("the committer gets %d events, want %d", got, tt.want)
			}
		})
	}
}

// TestLargeEventsInBulk: a steady flow of large events is handed over long before a batch is full or four thousand have
// come, which would take seconds.
func TestLargeEventsInBulk(t *testing.T) {
	const rows = 200
	h := makeHistory(make([]int, rows), make([]bool, rows))
	s := &pausedStream{bulk: true}
	for _, tx := range h {
		tx.rows = 1
		messages := tx.messages(outboxRelation())
		messages[1].Values[4] = make([]byte, 16<<10)
		s.messages = append(s.messages, messages...)
	}
	u := received(t, s)
	if u == nil {
		t.Fatalf("%d events of 16 KiB are held back from a committer that waits for work", rows)
	}
	if u.size() < eagerBytes || u.size() > eagerBytes+(64<<10) {
		t.Errorf("a unit of %d bytes was handed over, want little more than %d", u.size(), eagerBytes)
	}
}

// TestPausesInBulk: in a steady flow with a pause now and then, what came goes to a committer that waits for work after
// some of them, although more comes each time before the committer has looked.
func TestPausesInBulk(t *testing.T) {
	h := makeHistory(make([]int, pausesKept+1), make([]bool, pausesKept+1))
	s := &pausedStream{bulk: true}
	for _, tx := range h {
		tx.rows = 1
		s.messages = append(s.messages, tx.messages(outboxRelation())...)
		s.messages = append(s.messages, replication.Message{Kind: replication.Pause})
	}
	if u := received(t, s); u == nil || u.events() != pausesKept {
		t.Errorf("the committer gets %+v, want the %d events of as many pauses", u, pausesKept)
	}
}
