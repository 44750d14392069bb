package relay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
)

// TestMoveFromDebezium goes the way of docs/moving-from-debezium.md, with its SQL: a stand-in for the connector publishes
// up to some row and stops, the application goes on, the offset says where Relay begins, Relay takes over. In the end
// every event is in its topic once, in order.
func TestMoveFromDebezium(t *testing.T) {
	for _, tc := range []struct {
		name        string
		publication string // as the connector makes it
		newSlot     bool   // the connector's is of another plugin: Relay has one of its own, made while the connector works
		stopsAfter  int    // events, of nine in four transactions
		midway      bool   // that is not the end of a transaction
	}{
		{name: "after a transaction of one row", publication: "FOR TABLE outboxevent", stopsAfter: 1},
		{name: "after a whole transaction", publication: "FOR ALL TABLES", stopsAfter: 5},
		{name: "inside of a transaction", publication: "FOR ALL TABLES", stopsAfter: 7, midway: true},
		{name: "with a new slot", publication: "FOR TABLE outboxevent WITH (publish = 'insert')", newSlot: true, stopsAfter: 6, midway: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMove(t, tc.publication)
			m.write(t, 1)
			if tc.newSlot {
				m.slot = m.cfg.Source.Slot // the connector's is that of debeziumRig
				m.cfg.Source.Slot = "new_" + m.slot
				m.createSlot(t, "pgoutput")
			}
			m.write(t, 4, 3, 1)
			m.publish(t, tc.stopsAfter)
			m.write(t, 2) // while nobody reads

			begin, unpublished := m.whereToBegin(t)
			if (unpublished > 0) != tc.midway {
				t.Fatalf("%d rows of the last transaction are not published, midway is %v", unpublished, tc.midway)
			}
			if tc.midway {
				m.publish(t, tc.stopsAfter+unpublished)
				if begin, unpublished = m.whereToBegin(t); unpublished != 0 {
					t.Fatalf("%d rows are left after the connector has run again", unpublished)
				}
			}
			published := len(m.consumed(t))
			m.adopt(t, begin)
			m.write(t, 3)
			d := m.run(t)
			m.published(t, d, uint64(len(m.written)-published))
			m.write(t, 1)
			m.published(t, d, uint64(len(m.written)-published))
			if diff := cmp.Diff(m.written, m.consumed(t)); diff != "" {
				t.Errorf("events by key (-written +in Kafka):\n%s", diff)
			}
		})
	}
}

// move is a database whose outbox a connector publishes, and the connector.
type move struct {
	*rig
	slot    string // the connector's
	table   string
	written []string // events in the order of their commits
	at      debeziumOffset
}

// debeziumOffset is what Kafka Connect shows of a connector's offset.
type debeziumOffset struct {
	lsn, lsnCommit uint64
	txid           uint32
}

func newMove(t *testing.T, publication string) *move {
	m := &move{rig: debeziumRig(t, nil)}
	m.exec(t, `DROP PUBLICATION dbz_publication`, `CREATE PUBLICATION dbz_publication `+publication, `CREATE TABLE other (id int)`)
	m.slot, m.table = m.cfg.Source.Slot, m.cfg.Table
	m.createSlot(t, "pgoutput")
	t.Cleanup(func() {
		if m.slot != m.cfg.Source.Slot {
			_, _ = m.db.Exec(context.WithoutCancel(t.Context()), `SELECT pg_drop_replication_slot($1)`, m.slot)
		}
	})
	return m
}

// write commits transactions with so many events each, among changes of other tables and rows that are deleted at once.
func (m *move) write(t *testing.T, sizes ...int) {
	t.Helper()
	for _, n := range sizes {
		m.exec(t, `BEGIN`, `INSERT INTO other VALUES (1)`)
		for range n {
			id := fmt.Sprintf("00000000-0000-0000-0000-%012d", len(m.written))
			m.written = append(m.written, id)
			m.exec(t, `INSERT INTO outboxevent VALUES ('`+id+`', 'Order', 'one key', 'Made', '{"id": "`+id+`"}')`, `DELETE FROM outboxevent`, `INSERT INTO other VALUES (2)`)
		}
		m.exec(t, `COMMIT`, `BEGIN`, `INSERT INTO outboxevent VALUES (gen_random_uuid(), 'Order', 'one key', 'RolledBack', '{}')`, `ROLLBACK`)
	}
}

// streamedRow is an event as the connector reads it.
type streamedRow struct {
	id     string
	offset debeziumOffset
}

// publish is the connector at work until so many events are in Kafka: like it, it takes them from its slot, and keeps
// the offset of the last one in the transaction that holds it.
func (m *move) publish(t *testing.T, upTo int) {
	t.Helper()
	rows := m.stream(t)
	from := 0
	if m.at.lsn > 0 {
		from = 1 + slices.IndexFunc(rows, func(r streamedRow) bool { return r.offset.lsn == m.at.lsn })
	}
	producer := m.transactionalProducer(t)
	defer producer.Close()
	for _, row := range rows[from:upTo] {
		if err := producer.BeginTxn(); err != nil {
			t.Fatal(err)
		}
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: m.topic(), Key: sarama.StringEncoder("one key"), Value: sarama.StringEncoder(`{"id": "` + row.id + `"}`),
			Headers: []sarama.RecordHeader{{Key: []byte("id"), Value: []byte(row.id)}},
		})
		if err := errors.Join(err, producer.CommitTxn()); err != nil {
			t.Fatal(err)
		}
		m.at = row.offset
	}
}

func (m *move) topic() string { return m.cfg.Kafka.Relay + ".Order" }

func (m *move) transactionalProducer(t *testing.T) sarama.SyncProducer {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_9_0_0
	conf.Producer.Idempotent, conf.Producer.Return.Successes = true, true
	conf.Producer.RequiredAcks, conf.Net.MaxOpenRequests = sarama.WaitForAll, 1
	conf.Producer.Transaction.ID = "connector-" + m.cfg.Kafka.Relay
	producer, err := sarama.NewSyncProducer(m.cfg.Kafka.Brokers, conf)
	if err != nil {
		t.Fatal(err)
	}
	return producer
}

// stream reads the outbox rows of the connector's slot, each with the offset that Debezium has behind it: lsn is that of
// the row, lsn_commit the end of the last transaction before.
func (m *move) stream(t *testing.T) (rows []streamedRow) {
	t.Helper()
	const pgoutputCommit, pgoutputInsert = 'C', 'I'
	result, err := m.db.Query(t.Context(), `SELECT (lsn - '0/0')::int8, xid::text::int8, data
		FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'dbz_publication')`, m.slot)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	id := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	var lsnCommit uint64
	for result.Next() {
		var lsn, xid int64
		var data []byte
		if err := result.Scan(&lsn, &xid, &data); err != nil {
			t.Fatal(err)
		}
		switch found := id.Find(data); {
		case data[0] == pgoutputInsert && found != nil:
			rows = append(rows, streamedRow{string(found), debeziumOffset{lsn: uint64(lsn), lsnCommit: lsnCommit, txid: uint32(xid)}})
		case data[0] == pgoutputCommit:
			lsnCommit = uint64(lsn)
		}
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// whereToBegin asks what the page says.
func (m *move) whereToBegin(t *testing.T) (begin outbox.LSN, unpublished int) {
	t.Helper()
	page, err := os.ReadFile("../../docs/moving-from-debezium.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\nWITH published AS")
	sql, _, found := strings.Cut("WITH published AS"+rest, "\n```")
	if !found {
		t.Fatal("the page has no SQL that finds the place")
	}
	quote := func(s string) string { return "'" + s + "'" }
	sql = strings.NewReplacer(
		":lsn_commit::", strconv.FormatUint(m.at.lsnCommit, 10)+"::", ":lsn::", strconv.FormatUint(m.at.lsn, 10)+"::",
		":'txid'", quote(strconv.Itoa(int(m.at.txid))), ":'slot'", quote(m.cfg.Source.Slot), ":'publication'", quote(m.cfg.Source.Publication), ":'table'", quote(m.table),
	).Replace(sql)
	var text string
	var atLSN int
	if err := m.db.QueryRow(t.Context(), "SELECT begin_at::text, unpublished_rows, rows_at_lsn FROM ("+strings.TrimSuffix(sql, ";")+") q").Scan(&text, &unpublished, &atLSN); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if atLSN != 1 {
		t.Errorf("%d rows at the offset", atLSN)
	}
	if begin, err = outbox.ParseLSN(text); err != nil {
		t.Fatal(err)
	}
	return begin, unpublished
}

// adopt begins there; without the flag it is refused, with the range that Debezium has not acknowledged.
func (m *move) adopt(t *testing.T, begin outbox.LSN) {
	t.Helper()
	err := Adopt(t.Context(), m.cfg, AdoptOptions{From: begin}, &strings.Builder{})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.AdoptRefused || !strings.Contains(f.Summary, ", "+begin.String()+")") {
		t.Fatalf("adopt without --accept-loss: %v", err)
	}
	if err := Adopt(t.Context(), m.cfg, AdoptOptions{From: begin, AcceptLoss: true}, &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
}

// consumed are the events in Kafka by their header, in the order of the one partition that their key has.
func (m *move) consumed(t *testing.T) (ids []string) {
	t.Helper()
	for _, e := range m.consume(t, m.topic()) {
		if want := `{"id": "` + e.header("id") + `"}`; string(e.value) != want || string(e.key) != "one key" {
			t.Errorf("event %s has key %s and value %s", e.header("id"), e.key, e.value)
		}
		ids = append(ids, e.header("id"))
	}
	return ids
}
