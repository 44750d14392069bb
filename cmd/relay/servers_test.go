package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
)

// TestAgainstServers goes the way of a new user on a real Postgres and a real Kafka, with the real program.
func TestAgainstServers(t *testing.T) {
	r := newRig(t)
	_, stderr := r.relay(t, fault.ExitRefused, "run", "--once")
	wants(t, stderr, "relay: refused to start:", "[RLY1001]", "relay init")

	stdout, _ := r.relay(t, fault.ExitDone, "init")
	wants(t, stdout, "starts at")
	stdout, _ = r.relay(t, fault.ExitDone, "init")
	wants(t, stdout, "already initialised")

	r.emit(t, 3)
	r.relay(t, fault.ExitDone, "run", "--once", "--protocol-log", "protocol.jsonl")
	if c := r.checkpoint(t); c.Record == nil || c.Record.EventsTotal != 3 || c.Verdict != inspect.Idle || c.Slot == nil || c.Slot.ActivePID != 0 {
		t.Errorf("checkpoint after three events: %+v", c)
	}
	protocol, err := os.ReadFile(filepath.Join(r.dir, "protocol.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	wants(t, string(protocol), `"msg":"own"`, `"msg":"init"`, `"msg":"barrier"`, `"msg":"acknowledge"`)
	stdout, _ = r.relay(t, fault.ExitDone, "checkpoint", "list", "--no-headers")
	wants(t, stdout, r.name, "idle")

	r.audit(t)

	_, stderr = r.relay(t, fault.ExitRefused, "adopt", "--from", "0/1")
	wants(t, stderr, "[RLY1018]", "Postgres does not send it again")
	if err := os.WriteFile(filepath.Join(r.dir, "wrong"), []byte("planted-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init"}, {"run", "--once"}, {"checkpoint", "list"}, {"adopt", "--from", "0/1"}, {"audit"}} {
		_, stderr = r.relay(t, fault.ExitUnreachable, append(args, "--set", "source.password_file=wrong")...)
		wants(t, stderr, "[RLY5001]", "source.password_file")
	}
	r.live(t)
}

// rig is a relay's directory, with a database and a cluster of its own names.
type rig struct {
	dir, name string
	pg        *devstacktest.PG
	role      string // of the relay in Postgres
	brokers   []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := newRigWithoutTable(t)
	sql, _ := r.relay(t, fault.ExitDone, "migrate", "print", "--role-relay", r.role)
	if _, err := r.pg.Connect(t).PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return r
}

func newRigWithoutTable(t *testing.T) *rig {
	t.Helper()
	pg, kafka := devstacktest.Postgres(t, 0), devstacktest.Kafka(t)
	role := pg.Role(t, "LOGIN REPLICATION")
	r := &rig{dir: t.TempDir(), name: kafka.Prefix, pg: pg, role: role, brokers: kafka.Brokers}
	server, err := url.Parse(pg.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.User(role)
	r.write(t, "password", devstack.Password+"\n")
	r.write(t, "relay.yaml", fmt.Sprintf(`name: %s
source: {url: %q, password_file: password, slot: %s}
routing: {topic: "%s.${aggregate_type}"}
kafka: {brokers: [%q], development: true, replication_factor: 1, create_topics: all, partitions: 2}
server: {listen: ""}
`, r.name, server.String(), pg.Database, r.name, strings.Join(kafka.Brokers, `", "`)))
	return r
}

func (r *rig) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) emit(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		r.pg.Exec(t, fmt.Sprintf(`SELECT outbox.emit('payment', 'pay_%d', 'PaymentBooked', '{"amount": 12.30}')`, i))
	}
}

// relay runs one command and checks its exit code, and that it shows no secret.
func (r *rig) relay(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "relay", args...)
	cmd.Dir = r.dir
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	got := 0
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		got = exit.ExitCode()
	}
	text := out.String() + errOut.String()
	if got != code {
		t.Fatalf("relay %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, text)
	}
	if strings.Contains(text, "planted-secret") || strings.Contains(text, devstack.Password) {
		t.Errorf("relay %s shows a secret:\n%s", strings.Join(args, " "), text)
	}
	return out.String(), errOut.String()
}

// audit proves three events, and finds the one of them that was changed.
func (r *rig) audit(t *testing.T) {
	t.Helper()
	stdout, _ := r.relay(t, fault.ExitDone, "audit", "--since", "1h", "--report", "audit.json")
	wants(t, stdout, "in Kafka exactly once                             3", "Proved for rows written since")
	report, err := os.ReadFile(filepath.Join(r.dir, "audit.json"))
	if err != nil || !json.Valid(report) {
		t.Fatalf("report: %v, %s", err, report)
	}
	wants(t, string(report), `"kind": "AuditReport"`, `"resume_lsn"`)
	r.pg.Exec(t, `UPDATE outbox.event SET payload = '{"amount": 1}' WHERE aggregate_id = 'pay_1'`)
	stdout, stderr := r.relay(t, fault.ExitWanting, "audit")
	wants(t, stdout, "payload differs                                     1", r.name+".payment/")
	wants(t, stderr, "[RLY6004]")
	r.pg.Exec(t, `UPDATE outbox.event SET payload = '{"amount": 12.30}' WHERE aggregate_id = 'pay_1'`)
}

func (r *rig) checkpoint(t *testing.T) inspect.Checkpoint {
	t.Helper()
	stdout, _ := r.relay(t, fault.ExitDone, "checkpoint", "show", "-o", "json")
	var d checkpointDocument
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d.Checkpoint
}

// live runs the daemon: it becomes ready, publishes, shows that in its metrics, and ends with 0 on SIGTERM. While it
// works, a second one stands by and is ready too, since the slot is held.
func (r *rig) live(t *testing.T) {
	t.Helper()
	first, second := r.start(t), r.start(t)
	ready := func(d *daemonProcess, state string) func() bool {
		return func() bool {
			code, text := fetch(t, d.base+"/readyz")
			return code == http.StatusOK && strings.Contains(text, `"state": "`+state+`"`)
		}
	}
	working, waiting := first, second
	eventually(t, func() bool {
		if ready(second, "streaming")() {
			working, waiting = second, first
		}
		return ready(working, "streaming")() && ready(waiting, "standby")()
	})
	r.emit(t, 2)
	eventually(t, func() bool {
		_, text := fetch(t, working.base+"/metrics")
		return strings.Contains(text, fmt.Sprintf(`relay_events_published_total{relay=%q} 2`, r.name))
	})
	if c := r.checkpoint(t); c.Verdict != inspect.OK || c.Record.EventsTotal != 5 || c.Slot.ActivePID == 0 {
		t.Errorf("checkpoint of a relay at work: %+v", c)
	}
	stdout, _ := r.relay(t, fault.ExitDone, "init")
	wants(t, stdout, "a relay is at work")
	working.stop(t)
	eventually(t, ready(waiting, "streaming"))
	waiting.stop(t)
}

// daemonProcess is a running "relay run".
type daemonProcess struct {
	cmd    *exec.Cmd
	base   string // of its status server
	logged chan string
}

func (r *rig) start(t *testing.T, flags ...string) *daemonProcess {
	t.Helper()
	flags = append([]string{"run", "--set", "server.listen=127.0.0.1:0"}, flags...)
	d := &daemonProcess{cmd: exec.CommandContext(t.Context(), "relay", flags...), logged: make(chan string, 1)}
	d.cmd.Dir = r.dir
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	d.base = "http://" + nextLine(t, lines, "relay started")["listen"].(string)
	go func() {
		var rest strings.Builder
		for lines.Scan() {
			rest.WriteString(lines.Text() + "\n")
		}
		d.logged <- rest.String()
	}()
	return d
}

func (d *daemonProcess) stop(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log := <-d.logged
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("relay run: %v\n%s", err, log)
	}
	wants(t, log, `"msg":"stopping"`, `"msg":"stopped"`)
}

// eventually waits for a condition that the world brings about; the test's own time limit is the limit.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for !condition() {
		select {
		case <-t.Context().Done():
			t.Fatal("test ended while waiting")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}
