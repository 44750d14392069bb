package main

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/doctor"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestDoctorOnServers goes from a relay that is not initialised to one that is well, to one whose publication was altered.
func TestDoctorOnServers(t *testing.T) {
	r := newRig(t)
	stdout, stderr := r.relay(t, fault.ExitWanting, "doctor")
	wants(t, stdout, "is not initialised", "Run `relay init`.", "Nothing was changed.")
	wants(t, stderr, "[RLY6006]")
	r.relay(t, fault.ExitDone, "init")
	before := r.traces(t)
	var d doctorDocument
	r.document(t, &d, fault.ExitWanting, "doctor", "--fail-on", "warn")
	if d.Kind != "DoctorReport" || d.Report == nil || d.Count(doctor.Fail) != 0 || len(d.Items) < 20 {
		t.Errorf("document %+v", d)
	}
	for _, category := range categoryNames() {
		r.relay(t, fault.ExitDone, "doctor", "--category", category, "-o", "name")
	}
	if after := r.traces(t); after != before {
		t.Errorf("looking has left a trace: before %s, after %s", before, after)
	}
	r.pg.Exec(t, "ALTER PUBLICATION outbox SET (publish = 'insert, delete')")
	stdout, _ = r.relay(t, fault.ExitWanting, "doctor", "-o", "wide")
	wants(t, stdout, "FAIL  publication \"outbox\" publishes insert, delete", "ALTER PUBLICATION outbox SET (publish = 'insert');", "[RLY1007]")
	stdout, stderr = r.relay(t, fault.ExitUnreachable, "doctor", "--set", "source.password_file=relay.yaml", "--category", "postgres,topics")
	wants(t, stdout, "Postgres\n  FAIL", "Topics\n")
	wants(t, stderr, "[RLY5001]")
	_, stderr = r.relay(t, fault.ExitUsage, "doctor", "--category", "weather")
	if !strings.Contains(stderr, "postgres, slot, outbox, kafka, topics, checkpoint") {
		t.Error(stderr)
	}
}
