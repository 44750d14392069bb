package inspect

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

func ptr[T any](v T) *T { return &v }

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// streaming is a checkpoint whose witness committed a minute before noon.
func streaming() *publisher.Checkpoint {
	return &publisher.Checkpoint{
		Identity: publisher.Identity{Relay: "payments", Generation: noon().Add(-time.Hour).UnixMilli(), Of: 1, SystemID: "7311", Slot: "relay_payments"},
		Timeline: 1, ResumeLSN: 0x2000, Seq: 7, EventsTotal: 42, Phase: publisher.PhaseStream,
		Witness: &publisher.Transaction{CommitLSN: 0x1F00, XID: 500, CommitTime: noon().Add(-time.Minute).UnixMicro()},
	}
}

func TestLagTakesTheBestAnswer(t *testing.T) {
	working := &status.View{Readiness: status.Readiness{State: status.Streaming}, Lag: status.LagView{Seconds: 2, PendingEvents: 3}}
	standby := &status.View{Readiness: status.Readiness{State: status.Standby}}
	fresh := streaming()
	fresh.Witness = nil
	partial := streaming()
	partial.Partial = &publisher.Transaction{CommitLSN: 0x2100, XID: 501}
	for name, c := range map[string]struct {
		cp      *publisher.Checkpoint
		end     outbox.LSN
		waiting *Waiting
		view    *status.View
		want    Lag
	}{
		"at the end":          {streaming(), 0x2000, &Waiting{Events: 9}, working, Lag{Basis: BasisWAL, Events: ptr(int64(0))}},
		"server is behind":    {streaming(), 0x1000, nil, nil, Lag{Basis: BasisWAL, Events: ptr(int64(0))}},
		"table":               {streaming(), 0x2400, &Waiting{Events: 9, Oldest: 1500 * time.Millisecond}, working, Lag{Basis: BasisTable, Bytes: 0x400, Events: ptr(int64(9)), Seconds: 1.5}},
		"nothing in table":    {streaming(), 0x2400, &Waiting{}, nil, Lag{Basis: BasisTable, Bytes: 0x400, Events: ptr(int64(0))}},
		"daemon":              {streaming(), 0x2400, nil, working, Lag{Basis: BasisDaemon, Bytes: 0x400, Events: ptr(int64(3)), Seconds: 2, Note: "n"}},
		"daemon stands by":    {streaming(), 0x2400, nil, standby, Lag{Basis: BasisCheckpoint, Bytes: 0x400, Seconds: 60, AtMost: true, Note: "n"}},
		"nobody":              {streaming(), 0x2400, nil, nil, Lag{Basis: BasisCheckpoint, Bytes: 0x400, Seconds: 60, AtMost: true, Note: "n"}},
		"nothing decided yet": {fresh, 0x2400, nil, nil, Lag{Basis: BasisCheckpoint, Bytes: 0x400, Seconds: 3600, AtMost: true, Note: "n"}},
		"in pieces":           {partial, 0x2000, &Waiting{Events: 9, Oldest: time.Second}, nil, Lag{Basis: BasisTable, Events: ptr(int64(9)), Seconds: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Relay, c.want.ResumeLSN, c.want.WALEnd = "payments", c.cp.ResumeLSN, c.end
			if diff := cmp.Diff(c.want, judgeLag(c.cp, c.end, c.waiting, c.view, "n", noon())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCoverageSaysOnlyWhatIsKnown(t *testing.T) {
	created := func(beforeNoon time.Duration) *time.Time { return ptr(noon().Add(-beforeNoon)) }
	fresh := streaming()
	fresh.Witness = nil
	partial := streaming()
	partial.Partial = &publisher.Transaction{CommitLSN: 0x2100, XID: 501}
	for name, c := range map[string]struct {
		cp     *publisher.Checkpoint
		row    *row
		at     outbox.LSN
		want   Coverage
		commit outbox.LSN
	}{
		"no checkpoint":                     {nil, &row{}, 0x1000, CoverageUnknown, 0},
		"no row, no record":                 {streaming(), nil, 0, CoverageUnknown, 0},
		"record before":                     {streaming(), nil, 0x1FFF, Covered, 0x1FFF},
		"record at resume":                  {streaming(), &row{}, 0x2000, NotCovered, 0x2000},
		"the witness itself":                {streaming(), &row{XID: 500, CreatedAt: created(2 * time.Minute), End: 0x9000}, 0, Covered, 0x1F00},
		"xid of the witness, used again":    {streaming(), &row{XID: 500, CreatedAt: created(time.Second), End: 0x9000}, 0, NotCovered, 0},
		"visible before the checkpoint":     {streaming(), &row{XID: 400, CreatedAt: created(time.Second), End: 0x2000}, 0, Covered, 0},
		"began after the witness":           {streaming(), &row{XID: 501, CreatedAt: created(59 * time.Second), End: 0x2001}, 0, NotCovered, 0},
		"began before the witness":          {streaming(), &row{XID: 499, CreatedAt: created(61 * time.Second), End: 0x2001}, 0, CoverageUnknown, 0},
		"nobody knows when":                 {streaming(), &row{XID: 501, End: 0x2001}, 0, CoverageUnknown, 0},
		"being published in pieces":         {partial, &row{XID: 501, CreatedAt: created(time.Hour), End: 0x9000}, 0, NotCovered, 0x2100},
		"nothing decided, began after init": {fresh, &row{XID: 501, CreatedAt: created(time.Minute), End: 0x9000}, 0, NotCovered, 0},
		"nothing decided, began about init": {fresh, &row{XID: 501, CreatedAt: created(59*time.Minute + 30*time.Second), End: 0x9000}, 0, CoverageUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := coverage(c.cp, c.row, outbox.Position{CommitLSN: c.at})
			var commit outbox.LSN
			if got.CommitLSN != nil {
				commit = *got.CommitLSN
			}
			if got.Coverage != c.want || commit != c.commit || got.Why == "" {
				t.Errorf("%+v, commit %s, want %s, commit %s", got, commit, c.want, c.commit)
			}
		})
	}
}

func TestVerdictsOnAnEvent(t *testing.T) {
	record := func(position string) Event { return Event{Relay: &Origin{Position: position}} }
	table := TableTrace{Looked: true, Found: true, Rows: 1}
	for name, c := range map[string]struct {
		trace Trace
		want  TraceVerdict
		says  string
	}{
		"once":          {Trace{Table: table, Kafka: KafkaTrace{Looked: true, Count: 1, Events: []Event{record("a")}}}, PublishedOnce, ""},
		"once, no row":  {Trace{Table: TableTrace{Looked: true}, Kafka: KafkaTrace{Looked: true, Count: 1, Events: []Event{record("a")}}}, PublishedOnce, ""},
		"two rows":      {Trace{Table: TableTrace{Looked: true, Found: true, Rows: 2}, Kafka: KafkaTrace{Looked: true, Count: 1}}, PublishedOnce, "2 rows"},
		"twice":         {Trace{Kafka: KafkaTrace{Looked: true, Count: 2, Events: []Event{record("a"), record("a")}}}, PublishedMore, "one position was published more than once"},
		"written twice": {Trace{Kafka: KafkaTrace{Looked: true, Count: 2, Events: []Event{record("a"), record("b")}}}, PublishedMore, "the application has written the id more than once"},
		"forged":        {Trace{Kafka: KafkaTrace{Looked: true, Count: 2, Events: []Event{record("a"), {}}}}, PublishedMore, "another producer"},
		"parked":        {Trace{Table: table, Kafka: KafkaTrace{Looked: true}, Parked: &ParkedTrace{Reason: "too_large"}}, EventParked, "too_large"},
		"waits":         {Trace{Table: table, Checkpoint: CheckpointTrace{Coverage: NotCovered, Why: "later"}, Kafka: KafkaTrace{Looked: true}}, NotYet, "later"},
		"may wait":      {Trace{Table: table, Checkpoint: CheckpointTrace{Coverage: CoverageUnknown}, Kafka: KafkaTrace{Looked: true}}, NotYet, "not known"},
		"missing":       {Trace{Table: table, Checkpoint: CheckpointTrace{Coverage: Covered}, Kafka: KafkaTrace{Looked: true}}, NotInKafka, "retention"},
		"nowhere":       {Trace{Table: TableTrace{Looked: true}, Kafka: KafkaTrace{Looked: true}}, EventNotFound, "never written"},
		"no table":      {Trace{Table: TableTrace{Note: "no right"}, Kafka: KafkaTrace{Looked: true}}, NotInKafka, "no right"},
		"no Kafka":      {Trace{Table: table, Kafka: KafkaTrace{Note: "no broker"}}, CannotTell, "no broker"},
	} {
		t.Run(name, func(t *testing.T) {
			c.trace.judge()
			if c.trace.Verdict != c.want || !strings.Contains(c.trace.Reason, c.says) {
				t.Errorf("%s: %s, want %s: ...%s...", c.trace.Verdict, c.trace.Reason, c.want, c.says)
			}
		})
	}
}

func TestCheckpointVerdicts(t *testing.T) {
	flush := outbox.LSN(0x1800)
	slot := func(pid uint32) *guard.Slot { return &guard.Slot{ConfirmedFlush: &flush, ActivePID: pid} }
	refusal := &guard.Refusal{Fault: guard.Fault{Code: fault.SlotAhead, Summary: "slot is ahead"}}
	unreachable := &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot reach Postgres"}
	for name, c := range map[string]struct {
		in      relay.Inspection
		verdict Verdict
		code    string
		reason  string
	}{
		"at work":           {relay.Inspection{Checkpoint: streaming(), Slot: slot(1)}, OK, "", ""},
		"idle":              {relay.Inspection{Checkpoint: streaming(), Slot: slot(0)}, Idle, "", ""},
		"refused":           {relay.Inspection{Checkpoint: streaming(), Slot: slot(1), Refusal: refusal}, Refused, "RLY1003", "slot is ahead"},
		"no Postgres":       {relay.Inspection{Checkpoint: streaming(), Postgres: unreachable}, Unknown, "RLY5001", "cannot reach Postgres"},
		"damaged, and that": {relay.Inspection{Refusal: refusal, Postgres: unreachable}, Refused, "RLY1003", "slot is ahead"},
		"another server":    {relay.Inspection{Checkpoint: streaming(), Elsewhere: true}, Unknown, "", "another server (system 7311)"},
		"denied":            {relay.Inspection{Kafka: errors.New("not authorised: need Read")}, Unknown, "", "need Read"},
		"empty topic":       {relay.Inspection{}, Unknown, "", "no checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			got := describe(c.in)
			if got.Verdict != c.verdict || got.Code != c.code || !strings.Contains(got.Reason, c.reason) || (c.reason == "") != (got.Reason == "") {
				t.Errorf("%+v", got)
			}
			if got.Slot != nil && (got.Slot.BehindBytes == nil || *got.Slot.BehindBytes != 0x800) {
				t.Errorf("slot %+v", got.Slot)
			}
		})
	}
}

func TestHistoryTellsWhatEachRecordBrought(t *testing.T) {
	at := func(seq, events uint64) publisher.HistoryRecord {
		cp := streaming()
		cp.Seq, cp.EventsTotal = seq, events
		return publisher.HistoryRecord{Offset: int64(seq), Checkpoint: cp}
	}
	adopted := at(5, 1)
	adopted.Checkpoint.Generation++
	got := history(publisher.Place{Relay: "payments", Topic: "t"}, publisher.History{Records: []publisher.HistoryRecord{
		at(9, 50), {Barrier: &publisher.Barrier{}}, at(8, 42), at(7, 42), {Err: publisher.ErrUndecodable}, at(3, 42), adopted, at(1, 0),
	}})
	type entry struct {
		what   string
		events int64 // -1: not known
	}
	var entries []entry
	for _, e := range got.Items {
		events := int64(-1)
		if e.Events != nil {
			events = int64(*e.Events)
		}
		entries = append(entries, entry{e.What, events})
	}
	want := []entry{
		{EntryCheckpoint, 8},
		{EntryBarrier, -1},
		{EntryIdle, 0},
		{EntryCheckpoint, 0},
		{EntryUnreadable, -1},
		{EntryCheckpoint, -1},
		{EntryCheckpoint, -1},
		{EntryCheckpoint, -1},
	}
	if diff := cmp.Diff(want, entries, cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
}
