package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/model"
)

// TestRepairByTheHint does what somebody does who has never seen Relay: reads the refusal, runs the command that its hint
// names, and starts again. The protocol logs of all of it keep the rules.
func TestRepairByTheHint(t *testing.T) {
	for name, tc := range map[string]struct {
		harm string // %s: the slot
		code fault.Code
	}{
		"slot dropped":        {`SELECT pg_drop_replication_slot('%[1]s')`, fault.SlotUnusable},
		"slot advanced":       {`SELECT pg_replication_slot_advance('%[1]s', pg_current_wal_lsn())`, fault.SlotAhead},
		"publication altered": {`ALTER PUBLICATION outbox SET (publish = 'insert, update'); ALTER PUBLICATION outbox SET (publish = 'insert')`, fault.PublicationDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.relay(t, fault.ExitDone, "init")
			r.emit(t, 3)
			r.relay(t, fault.ExitDone, "run", "--once", "--protocol-log", "1.jsonl")
			r.emit(t, 2)
			harm := tc.harm
			if strings.Contains(harm, "%") {
				harm = fmt.Sprintf(harm, r.pg.Database)
			}
			for statement := range strings.SplitSeq(harm, ";") {
				r.pg.Exec(t, statement)
			}
			_, stderr := r.relay(t, fault.ExitRefused, "run", "--once", "--protocol-log", "2.jsonl", "--exit-when-refused")
			wants(t, stderr, "["+tc.code.String()+"]", "`relay repair`")

			stdout, stderr := r.relay(t, fault.ExitDone, "repair")
			wants(t, stdout, "["+tc.code.String()+"]", "2  missing: published by nobody", "3  in Kafka", "Undo:", "What this cannot know:")
			wants(t, stderr, "Nothing has been changed. --apply carries the plan out.")
			stdout, _ = r.relay(t, fault.ExitDone, "repair", "-o", "json")
			wants(t, stdout, `"kind": "RepairPlan"`, `"missing": [`)
			_, stderr = r.relay(t, fault.ExitDone, "repair", "--apply", "--protocol-log", "3.jsonl")
			wants(t, stderr, "published 2 events; the relay goes on at")

			r.emit(t, 1)
			r.relay(t, fault.ExitDone, "run", "--once", "--protocol-log", "4.jsonl")
			stdout, _ = r.relay(t, fault.ExitDone, "audit")
			wants(t, stdout, "in Kafka exactly once                             6")
			if c := r.checkpoint(t); c.Record.EventsTotal != 6 {
				t.Errorf("%d events were published, want 6", c.Record.EventsTotal)
			}
			stdout, _ = r.relay(t, fault.ExitDone, "repair")
			wants(t, stdout, "has nothing to repair")
			r.replay(t, "1.jsonl", "2.jsonl", "3.jsonl", "4.jsonl")
		})
	}
}

// replay checks the protocol logs of several processes.
func (r *rig) replay(t *testing.T, names ...string) {
	t.Helper()
	var logs [][]model.Action
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		actions, err := model.ReadLog(bytes.NewReader(text), name)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, actions)
	}
	if err := model.Replay(model.Merge(logs...)); err != nil {
		t.Error(err)
	}
}
