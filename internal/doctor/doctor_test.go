package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/migrations/check"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m)) }

// rig is a relay that is well, on a Postgres server of its own: what is broken here is the server's as often as not.
type rig struct {
	cfg Config
	pg  *devstack.Postgres
	db  *pgx.Conn // superuser
}

const (
	relayRole = "relay"
	appRole   = "shop"
)

func newRig(t *testing.T, major int, brokers []string, prefix string) *rig {
	t.Helper()
	pg := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Major: major, Settings: map[string]string{"max_slot_wal_keep_size": "20GB"}})
	r := &rig{pg: pg}
	db, err := pgx.Connect(t.Context(), pg.URL(devstack.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.WithoutCancel(t.Context())) })
	r.db = db
	r.run(t, fmt.Sprintf("CREATE ROLE %s LOGIN REPLICATION PASSWORD '%s'", relayRole, devstack.Password), "CREATE ROLE "+appRole+" LOGIN")
	options := migrations.Options{AppRole: appRole, RelayRole: relayRole}
	selected, err := migrations.Select("outbox")
	if err != nil {
		t.Fatal(err)
	}
	sql, err := selected[0].Render(options)
	if err != nil {
		t.Fatal(err)
	}
	r.run(t, sql)
	mapping := outbox.Defaults()
	mapping.Routing.Topic = prefix + ".events"
	r.cfg = Config{
		Brokers: strings.Join(brokers, ","),
		Schema:  &check.Request{Options: options},
		Relay: relay.Config{
			Source: replication.Config{
				ConnString: pg.URL(relayRole, "postgres"), Slot: "relay_" + prefix, Publication: "outbox", SenderTimeout: 2 * time.Second,
			},
			Outbox: mapping,
			Kafka: publisher.Config{
				Brokers: brokers, Relay: prefix, CheckpointTopic: "checkpoints." + prefix, ReservedPrefixes: []string{"checkpoints", "parked"},
				TransactionTimeout: 30 * time.Second,
			},
			Table: "outbox.event", Parked: "parked." + prefix, Failure: relay.Failure{Park: true, MaxHeld: 10},
			InternalTopics: &publisher.TopicSpec{ReplicationFactor: 1, MinInSync: 1}, Development: true,
			Cleanup: relay.Cleanup{Enabled: true, Keep: 72 * time.Hour},
			Batch:   relay.Batch{MaxEvents: 1000, MaxBytes: 1 << 20, Memory: 3 << 20},
			Version: "test", Host: "test",
		},
	}
	r.createTopic(t, prefix+".events")
	if err := relay.Init(t.Context(), r.cfg.Relay, new(strings.Builder)); err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs texts of SQL, each as psql would: whatever ends a transaction block there may stand alone only.
func (r *rig) run(t *testing.T, texts ...string) {
	t.Helper()
	for _, sql := range texts {
		if _, err := r.db.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func (r *rig) admin(t *testing.T) sarama.ClusterAdmin {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	admin, err := sarama.NewClusterAdmin(r.cfg.Relay.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	return admin
}

func (r *rig) createTopic(t *testing.T, name string) {
	t.Helper()
	if err := r.admin(t).CreateTopic(name, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
}

// alterTopic sets a setting, or takes it away with an empty value.
func (r *rig) alterTopic(t *testing.T, topic, setting, value string) {
	t.Helper()
	entry := sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	if value == "" {
		entry = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationDelete}
	}
	if err := r.admin(t).IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{setting: entry}, false); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) examine(t *testing.T) *Report {
	t.Helper()
	report, err := Examine(t.Context(), r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// find is what a report says of a check.
func find(r *Report, name string, levels ...Level) []Finding {
	category, check, _ := strings.Cut(name, "/")
	var all []Finding
	for _, f := range r.Items {
		if string(f.Category) == category && f.Check == check && slices.Contains(levels, f.Level) {
			all = append(all, f)
		}
	}
	return all
}

func show(r *Report) string {
	var b strings.Builder
	for _, f := range r.Items {
		fmt.Fprintf(&b, "%-4s %s/%s: %s | %v %v %s\n", f.Level, f.Category, f.Check, f.Summary, f.SQL, f.Commands, f.Hint)
	}
	return b.String()
}

// eventually waits until a report says so: settings of Kafka and of Postgres take a moment.
func (r *rig) eventually(t *testing.T, what string, says func(*Report) bool) {
	t.Helper()
	var last *Report
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if last = r.examine(t); says(last) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: never; the report is\n%s", what, show(last))
		}
	}
}

// TestWell: a relay that was just made has no failure, and no other warnings than those of a development cluster.
func TestWell(t *testing.T) {
	kafka := devstacktest.Kafka(t)
	r := newRig(t, 18, kafka.Brokers, kafka.Prefix)
	report := r.examine(t)
	t.Log("\n" + show(report))
	for _, f := range report.Items {
		name := string(f.Category) + "/" + f.Check
		expected := slices.Contains([]string{"kafka/brokers", "topics/replication", "checkpoint/development"}, name)
		if f.Level == Fail || f.Level == Skip || f.Level == Warn && !expected {
			t.Errorf("%s %s: %s", f.Level, name, f.Summary)
		}
	}
}

// damage is something that is broken on a real server.
type damage struct {
	name  string
	check string // category/check that finds it
	level Level
	says  string
	sql   []string               // what breaks it
	do    func(*testing.T, *rig) // or this
	undo  func(*testing.T, *rig) // where what is printed is no SQL; nil: the printed SQL mends it
}

// TestFindsAndMends breaks each thing that Postgres holds, sees it found, runs the SQL that is printed, as a superuser and
// nothing else, and sees it gone.
func TestFindsAndMends(t *testing.T) {
	kafka := devstacktest.Kafka(t)
	r := newRig(t, 18, kafka.Brokers, kafka.Prefix)
	slot := r.cfg.Relay.Source.Slot
	for _, d := range []damage{
		{name: "publishes more", check: "outbox/publication", level: Fail, says: "publishes insert, update, delete", sql: []string{"ALTER PUBLICATION outbox SET (publish = 'insert, update, delete')"}},
		{name: "publishes no insert", check: "outbox/publication", level: Fail, says: "does not publish insert", sql: []string{"ALTER PUBLICATION outbox SET (publish = 'delete')"}},
		{name: "not via root", check: "outbox/publication", level: Fail, says: "under their own names", sql: []string{"ALTER PUBLICATION outbox SET (publish_via_partition_root = false)"}},
		{name: "table taken out", check: "outbox/publication", level: Fail, says: "does not contain", sql: []string{"ALTER PUBLICATION outbox DROP TABLE outbox.event"}},
		{name: "row filter", check: "outbox/publication", level: Fail, says: "row filter", sql: []string{"ALTER PUBLICATION outbox SET TABLE outbox.event WHERE (aggregate_version > 1)"}},
		{name: "column list", check: "outbox/publication", level: Fail, says: "leaves out what the mapping needs", sql: []string{"ALTER PUBLICATION outbox SET TABLE outbox.event (id, payload)"}},
		{name: "unlogged leaf", check: "outbox/publication", level: Fail, says: "is unlogged", sql: []string{"ALTER TABLE outbox.event_mon SET UNLOGGED", "ALTER TABLE outbox.event_tue SET UNLOGGED"}},
		{name: "default dropped", check: "outbox/schema", level: Fail, says: "outbox.event.id has the default nothing", sql: []string{"ALTER TABLE outbox.event ALTER id DROP DEFAULT"}},
		{name: "relay may not truncate", check: "outbox/schema", level: Fail, says: "lacks TRUNCATE", sql: []string{"REVOKE TRUNCATE ON outbox.event_fri FROM " + relayRole}},
		{name: "app may not insert", check: "outbox/schema", level: Fail, says: "lacks INSERT", sql: []string{"REVOKE INSERT (payload) ON outbox.event FROM " + appRole}},
		{name: "relay may not read", check: "outbox/read", level: Warn, says: "may not read", sql: []string{"REVOKE SELECT ON outbox.event FROM " + relayRole}},
		{name: "WAL messages can be forged", check: "outbox/messages", level: Fail, says: "may be called by every role", do: func(_ *testing.T, r *rig) { r.cfg.Relay.Outbox.WALMessages = "shop" }},
		{name: "no limit for WAL", check: "slot/wal", level: Warn, says: "can fill this disk", sql: []string{"ALTER SYSTEM SET max_slot_wal_keep_size = -1", reloadConf}},
		{name: "idle slots are dropped", check: "slot/idle-timeout", level: Warn, says: "idle_replication_slot_timeout = 10m0s", sql: []string{"ALTER SYSTEM SET idle_replication_slot_timeout = '10min'", reloadConf}},
		{name: "full_page_writes", check: "postgres/durability", level: Warn, says: "full_page_writes = off", sql: []string{"ALTER SYSTEM SET full_page_writes = off", reloadConf}},
		{
			name: "no publication", check: "outbox/publication", level: Fail, says: "does not exist",
			do:   func(_ *testing.T, r *rig) { r.cfg.Relay.Source.Publication = "outbax" },
			undo: func(_ *testing.T, r *rig) { r.cfg.Relay.Source.Publication = "outbox" },
		},
		{
			name: "superuser", check: "postgres/role", level: Warn, says: "is a superuser",
			do:   func(t *testing.T, r *rig) { r.run(t, "ALTER ROLE "+relayRole+" SUPERUSER") },
			undo: func(t *testing.T, r *rig) { r.run(t, "ALTER ROLE "+relayRole+" NOSUPERUSER") },
		},
		{
			name: "clocks and idle slot", check: "postgres/clock", level: Warn, says: "behind this host's",
			do:   func(_ *testing.T, r *rig) { r.cfg.Now = func() time.Time { return time.Now().Add(time.Hour) } },
			undo: func(_ *testing.T, r *rig) { r.cfg.Now = nil },
		},
		{
			name: "nobody reads", check: "slot/reader", level: Warn, says: "nobody has read the slot for 1h",
			do:   func(_ *testing.T, r *rig) { r.cfg.Now = func() time.Time { return time.Now().Add(time.Hour) } },
			undo: func(_ *testing.T, r *rig) { r.cfg.Now = nil },
		},
		{
			name: "slot ahead", check: "checkpoint/verdict", level: Fail, says: "is ahead of the checkpoint",
			do: func(t *testing.T, r *rig) {
				r.run(t, "SELECT pg_logical_emit_message(true, 'x', 'y')", "SELECT pg_replication_slot_advance('"+slot+"', pg_current_wal_flush_lsn())")
			},
			undo: func(*testing.T, *rig) {},
		},
		{
			name: "slot gone", check: "checkpoint/verdict", level: Fail, says: "does not exist, but there is a checkpoint",
			do:   func(t *testing.T, r *rig) { r.run(t, "SELECT pg_drop_replication_slot('"+slot+"')") },
			undo: func(*testing.T, *rig) {},
		},
		{
			name: "slot of another plugin", check: "slot/slot", level: Fail, says: `uses the plugin "test_decoding"`,
			do: func(t *testing.T, r *rig) {
				r.run(t, "SELECT pg_create_logical_replication_slot('"+slot+"', 'test_decoding')")
			},
			undo: func(t *testing.T, r *rig) { r.run(t, "SELECT pg_drop_replication_slot('"+slot+"')") },
		},
	} {
		t.Run(d.name, func(t *testing.T) { r.breakAndMend(t, d) })
	}
}

// TestStandby: with a standby the slot should survive a promotion, and events wait until the standby has them.
func TestStandby(t *testing.T) {
	kafka := devstacktest.Kafka(t)
	r := newRig(t, 18, kafka.Brokers, kafka.Prefix)
	r.cfg.Relay.Failover = true // and the slot is none
	if report := r.examine(t); find(report, "slot/failover", OK) == nil || find(report, "slot/standbys", OK) == nil {
		t.Errorf("without a standby:\n%s", show(report))
	}
	standby, err := r.pg.Standby(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Close() })
	r.breakAndMend(t, damage{check: "slot/standbys", level: Warn, says: "synchronized_standby_slots is empty", do: func(*testing.T, *rig) {}})
	report := r.examine(t)
	if bad := find(report, "slot/failover", Warn); len(bad) != 1 || len(bad[0].Commands) != 1 {
		t.Errorf("a slot that is no failover slot:\n%s", show(report))
	}
	r.run(t, "ALTER SYSTEM SET synchronized_standby_slots = 'nobody'", reloadConf)
	r.eventually(t, "a standby that is waited for is away", func(report *Report) bool { return find(report, "slot/standbys", Fail) != nil })
	r.breakAndMend(t, damage{check: "slot/standbys", level: Warn, says: "synchronized_standby_slots is empty", do: func(t *testing.T, r *rig) {
		r.run(t, find(r.examine(t), "slot/standbys", Fail)[0].SQL...)
	}})
}

func (r *rig) breakAndMend(t *testing.T, d damage) {
	t.Helper()
	says := func(report *Report) bool {
		return slices.ContainsFunc(find(report, d.check, d.level), func(f Finding) bool { return strings.Contains(f.Summary, d.says) })
	}
	if d.name != "" && says(r.examine(t)) {
		t.Fatal("found before it is broken")
	}
	r.run(t, d.sql...)
	if d.do != nil {
		d.do(t, r)
	}
	var sql []string
	r.eventually(t, "found", func(report *Report) bool {
		for _, f := range find(report, d.check, Warn, Fail) {
			sql = append(sql, f.SQL...)
			if f.Hint == "" && f.SQL == nil && f.Commands == nil {
				t.Errorf("%s: nothing that mends it", f.Summary)
			}
		}
		return says(report)
	})
	if d.undo != nil {
		d.undo(t, r)
		return
	}
	r.run(t, sql...)
	r.eventually(t, "mended", func(report *Report) bool { return len(find(report, d.check, Warn, Fail)) == 0 })
}

// TestFindsInTopics breaks topics, sees it found, and sees that the command that is printed names topic and setting.
func TestFindsInTopics(t *testing.T) {
	kafka := devstacktest.Kafka(t)
	r := newRig(t, 17, kafka.Brokers, kafka.Prefix)
	events, parked, checkpoint := kafka.Prefix+".events", r.cfg.Relay.Parked, r.cfg.Relay.Kafka.CheckpointTopic
	for _, d := range []struct{ check, topic, setting, value, says, command string }{
		{"topics/unclean-election", events, "unclean.leader.election.enable", "true", "unclean leader elections", "unclean.leader.election.enable=false"},
		{"topics/record-size", events, "max.message.bytes", "100000", "takes records up to 98 KiB", "max.message.bytes=1048588"},
		{"topics/retention", events, "retention.ms", "3600000", "keeps events for 1h", "retention.ms=604800000"},
		{"topics/timestamps", events, "message.timestamp.after.max.ms", "60000", "more than 1m0s ahead", "message.timestamp.after.max.ms=3600000"},
		{"topics/timestamps", events, "message.timestamp.before.max.ms", "60000", "older than 1m0s", "message.timestamp.before.max.ms=604800000"},
		{"topics/cleanup-policy", events, "cleanup.policy", "compact", "cleanup.policy=compact", "cleanup.policy=delete"},
		{"topics/parked-topic", parked, "cleanup.policy", "delete", "events that wait there are deleted", "cleanup.policy=compact"},
		{"topics/parked-topic", parked, "max.message.bytes", "1000000", "takes records up to 977 KiB", "max.message.bytes=33554432"},
		{"topics/checkpoint-topic", checkpoint, "cleanup.policy", "delete", "would delete the checkpoint of a quiet relay", "cleanup.policy=compact"},
	} {
		t.Run(d.setting, func(t *testing.T) {
			says := func(report *Report) bool {
				return slices.ContainsFunc(find(report, d.check, Warn, Fail), func(f Finding) bool {
					return strings.Contains(f.Summary, d.says) && len(f.Commands) == 1 && strings.Contains(f.Commands[0], d.command) && strings.Contains(f.Commands[0], d.topic)
				})
			}
			r.alterTopic(t, d.topic, d.setting, d.value)
			r.eventually(t, "found", says)
			setting, value, _ := strings.Cut(d.command, "=")
			r.alterTopic(t, d.topic, setting, value) // as the command does
			r.eventually(t, "mended", func(report *Report) bool { return len(find(report, d.check, Warn, Fail)) == 0 })
		})
	}
	t.Run("replication", func(t *testing.T) {
		r.cfg.Relay.Development = false
		defer func() { r.cfg.Relay.Development = true }()
		if bad := find(r.examine(t), "topics/replication", Fail); len(bad) < 3 || bad[0].Code != "RLY1010" {
			t.Errorf("%+v", bad)
		}
	})
	t.Run("missing topic", func(t *testing.T) {
		if err := devstack.DeleteTopics(t.Context(), kafka.Brokers[0], events, parked); err != nil {
			t.Fatal(err)
		}
		r.eventually(t, "found", func(report *Report) bool {
			return len(find(report, "topics/event-topics", Fail)) == 1 && len(find(report, "topics/parked-topic", Fail)) == 1
		})
	})
	t.Run("unreachable", func(t *testing.T) {
		cfg := r.cfg
		cfg.Relay.Kafka.Brokers = []string{"127.0.0.1:1"}
		report, err := Examine(t.Context(), cfg)
		if err == nil || report == nil || len(find(report, "kafka/reachable", Fail)) != 1 || len(find(report, "slot/slot", OK)) != 1 {
			t.Errorf("%v, %+v", err, report)
		}
		if only, _ := Examine(t.Context(), r.cfg, Slot); slices.ContainsFunc(only.Items, func(f Finding) bool { return f.Category != Slot }) {
			t.Errorf("asked for slot, got %+v", only.Items)
		}
	})
}
