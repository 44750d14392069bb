package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m)) }

// patience is how long a test waits for a condition before it gives up. Nothing is measured with it.
const patience = 30 * time.Second

// rig is a database with an outbox table and a relay's configuration, on shared servers.
type rig struct {
	cfg    Config
	db     *pgx.Conn          // superuser
	role   string             // the relay's, when it is not the superuser
	good   string             // an aggregate type that can be published
	asRole func(t *testing.T) // makes the relay connect as a role of its own
}

const outboxTable = `CREATE TABLE outbox (id text NOT NULL, aggregate_type text NOT NULL, aggregate_id text NOT NULL, event_type text NOT NULL, payload text)`

// newRig makes the table and the publication; nothing is initialised.
func newRig(t *testing.T, url string, brokers []string, prefix string) *rig {
	t.Helper()
	r := &rig{cfg: testConfig(url, brokers, prefix)}
	r.connect(t, url)
	r.exec(t, outboxTable, `CREATE PUBLICATION outbox FOR TABLE outbox WITH (publish = 'insert')`)
	return r
}

// sharedRig is a rig on the servers that all tests share.
func sharedRig(t *testing.T) *rig {
	t.Helper()
	kafka := devstacktest.Kafka(t)
	pg := devstacktest.Postgres(t, 0)
	r := newRig(t, pg.URL(devstack.Superuser), kafka.Brokers, kafka.Prefix)
	r.asRole = func(t *testing.T) {
		r.role = pg.Role(t, "LOGIN REPLICATION")
		r.cfg.Source.ConnString = pg.URL(r.role)
	}
	return r
}

// ownRig is a rig on a Postgres server of its own.
type ownRig struct {
	*rig
	postgres *devstack.Postgres
}

func ownServers(t *testing.T, major int) *ownRig {
	t.Helper()
	pg := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Major: major})
	kafka := devstacktest.Kafka(t)
	return &ownRig{rig: newRig(t, pg.URL(devstack.Superuser, "postgres"), kafka.Brokers, kafka.Prefix), postgres: pg}
}

func testConfig(url string, brokers []string, prefix string) Config {
	mapping := outbox.Defaults()
	mapping.Format = outbox.FormatCustom
	mapping.Routing.Topic = prefix + ".${aggregate_type}"
	one := &publisher.TopicSpec{Partitions: 3, ReplicationFactor: 1, MinInSync: 1}
	return Config{
		Source: replication.Config{ConnString: url, Slot: "relay_" + prefix, Publication: "outbox", SenderTimeout: 2 * time.Second},
		Outbox: mapping,
		Kafka: publisher.Config{
			Brokers: brokers, Relay: prefix, CheckpointTopic: "checkpoints." + prefix, ReservedPrefixes: []string{"checkpoints", "parked"}, CreateTopics: one,
		},
		Table: "public.outbox", Parked: "parked." + prefix, InternalTopics: one, Development: true,
		Batch:     Batch{MaxEvents: 1000, MaxBytes: 1 << 20, Memory: 3 << 20},
		IdleEvery: 50 * time.Millisecond, WatchEvery: 50 * time.Millisecond, Version: "test", Host: "test",
	}
}

// connect makes relay and test talk to a server.
func (r *rig) connect(t *testing.T, url string) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.WithoutCancel(t.Context())) })
	r.db, r.cfg.Source.ConnString = db, url
}

func (r *rig) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := r.db.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func insertEvents(n int) string {
	return fmt.Sprintf(`INSERT INTO outbox SELECT gen_random_uuid()::text, 'order', 'k' || i, 'made', '{}' FROM generate_series(1, %d) i`, n)
}

// emit commits n events in one transaction.
func (r *rig) emit(t *testing.T, n int) {
	t.Helper()
	r.exec(t, insertEvents(n))
}

func (r *rig) init(t *testing.T) {
	t.Helper()
	var out strings.Builder
	if err := Init(t.Context(), r.cfg, &out); err != nil {
		t.Fatalf("init: %v\n%s", err, out.String())
	}
}

// daemonRun is a relay that runs in this process.
type daemonRun struct {
	status   *status.Tracker
	protocol *recorder // the protocol log
	log      *recorder
	control  *Control
	stop     func() error // stops it as a signal does and gives Run's result
}

// run starts a relay and stops it at the end of the test.
func (r *rig) run(t *testing.T) *daemonRun {
	t.Helper()
	cfg := r.cfg
	d := &daemonRun{status: status.New(cfg.Kafka.Relay), protocol: &recorder{}, log: &recorder{t: t}, control: NewControl()}
	cfg.Status, cfg.Protocol, cfg.Logger = d.status, slog.New(d.protocol), slog.New(d.log)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, cfg, RunOptions{Control: d.control}) }()
	d.stop = sync.OnceValue(func() error {
		cancel(ErrStopped)
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("relay does not stop")
		}
	})
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("relay ended with %v", err)
		}
	})
	return d
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func (d *daemonRun) wantState(t *testing.T, want status.State, code fault.Code) {
	t.Helper()
	var last status.Readiness
	defer func() {
		if t.Failed() {
			t.Logf("state %s, code %v, reason %s", last.State, last.Code, last.Reason)
		}
	}()
	eventually(t, fmt.Sprintf("state %s, code %v", want, code), func() bool {
		last = d.status.Ready()
		return last.State == want && last.Code == code
	})
}

// published waits until the checkpoint counts n events.
func (r *rig) published(t *testing.T, d *daemonRun, n uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d events are published (state %+v)", n, d.status.Ready()), func() bool { return d.status.View().Checkpoint.EventsTotal == n })
}

// wantReason checks what the relay says of its state.
func (d *daemonRun) wantReason(t *testing.T, says string) {
	t.Helper()
	if reason := d.status.Ready().Reason; !strings.Contains(reason, says) {
		t.Errorf("reason %q does not say %q", reason, says)
	}
}

// looksAgain waits until a refused relay has looked twice more.
func (d *daemonRun) looksAgain(t *testing.T) {
	t.Helper()
	seen := d.log.count(msgLookedAgain)
	eventually(t, "a refused relay looks again", func() bool { return d.log.count(msgLookedAgain) >= seen+2 })
}

func (r *rig) wantSlotFree(t *testing.T) {
	t.Helper()
	var active bool
	if err := r.db.QueryRow(t.Context(), `SELECT coalesce(bool_or(active), false) FROM pg_replication_slots WHERE slot_name = $1`, r.cfg.Source.Slot).Scan(&active); err != nil {
		t.Fatal(err)
	}
	if active {
		t.Error("the slot is held while refused")
	}
}

func (r *rig) createSlot(t *testing.T, plugin string) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`SELECT pg_create_logical_replication_slot('%s', '%s')`, r.cfg.Source.Slot, plugin))
}

func (r *rig) dropSlot(t *testing.T) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`SELECT pg_drop_replication_slot('%s')`, r.cfg.Source.Slot))
}

func (r *rig) walEnd(t *testing.T) outbox.LSN {
	t.Helper()
	var text string
	if err := r.db.QueryRow(t.Context(), `SELECT pg_current_wal_flush_lsn()::text`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	lsn, err := outbox.ParseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

func (r *rig) inspect(t *testing.T) Inspection {
	t.Helper()
	v, err := View(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	in := v.Look(t.Context())
	if err := errors.Join(in.Postgres, in.Kafka); err != nil {
		t.Fatal(err)
	}
	return in
}

// idleBehind waits for an idle checkpoint behind the events: it knows where they ended in Kafka.
func (r *rig) idleBehind(t *testing.T, d *daemonRun) {
	t.Helper()
	eventually(t, "an idle checkpoint that knows the ends", func() bool {
		r.exec(t, `SELECT pg_logical_emit_message(false, 'nothing', 'moves the WAL')`)
		cp := r.inspect(t).Checkpoint
		return cp != nil && len(cp.Ends) > 0
	})
}

// rewriteCheckpoint commits a changed checkpoint, as only a test would.
func (r *rig) rewriteCheckpoint(t *testing.T, change func(*publisher.Checkpoint)) {
	t.Helper()
	client, err := publisher.Connect(t.Context(), r.cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	look, err := client.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	producer, err := client.Fence(t.Context(), func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := producer.Barrier(t.Context(), *look.Barrier); err != nil {
		t.Fatal(err)
	}
	cp := *look.Checkpoint
	cp.Seq++
	change(&cp)
	if _, err := producer.Publish(t.Context(), publisher.Commit{Checkpoint: &cp}); err != nil {
		t.Fatal(err)
	}
	// The broker writes the markers after it has answered; a look from outside would still see the one before.
	eventually(t, "the new checkpoint is visible", func() bool {
		seen, err := client.Look(t.Context())
		return err == nil && seen.Checkpoint != nil && seen.Checkpoint.Seq >= cp.Seq
	})
}

// recorder keeps the messages of a log.
type recorder struct {
	t        *testing.T // shows them too; nil: not
	mu       sync.Mutex
	messages []string
	texts    []string // with attributes
}

// Enabled, WithAttrs and WithGroup make it a handler of everything.
func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

// Handle keeps the message.
func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, record.Message)
	text := record.Message
	record.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	r.texts = append(r.texts, text)
	if r.t != nil && record.Level > slog.LevelDebug {
		r.t.Log(text)
	}
	return nil
}

// count is how often a message stands in the log.
func (r *recorder) count(message string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, m := range r.messages {
		if m == message {
			n++
		}
	}
	return n
}

// contains is whether any line of the log contains the text.
func (r *recorder) contains(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.texts, func(line string) bool { return strings.Contains(line, text) })
}
