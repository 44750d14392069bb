package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/outbox"
)

// debeziumTable is the table of Debezium's documentation, with columns that the router can place.
const debeziumTable = `CREATE TABLE outboxevent (id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL, aggregateid varchar(255) NOT NULL,
	type varchar(255) NOT NULL, payload jsonb, amount numeric(10,2), at timestamp(3), moment timestamptz(3), tags text[], part int)`

// debeziumRig is a database as Debezium leaves it: its table, and the publication and slot that it makes with
// plugin.name=pgoutput and publication.autocreate.mode=filtered, for all operations.
func debeziumRig(t *testing.T, change func(*outbox.Debezium)) *rig {
	t.Helper()
	kafka, pg := devstacktest.Kafka(t), devstacktest.Postgres(t, 0)
	r := &rig{cfg: testConfig(pg.URL(devstack.Superuser), kafka.Brokers, kafka.Prefix)}
	r.connect(t, pg.URL(devstack.Superuser))
	r.exec(t, debeziumTable, `CREATE PUBLICATION dbz_publication FOR TABLE outboxevent`)
	r.cfg.Table, r.cfg.Source.Publication, r.cfg.Outbox.Format = "public.outboxevent", "dbz_publication", outbox.FormatDebezium
	r.cfg.Outbox.Debezium.RouteTopicReplacement = kafka.Prefix + ".${routedByValue}"
	if change != nil {
		change(&r.cfg.Outbox.Debezium)
	}
	return r
}

// TestDebeziumTable: rows of Debezium's usual form, deleted again in the transaction that wrote them, with types whose
// form depends on the precision that the table declares.
func TestDebeziumTable(t *testing.T) {
	t.Parallel()
	r := debeziumRig(t, func(d *outbox.Debezium) {
		d.Values = outbox.ConvertJSON
		d.TableExpandJSONPayload = true
		d.TableFieldsAdditionalPlacement = "type:header:eventType, amount:header, at:envelope, moment:envelope:m, amount:envelope, tags:envelope, part:partition"
	})
	r.init(t)
	const id = "da8d6de6-3b77-45ff-8f44-57db55a7a06c"
	r.exec(t,
		`BEGIN; INSERT INTO outboxevent VALUES ('`+id+`', 'Order', 'o-1', 'Placed', '{"a": 12.30, "n": []}', 12.5, '2020-02-29 12:00:00.1234', '2020-02-29 12:00:00.1234+02', '{a,"b c",NULL}', 2);
		 DELETE FROM outboxevent; COMMIT`,
		`INSERT INTO outboxevent (id, aggregatetype, aggregateid, type) VALUES ('00000000-0000-0000-0000-000000000002', 'Order', 'o-1', 'Gone')`,
		`UPDATE outboxevent SET type = 'Changed'`, `TRUNCATE outboxevent`,
	)
	d := r.run(t)
	r.published(t, d, 2)
	got := r.consume(t, r.cfg.Kafka.Relay+".Order")
	slices.SortFunc(got, func(a, b event) int { return strings.Compare(b.header("eventType"), a.header("eventType")) }) // Placed, Gone
	want := []string{
		`o-1 {"payload":{"a":12.30,"n":[]},"at":1582977600123,"m":"2020-02-29T10:00:00.123Z","amount":"BOI=","tags":["a","b c",null]} [id=` + id + ` eventType=Placed amount=12.50]`,
		`o-1 {"payload":null,"at":null,"m":null,"amount":null,"tags":null} [id=00000000-0000-0000-0000-000000000002 eventType=Gone amount]`,
	}
	var lines []string
	for _, e := range got {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.key, e.value, e.own()))
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if len(got) > 0 && got[0].partition != 2 {
		t.Errorf("partition %d, the row says 2", got[0].partition)
	}
}
