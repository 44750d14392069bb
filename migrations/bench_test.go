package migrations

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkInsert is what one event costs inside the server, without a round trip and without the commit. Compare with
// "plain", a table of the same columns that checks nothing.
func BenchmarkInsert(b *testing.B) {
	db := migrated(b, 0)
	conn := db.superuser(b)
	mustExec(b, conn, `CREATE TABLE plain (id uuid DEFAULT gen_random_uuid(), aggregate_type text, aggregate_id text, event_type text,
		payload json, payload_bytes bytea, headers jsonb, topic text, aggregate_version bigint, occurred_at timestamptz,
		created_at timestamptz NOT NULL DEFAULT now(), weekday smallint NOT NULL DEFAULT 1)`)
	payload := `'{"note": "` + strings.Repeat("x", 244) + `"}'`
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	insert := func(table string) string {
		return `INSERT INTO ` + table + ` (aggregate_type, aggregate_id, event_type, payload) VALUES ('payment', 'pay_8812', 'Booked', ` + payload + `)`
	}
	for _, bb := range []struct{ name, before, statement string }{
		{"plain", ``, insert("plain")},
		{"event", ``, insert("outbox.event")},
		{"event with headers", ``, `INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload, headers)
			VALUES ('payment', 'pay_8812', 'Booked', ` + payload + `, '{"traceparent": "` + trace + `"}')`},
		{"emit", ``, `PERFORM outbox.emit('payment', 'pay_8812', 'Booked', ` + payload + `)`},
		{"emit with trace", `SET outbox.traceparent = '` + trace + `'`, `PERFORM outbox.emit('payment', 'pay_8812', 'Booked', ` + payload + `)`},
		{"WAL message", ``, `PERFORM pg_logical_emit_message(true, 'outbox', ` + payload + `)`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			mustExec(b, conn, `RESET outbox.traceparent`)
			if bb.before != "" {
				mustExec(b, conn, bb.before)
			}
			mustExec(b, conn, fmt.Sprintf(`DO $do$ BEGIN FOR i IN 1..%d LOOP %s; END LOOP; END $do$`, b.N, bb.statement))
		})
	}
}
