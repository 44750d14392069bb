package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// refusalCase breaks one thing on real servers and says what must be refused.
type refusalCase struct {
	name  string
	harm  func(t *testing.T, r *rig) // before the relay starts, after init and three published events
	code  fault.Code
	says  string
	mend  func(t *testing.T, r *rig) // takes the cause back; nil when it cannot be
	fence bool                       // the verdict needs a fence
}

var refusals = []refusalCase{
	{
		name: "slot dropped",
		harm: func(t *testing.T, r *rig) { r.dropSlot(t) },
		code: fault.SlotUnusable, says: "does not exist, but there is a checkpoint",
		mend: func(t *testing.T, r *rig) {
			r.createSlot(t, "pgoutput")
			r.adoptAtSlot(t, AdoptOptions{AcceptLoss: true})
		},
	},
	{
		name: "slot of another plugin",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.createSlot(t, "test_decoding")
		},
		code: fault.SlotUnusable, says: `"test_decoding"`,
	},
	{
		name: "slot advanced",
		harm: func(t *testing.T, r *rig) {
			r.emit(t, 1)
			r.exec(t, fmt.Sprintf(`SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())`, r.cfg.Source.Slot))
		},
		code: fault.SlotAhead, says: "ahead of the checkpoint", fence: true,
		mend: func(t *testing.T, r *rig) { r.adoptAtSlot(t, AdoptOptions{AcceptLoss: true}) },
	},
	{
		name: "slot recreated",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.emit(t, 1)
			r.createSlot(t, "pgoutput")
		},
		code: fault.SlotAhead, says: "ahead of the checkpoint", fence: true,
	},
	{
		name: "publication dropped",
		harm: func(t *testing.T, r *rig) { r.exec(t, `DROP PUBLICATION outbox`) },
		code: fault.OutboxUnusable, says: `publication "outbox" does not exist`,
	},
	{
		name: "publication recreated after a row",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `DROP PUBLICATION outbox`)
			r.emit(t, 1) // this WAL cannot be decoded any more
			r.exec(t, `CREATE PUBLICATION outbox FOR TABLE outbox`)
		},
		code: fault.PublicationDiffers, says: "dropped and created again",
		mend: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.createSlot(t, "pgoutput")
			r.adoptAtSlot(t, AdoptOptions{AcceptLoss: true})
		},
	},
	{
		name: "table taken out and put back",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox DROP TABLE outbox`, `ALTER PUBLICATION outbox ADD TABLE outbox`)
		},
		code: fault.PublicationDiffers, says: "taken out and put back", fence: true,
	},
	{
		name: "table taken out",
		harm: func(t *testing.T, r *rig) { r.exec(t, `ALTER PUBLICATION outbox DROP TABLE outbox`) },
		code: fault.PublicationDiffers, says: "does not contain outbox table public.outbox",
	},
	{
		name: "insert not published",
		harm: func(t *testing.T, r *rig) { r.exec(t, `ALTER PUBLICATION outbox SET (publish = 'update')`) },
		code: fault.PublicationDiffers, says: "does not publish insert",
	},
	{
		name: "publish changed and changed back",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox SET (publish = 'update')`, `ALTER PUBLICATION outbox SET (publish = 'insert')`)
		},
		code: fault.PublicationDiffers, says: "options were altered", fence: true,
	},
	{
		name: "table dropped",
		harm: func(t *testing.T, r *rig) { r.exec(t, `DROP TABLE outbox`) },
		code: fault.OutboxUnusable, says: "public.outbox does not exist",
	},
	{
		name: "row filter",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox SET TABLE outbox WHERE (aggregate_id <> 'k1')`)
		},
		code: fault.OutboxUnusable, says: "row filter",
	},
	{
		name: "column list without a mapped column",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox SET TABLE outbox (id, aggregate_type)`)
		},
		code: fault.OutboxUnusable, says: "column list",
	},
	{
		name: "mapped column missing",
		harm: func(t *testing.T, r *rig) { r.exec(t, `ALTER TABLE outbox RENAME aggregate_id TO aggregate`) },
		code: fault.OutboxUnusable, says: "aggregate_id",
		mend: func(t *testing.T, r *rig) { r.exec(t, `ALTER TABLE outbox RENAME aggregate TO aggregate_id`) },
	},
	{
		name: "unlogged table",
		harm: func(t *testing.T, r *rig) {
			r.exec(t, `ALTER PUBLICATION outbox SET TABLE ONLY other`, `ALTER TABLE outbox SET UNLOGGED`)
		},
		code: fault.OutboxUnusable, says: "unlogged",
	},
	{
		name: "role may not replicate",
		harm: func(t *testing.T, r *rig) { r.exec(t, fmt.Sprintf(`ALTER ROLE %s NOREPLICATION`, r.role)) },
		code: fault.ServerUnsuitable, says: "WAL sender",
		mend: func(t *testing.T, r *rig) { r.exec(t, fmt.Sprintf(`ALTER ROLE %s REPLICATION`, r.role)) },
	},
	{
		name: "checkpoint of another slot",
		harm: func(t *testing.T, r *rig) {
			r.dropSlot(t)
			r.cfg.Source.Slot += "_b"
			r.createSlot(t, "pgoutput")
		},
		code: fault.IdentityDiffers, says: "slot",
	},
	{
		name: "one replica and not development",
		harm: func(t *testing.T, r *rig) { r.cfg.Development = false },
		code: fault.UnsafeReplication, says: "replication factor 1", fence: true,
	},
	{
		name: "checkpoint topic deleted",
		harm: func(t *testing.T, r *rig) { r.deleteTopics(t, r.cfg.Kafka.CheckpointTopic) },
		code: fault.NoCheckpoint, says: "has no checkpoint",
		mend: func(t *testing.T, r *rig) { r.adoptAtSlot(t, AdoptOptions{}) },
	},
	{
		name: "event topic recreated",
		harm: func(t *testing.T, r *rig) {
			r.deleteTopics(t, r.cfg.Kafka.Relay+".order")
			r.createTopic(t, r.cfg.Kafka.Relay+".order", nil)
		},
		code: fault.KafkaLostData, says: "lost events", fence: true,
	},
	{
		name: "checkpoint topic not compacted",
		harm: func(t *testing.T, r *rig) {
			r.alterTopic(t, r.cfg.Kafka.CheckpointTopic, "cleanup.policy", "delete")
		},
		code: fault.TopicUnsuitable, says: "cleanup.policy=delete",
		mend: func(t *testing.T, r *rig) { r.alterTopic(t, r.cfg.Kafka.CheckpointTopic, "cleanup.policy", "compact") },
	},
	{
		name: "foreign record in the checkpoint topic",
		harm: func(t *testing.T, r *rig) {
			r.produce(t, r.cfg.Kafka.CheckpointTopic, "somebody", "{}")
		},
		code: fault.TopicUnsuitable, says: "somebody else writes",
	},
	{
		name: "checkpoint of a newer version",
		harm: func(t *testing.T, r *rig) {
			r.produce(t, r.cfg.Kafka.CheckpointTopic, "checkpoint", `{"v":99}`)
		},
		code: fault.CheckpointUnreadable, says: "cannot be read",
		mend: func(t *testing.T, r *rig) { r.adoptAtSlot(t, AdoptOptions{}) },
	},
	{
		name: "init interrupted",
		harm: func(t *testing.T, r *rig) {
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Phase = publisher.PhaseCreating })
		},
		code: fault.InitInterrupted, says: "interrupted", fence: true,
		mend: func(t *testing.T, r *rig) { r.init(t) },
	},
	{
		name: "checkpoint beyond the WAL",
		harm: func(t *testing.T, r *rig) {
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.ResumeLSN += 1 << 32 })
		},
		code: fault.HistoryLost, says: "lost commits", fence: true,
	},
	{
		name: "checkpoint on an unknown timeline",
		harm: func(t *testing.T, r *rig) {
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Timeline = 7 })
		},
		code: fault.HistoryLost, says: "timeline 7", fence: true,
	},
	{
		name: "witness differs",
		harm: func(t *testing.T, r *rig) {
			r.emit(t, 1) // keeps the slot behind the checkpoint that is written next
			r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) {
				at := r.walEnd(t)
				cp.ResumeLSN = at
				cp.Witness = &publisher.Transaction{CommitLSN: at - 1, XID: 1, Rows: 1}
			})
		},
		code: fault.WitnessDiffers, says: "transaction", fence: true,
	},
}

func TestRefusals(t *testing.T) {
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := sharedRig(t)
			r.asRole(t)
			r.exec(t, `CREATE TABLE other (n int)`)
			r.init(t)
			r.emit(t, 3)
			first := r.run(t)
			r.published(t, first, 3)
			r.idleBehind(t, first)
			if err := first.stop(); err != nil {
				t.Fatal(err)
			}
			tc.harm(t, r)
			d := r.run(t)
			d.wantState(t, status.Refused, tc.code)
			d.wantReason(t, tc.says)
			d.looksAgain(t)
			r.wantSlotFree(t)
			if fences := d.protocol.count("barrier"); fences > 1 || (!tc.fence && fences > 0) {
				t.Errorf("fenced %d times", fences)
			}
			if tc.mend == nil {
				return
			}
			tc.mend(t, r)
			d.wantState(t, status.Streaming, 0)
			before := d.status.View().Checkpoint.EventsTotal
			r.emit(t, 2)
			eventually(t, "events go on after the cause is gone", func() bool { return d.status.View().Checkpoint.EventsTotal >= before+2 })
		})
	}
}

// TestInitRefusesWhatCannotWork: rows written while table or publication is unfit could never be published, so init
// refuses and changes nothing.
func TestInitRefusesWhatCannotWork(t *testing.T) {
	for name, tc := range map[string]struct {
		harm string
		code fault.Code
	}{
		"no publication":      {`DROP PUBLICATION outbox`, fault.OutboxUnusable},
		"table not published": {`ALTER PUBLICATION outbox SET TABLE other`, fault.PublicationDiffers},
		"insert unpublished":  {`ALTER PUBLICATION outbox SET (publish = 'update')`, fault.PublicationDiffers},
		"table missing":       {`DROP TABLE outbox`, fault.OutboxUnusable},
		"column missing":      {`ALTER TABLE outbox DROP COLUMN payload`, fault.OutboxUnusable},
		"row filter":          {`ALTER PUBLICATION outbox SET TABLE outbox WHERE (aggregate_id <> 'k1')`, fault.OutboxUnusable},
		"column list":         {`ALTER PUBLICATION outbox SET TABLE outbox (id)`, fault.OutboxUnusable},
		"two-phase slot":      {`SELECT pg_create_logical_replication_slot('%[1]s', 'pgoutput', false, true)`, fault.SlotUnusable},
		"physical slot":       {`SELECT pg_create_physical_replication_slot('%[1]s')`, fault.SlotUnusable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sharedRig(t)
			harm := tc.harm
			if strings.Contains(harm, "%") {
				harm = fmt.Sprintf(harm, r.cfg.Source.Slot)
				t.Cleanup(func() {
					_, _ = r.db.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf(`SELECT pg_drop_replication_slot('%s')`, r.cfg.Source.Slot))
				})
			}
			r.exec(t, `CREATE TABLE other (n int)`, harm)
			var out strings.Builder
			err := Init(t.Context(), r.cfg, &out)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != tc.code || out.Len() > 0 {
				t.Errorf("init: %v, having said %q; want %v and nothing done", err, out.String(), tc.code)
			}
		})
	}
}

// TestPublicationIsGoneWhereTheServerDecodes: nobody saw it dropped, and the relay has no row to compare with. The
// server ends the stream, and says why.
func TestPublicationIsGoneWhereTheServerDecodes(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	r.exec(t, `DROP PUBLICATION outbox`)
	r.emit(t, 1)
	r.exec(t, `CREATE PUBLICATION outbox FOR TABLE outbox WITH (publish = 'insert')`)
	r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { // as if it had been recorded in time
		var xmin, rel uint32
		if err := r.db.QueryRow(t.Context(), `SELECT p.oid, p.xmin::text::bigint, r.oid, r.xmin::text::bigint FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = 'outbox'`).
			Scan(&cp.Publication.OID, &xmin, &rel, &cp.Publication.Tables[0].MembershipXmin); err != nil {
			t.Fatal(err)
		}
		cp.Publication.Xmin, cp.Publication.Tables[0].MembershipOID = xmin, rel
	})
	d := r.run(t)
	d.wantState(t, status.Refused, fault.PublicationDiffers)
	d.wantReason(t, "did not exist when the rows")
}

// TestPublicationIsWatched: a table that is taken out of a running publication is silent on the stream.
func TestPublicationIsWatched(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	d.wantState(t, status.Streaming, 0)
	r.exec(t, `ALTER PUBLICATION outbox DROP TABLE outbox`)
	d.wantState(t, status.Refused, fault.PublicationDiffers)
}

func TestNotInitialised(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	d := r.run(t)
	d.wantState(t, status.Refused, fault.NotInitialised)
	r.init(t)
	d.wantState(t, status.Streaming, 0)
	r.emit(t, 3)
	r.published(t, d, 3)
}

func TestSlotWithoutCheckpoint(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.createSlot(t, "pgoutput")
	d := r.run(t)
	d.wantState(t, status.Refused, fault.NoCheckpoint)
	if err := Init(t.Context(), r.cfg, new(strings.Builder)); fault.Exit(err) != fault.ExitRefused {
		t.Errorf("init beside a slot without checkpoint: %v, want a refusal", err)
	}
	r.adoptAtSlot(t, AdoptOptions{})
	d.wantState(t, status.Streaming, 0)
}

func TestStandbyServerIsRefused(t *testing.T) {
	t.Parallel()
	own := ownServers(t, 17)
	r := own.rig
	r.init(t)
	standby, err := own.postgres.Standby(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Close() })
	r.cfg.Source.ConnString = standby.URL(devstack.Superuser, "postgres")
	d := r.run(t)
	d.wantState(t, status.Refused, fault.InRecovery)
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.wantState(t, status.Refused, fault.SlotUnusable) // an ordinary slot stays behind on the old primary
}

// TestRestoredDiskIsRefused: a cold copy has the same system id, timeline and slot; only the witness tells.
func TestRestoredDiskIsRefused(t *testing.T) {
	t.Parallel()
	own := ownServers(t, 17)
	r := own.rig
	r.init(t)
	d := r.run(t)
	r.emit(t, 2)
	r.published(t, d, 2)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := own.postgres.Stop(t.Context(), "fast"); err != nil {
		t.Fatal(err)
	}
	restored, err := own.postgres.CopyDataDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { restored.Close() })
	if err := own.postgres.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.connect(t, own.postgres.URL(devstack.Superuser, "postgres"))
	d = r.run(t)
	r.emit(t, 3)
	r.published(t, d, 5)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := restored.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.connect(t, restored.URL(devstack.Superuser, "postgres"))
	r.exec(t, `INSERT INTO outbox SELECT i::text, 'order', 'other', 'made', 'on the restored disk' FROM generate_series(1, 2000) i`)
	d = r.run(t)
	d.wantState(t, status.Refused, fault.WitnessDiffers)
	if n := d.status.View().Checkpoint.EventsTotal; n != 5 {
		t.Errorf("%d events are published, want 5 as before", n)
	}
}

// adoptAtSlot adopts where the slot is.
func (r *rig) adoptAtSlot(t *testing.T, opts AdoptOptions) {
	t.Helper()
	var text string
	if err := r.db.QueryRow(t.Context(), `SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1`, r.cfg.Source.Slot).Scan(&text); err != nil {
		t.Fatal(err)
	}
	from, err := outbox.ParseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	if cp := r.inspect(t).Checkpoint; cp != nil && cp.ResumeLSN > from && cp.Phase == publisher.PhaseStream {
		from = cp.ResumeLSN
	}
	opts.From = from
	var out strings.Builder
	if err := Adopt(t.Context(), r.cfg, opts, &out); err != nil {
		t.Fatalf("adopt: %v\n%s", err, out.String())
	}
}
