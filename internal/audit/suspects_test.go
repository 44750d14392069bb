package audit

import (
	"testing"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

const generation = int64(1_700_000_000_000)

// everything reaches back as far as one could wish.
func everything() *horizon {
	h := &horizon{places: &places{}, decided: true, generation: generation, oldestXID: 100, oldestRow: 90, firstMatch: 1000, moment: moment{before: 5000, behind: 5001}}
	h.places.topic("orders")
	h.places.partitions = []*partition{{Bounds: publisher.Bounds{Topic: "orders"}}, {Bounds: publisher.Bounds{Topic: "others", Start: 7}}}
	return h
}

func TestWhatItMeansThatARowIsNotInKafka(t *testing.T) {
	young := generation + 10*grace
	tests := []struct {
		name   string
		row    entry
		change func(*horizon)
		want   Kind
	}{
		{"nothing excuses it", entry{xid: 150, created: young}, func(*horizon) {}, Missing},
		{"nothing excuses it, and the table has no times", entry{xid: 150}, func(*horizon) {}, Missing},
		{"transaction ids have wrapped", entry{xid: 3, created: young}, func(h *horizon) { h.oldestXID = 1<<32 - 5 }, Missing},
		{"the checkpoint has not come so far", entry{xid: 150, created: young}, func(h *horizon) { h.decided = false }, Waiting},
		{"nor has the slot", entry{xid: 150, created: young}, func(h *horizon) { h.decided, h.ended = false, 150 }, Waiting},
		{"but the slot has", entry{xid: 150, created: young}, func(h *horizon) { h.decided, h.ended = false, 151 }, Missing},
		{"it was parked and skipped", entry{xid: 150, later: true}, func(*horizon) {}, Skipped},
		{"it cannot become a record", entry{xid: 150, bad: true}, func(*horizon) {}, Unsendable},
		{"it cannot become a record and the relay has halted before it", entry{xid: 150, bad: true}, func(h *horizon) { h.decided = false }, Waiting},
		{"its topic is compacted", entry{xid: 150, created: young}, func(h *horizon) { h.places.partitions[0].Compacted = true }, Compacted},
		{"its topic lost its beginning", entry{xid: 150, created: young}, func(h *horizon) {
			h.places.partitions[0].Start, h.places.partitions[0].oldXID = 10, 150
		}, Deleted},
		{"its topic lost its beginning, which was older", entry{xid: 151, created: young}, func(h *horizon) {
			h.places.partitions[0].Start, h.places.partitions[0].oldXID = 10, 150
		}, Missing},
		{"its topic lost everything", entry{xid: 150, created: young}, func(h *horizon) { h.places.partitions[0].Start = 10 }, Deleted},
		{"it is older than the relay", entry{xid: 99, created: generation - 1}, func(*horizon) {}, BeforeRelay},
		{"it is older than the relay, and the table has no times", entry{xid: 99}, func(*horizon) {}, BeforeRelay},
		{"its transaction began before the relay did", entry{xid: 99, created: generation + 1}, func(*horizon) {}, BeforeRelay},
		{"it has an old transaction id, and was written long after", entry{xid: 99, created: young}, func(*horizon) {}, Missing},
		{"nothing was ever published, and it is older than the relay", entry{xid: 150, created: generation - 1}, func(h *horizon) { h.oldestXID = 0 }, BeforeRelay},
		{"nothing was ever published, and it is younger", entry{xid: 150, created: generation + 1}, func(h *horizon) { h.oldestXID = 0 }, Missing},
		{"nothing was ever published, and the table has no times", entry{xid: 150}, func(h *horizon) { h.oldestXID = 0 }, Undatable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := everything()
			tt.change(h)
			if got := h.absent(&tt.row); got != tt.want {
				t.Errorf("it is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhetherARecordWithoutARowIsOutOfPlace(t *testing.T) {
	at := func(lsn outbox.LSN, xid uint32) entry {
		return entry{xid: xid, position: outbox.Position{CommitLSN: lsn}}
	}
	tests := []struct {
		name   string
		record entry
		change func(*horizon)
		want   bool

		afterwards bool
	}{
		{"older rows are there", at(2000, 150), func(*horizon) {}, true, false},
		{"older rows are there, and records tell no transaction", at(2000, 0), func(*horizon) {}, true, false},
		{"it committed when the rows had been read", at(5000, 150), func(*horizon) {}, false, true},
		{"it was published later", entry{later: true, xid: 150, position: outbox.Position{CommitLSN: 2000}}, func(*horizon) {}, false, true},
		{"it committed before all rows that are left", at(999, 150), func(*horizon) {}, false, false},
		{"its transaction began before those of all rows that are left", at(2000, 89), func(*horizon) {}, false, false},
		{"no row is left", at(2000, 150), func(h *horizon) { h.firstMatch, h.oldestRow = 0, 0 }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := everything()
			tt.change(h)
			if got := h.extra(&tt.record); got != tt.want {
				t.Errorf("it is %v, want %v", got, tt.want)
			}
			if got := h.afterwards(&tt.record); got != tt.afterwards {
				t.Errorf("that its row came afterwards is %v, want %v", got, tt.afterwards)
			}
		})
	}
}
