package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/publisher"
)

// audited is an outbox whose events are published, one to a transaction where that matters.
func audited(t *testing.T, transactions ...int) *rig {
	t.Helper()
	r := sharedRig(t)
	r.init(t)
	for _, n := range transactions {
		r.emit(t, n)
	}
	r.runOnce(t)
	return r
}

// runOnce publishes what is there.
func (r *rig) runOnce(t *testing.T) {
	t.Helper()
	if err := Run(t.Context(), r.cfg, RunOptions{Once: true}); err != nil {
		t.Fatal(err)
	}
}

// work is a relay at work: it lets the checkpoint pass the rows that an audit has read.
func (r *rig) work(t *testing.T) *daemonRun {
	t.Helper()
	d := r.run(t)
	d.wantState(t, status.Streaming, 0)
	return d
}

func (r *rig) audit(t *testing.T, o audit.Options) *audit.Report {
	t.Helper()
	report, err := Audit(t.Context(), r.cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantFindings compares what is wrong, or cannot be told, with what was planted.
func wantFindings(t *testing.T, r *audit.Report, want map[audit.Kind]uint64) {
	t.Helper()
	got := map[audit.Kind]uint64{}
	for _, f := range append(slices.Clone(r.Findings), r.Unproved...) {
		if f.Count > 0 {
			got[f.Kind] = f.Count
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
		for _, f := range append(slices.Clone(r.Findings), r.Unproved...) {
			for _, item := range f.Items[:min(len(f.Items), 5)] {
				t.Logf("%s: %s", f.Kind, item)
			}
		}
	}
}

// record is an event as it stands in Kafka.
type record struct {
	partition int32
	key, id   string
	message   *sarama.ProducerMessage
}

// taken reads all events of a topic.
func (r *rig) taken(t *testing.T, topic string) []*record {
	t.Helper()
	client, err := publisher.Connect(t.Context(), r.cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var bounds []publisher.Bounds
	eventually(t, "all that was written to "+topic+" is visible", func() bool {
		bounds, err = client.Bounds(t.Context(), []string{topic})
		return err == nil && !slices.ContainsFunc(bounds, func(b publisher.Bounds) bool { return b.LastStable < b.HighWatermark })
	})
	var all []*record
	for _, b := range bounds {
		reader, err := client.Reader(t.Context(), topic, b.Partition)
		if err != nil {
			t.Fatal(err)
		}
		for reader.Offset() < b.HighWatermark {
			events, err := reader.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range events {
				all = append(all, asTaken(&events[i]))
			}
		}
	}
	return all
}

func asTaken(e *publisher.Event) *record {
	r := &record{partition: e.Partition, key: string(e.Key), message: &sarama.ProducerMessage{
		Topic: e.Topic, Partition: e.Partition, Key: sarama.ByteEncoder(e.Key), Value: sarama.ByteEncoder(e.Value), Timestamp: e.Time,
	}}
	for _, h := range e.Headers {
		r.message.Headers = append(r.message.Headers, sarama.RecordHeader{Key: h.Key, Value: h.Value})
	}
	id, _ := e.Header("id")
	r.id = string(id)
	return r
}

// forge writes records as a foreign producer would, without a transaction.
func (r *rig) forge(t *testing.T, records ...*record) {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	p, err := sarama.NewSyncProducer(r.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, e := range records {
		if _, _, err := p.SendMessage(e.message); err != nil {
			t.Fatal(err)
		}
	}
}

func (e *record) header(name, value string) *record {
	for i, h := range e.message.Headers {
		if string(h.Key) == name {
			e.message.Headers[i].Value = []byte(value)
		}
	}
	return e
}

func (r *rig) topicOfOrders() string { return r.cfg.Kafka.Relay + ".order" }

func (r *rig) bounds(t *testing.T, topic string) ([]publisher.Bounds, error) {
	t.Helper()
	client, err := publisher.Connect(t.Context(), r.cfg.Kafka)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Bounds(t.Context(), []string{topic})
}

// rewrite makes the topic anew with other contents, which no reader could tell from what a relay wrote, but by reading it.
// Records of nobody follow, so that the log is as long as it was.
func (r *rig) rewrite(t *testing.T, change func([]*record) []*record) {
	t.Helper()
	topic := r.topicOfOrders()
	was := r.taken(t, topic)
	filler := len(was) * 3
	r.deleteTopics(t, topic)
	r.createTopic(t, topic, nil)
	// The controller has made it; a broker that has not heard yet would write to the old one.
	eventually(t, "the new topic is empty", func() bool {
		bounds, err := r.bounds(t, topic)
		return err == nil && len(bounds) == 3 && !slices.ContainsFunc(bounds, func(b publisher.Bounds) bool { return b.HighWatermark > 0 })
	})
	records := change(was)
	for i := range filler {
		records = append(records, &record{message: &sarama.ProducerMessage{Topic: topic, Partition: int32(i % 3), Value: sarama.StringEncoder("of nobody")}})
	}
	r.forge(t, records...)
}

// pairOfAKey are the first two records with one key.
func pairOfAKey(t *testing.T, records []*record) (first, second int) {
	t.Helper()
	seen := map[string]int{}
	for i, e := range records {
		if first, twice := seen[e.key]; twice {
			return first, i
		}
		seen[e.key] = i
	}
	t.Fatal("no key has two records")
	return 0, 0
}

func TestAuditOfAWellPublishedOutbox(t *testing.T) {
	t.Parallel()
	r := audited(t, 40, 1, 1)
	report := r.audit(t, audit.Options{})
	wantFindings(t, report, nil)
	if report.Rows.Once != 42 || report.Events.Read != 42 || report.Events.First != 1 || report.Events.Last != 42 {
		t.Errorf("rows %+v, events %+v", report.Rows, report.Events)
	}
}

// TestAuditFinds plants each fault for real and wants it found, and nothing else.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		plant func(t *testing.T, r *rig) (id string)
		want  map[audit.Kind]uint64
		// refused: a relay would see it too, and refuse.
		refused bool
	}{
		{"a copy", func(t *testing.T, r *rig) string {
			all := r.taken(t, r.topicOfOrders())
			last := all[len(all)-1]
			r.forge(t, last)
			return last.id
		}, map[audit.Kind]uint64{audit.MoreThan: 1, audit.SeqRepeated: 1, audit.SeqDisorder: 1}, false},
		{"a copy without our headers", func(t *testing.T, r *rig) string {
			copied := r.taken(t, r.topicOfOrders())[3]
			copied.message.Headers = copied.message.Headers[:1] // the id
			r.forge(t, copied)
			return copied.id
		}, map[audit.Kind]uint64{audit.MoreThan: 1}, false},
		{"a record that is gone", func(t *testing.T, r *rig) (id string) {
			r.rewrite(t, func(all []*record) []*record {
				id = all[2].id
				return slices.Delete(all, 2, 3)
			})
			return id
		}, map[audit.Kind]uint64{audit.Missing: 1, audit.SeqGap: 1}, false},
		{"two swapped", func(t *testing.T, r *rig) (id string) {
			r.rewrite(t, func(all []*record) []*record {
				i, j := pairOfAKey(t, all)
				id = all[i].id
				all[i], all[j] = all[j], all[i]
				return all
			})
			return id
		}, map[audit.Kind]uint64{audit.OutOfOrder: 1, audit.SeqDisorder: 2}, false},
		{"a payload changed in Kafka", func(t *testing.T, r *rig) (id string) {
			r.rewrite(t, func(all []*record) []*record {
				id = all[4].id
				all[4].message.Value = sarama.StringEncoder(`{"amount": 1}`)
				return all
			})
			return id
		}, map[audit.Kind]uint64{audit.Differs: 1}, false},
		{"a key changed in Kafka", func(t *testing.T, r *rig) (id string) {
			r.rewrite(t, func(all []*record) []*record {
				id = all[4].id
				all[4].message.Key = sarama.StringEncoder("another")
				return all
			})
			return id
		}, map[audit.Kind]uint64{audit.Differs: 1}, false},
		{"a header changed in Kafka", func(t *testing.T, r *rig) (id string) {
			r.rewrite(t, func(all []*record) []*record {
				id = all[4].header("type", "unmade").id
				return all
			})
			return id
		}, map[audit.Kind]uint64{audit.Differs: 1}, false},
		{"a row changed in Postgres", func(t *testing.T, r *rig) (id string) {
			id = r.taken(t, r.topicOfOrders())[1].id
			r.exec(t, fmt.Sprintf(`UPDATE outbox SET payload = '{"amount": 2}' WHERE id = '%s'`, id))
			return id
		}, map[audit.Kind]uint64{audit.Differs: 1}, false},
		{"a row that was not published", func(t *testing.T, r *rig) string {
			// A table that inherits is read with the outbox, and its rows are not in the publication.
			r.exec(t, `CREATE TABLE outbox_more () INHERITS (outbox)`,
				`INSERT INTO outbox_more VALUES ('never', 'order', 'k1', 'made', '{}')`)
			return "never"
		}, map[audit.Kind]uint64{audit.Missing: 1}, false},
		{"an event whose row was never committed", func(t *testing.T, r *rig) (id string) {
			id = r.taken(t, r.topicOfOrders())[5].id
			r.exec(t, fmt.Sprintf(`DELETE FROM outbox WHERE id = '%s'`, id)) // as if it had been rolled back
			return id
		}, map[audit.Kind]uint64{audit.NotInTable: 1}, false},
		{"a forged event with a number of its own", func(t *testing.T, r *rig) string {
			all := r.taken(t, r.topicOfOrders())
			last := all[len(all)-1].header("id", "forged")
			last.header("relay-seq", fmt.Sprintf("%s/%d/43", r.cfg.Kafka.Relay, r.inspect(t).Checkpoint.Generation))
			r.forge(t, last)
			return ""
		}, map[audit.Kind]uint64{audit.SeqBeyond: 1}, true},
		{"a forged event with the number of another", func(t *testing.T, r *rig) string {
			all := r.taken(t, r.topicOfOrders())
			r.forge(t, all[len(all)-1].header("id", "forged"))
			return "forged"
		}, map[audit.Kind]uint64{audit.SeqRepeated: 1, audit.SeqDisorder: 1, audit.NotInTable: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := audited(t, 20, 20, 1, 1)
			id := tt.plant(t, r)
			if !tt.refused {
				r.work(t)
			}
			report := r.audit(t, audit.Options{})
			wantFindings(t, report, tt.want)
			if id != "" && !names(report, id) {
				t.Errorf("no finding names %s", id)
			}
		})
	}
}

func names(r *audit.Report, id string) bool {
	for _, f := range r.Findings {
		if slices.ContainsFunc(f.Items, func(i audit.Item) bool { return i.ID == id }) {
			return true
		}
	}
	return false
}

// TestAuditTellsWhatItCannotTell: what may be right is not called wrong.
func TestAuditTellsWhatItCannotTell(t *testing.T) {
	t.Parallel()
	t.Run("rows older than the relay", func(t *testing.T) {
		t.Parallel()
		r := sharedRig(t)
		r.emit(t, 5)
		r.init(t)
		r.emit(t, 3)
		r.runOnce(t)
		wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.BeforeRelay: 5})
	})
	t.Run("rows that wait", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 3)
		r.emit(t, 2)
		wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.Waiting: 2})
	})
	t.Run("records that retention deleted", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 30, 1, 1, 1)
		admin, topic := r.admin(t), r.topicOfOrders()
		deleted := map[int32]int64{}
		for p := range int32(3) {
			deleted[p] = 3
		}
		if err := admin.DeleteRecords(topic, deleted); err != nil {
			t.Fatal(err)
		}
		report := r.audit(t, audit.Options{})
		wantFindings(t, report, map[audit.Kind]uint64{audit.Deleted: 9})
		if report.Events.First < 4 || report.Events.Last != 33 {
			t.Errorf("numbers were looked at from %d to %d", report.Events.First, report.Events.Last)
		}
	})
	t.Run("all records that retention deleted", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 6)
		admin, topic := r.admin(t), r.topicOfOrders()
		if err := admin.DeleteRecords(topic, map[int32]int64{0: -1, 1: -1, 2: -1}); err != nil {
			t.Fatal(err)
		}
		wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.Deleted: 6, audit.GapUntold: 6})
	})
	t.Run("a compacted topic", func(t *testing.T) {
		t.Parallel()
		r := sharedRig(t)
		compact := "compact"
		r.createTopic(t, r.topicOfOrders(), map[string]*string{"cleanup.policy": &compact})
		r.init(t)
		r.emit(t, 6)
		r.runOnce(t)
		wantFindings(t, r.audit(t, audit.Options{}), nil)
		r.deleteTopics(t, r.topicOfOrders())
		r.createTopic(t, r.topicOfOrders(), map[string]*string{"cleanup.policy": &compact})
		report := r.audit(t, audit.Options{})
		// Whether the checkpoint knows where the topic ended depends on how many Kafka transactions the events took.
		report.Findings = slices.DeleteFunc(report.Findings, func(f audit.Finding) bool { return f.Kind == audit.LogLost })
		wantFindings(t, report, map[audit.Kind]uint64{audit.Compacted: 6, audit.GapUntold: 6})
	})
	t.Run("a table that is emptied", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 5, 5)
		r.exec(t, `TRUNCATE outbox`)
		report := r.audit(t, audit.Options{})
		wantFindings(t, report, nil)
		if report.Events.Gone != 10 {
			t.Errorf("events %+v, want 10 whose rows are gone", report.Events)
		}
	})
	t.Run("rows that were truncated before the relay saw them", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 1)
		r.emit(t, 5)
		r.exec(t, `TRUNCATE outbox`)
		r.runOnce(t)
		report := r.audit(t, audit.Options{})
		wantFindings(t, report, nil)
		if report.Events.Gone != 6 || report.Events.Last != 6 {
			t.Errorf("events %+v, want 6, which are published all the same", report.Events)
		}
	})
	t.Run("rows that are deleted one by one", func(t *testing.T) {
		t.Parallel()
		r := audited(t, 5, 5)
		r.exec(t, fmt.Sprintf(`DELETE FROM outbox WHERE id = '%s'`, r.taken(t, r.topicOfOrders())[3].id))
		wantFindings(t, r.audit(t, audit.Options{RowsMayGo: true}), nil)
	})
}

// TestAuditFindsALostTail: Kafka no longer has what it acknowledged.
func TestAuditFindsALostTail(t *testing.T) {
	t.Parallel()
	r := audited(t, 5)
	d := r.run(t)
	r.emit(t, 1)
	r.published(t, d, 6)
	r.idleBehind(t, d)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.deleteTopics(t, r.topicOfOrders())
	r.createTopic(t, r.topicOfOrders(), nil)
	report := r.audit(t, audit.Options{})
	for _, f := range report.Findings {
		if want := map[audit.Kind]uint64{audit.LogLost: 1, audit.SeqGap: 6}[f.Kind]; want != 0 && f.Count != want {
			t.Errorf("%s: %d, want %d", f.Kind, f.Count, want)
		}
	}
}

// TestAuditWithoutARelayAtWork: a row that is missing is told from one that waits by the transactions that the slot has
// seen the end of.
func TestAuditWithoutARelayAtWork(t *testing.T) {
	t.Parallel()
	r := audited(t, 3)
	r.exec(t, `CREATE TABLE outbox_more () INHERITS (outbox)`, `INSERT INTO outbox_more VALUES ('never', 'order', 'k1', 'made', '{}')`)
	d := r.run(t)
	eventually(t, "the slot has seen the end of the row's transaction", func() bool {
		var seen bool
		r.exec(t, `CHECKPOINT`) // writes the record of running transactions
		err := r.db.QueryRow(t.Context(), `SELECT catalog_xmin::text::int8 > (SELECT max(xmin::text::int8) FROM outbox)
			FROM pg_replication_slots WHERE slot_name = $1`, r.cfg.Source.Slot).Scan(&seen)
		return err == nil && seen
	})
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.emit(t, 2)
	wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.Missing: 1, audit.Waiting: 2})
}

// TestAuditIsHeldBack by a transaction of anybody that is open, as consumers are.
func TestAuditIsHeldBack(t *testing.T) {
	t.Parallel()
	r := audited(t, 3)
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	conf.Producer.Idempotent, conf.Net.MaxOpenRequests, conf.Producer.RequiredAcks = true, 1, sarama.WaitForAll
	conf.Producer.Return.Successes = true
	conf.Producer.Transaction.ID = r.cfg.Kafka.Relay + "-somebody"
	p, err := sarama.NewSyncProducer(r.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.BeginTxn(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: r.topicOfOrders(), Value: sarama.StringEncoder("open")}); err != nil {
		t.Fatal(err)
	}
	_, err = Audit(t.Context(), r.cfg, audit.Options{Wait: 1})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.TimedOut {
		t.Errorf("audit says %v, want that it timed out", err)
	}
	if err := p.AbortTxn(); err != nil {
		t.Fatal(err)
	}
	wantFindings(t, r.audit(t, audit.Options{}), nil)
}

// TestAuditBesideARelayAtWork audits again and again while events are written and published.
func TestAuditBesideARelayAtWork(t *testing.T) {
	t.Parallel()
	r := audited(t, 10)
	d := r.work(t)
	writer, err := pgx.Connect(t.Context(), r.cfg.Source.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(context.WithoutCancel(t.Context()))
	stop, written := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				written <- n
				return
			default:
				if _, err := writer.Exec(context.WithoutCancel(t.Context()), insertEvents(7)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range 5 {
		wantFindings(t, r.audit(t, audit.Options{}), nil)
	}
	close(stop)
	n := <-written
	r.published(t, d, uint64(10+7*n))
	report := r.audit(t, audit.Options{Memory: 1})
	wantFindings(t, report, nil)
	if report.Rows.Once != uint64(10+7*n) {
		t.Errorf("%d rows once, want %d", report.Rows.Once, 10+7*n)
	}
}

// TestAuditSince leaves out what is older, of rows and of Kafka.
func TestAuditSince(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.exec(t, `ALTER TABLE outbox ADD COLUMN created_at timestamptz DEFAULT clock_timestamp()`)
	r.init(t)
	r.emit(t, 60)
	r.runOnce(t)
	var since time.Time
	if err := r.db.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&since); err != nil {
		t.Fatal(err)
	}
	r.emit(t, 5)
	r.runOnce(t)
	o := audit.Options{Since: since}
	report := r.audit(t, o)
	wantFindings(t, report, nil)
	if report.Rows.Asked != 5 || report.Rows.Once != 5 || report.Events.Read != 5 || report.Events.First != 61 {
		t.Errorf("rows %+v, events %+v", report.Rows, report.Events)
	}
	// A row that is young although its record is old is looked for in what was left out.
	r.exec(t, `UPDATE outbox SET created_at = clock_timestamp() WHERE ctid = (SELECT min(ctid) FROM outbox)`)
	r.work(t)
	wantFindings(t, r.audit(t, o), nil)
	r.exec(t, `CREATE TABLE outbox_more () INHERITS (outbox)`, `INSERT INTO outbox_more VALUES ('never', 'order', 'k1', 'made', '{}')`)
	if report := r.audit(t, o); report.Wrong() != 1 || !names(report, "never") {
		t.Errorf("%d things are wrong", report.Wrong())
	}
}

func TestAuditSinceNeedsTimes(t *testing.T) {
	t.Parallel()
	r := audited(t, 1)
	_, err := Audit(t.Context(), r.cfg, audit.Options{Since: time.Now()})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Usage {
		t.Errorf("audit says %v, want wrong usage", err)
	}
}

// TestAuditWithoutATable rests on relay-seq alone.
func TestAuditWithoutATable(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.cfg.Table, r.cfg.Outbox.WALMessages, r.cfg.Source.Messages = "", "event", true
	r.init(t)
	for i := range 9 {
		r.exec(t, fmt.Sprintf(`SELECT pg_logical_emit_message(true, 'event', '{"v":1,"id":"0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f0%d",`+
			`"aggregate_type":"order","aggregate_id":"k%d","event_type":"made"}' || E'\n' || '{}')`, i, i%3))
	}
	r.runOnce(t)
	report := r.audit(t, audit.Options{})
	wantFindings(t, report, nil)
	if report.Rows != nil || report.Events.Read != 9 {
		t.Errorf("rows %+v, events %+v", report.Rows, report.Events)
	}
	r.rewrite(t, func(all []*record) []*record { return slices.Delete(all, 2, 4) })
	wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.SeqGap: 2})
}

// TestAuditAccountsForParkedEvents while they are parked, when they were published after all, and when they were skipped.
func TestAuditAccountsForParkedEvents(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.work(t)
	r.insertKey(t, "missing", "first", "k", "{}")
	r.insertKey(t, "missing", "second", "k", "{}")
	r.insertKey(t, "missing", "third", "l", "{}")
	r.insertKey(t, "order", "good", "k", "{}")
	d.parkedCount(t, 3, 2)
	report := r.audit(t, audit.Options{})
	wantFindings(t, report, nil)
	if report.Rows.Parked != 3 || report.Rows.Once != 1 {
		t.Errorf("rows %+v, want 3 parked and 1 published", report.Rows)
	}
	r.createTopic(t, r.topic("missing"), nil)
	r.release(t, Release{Selection: Selection{Events: []string{"third"}}, Skip: true})
	r.release(t, Release{Selection: Selection{All: true}})
	d.parkedCount(t, 0, 0)
	report = r.audit(t, audit.Options{})
	wantFindings(t, report, map[audit.Kind]uint64{audit.Skipped: 1})
	if report.Rows.Parked != 0 || report.Rows.Once != 3 {
		t.Errorf("rows %+v, want 3 published", report.Rows)
	}
}

// TestAuditAcrossGenerations: relay-seq begins anew with each adoption, and what a person gave up is found.
func TestAuditAcrossGenerations(t *testing.T) {
	t.Parallel()
	r := audited(t, 4)
	r.deleteTopics(t, r.cfg.Kafka.CheckpointTopic)
	r.adoptAtSlot(t, AdoptOptions{})
	r.emit(t, 3)
	r.runOnce(t)
	report := r.audit(t, audit.Options{})
	wantFindings(t, report, nil)
	if report.Events.Read != 7 || report.Events.Last != 3 {
		t.Errorf("events %+v, want 7, of which 3 are of this generation", report.Events)
	}
	r.emit(t, 2)
	if err := Adopt(t.Context(), r.cfg, AdoptOptions{From: r.walEnd(t), AcceptLoss: true}, io.Discard); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	r.emit(t, 1)
	wantFindings(t, r.audit(t, audit.Options{}), map[audit.Kind]uint64{audit.Missing: 2})
}

// TestAuditOutlivesABroker: the only broker dies while it is read, and comes back.
func TestAuditOutlivesABroker(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{})
	pg := devstacktest.Postgres(t, 0)
	r := newRig(t, pg.URL(devstack.Superuser), kafka.Brokers(), "audit"+strings.TrimPrefix(pg.Database, "t_"))
	r.init(t)
	r.emit(t, 25_000)
	r.runOnce(t)
	var killed, started error
	once := sync.OnceFunc(func() {
		killed = kafka.Kill(0)
		started = kafka.Start(t.Context(), 0)
	})
	report := r.audit(t, audit.Options{Progress: func(stage audit.Stage, _, _ int64) {
		if stage == audit.StageEvents {
			once()
		}
	}})
	if killed != nil || started != nil {
		t.Fatal(killed, started)
	}
	wantFindings(t, report, nil)
	if report.Rows.Once != 25_000 {
		t.Errorf("rows %+v", report.Rows)
	}
}
