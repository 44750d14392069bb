package main

import (
	"flag"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
)

// millions of events for TestAuditKeepsToItsMemory; ten take four minutes.
var millions = flag.Int("millions", 0, "audit as many million events instead of a hundred thousand")

// TestAuditKeepsToItsMemory: what an audit holds does not grow with what it reads.
func TestAuditKeepsToItsMemory(t *testing.T) {
	const most = 256 << 10 // KiB: the default of 64 MiB, sorted, and what Kafka's answers and the collector take
	r := newRig(t)
	r.relay(t, fault.ExitDone, "init")
	rounds, rows, memory := max(1, *millions), 1_000_000, "64MiB"
	if *millions == 0 {
		rows, memory = 100_000, "1MiB"
	}
	for range rounds {
		r.pg.Exec(t, `INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload)
			SELECT 'payment', 'pay_' || i % 100000, 'PaymentBooked', '{"amount": 12.30}' FROM generate_series(1, `+strconv.Itoa(rows)+`) i`)
	}
	r.relay(t, fault.ExitDone, "run", "--once")
	cmd := exec.CommandContext(t.Context(), "relay", "audit", "--memory", memory, "--temp-dir", t.TempDir(), "--report", filepath.Join(r.dir, "report.json"))
	cmd.Dir = r.dir
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("relay audit: %v\n%s", err, out)
	}
	wants(t, string(out), "in Kafka exactly once")
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok || usage.Maxrss > most {
		t.Errorf("the audit took %d KiB, want at most %d", usage.Maxrss, most)
	}
	t.Logf("%d events in %v, %d MiB, %v of CPU", rounds*rows, time.Since(began).Round(time.Millisecond), usage.Maxrss>>10, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
}
