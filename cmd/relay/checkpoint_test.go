package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// payments is a relay that streams.
func payments() relay.Inspection {
	flush := outbox.LSN(0x7A3F2B8)
	return relay.Inspection{
		Relay: "payments",
		Checkpoint: &publisher.Checkpoint{
			Identity: publisher.Identity{
				Relay: "payments", Generation: noon().Add(-24 * time.Hour).UnixMilli(), Of: 1, SystemID: "7311486309187312417",
				DatabaseOID: 16384, Database: "shop", Slot: "relay_payments", KafkaClusterID: "k1", TopicID: "t1",
			},
			Timeline: 1, ResumeLSN: 0x7A41C98, Floor: 0x1946CB8, Seq: 77, EventsTotal: 1904417, Phase: publisher.PhaseStream, Fingerprint: "f",
			Witness:     &publisher.Transaction{CommitLSN: 0x7A41C60, XID: 918223, CommitTime: noon().Add(-time.Second).UnixMicro(), Rows: 2},
			Publication: publisher.Publication{OID: 16400, Tables: []publisher.PublishedTable{{Name: "outbox.event", OID: 16390}}},
			Ends:        []publisher.End{{Topic: "payment.events", Partition: 3, Offset: 99120}},
			Writer:      publisher.Writer{Version: "1.0.0", Host: "relay-0", Time: noon().Add(-180 * time.Millisecond)},
		},
		Slot: &guard.Slot{Plugin: "pgoutput", ConfirmedFlush: &flush, ActivePID: 4711, WALStatus: "reserved"},
	}
}

func TestCheckpointForms(t *testing.T) {
	refused := payments()
	refused.Slot.ActivePID = 0
	refused.Refusal = &guard.Refusal{Fault: fault.Error{Code: fault.SlotAhead, Summary: "slot is ahead of the checkpoint"}}
	items := []checkpoint{
		describe(payments(), "relay_payments"),
		describe(refused, "relay_payments"),
		describe(relay.Inspection{Relay: "new"}, "relay_new"),
		describe(relay.Inspection{
			Relay: "alone", Checkpoint: payments().Checkpoint,
			Postgres: &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot reach Postgres"},
		}, "relay_alone"),
	}
	for _, format := range []string{"table", "wide", "name", "json", "yaml"} {
		t.Run("list "+format, func(t *testing.T) {
			var b strings.Builder
			if err := writeCheckpoints(&b, items, format, false, noon()); err != nil {
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
		if err := writeCheckpoints(&b, items[:1], "table", true, noon()); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.Contains(got, "RELAY") || !strings.HasPrefix(got, "payments  -") {
			t.Errorf("printed %q", got)
		}
	})
}

// TestCheckpointWithoutPostgres: Kafka's half is shown, and the exit code says that the other is missing.
func TestCheckpointWithoutPostgres(t *testing.T) {
	a := newTestApp(t, fakeEngine{checkpoints: func(context.Context, setup) ([]checkpoint, error) {
		return []checkpoint{describe(payments(), "relay_payments")}, &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot reach Postgres"}
	}})
	for _, args := range [][]string{{"checkpoint", "list", "-o", "json"}, {"checkpoint", "show", "-o", "json"}} {
		a.out.Reset()
		if code := a.main(args); code != fault.ExitUnreachable || !json.Valid(a.out.Bytes()) || !strings.Contains(a.out.String(), `"0/7A41C98"`) {
			t.Errorf("%v: exit code %d, printed %s", args, code, a.out.String())
		}
	}
}

func TestCheckpointOfAnotherRelay(t *testing.T) {
	a := newTestApp(t, fakeEngine{checkpoints: func(context.Context, setup) ([]checkpoint, error) {
		return []checkpoint{describe(payments(), "relay_payments")}, nil
	}})
	if code := a.main([]string{"checkpoint", "show", "ledger"}); code != fault.ExitFailed || !strings.Contains(a.err.String(), `no checkpoint of a relay named "ledger"`) {
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
