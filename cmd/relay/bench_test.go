package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/outbox-relay/relay/internal/bench"
	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestBench runs the whole benchmark, tiny, with the rights that it asks for, and looks at what it says and leaves.
func TestBench(t *testing.T) {
	t.Parallel()
	r := newBenchRig(t)
	before := r.inventory(t)
	stdout, _ := r.relay.relay(t, fault.ExitDone, "bench", "--name", r.name, "--scale", "0.001", "--rounds", "1", "-o", "json")
	if diff := cmp.Diff(before, r.inventory(t)); diff != "" {
		t.Errorf("what the benchmark has left (-before +after):\n%s", diff)
	}
	var result bench.Result
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&result); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	if result.APIVersion != "relay/v1" || result.Kind != "Benchmark" {
		t.Errorf("the document is a %s %s", result.APIVersion, result.Kind)
	}
	if missing := unmeasured(reflect.ValueOf(result), ""); len(missing) > 0 {
		t.Errorf("not measured: %v", missing)
	}
	if len(result.Drains) != 3 || len(result.Latency) != 3 || len(result.Targets) < 20 {
		t.Errorf("%d drains, %d latencies, %d targets", len(result.Drains), len(result.Latency), len(result.Targets))
	}
	if len(result.Notes) == 0 || !strings.Contains(strings.Join(result.Notes, ""), "50 ms") {
		t.Errorf("notes do not say that there was no slow network: %q", result.Notes)
	}
}

// unmeasured lists the fields that hold nothing. Some may: a reader that publishes nothing has no Kafka transactions,
// and what is compared with a clock of 10 ms can be 0.
func unmeasured(v reflect.Value, path string) (missing []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			if !slices.Contains([]string{".slow_network", ".drains.pg_recvlogical"}, path) {
				missing = append(missing, path)
			}
			return missing
		}
		return unmeasured(v.Elem(), path)
	case reflect.Struct:
		if sample, ok := v.Interface().(bench.Sample); ok {
			return unmeasuredSample(sample, path)
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name := path + "." + f.Tag.Get("json")
			if f.Anonymous {
				name = path
			}
			if f.IsExported() && !strings.HasPrefix(name, ".started") {
				missing = append(missing, unmeasured(v.Field(i), name)...)
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			return []string{path}
		}
		for i := range v.Len() {
			missing = append(missing, unmeasured(v.Index(i), path)...)
		}
	case reflect.Bool:
	default:
		mayBeZero := []string{".settings.pg_recvlogical", ".drains.ratio_to_pg_recvlogical", ".targets.got", ".targets.unit", ".machine.cpu", ".machine.load", ".machine.kernel"}
		if v.IsZero() && !slices.Contains(mayBeZero, path) {
			return []string{path}
		}
	}
	return missing
}

func unmeasuredSample(s bench.Sample, path string) []string {
	is := func(ends ...string) bool {
		return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, end) })
	}
	switch {
	case len(s.Rounds) == 1 && is("seen_before_return_share", "cpu_share", "pg_recvlogical.events_per_second", "server_cpu_us", "extra_of_plain_insert"): // too short for the clock at this scale
	case len(s.Rounds) == 1 && is("receive_only.allocations_per_event", "receive_only.cpu_us_per_event"): // none, in so short a time
	case is("receive_only.events_per_kafka_transaction"):
	case is("pg_recvlogical.events_per_kafka_transaction", "pg_recvlogical.peak_rss_bytes", "pg_recvlogical.allocations_per_event"):
	case len(s.Rounds) != 1 || s.Median <= 0 || s.Min != s.Median || s.Max != s.Median:
		return []string{path}
	}
	return nil
}

// TestBenchInterrupted: ^C in the middle leaves nothing behind.
func TestBenchInterrupted(t *testing.T) {
	t.Parallel()
	r := newBenchRig(t)
	before := r.inventory(t)
	cmd := exec.CommandContext(t.Context(), "relay", "bench", "--name", r.name, "--only", "drain")
	cmd.Dir = r.relay.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return strings.Contains(strings.Join(r.inventory(t), " "), "slot relay_bench_"+r.name) })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != fault.ExitInterrupted {
		t.Errorf("interrupted benchmark: %v\n%s", err, stderr.String())
	}
	wants(t, stderr.String(), "removing what the benchmark has made", "relay: interrupted")
	if diff := cmp.Diff(before, r.inventory(t)); diff != "" {
		t.Errorf("what the benchmark has left (-before +after):\n%s", diff)
	}
}

// TestBenchRefuses: what is in the way is named, and nothing is touched.
func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	r := newBenchRig(t)
	base := "relay_bench_" + r.name
	tests := []struct {
		name string
		set  []string // statements of the superuser before
		undo []string
		code int
		args []string
		want []string
	}{
		{
			name: "schema", set: []string{"CREATE SCHEMA " + base, "CREATE TABLE " + base + ".precious (n int)"}, undo: []string{"DROP SCHEMA " + base + " CASCADE"},
			code: fault.ExitRefused, want: []string{"[RLY1020]", "schema " + base + " already", "DROP SCHEMA " + base + " CASCADE;", "Nothing has been changed"},
		},
		{
			name: "publication", set: []string{"CREATE PUBLICATION " + base}, undo: []string{"DROP PUBLICATION " + base},
			code: fault.ExitRefused, want: []string{"[RLY1020]", "publication " + base},
		},
		{
			name: "slot", set: []string{"SELECT pg_create_logical_replication_slot('" + base + "_7', 'pgoutput')"}, undo: []string{"SELECT pg_drop_replication_slot('" + base + "_7')"},
			code: fault.ExitRefused, want: []string{"[RLY1020]", "replication slot " + base + "_7", "SELECT pg_drop_replication_slot('" + base + "_7');"},
		},
		{
			name: "no right to replicate", set: []string{"ALTER ROLE " + r.role + " NOREPLICATION"}, undo: []string{"ALTER ROLE " + r.role + " REPLICATION"},
			code: fault.ExitRefused, want: []string{"[RLY1016]", "may not create replication slots", "ALTER ROLE"},
		},
		{
			name: "no right to create", set: []string{"REVOKE CREATE ON DATABASE " + r.relay.pg.Database + " FROM " + r.role}, undo: []string{r.grant()},
			code: fault.ExitRefused, want: []string{"[RLY1016]", "may not create a schema", "GRANT CREATE ON DATABASE"},
		},
		{
			name: "too few brokers", args: []string{"--set", "kafka.replication_factor=7"},
			code: fault.ExitRefused, want: []string{"[RLY1016]", "1 brokers", "kafka.replication_factor is 7"},
		},
		{
			name: "no Kafka", args: []string{"--set", "kafka.brokers=" + unusedAddress(t)},
			code: fault.ExitUnreachable, want: []string{"[RLY5002]", "reach Kafka at"},
		},
		{
			name: "no Postgres", args: []string{"--set", "source.url=postgres://relay:planted-secret@" + unusedAddress(t) + "/shop"},
			code: fault.ExitUnreachable, want: []string{"[RLY5001]"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r.relay.pg.Exec(t, tt.set...)
			before := r.inventory(t)
			_, stderr := r.relay.relay(t, tt.code, append([]string{"bench", "--name", r.name}, tt.args...)...)
			wants(t, stderr, tt.want...)
			if diff := cmp.Diff(before, r.inventory(t)); diff != "" {
				t.Errorf("a benchmark that was refused has changed something (-before +after):\n%s", diff)
			}
			r.relay.pg.Exec(t, tt.undo...)
		})
	}
	t.Run("busy slot", func(t *testing.T) {
		slot := base + "_base"
		r.relay.pg.Exec(t, "SELECT pg_create_logical_replication_slot('"+slot+"', 'pgoutput')")
		release := r.occupy(t, slot)
		_, stderr := r.relay.relay(t, fault.ExitRefused, "bench", "--name", r.name)
		wants(t, stderr, "[RLY1019]", slot, "in use by process")
		release()
		r.relay.pg.Exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"+slot+"'")
		eventually(t, func() bool {
			_, err := r.relay.pg.Connect(t).Exec(t.Context(), "SELECT pg_drop_replication_slot('"+slot+"')")
			return err == nil
		})
	})
	t.Run("topic", func(t *testing.T) {
		topic := "relay-bench-" + r.name + ".events-1"
		r.createTopic(t, topic)
		_, stderr := r.relay.relay(t, fault.ExitRefused, "bench", "--name", r.name)
		wants(t, stderr, "[RLY1020]", topic, "kafka-topics.sh", "--delete --topic "+topic)
		if !slices.Contains(r.inventory(t), "topic "+topic) {
			t.Errorf("topic %s is gone", topic)
		}
	})
}

// benchRig is a database and a cluster with a role that may do what a benchmark needs, and no more.
type benchRig struct {
	relay      *rig
	name, role string
	broker     string
}

func newBenchRig(t *testing.T) *benchRig {
	t.Helper()
	pg, kafka := devstacktest.Postgres(t, 0), devstacktest.Kafka(t)
	r := &benchRig{relay: &rig{dir: t.TempDir(), pg: pg}, name: kafka.Prefix, role: pg.Role(t, "LOGIN REPLICATION"), broker: kafka.Brokers[0]}
	pg.Exec(t, r.grant())
	r.relay.write(t, "relay.yaml", fmt.Sprintf("source: {url: %q}\nkafka: {brokers: [%q], development: true, replication_factor: 1}\n",
		pg.URL(r.role), strings.Join(kafka.Brokers, `", "`)))
	return r
}

func (r *benchRig) grant() string {
	return "GRANT CREATE ON DATABASE " + r.relay.pg.Database + " TO " + r.role
}

// inventory is everything on the servers that a benchmark of this name could make or break, and its files.
func (r *benchRig) inventory(t *testing.T) []string {
	t.Helper()
	rows, err := r.relay.pg.Connect(t).Query(t.Context(), `SELECT 'schema ' || nspname FROM pg_namespace
		UNION ALL SELECT 'publication ' || pubname FROM pg_publication
		UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE strpos(slot_name, $1) > 0
		UNION ALL SELECT 'table ' || c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND strpos(c.relnamespace::regnamespace::text, $1) > 0`, r.name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			t.Fatal(err)
		}
		all = append(all, what)
	}
	m, err := devstack.AskMetadata(t.Context(), r.broker)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range m.Topics {
		if strings.Contains(topic, r.name) {
			all = append(all, "topic "+topic)
		}
	}
	slices.Sort(all)
	return all
}

// occupy streams from a slot until release is called.
func (r *benchRig) occupy(t *testing.T, slot string) (release func()) {
	t.Helper()
	c, err := pgconn.ParseConfig(r.relay.pg.URL(devstack.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	c.RuntimeParams["replication"] = "database"
	conn, err := pgconn.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	conn.Frontend().Send(&pgproto3.Query{String: "START_REPLICATION SLOT " + slot + " LOGICAL 0/0 (proto_version '1', publication_names 'none')"})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	active := r.relay.pg.Connect(t)
	eventually(t, func() bool {
		var yes bool
		err := active.QueryRow(t.Context(), "SELECT active FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&yes)
		return err == nil && yes
	})
	return func() { _ = conn.Close(context.WithoutCancel(t.Context())) }
}

// createTopic makes a topic; it goes with the rig.
func (r *benchRig) createTopic(t *testing.T, topic string) {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_9_0_0
	admin, err := sarama.NewClusterAdmin([]string{r.broker}, config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
}
