package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func ptr[T any](v T) *T { return &v }

// record is the checkpoint of a relay that streams.
func record() *publisher.Checkpoint {
	return &publisher.Checkpoint{
		Identity: publisher.Identity{
			Relay: "payments", Generation: noon().Add(-24 * time.Hour).UnixMilli(), Of: 1, SystemID: "7311486309187312417",
			DatabaseOID: 16384, Database: "shop", Slot: "relay_payments", KafkaClusterID: "k1", TopicID: "t1",
		},
		Timeline: 1, ResumeLSN: 0x7A41C98, Floor: 0x1946CB8, Seq: 77, EventsTotal: 1904417, Phase: publisher.PhaseStream, Fingerprint: "f",
		Witness:     &publisher.Transaction{CommitLSN: 0x7A41C60, XID: 918223, CommitTime: noon().Add(-time.Second).UnixMicro(), Rows: 2},
		Publication: publisher.Publication{OID: 16400, Tables: []publisher.PublishedTable{{Name: "outbox.event", OID: 16390}}},
		Ends:        []publisher.End{{Topic: "payment.events", Partition: 3, Offset: 99120}},
		Writer:      publisher.Writer{Version: "1.0.0", Host: "relay-0", Time: noon().Add(-180 * time.Millisecond)},
	}
}

// payments is a relay that streams.
func payments() inspect.Checkpoint {
	return inspect.Checkpoint{
		Relay: "payments", Configured: true, Topic: "relay.checkpoints.payments", Offset: 4711, Record: record(), Verdict: inspect.OK,
		Slot: &inspect.Slot{
			Name: "relay_payments", ConfirmedFlush: ptr(outbox.LSN(0x7A3F2B8)), BehindBytes: ptr(int64(10720)), ActivePID: 4711,
			WALStatus: "reserved", RetainedBytes: 16 << 20, SafeBytes: ptr(int64(50 << 30)), Failover: true,
		},
	}
}

func checkpoints() []inspect.Checkpoint {
	refused := payments()
	refused.Slot = ptr(*refused.Slot)
	refused.Slot.ActivePID, refused.Verdict, refused.Code, refused.Reason = 0, inspect.Refused, "RLY1003", "slot is ahead of the checkpoint"
	alone := payments()
	alone.Relay, alone.Slot, alone.Configured, alone.Verdict, alone.Code, alone.Reason = "alone", nil, false, inspect.Unknown, "RLY5001", "cannot reach Postgres"
	sharded := payments()
	sharded.Record = record()
	sharded.Relay, sharded.Shard, sharded.Configured, sharded.Record.Shard, sharded.Record.Of, sharded.Verdict = "ledger", 1, false, 1, 2, inspect.Idle
	return []inspect.Checkpoint{
		payments(), refused,
		{Relay: "new", Configured: true, Topic: "relay.checkpoints.new", Verdict: inspect.Refused, Code: "RLY1001", Reason: "not initialised"},
		alone, sharded,
	}
}

func TestCheckpointForms(t *testing.T) {
	items := checkpoints()
	for _, format := range []string{"table", "wide", "name", "json", "yaml"} {
		t.Run("list "+format, func(t *testing.T) {
			var b strings.Builder
			if err := writeCheckpoints(&b, items, format, layout{}, noon()); err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/checkpoint_list."+format, b.String())
		})
	}
	for _, format := range []string{"table", "name", "json", "yaml"} {
		t.Run("show "+format, func(t *testing.T) {
			var b strings.Builder
			for _, c := range items {
				if err := writeCheckpoint(&b, c, format, noon()); err != nil {
					t.Fatal(err)
				}
			}
			golden(t, "testdata/checkpoint_show."+format, b.String())
		})
	}
	t.Run("without headers", func(t *testing.T) {
		var b strings.Builder
		if err := writeCheckpoints(&b, items[:1], "table", layout{noHeaders: true}, noon()); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.Contains(got, "RELAY") || !strings.HasPrefix(got, "payments  -") {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("narrow", func(t *testing.T) {
		var b strings.Builder
		if err := writeCheckpoints(&b, items[:2], "table", layout{room: 60}, noon()); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/checkpoint_list.narrow", b.String())
	})
}

// TestCheckpointWithoutPostgres: Kafka's half is shown, and the exit code says that the other is missing.
func TestCheckpointWithoutPostgres(t *testing.T) {
	a := newTestApp(t, inspecting(fakeInspector{checkpoints: func() ([]inspect.Checkpoint, error) {
		return []inspect.Checkpoint{payments()}, &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot reach Postgres"}
	}}))
	for _, args := range [][]string{{"checkpoint", "list", "-o", "json"}, {"checkpoint", "show", "-o", "json"}} {
		a.out.Reset()
		if code := a.main(args); code != fault.ExitUnreachable || !json.Valid(a.out.Bytes()) || !strings.Contains(a.out.String(), `"0/7A41C98"`) {
			t.Errorf("%v: exit code %d, printed %s", args, code, a.out.String())
		}
	}
}

func TestCheckpointIsFoundByName(t *testing.T) {
	a := newTestApp(t, inspecting(fakeInspector{checkpoints: func() ([]inspect.Checkpoint, error) { return checkpoints(), nil }}))
	for name, want := range map[string]string{"": "checkpoint/payments\n", "alone": "checkpoint/alone\n", "ledger.1": "checkpoint/ledger.1\n", "ledger": "checkpoint/ledger.1\n"} {
		a.out.Reset()
		args := []string{"checkpoint", "show", "-o", "name", name}
		if name == "" {
			args = args[:4]
		}
		if code := a.main(args); code != fault.ExitDone || a.out.String() != want {
			t.Errorf("%q: exit code %d, printed %q, want %q", name, code, a.out.String(), want)
		}
	}
	if code := a.main([]string{"checkpoint", "show", "nobody"}); code != fault.ExitWanting || !strings.Contains(a.err.String(), `no checkpoint of a relay named "nobody"`) {
		t.Errorf("exit code %d: %s", code, a.err.String())
	}
}

// golden compares with a file; UPDATE_SCRIPTS=1 writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
