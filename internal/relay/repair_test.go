package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/publisher"
)

// repairRig has a table that says when a row was written, three published events and a row from before the relay.
func repairRig(t *testing.T) *rig {
	t.Helper()
	r := sharedRig(t)
	r.asRole(t)
	r.exec(t, `ALTER TABLE outbox ADD created_at timestamptz NOT NULL DEFAULT clock_timestamp()`, fmt.Sprintf(`GRANT SELECT ON outbox TO %s`, r.role))
	r.insertRows(t, "before", 1)
	r.init(t)
	d := r.run(t)
	r.insertRows(t, "published", 3)
	r.published(t, d, 3)
	r.idleBehind(t, d)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	return r
}

// insertRows commits n rows name-1, name-2, ... in one transaction; their key is name.
func (r *rig) insertRows(t *testing.T, name string, n int) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload)
		SELECT '%[1]s-' || i, 'order', '%[1]s', 'made', '{}' FROM generate_series(1, %[2]d) i`, name, n))
}

func (r *rig) repair(t *testing.T, o RepairOptions) Repaired {
	t.Helper()
	plan, err := PlanRepair(t.Context(), r.cfg, o)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	if plan.Consent != nil {
		t.Fatalf("plan: %v", plan.Consent)
	}
	o.Seq = plan.Checkpoint.Seq
	var out strings.Builder
	done, err := Repair(t.Context(), r.cfg, o, &out)
	if err != nil {
		t.Fatalf("repair: %v\n%s", err, out.String())
	}
	return done
}

// repairCase breaks one thing so that rows are missing.
type repairCase struct {
	name    string
	harm    func(t *testing.T, r *rig)
	code    fault.Code
	options RepairOptions
	missing []string // of key lost, in order
}

var repairs = []repairCase{
	{
		name: "slot advanced",
		harm: func(t *testing.T, r *rig) {
			r.insertRows(t, "lost", 2)
			r.exec(t, fmt.Sprintf(`SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())`, r.cfg.Source.Slot))
		},
		code: fault.SlotAhead, missing: []string{"lost-1", "lost-2"},
	},
	{
		name: "slot recreated, and a row that it still sends",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.insertRows(t, "lost", 1)
			r.createSlot(t, "pgoutput")
			r.exec(t, `INSERT INTO outbox VALUES ('sent', 'order', 'lost', 'made', '{}')`)
		},
		code: fault.SlotAhead, missing: []string{"lost-1", "sent"},
	},
	{
		name: "slot dropped",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.insertRows(t, "lost", 2)
		},
		code: fault.SlotUnusable, missing: []string{"lost-1", "lost-2"},
	},
	{
		name: "slot of another plugin",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.createSlot(t, "test_decoding")
			r.insertRows(t, "lost", 1)
		},
		code: fault.SlotUnusable, missing: []string{"lost-1"},
	},
	{
		name: "publication recreated after a row",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `DROP PUBLICATION outbox`)
			r.insertRows(t, "lost", 1)
			r.exec(t, `CREATE PUBLICATION outbox FOR TABLE outbox WITH (publish = 'insert')`)
		},
		code: fault.PublicationDiffers, missing: []string{"lost-1"},
	},
	{
		name: "table taken out and put back",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox DROP TABLE outbox`)
			r.insertRows(t, "lost", 1)
			r.exec(t, `ALTER PUBLICATION outbox ADD TABLE outbox`)
		},
		code: fault.PublicationDiffers, missing: []string{"lost-1"},
	},
	{
		name: "nothing missing",
		harm: func(t *testing.T, r *rig) { r.dropSlot(t) },
		code: fault.SlotUnusable, missing: []string{},
	},
	{
		name: "checkpoint on an unknown timeline",
		harm: func(t *testing.T, r *rig) {
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Timeline = 7 })
			r.insertRows(t, "lost", 1)
		},
		code: fault.HistoryLost, missing: []string{"lost-1"},
	},
	{
		name: "checkpoint beyond the WAL",
		harm: func(t *testing.T, r *rig) {
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.ResumeLSN += 1 << 32 })
			r.insertRows(t, "lost", 1)
		},
		code: fault.HistoryLost, missing: []string{"lost-1"},
	},
	{
		name: "witness differs",
		harm: func(t *testing.T, r *rig) {
			r.insertRows(t, "lost", 1) // keeps the slot behind the checkpoint that is written next
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) {
				at := r.walEnd(t)
				cp.ResumeLSN = at
				cp.Witness = &publisher.Transaction{CommitLSN: at - 1, XID: 1, Rows: 1}
			})
		},
		code: fault.WitnessDiffers, options: RepairOptions{Verdict: fault.WitnessDiffers}, missing: []string{"lost-1"},
	},
}

// TestRepair breaks what a repair mends, on real servers: the relay is refused, the repair publishes exactly the rows that
// are not in Kafka, and the refused relay goes on by itself.
func TestRepair(t *testing.T) {
	for _, tc := range repairs {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := repairRig(t)
			tc.harm(t, r)
			d := r.run(t)
			d.wantState(t, status.Refused, tc.code)
			protocol := &recorder{}
			r.cfg.Protocol = slog.New(protocol)
			if done := r.repair(t, tc.options); done.Published != len(tc.missing) {
				t.Errorf("published %+v, want %d rows", done, len(tc.missing))
			}
			d.wantState(t, status.Streaming, 0)
			r.insertRows(t, "after", 2)
			r.published(t, d, uint64(3+len(tc.missing)+2))
			topic := r.cfg.Kafka.Relay + ".order"
			r.wantOrder(t, topic, "published", "published-1", "published-2", "published-3")
			r.wantOrder(t, topic, "lost", tc.missing...)
			r.wantOrder(t, topic, "after", "after-1", "after-2")
			if before := r.ids(t, topic, "before"); len(before) > 0 {
				t.Errorf("rows from before the relay are published: %v", before)
			}
		})
	}
}

// TestRepairTwice: the second one finds nothing to do.
func TestRepairTwice(t *testing.T) {
	t.Parallel()
	r := repairRig(t)
	r.dropSlot(t)
	r.insertRows(t, "lost", 3)
	r.cfg.Batch.MaxEvents = 2 // several rounds
	if done := r.repair(t, RepairOptions{}); done.Published != 3 {
		t.Errorf("outcome is %+v", done)
	}
	if done, err := Repair(t.Context(), r.cfg, RepairOptions{}, new(strings.Builder)); err != nil || !done.Nothing {
		t.Errorf("again: %+v, %v", done, err)
	}
	r.wantOrder(t, r.cfg.Kafka.Relay+".order", "lost", "lost-1", "lost-2", "lost-3")
}

// TestRepairWithAStalePlan: somebody was quicker.
func TestRepairWithAStalePlan(t *testing.T) {
	t.Parallel()
	r := repairRig(t)
	r.dropSlot(t)
	plan, err := PlanRepair(t.Context(), r.cfg, RepairOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.rewriteCheckpoint(t, func(*publisher.Checkpoint) {})
	_, err = Repair(t.Context(), r.cfg, RepairOptions{Seq: plan.Checkpoint.Seq}, new(strings.Builder))
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.RepairRefused {
		t.Errorf("repair: %v", err)
	}
}

// TestRepairDoesNotGuess: when a topic has lost records, a row that is not there may have been published.
func TestRepairDoesNotGuess(t *testing.T) {
	t.Parallel()
	r := repairRig(t)
	topic := r.cfg.Kafka.Relay + ".order"
	r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Ends = nil })
	r.deleteTopics(t, topic)
	r.createTopic(t, topic, nil)
	r.dropSlot(t)
	r.insertRows(t, "lost", 1)
	plan, err := PlanRepair(t.Context(), r.cfg, RepairOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := errors.AsType[*fault.Error](plan.Consent); !ok || f.Code != fault.RepairRefused || !strings.Contains(f.Summary, "of 3 rows") {
		t.Errorf("plan: %v, %+v", plan.Consent, plan.Gap)
	}
	var ids []string
	for _, l := range plan.Gap.Missing {
		ids = append(ids, l.ID)
	}
	if !slices.Equal(ids, []string{"lost-1"}) {
		t.Errorf("missing for certain: %v", ids)
	}
	if _, err = Repair(t.Context(), r.cfg, RepairOptions{}, new(strings.Builder)); fault.Exit(err) != fault.ExitRefused {
		t.Errorf("repair: %v", err)
	}
	if done := r.repair(t, RepairOptions{AssumeMissing: true}); done.Published != 4 {
		t.Errorf("outcome is %+v", done)
	}
}

// TestRepairBehindAHeldKey: what is missing must not overtake a parked event of its key.
func TestRepairBehindAHeldKey(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.exec(t, `ALTER TABLE outbox ADD created_at timestamptz NOT NULL DEFAULT clock_timestamp()`)
	r.init(t)
	d := r.run(t)
	insert := func(id, key string) {
		t.Helper()
		r.exec(t, fmt.Sprintf(`INSERT INTO outbox VALUES ('%s', 'missing', '%s', 'made', '{}')`, id, key))
	}
	insert("1", "k")
	d.parkedCount(t, 1, 1)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.dropSlot(t)
	insert("2", "k")
	r.createTopic(t, r.topic("missing"), nil)
	insert("3", "free")
	if done := r.repair(t, RepairOptions{}); done.Published != 1 || done.Held != 1 {
		t.Errorf("outcome is %+v", done)
	}
	r.wantParked(t, "1 unknown_topic", "2 held")
	if o := r.release(t, Release{Selection: Selection{All: true}}); o.Published != 2 {
		t.Errorf("outcome of retry is %+v", o)
	}
	r.wantOrder(t, r.topic("missing"), "k", "1", "2")
	r.wantOrder(t, r.topic("missing"), "free", "3")
}

// TestRepairInterrupted stops a repair after it has dropped the slot and before it has another one: the relay is refused as
// before, and the next repair does the rest.
func TestRepairInterrupted(t *testing.T) {
	t.Parallel()
	r := repairRig(t)
	r.dropSlot(t)
	r.createSlot(t, "test_decoding")
	r.insertRows(t, "lost", 1)
	holder, err := pgx.Connect(t.Context(), r.db.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.WithoutCancel(t.Context()))
	if _, err := holder.Exec(t.Context(), `BEGIN; SELECT pg_current_xact_id()`); err != nil { // a slot waits for it
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Repair(ctx, r.cfg, RepairOptions{}, io.Discard)
		ended <- err
	}()
	eventually(t, "the new slot waits", func() bool {
		var waits bool
		const sql = `SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND plugin = 'pgoutput' AND confirmed_flush_lsn IS NULL)`
		return r.db.QueryRow(t.Context(), sql, r.cfg.Source.Slot).Scan(&waits) == nil && waits
	})
	if _, err := Repair(t.Context(), r.cfg, RepairOptions{}, io.Discard); !isBusy(err) {
		t.Errorf("a second repair: %v, want to be told who is at it", err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("the repair was done")
	}
	if _, err := holder.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	d := r.run(t)
	eventually(t, "the relay is refused", func() bool { // the server may have made the slot for the one that is gone
		ready := d.status.Ready()
		return ready.State == status.Refused && (ready.Code == fault.SlotUnusable || ready.Code == fault.SlotAhead)
	})
	eventually(t, "the repair is done", func() bool { // the server may need a moment to see that the first one is gone
		done, err := Repair(t.Context(), r.cfg, RepairOptions{}, io.Discard)
		return err == nil && done.Published == 1
	})
	d.wantState(t, status.Streaming, 0)
	r.wantOrder(t, r.cfg.Kafka.Relay+".order", "lost", "lost-1")
}

func isBusy(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && f.Code == fault.Busy && strings.Contains(f.Summary, "pid ")
}

// TestDropWhileARelayWorks refuses, and drops when it has ended.
func TestDropWhileARelayWorks(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	d.wantState(t, status.Streaming, 0)
	for name, err := range map[string]error{
		"drop": Drop(t.Context(), r.cfg, io.Discard),
		"plan": func() error { _, err := PlanDrop(t.Context(), r.cfg); return err }(),
	} {
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Busy {
			t.Errorf("%s beside a relay at work: %v", name, err)
		}
	}
	d.wantState(t, status.Streaming, 0)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := Drop(t.Context(), r.cfg, io.Discard); err != nil {
		t.Fatal(err)
	}
	if in := r.inspect(t); in.Slot != nil || in.Checkpoint != nil {
		t.Errorf("left: %+v", in)
	}
}
