package relay

import (
	"log/slog"
	"testing"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// quietReceiver maps rows of one table, of which nothing is parked but what is said.
func quietReceiver(tb testing.TB, p *parking) (*receiver, *outbox.Plan, *replication.Message) {
	tb.Helper()
	mapping := outbox.Defaults()
	mapping.Format = outbox.FormatCustom
	mapper, err := outbox.NewMapper(mapping)
	if err != nil {
		tb.Fatal(err)
	}
	names := []string{"id", "aggregate_type", "aggregate_id", "event_type", "payload"}
	table := outbox.Table{Schema: "public", Name: "outbox"}
	m := &replication.Message{Kind: replication.Insert, Raw: make([]byte, 100)}
	for _, name := range names {
		table.Columns = append(table.Columns, outbox.Column{Name: name, TypeOID: 25})
		m.Values = append(m.Values, []byte(name))
	}
	plan, err := mapper.Plan(table)
	if err != nil {
		tb.Fatal(err)
	}
	cp := publisher.Checkpoint{ResumeLSN: 1}
	r := &receiver{
		pipe: newPipeline(2), mapper: mapper, limits: batchLimits{events: 1 << 20, bytes: 1 << 24}, parking: p, status: status.New("test"),
		resume: guard.NewResume(&cp, 1, "", func(string) {}), protocol: slog.New(slog.DiscardHandler),
	}
	if r.unit, err = r.pipe.fresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return r, plan, m
}

// TestParkingCostsNothing: an event that is fine allocates nothing on its way, be nothing held or ten thousand other keys.
func TestParkingCostsNothing(t *testing.T) {
	held := &parking{}
	for i := range 10_000 {
		held.hold("other", []byte{byte(i), byte(i >> 8)}, "first")
	}
	for name, p := range map[string]*parking{"nothing held": {}, "others held": held} {
		r, plan, m := quietReceiver(t, p)
		index := uint64(0)
		each := func() {
			if err := r.mapRow(plan, m, index); err != nil {
				t.Fatal(err)
			}
			if index++; index%1000 == 0 {
				r.unit.batch.Reset()
			}
		}
		for range 3000 { // until the memory of a batch is there
			each()
		}
		if n := testing.AllocsPerRun(2000, each); n > 0 {
			t.Errorf("%s: %v allocations an event", name, n)
		}
	}
}

func BenchmarkMapRow(b *testing.B) {
	r, plan, m := quietReceiver(b, &parking{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := r.mapRow(plan, m, uint64(i)); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 999 {
			r.unit.batch.Reset()
		}
	}
}
