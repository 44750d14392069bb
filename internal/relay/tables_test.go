package relay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

// tableCase is an outbox of one of the formats, published with every operation.
type tableCase struct {
	name      string
	setup     []string // table; the publication is made behind it
	table     string   // as outbox.table
	configure func(*Config)
	insert    string // of an event with the id and the key %[1]s
	remove    string // of all rows
	update    string // of all rows, so that something changes
	topic     string // behind the prefix
	want      string // the event with id and key k1
}

func tableCases(t *testing.T) []tableCase {
	t.Helper()
	relay, err := migrations.Print(migrations.Options{}, "outbox")
	if err != nil {
		t.Fatal(err)
	}
	const id = "00000000-0000-0000-0000-0000000000"
	return []tableCase{
		{
			name: "relay",
			setup: []string{relay, `DROP PUBLICATION outbox`, `DO $$ DECLARE leaf regclass; BEGIN
				FOR leaf IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'outbox.event'::regclass LOOP
					EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', leaf);
				END LOOP; END $$`},
			table: "outbox.event",
			configure: func(c *Config) {
				c.Outbox.Format = outbox.FormatRelay
				c.Outbox.Routing.Headers.Transaction = ""
			},
			insert: `INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type, payload) VALUES ('` + id + `%[1]s', 'Order', '%[1]s', 'Made', '{"n": 1.50}')`,
			remove: `DELETE FROM outbox.event`, update: `UPDATE outbox.event SET payload = '{}'`,
			topic: "Order", want: `01 {"n": 1.50} [id=` + id + `01 type=Made]`,
		},
		{
			name: "custom, with names that want quotes",
			setup: []string{
				`CREATE SCHEMA "Größe.x"`,
				`CREATE DOMAIN "Größe.x".raw AS bytea`,
				`CREATE TABLE "Größe.x"."Événements ""du"" jour" ("Event-ID" uuid PRIMARY KEY, "Typ" text, "Schlüssel" text, "Art" text, "Inhalt" "Größe.x".raw,
					"Kopf" jsonb, "Mandant" text, "select" int)`,
			},
			table: `"Größe.x"."Événements ""du"" jour"`,
			configure: func(c *Config) {
				c.Outbox.Columns = map[string]string{
					"id": "Event-ID", "aggregate_type": "Typ", "aggregate_id": "Schlüssel", "event_type": "Art", "payload": "Inhalt", "headers": "Kopf", "partition": "select",
				}
				c.Outbox.Routing.Rules = []outbox.Rule{{Match: map[string]string{"Mandant": "^Ä$", "event_type": "^Made$"}, Topic: c.Kafka.Relay + ".${Typ}.Ae"}}
				c.Outbox.Routing.Partition = "partition"
				c.Outbox.Routing.Headers = outbox.HeaderNames{ID: "ce_id"}
			},
			insert: `INSERT INTO "Größe.x"."Événements ""du"" jour" VALUES ('` + id + `%[1]s', 'Order', '%[1]s', 'Made', '\x00ff', '{"k": "ü"}', 'Ä', 1)`,
			remove: `DELETE FROM "Größe.x"."Événements ""du"" jour"`, update: `UPDATE "Größe.x"."Événements ""du"" jour" SET "Art" = 'x'`,
			topic: "Order.Ae", want: "01 \x00\xff [ce_id=" + id + `01 k=ü]`,
		},
		{
			name: "debezium, with names that want quotes",
			setup: []string{
				`CREATE SCHEMA "Shop"`,
				`CREATE TABLE "Shop"."Outbox.Ereignis" ("ID" uuid PRIMARY KEY, "Ziel" varchar(255), "Schlüssel" varchar(255), "Art" varchar(255), "Inhalt" jsonb)`,
			},
			table: `"Shop"."Outbox.Ereignis"`,
			configure: func(c *Config) {
				c.Outbox.Format = outbox.FormatDebezium
				d := &c.Outbox.Debezium
				d.TableFieldEventID, d.TableFieldEventKey, d.TableFieldEventPayload, d.RouteByField = "ID", "Schlüssel", "Inhalt", "Ziel"
				d.TableFieldsAdditionalPlacement = "Art:header:typ"
				d.RouteTopicReplacement = c.Kafka.Relay + ".${routedByValue}"
			},
			insert: `INSERT INTO "Shop"."Outbox.Ereignis" VALUES ('` + id + `%[1]s', 'Order', '%[1]s', 'Made', '{"n":1.50}')`,
			remove: `DELETE FROM "Shop"."Outbox.Ereignis"`, update: `UPDATE "Shop"."Outbox.Ereignis" SET "Art" = 'x'`,
			topic: "Order", want: `01 {"n": 1.50} [id=` + id + `01 typ=Made]`,
		},
	}
}

func (tc tableCase) rig(t *testing.T) *rig {
	t.Helper()
	kafka, pg := devstacktest.Kafka(t), devstacktest.Postgres(t, 0)
	r := &rig{cfg: testConfig(pg.URL(devstack.Superuser), kafka.Brokers, kafka.Prefix)}
	r.connect(t, pg.URL(devstack.Superuser))
	for _, sql := range tc.setup {
		if _, err := r.db.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	r.exec(t, `CREATE PUBLICATION "Publikation Ä" FOR TABLE `+tc.table+` WITH (publish_via_partition_root = true)`)
	r.cfg.Table, r.cfg.Source.Publication = tc.table, "Publikation Ä"
	tc.configure(&r.cfg)
	return r
}

// TestTables: in each format inserts are events, also when the transaction that wrote them deletes them again, which is
// the usual way with Debezium; deletes and truncates are none, and updates are none by default.
func TestTables(t *testing.T) {
	for _, tc := range tableCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := tc.rig(t)
			r.init(t)
			r.exec(t,
				`BEGIN`, fmt.Sprintf(tc.insert, "01"), tc.remove, `COMMIT`,
				fmt.Sprintf(tc.insert, "02"), tc.update, tc.remove, fmt.Sprintf(tc.insert, "03"), `TRUNCATE `+tc.table,
			)
			d := r.run(t)
			r.published(t, d, 3)
			seen := map[string]int{}
			for _, e := range r.consume(t, r.cfg.Kafka.Relay+"."+tc.topic) {
				seen[string(e.key)]++
				if line := fmt.Sprintf("%s %s %s", e.key, e.value, e.own()); string(e.key) == "01" && line != tc.want {
					t.Errorf("event %q, want %q", line, tc.want)
				}
			}
			if diff := cmp.Diff(map[string]int{"01": 1, "02": 1, "03": 1}, seen); diff != "" {
				t.Errorf("events by key (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpdatesHalt: where an update is a mistake, the relay stops before its transaction and says so.
func TestUpdatesHalt(t *testing.T) {
	for _, tc := range tableCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := tc.rig(t)
			r.cfg.OnUpdate = OnUpdateHalt
			r.init(t)
			r.exec(t, fmt.Sprintf(tc.insert, "01"), tc.update, fmt.Sprintf(tc.insert, "02"))
			d := r.run(t)
			d.wantState(t, status.Halted, fault.Unpublishable)
			r.published(t, d, 1)
			d.wantReason(t, "outbox.on_update is halt")
		})
	}
}

// TestTableAlteredUnderneath: what happens to the table while the relay streams is followed, or the relay stops and names
// the column. Nothing is published that was read wrongly.
func TestTableAlteredUnderneath(t *testing.T) {
	for _, tc := range []struct {
		name   string
		alter  string
		insert string   // behind it
		want   string   // value of the event; empty: there is none
		says   []string // otherwise
	}{
		{name: "column added", alter: `ADD COLUMN extra int`, insert: `('2', 'Order', 'k', 'Made', '{}', 7)`, want: `{}`},
		{name: "column that is not needed dropped", alter: `DROP COLUMN event_type`, insert: `('2', 'Order', 'k', '{}')`, want: `{}`},
		{name: "column dropped and added again, in another place", alter: `DROP COLUMN aggregate_type, ADD COLUMN aggregate_type text`, insert: `('2', 'k', 'Made', '{}', 'Order')`, want: `{}`},
		{name: "type changed", alter: `ALTER payload TYPE bytea USING convert_to(payload, 'UTF8')`, insert: `('2', 'Order', 'k', 'Made', '\x7b7d')`, want: `{}`},
		{name: "column renamed", alter: `RENAME payload TO body`, insert: `('2', 'Order', 'k', 'Made', '{}')`, says: []string{`"payload"`, "public.outbox"}},
		{name: "column dropped", alter: `DROP COLUMN payload`, insert: `('2', 'Order', 'k', 'Made')`, says: []string{`"payload"`, "public.outbox"}},
		{name: "type that holds no number", alter: `ALTER part TYPE text`, insert: `('2', 'Order', 'k', 'Made', '{}', '1')`, says: []string{`"part"`, "not an integer"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := sharedRig(t)
			r.cfg.Outbox.Routing.Headers.Type = ""
			if strings.Contains(tc.alter, "part") {
				r.exec(t, `ALTER TABLE outbox ADD part int`)
				r.cfg.Outbox.Columns, r.cfg.Outbox.Routing.Partition = map[string]string{"partition": "part"}, "partition"
			}
			r.init(t)
			d := r.run(t)
			r.insert(t, "Order", "1", "{}")
			r.published(t, d, 1)
			r.exec(t, `ALTER TABLE outbox `+tc.alter, `INSERT INTO outbox VALUES `+tc.insert)
			if tc.want != "" {
				r.published(t, d, 2)
				if events := r.consume(t, r.cfg.Kafka.Relay+".Order"); string(events[len(events)-1].value) != tc.want {
					t.Errorf("value %q, want %q", events[len(events)-1].value, tc.want)
				}
				return
			}
			eventually(t, "the relay stops", func() bool {
				s := d.status.Ready().State
				return s == status.Halted || s == status.Refused
			})
			for _, says := range tc.says {
				d.wantReason(t, says)
			}
			if n := r.inspect(t).Checkpoint.EventsTotal; n != 1 {
				t.Errorf("%d events are published, want 1", n)
			}
		})
	}
}
