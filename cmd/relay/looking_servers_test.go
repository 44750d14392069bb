package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
)

// TestLooking looks at a relay at every stage of its life, with the real program on real servers: before init, with rows
// that wait, down, at work, refused. What looks leaves no trace.
func TestLooking(t *testing.T) {
	r := newRig(t)
	r.append(t, "relay.yaml", fmt.Sprintf("failure: {parked_topic: %s.parked}\n", r.name))
	r.replace(t, "relay.yaml", `listen: ""`, `listen: "", admin_socket: none`)
	r.replace(t, "relay.yaml", "kafka: {", fmt.Sprintf("kafka: {checkpoint_topic: %s.checkpoints, ", r.name))

	stdout, _ := r.relay(t, fault.ExitDone, "status")
	wants(t, stdout, "refused", "[RLY1001]", "server.listen is empty")
	_, stderr := r.relay(t, fault.ExitRefused, "lag")
	wants(t, stderr, "not initialised")
	_, stderr = r.relay(t, fault.ExitRefused, "checkpoint", "history")
	wants(t, stderr, "does not exist")
	_, stderr = r.relay(t, fault.ExitTimeout, "wait", "--for", "caught-up", "--timeout", "2s")
	wants(t, stderr, "timed out waiting for caught-up [RLY7001]", "does not exist")
	r.relay(t, fault.ExitDone, "init")

	id := r.emitOne(t, "pay_1")
	r.emit(t, 2)
	before := r.traces(t)
	r.waiting(t, id)
	if after := r.traces(t); after != before {
		t.Errorf("looking has left a trace: before %s, after %s", before, after)
	}

	r.relay(t, fault.ExitDone, "run", "--once")
	if after := r.traces(t); after == before {
		t.Errorf("publishing has left no trace: %s", after)
	}
	r.published(t, id)
	r.strangers(t)
	r.atWork(t)
	r.neighbours(t)
	r.rights(t)
}

// waiting looks at three rows that nobody has published.
func (r *rig) waiting(t *testing.T, id string) {
	t.Helper()
	var lag lagDocument
	r.document(t, &lag, fault.ExitDone, "lag")
	if lag.Basis != inspect.BasisTable || lag.Events == nil || *lag.Events != 3 || lag.Seconds <= 0 || lag.Bytes == 0 || lag.AtMost {
		t.Errorf("lag with three rows that wait: %+v", lag.Lag)
	}
	_, stderr := r.relay(t, fault.ExitWanting, "lag", "--max", "0s")
	wants(t, stderr, "more than 0s [RLY6001]")
	r.relay(t, fault.ExitDone, "lag", "--max", "1h")
	stdout, _ := r.relay(t, fault.ExitDone, "events", "find", id)
	wants(t, stdout, "outbox table  found", "outbox.event_", "Verdict: not yet")
	stdout, _ = r.relay(t, fault.ExitDone, "status")
	wants(t, stdout, "idle", "3 events waiting", "inactive", "nobody reads the slot", "outbox.event")
	_, stderr = r.relay(t, fault.ExitTimeout, "wait", "--for", "caught-up", "--timeout", "2s")
	wants(t, stderr, "last seen         checkpoint at")
	_, stderr = r.relay(t, fault.ExitTimeout, "wait", "--for", "event="+id, "--timeout", "2s")
	wants(t, stderr, "no event with that id in")
	_, stderr = r.relay(t, fault.ExitTimeout, "wait", "--for", "lsn=FFFF/0", "--timeout", "2s")
	wants(t, stderr, "FFFF/0 is beyond the end of the WAL")
	_, stderr = r.relay(t, fault.ExitTimeout, "wait", "--for", "state=streaming", "--timeout", "2s")
	wants(t, stderr, "verdict idle")
	_, stderr = r.relay(t, fault.ExitDone, "events", "tail")
	wants(t, stderr, "No events.")
}

// published looks at three events that are in Kafka, while the relay is down.
func (r *rig) published(t *testing.T, id string) {
	t.Helper()
	r.relay(t, fault.ExitDone, "wait", "--for", "event="+id)
	r.relay(t, fault.ExitDone, "wait", "--for", "event="+strings.ToUpper(id))
	var trace traceDocument
	r.document(t, &trace, fault.ExitDone, "events", "find", id)
	if trace.Verdict != inspect.PublishedOnce || trace.Checkpoint.Coverage != inspect.Covered || trace.Kafka.Count != 1 || len(trace.Kafka.Topics) != 1 {
		t.Fatalf("trace of a published event: %+v", trace.Trace)
	}
	event := trace.Kafka.Events[0]
	if event.Relay == nil || event.Relay.Seq != 1 || event.Type != "PaymentBooked" || event.Key.String() != "pay_1" || *trace.Checkpoint.CommitLSN != event.Relay.CommitLSN {
		t.Errorf("event %+v", event)
	}
	stdout, _ := r.relay(t, fault.ExitDone, "events", "show", event.Place())
	wants(t, stdout, id, `{"amount": 12.30}`, "event 1 since")
	stdout, _ = r.relay(t, fault.ExitDone, "events", "tail", "-n", "2")
	if lines := strings.Count(stdout, "\n"); lines != 3 || strings.Contains(stdout, id) {
		t.Errorf("the last two of three events:\n%s", stdout)
	}
	stdout, _ = r.relay(t, fault.ExitDone, "events", "tail", "--key", "pay_1", "--since", "1h", "-o", "name")
	if got := strings.Fields(stdout); len(got) != 2 { // emit's second has the key too
		t.Errorf("events of a key: %v", got)
	}
	_, stderr := r.relay(t, fault.ExitWanting, "events", "show", fmt.Sprintf("%s/%d@9000", event.Topic, event.Partition))
	wants(t, stderr, "no committed event", "ends before offset")
	_, stderr = r.relay(t, fault.ExitWanting, "events", "show", event.Topic+"/77@0")
	wants(t, stderr, "it has partitions 0 to 1, not 77")
	_, stderr = r.relay(t, fault.ExitWanting, "events", "tail", "--topic", r.name+".mistyped")
	wants(t, stderr, "does not exist, or may not be seen [RLY6002]")
	stdout, _ = r.relay(t, fault.ExitWanting, "events", "find", "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01")
	wants(t, stdout, "outbox table  not found", "Verdict: not found:")

	var history checkpointHistory
	r.document(t, &history, fault.ExitDone, "checkpoint", "history")
	brought := uint64(0) // by one transaction or several
	for _, e := range history.Items {
		if e.Events != nil {
			brought += *e.Events
		}
	}
	if !history.Complete || brought != 3 {
		t.Errorf("%d events in %+v", brought, history.History)
	}
	r.pg.Exec(t, fmt.Sprintf(`INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type) VALUES ('%s', 'payment', 'pay_1', 'Again')`, id))
	r.relay(t, fault.ExitDone, "run", "--once")
	eventually(t, func() bool { // visible a little later than committed
		r.document(t, &trace, -1, "events", "find", id)
		return trace.Kafka.Count == 2
	})
	if trace.Verdict != inspect.PublishedMore || !strings.Contains(trace.Reason, "the application has written the id more than once") || trace.Table.Rows != 2 {
		t.Errorf("trace of an id that was written twice: %+v", trace.Trace)
	}
}

// strangers puts records of others into an event topic and next to our checkpoint topic.
func (r *rig) strangers(t *testing.T) {
	t.Helper()
	r.produce(t, r.name+".foreign", "\x1b[2Jk", "v")
	stdout, stderr := r.relay(t, fault.ExitDone, "events", "tail", "--topic", r.name+".foreign")
	wants(t, stdout, `\x1b[2Jk`)
	wants(t, stderr, "None of these records has Relay's headers")
	r.produce(t, r.name+".checkpoints.strange", "nonsense", "{}")
	stdout, _ = r.relay(t, fault.ExitDone, "checkpoint", "list")
	wants(t, stdout, "strange", "refused [RLY1017]")
	stdout, _ = r.relay(t, fault.ExitDone, "checkpoint", "history", "strange")
	wants(t, stdout, "unreadable", `foreign record`)
	r.produce(t, r.name+".checkpoints.cut", "checkpoint", "{}")
	r.cut(t, r.name+".checkpoints.cut")
	stdout, _ = r.relay(t, fault.ExitDone, "checkpoint", "show", "cut")
	wants(t, stdout, "refused [RLY1013]", "its beginning is gone")
	_, stderr = r.relay(t, fault.ExitDone, "checkpoint", "history", "cut")
	wants(t, stderr, "holds no record")
}

// atWork looks at a daemon: through it, and past it.
func (r *rig) atWork(t *testing.T) {
	t.Helper()
	listen := unusedAddress(t)
	socket := "server.admin_socket=" + filepath.Join(t.TempDir(), "s")
	daemon := exec.CommandContext(t.Context(), "relay", "run", "--set", "server.listen="+listen, "--set", socket)
	daemon.Dir = r.dir
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	set := []string{"--set", "server.listen=" + listen}
	r.relay(t, fault.ExitDone, append(set, "wait", "--for", "state=streaming")...)
	stdout, _ := r.relay(t, fault.ExitDone, append(set, "status")...)
	wants(t, stdout, "streaming for", fmt.Sprintf("(pid %d)", daemon.Process.Pid), "active")
	stdout, _ = r.relay(t, fault.ExitDone, "--set", socket, "status")
	wants(t, stdout, "streaming for", fmt.Sprintf("(pid %d)", daemon.Process.Pid))
	stdout, _ = r.relay(t, fault.ExitDone, "status") // as from another host
	wants(t, stdout, "working", "slot read from 127.0.0.1")
	r.relay(t, fault.ExitDone, "wait", "--for", "state=streaming")
	stdout, _ = r.relay(t, fault.ExitDone, "checkpoint", "list")
	wants(t, stdout, "ok")

	r.follow(t)
	r.relay(t, fault.ExitDone, "wait", "--for", "caught-up")
	stdout, _ = r.relay(t, fault.ExitDone, "lag")
	if strings.TrimSpace(stdout) != "0.000" {
		t.Errorf("lag of a relay that has caught up: %s", stdout)
	}
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("relay run: %v", err)
	}
}

// follow reads events as they come, until ^C, or until nobody reads what it prints.
func (r *rig) follow(t *testing.T) {
	t.Helper()
	tail := func() (*exec.Cmd, *bufio.Scanner) {
		cmd := exec.CommandContext(t.Context(), "relay", "events", "tail", "-f", "-n", "1", "--no-headers")
		cmd.Dir = r.dir
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan() // the last one that is there
		return cmd, lines
	}
	cmd, lines := tail()
	id := r.emitOne(t, "pay_9")
	if !lines.Scan() || !strings.Contains(lines.Text(), id) {
		t.Errorf("what comes is %q, want event %s", lines.Text(), id)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != fault.ExitInterrupted {
		t.Errorf("interrupted: exit code %d", code)
	}
	closed := exec.CommandContext(t.Context(), "sh", "-c", "relay events tail -f -n 1 | head -1")
	closed.Dir = r.dir
	if err := closed.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = closed.Wait(); close(done) }()
	eventually(t, func() bool { // it notices when it prints the next
		r.emitOne(t, "pay_9")
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

// neighbours looks at another relay of the same servers from the configuration of the first.
func (r *rig) neighbours(t *testing.T) {
	t.Helper()
	name := r.name + "n"
	other := []string{"--set", "name=" + name, "--set", "source.slot=" + r.pg.Database + "_neighbour"}
	r.relay(t, fault.ExitDone, append(other, "init")...)
	stdout, _ := r.relay(t, fault.ExitDone, "checkpoint", "list")
	wants(t, stdout, name+" ", r.pg.Database+"_neighbour")
	var c checkpointDocument
	r.document(t, &c, fault.ExitDone, "checkpoint", "show", name)
	if c.Verdict != inspect.Idle || c.Configured || c.Slot == nil || c.Record.Relay != name {
		t.Errorf("neighbour: %+v", c.Checkpoint)
	}
	r.emit(t, 1)
	r.pg.Exec(t, fmt.Sprintf("SELECT pg_replication_slot_advance('%s_neighbour', pg_current_wal_lsn())", r.pg.Database))
	r.document(t, &c, fault.ExitDone, "checkpoint", "show", name)
	if c.Verdict != inspect.Refused || c.Code != fault.SlotAhead.String() {
		t.Errorf("neighbour whose slot was advanced: %+v", c.Checkpoint)
	}
	_, stderr := r.relay(t, fault.ExitWanting, "checkpoint", "show", "nobody")
	wants(t, stderr, `no checkpoint of a relay named "nobody"`)
	_, stderr = r.relay(t, fault.ExitWanting, "checkpoint", "history", "nobody")
	wants(t, stderr, `no checkpoint of a relay named "nobody"`)
}

// rights looks without the right to read the table, and at a slot that is gone.
func (r *rig) rights(t *testing.T) {
	t.Helper()
	r.pg.Exec(t, "REVOKE ALL ON ALL TABLES IN SCHEMA outbox FROM "+r.role)
	var lag lagDocument
	r.document(t, &lag, fault.ExitDone, "lag")
	if lag.Basis != inspect.BasisCheckpoint || !lag.AtMost || !strings.Contains(lag.Note, "GRANT SELECT ON") {
		t.Errorf("lag without the right to read the table: %+v", lag.Lag)
	}
	stdout, _ := r.relay(t, fault.ExitDone, "status")
	wants(t, stdout, "GRANT SELECT ON", "<= ")
	r.pg.Exec(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", r.pg.Database))
	stdout, _ = r.relay(t, fault.ExitDone, "status")
	wants(t, stdout, "refused", "[RLY1004]", "Slot      none")
	r.relay(t, fault.ExitDone, "events", "tail")
}

// document runs a command with -o json and decodes what it prints. A code below 0 means any.
func (r *rig) document(t *testing.T, into any, code int, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "relay", append(args, "-o", "json")...)
	cmd.Dir = r.dir
	text, err := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); code >= 0 && got != code {
		t.Fatalf("relay %s: exit code %d, want %d, %v\n%s", strings.Join(args, " "), got, code, err, text)
	}
	document(t, string(text))
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// traces is what a relay would have changed: slot, and the end of the checkpoint partition, markers and aborted records
// included.
func (r *rig) traces(t *testing.T) string {
	t.Helper()
	var slot string
	row := r.pg.Connect(t).QueryRow(t.Context(), `SELECT format('%s %s %s', restart_lsn, confirmed_flush_lsn, active) FROM pg_replication_slots WHERE slot_name = $1`, r.pg.Database)
	if err := row.Scan(&slot); err != nil {
		t.Fatal(err)
	}
	client, err := sarama.NewClient(r.brokers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	end, err := client.GetOffset(r.name+".checkpoints."+r.name, 0, sarama.OffsetNewest)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := client.Topics()
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, topic := range topics {
		if strings.Contains(topic, r.name) {
			ours++
		}
	}
	return fmt.Sprintf("slot %s, log end %d, %d topics", slot, end, ours)
}

// produce writes a record as somebody else, and makes the topic for it.
func (r *rig) produce(t *testing.T, topic, key, value string) {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	admin, err := sarama.NewClusterAdmin(r.brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	producer, err := sarama.NewSyncProducer(r.brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}

// cut deletes all records of a topic with one partition.
func (r *rig) cut(t *testing.T, topic string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(r.brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteRecords(topic, map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
}

// emitOne writes one event and gives its id.
func (r *rig) emitOne(t *testing.T, key string) (id string) {
	t.Helper()
	row := r.pg.Connect(t).QueryRow(t.Context(), `SELECT outbox.emit('payment', $1, 'PaymentBooked', '{"amount": 12.30}')`, key)
	if err := row.Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func (r *rig) append(t *testing.T, name, text string) {
	t.Helper()
	r.write(t, name, r.text(t, name)+text)
}

func (r *rig) replace(t *testing.T, name, old, now string) {
	t.Helper()
	text := r.text(t, name)
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in %s", old, name)
	}
	r.write(t, name, strings.Replace(text, old, now, 1))
}

func (r *rig) text(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
