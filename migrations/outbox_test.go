package migrations

import (
	"strings"
	"testing"
	"time"
)

func testOutboxShape(t *testing.T, db *database) {
	conn := db.superuser(t)
	for _, tt := range []struct{ what, sql, want string }{
		{
			"partitions", `SELECT string_agg(c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid), ', ' ORDER BY pg_get_expr(c.relpartbound, c.oid))
			FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'outbox.event'::regclass`,
			"event_mon FOR VALUES IN ('1'), event_tue FOR VALUES IN ('2'), event_wed FOR VALUES IN ('3'), event_thu FOR VALUES IN ('4'), " +
				"event_fri FOR VALUES IN ('5'), event_sat FOR VALUES IN ('6'), event_sun FOR VALUES IN ('7')",
		},
		{
			"columns", `SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = 'outbox.event'::regclass AND attnum > 0`,
			"id aggregate_type aggregate_id event_type payload payload_bytes headers topic aggregate_version occurred_at created_at weekday",
		},
		{"indexes", `SELECT count(*) FROM pg_index WHERE indrelid IN (SELECT inhrelid FROM pg_inherits)`, "0"},
		{"publication", `SELECT concat_ws(' ', puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot)
			FROM pg_publication WHERE pubname = 'outbox'`, "f t f f f t"},
		{"published tables", `SELECT string_agg(schemaname || '.' || tablename, ' ') FROM pg_publication_tables WHERE pubname = 'outbox'`, "outbox.event"},
		{"owners", `SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ' ') FROM pg_class WHERE relnamespace = 'outbox'::regnamespace`, db.owner},
	} {
		if got := query(t, conn, tt.sql); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
}

func testApplicationWritesAndDoesNotRead(t *testing.T, db *database) {
	app := db.connect(t, db.app)
	mustExec(t, app, `INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, payload) VALUES ('a', 'b', 'c', '{}')`)
	mustExec(t, app, `INSERT INTO outbox.event (id, aggregate_type, aggregate_id, event_type, payload_bytes, headers, topic, aggregate_version, occurred_at)
		VALUES (gen_random_uuid(), 'a', 'b', 'c', '\x00ff', '{"k": 1}', 'audit', 7, now())`)
	mustExec(t, app, `SELECT outbox.emit('a', 'b', 'c', '{}')`)
	for _, sql := range []string{
		`SELECT FROM outbox.event`,
		`SELECT FROM outbox.event_mon`,
		`UPDATE outbox.event SET topic = 'x'`,
		`DELETE FROM outbox.event`,
		`TRUNCATE outbox.event_mon`,
		`INSERT INTO outbox.event_mon (aggregate_type, aggregate_id, event_type) VALUES ('a', 'b', 'c')`,
		`INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, created_at) VALUES ('a', 'b', 'c', now())`,
		`INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, weekday) VALUES ('a', 'b', 'c', 1)`,
	} {
		wantRefused(t, app, insufficientPrivilege, "permission denied", sql)
	}
	if got := query(t, db.superuser(t), `SELECT count(*) FROM outbox.event`); got != "3" {
		t.Errorf("%s rows, want 3", got)
	}
}

func testRelayReadsAndTruncates(t *testing.T, db *database) {
	mustExec(t, db.connect(t, db.app), `SELECT outbox.emit('a', 'b', 'c')`)
	relay := db.connect(t, db.relay)
	if got := query(t, relay, `SELECT count(*) FROM outbox.event`); got != "1" {
		t.Errorf("%s rows, want 1", got)
	}
	for _, day := range strings.Fields("mon tue wed thu fri sat sun") {
		mustExec(t, relay, `SELECT max(created_at) FROM outbox.event_`+day)
		mustExec(t, relay, `BEGIN; LOCK outbox.event_`+day+`; TRUNCATE ONLY outbox.event_`+day+`; COMMIT`)
	}
	if got := query(t, relay, `SELECT count(*) FROM outbox.event`); got != "0" {
		t.Errorf("%s rows are left", got)
	}
	for _, sql := range []string{
		`SELECT outbox.emit('a', 'b', 'c')`,
		`INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type) VALUES ('a', 'b', 'c')`,
		`DELETE FROM outbox.event`,
		`TRUNCATE outbox.event`,
	} {
		wantRefused(t, relay, insufficientPrivilege, "permission denied", sql)
	}
}

func testEmit(t *testing.T, db *database) {
	app, all := db.connect(t, db.app), db.superuser(t)
	id := query(t, app, `SELECT outbox.emit(aggregate_type => 'payment', aggregate_id => '42', event_type => 'Booked', payload => '{"amount": 12.30}',
		headers => '{"k": "v"}', topic => 'audit', aggregate_version => 3, occurred_at => '2020-01-02 03:04:05.678+00')`)
	row := query(t, all, `SELECT concat_ws('|', aggregate_type, aggregate_id, event_type, payload, headers, topic, aggregate_version,
		occurred_at AT TIME ZONE 'UTC', created_at = xact.now) FROM outbox.event, (SELECT max(created_at) AS now FROM outbox.event) xact WHERE id = $1::uuid`, id)
	if want := `payment|42|Booked|{"amount": 12.30}|{"k": "v"}|audit|3|2020-01-02 03:04:05.678|t`; row != want {
		t.Errorf("row is\n%s, want\n%s", row, want)
	}
	const own = "01890a5d-ac96-774b-bcce-b302099a8057"
	if got := query(t, app, `SELECT outbox.emit('a', 'b', 'c', payload_bytes => '\x00ff', id => '`+own+`')`); got != own {
		t.Errorf("emit returns %s, want the id that it was given", got)
	}
	if got := query(t, all, `SELECT concat_ws('|', payload, payload_bytes, headers) FROM outbox.event WHERE id = $1::uuid`, own); got != `\x00ff` {
		t.Errorf("row is %s", got)
	}
}

func testEmitPutsTheTraceIntoTheHeaders(t *testing.T, db *database) {
	app, all := db.connect(t, db.app), db.superuser(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	headers := func(emit string) string {
		t.Helper()
		id := query(t, app, `SELECT outbox.emit('a', 'b', 'c', '{}'`+emit+`)`)
		return query(t, all, `SELECT headers FROM outbox.event WHERE id = $1::uuid`, id)
	}
	traced := func(emit string) (got string) {
		t.Helper()
		mustExec(t, app, `BEGIN`)
		mustExec(t, app, `SET LOCAL outbox.traceparent = '`+trace+`'`)
		id := query(t, app, `SELECT outbox.emit('a', 'b', 'c', '{}'`+emit+`)`)
		mustExec(t, app, `COMMIT`)
		return query(t, all, `SELECT headers FROM outbox.event WHERE id = $1::uuid`, id)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"never set", headers(``), `NULL`},
		{"alone", traced(``), `{"traceparent": "` + trace + `"}`},
		{"after the transaction", headers(``), `NULL`},
		{"beside others", traced(`, '{"k": 1}'`), `{"k": 1, "traceparent": "` + trace + `"}`},
		{"the event's own wins", traced(`, '{"traceparent": "mine"}'`), `{"traceparent": "mine"}`},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: headers are %s, want %s", tt.name, tt.got, tt.want)
		}
	}
	mustExec(t, app, `BEGIN; SET LOCAL outbox.traceparent = '`+trace+`'`)
	wantRefused(t, app, checkViolation, "headers are not an object", `SELECT outbox.emit('a', 'b', 'c', '{}', '[1]')`)
	mustExec(t, app, `ROLLBACK`)
}

func testUUIDv7(t *testing.T, db *database) {
	app := db.connect(t, db.app)
	if bad := query(t, app, `SELECT count(*) FROM (SELECT outbox.uuid_v7()::text AS id FROM generate_series(1, 1000)) ids
		WHERE id !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'`); bad != "0" {
		t.Errorf("%s of 1000 ids are no version 7", bad)
	}
	if distinct := query(t, app, `SELECT count(DISTINCT outbox.uuid_v7()) FROM generate_series(1, 1000)`); distinct != "1000" {
		t.Errorf("%s distinct ids of 1000", distinct)
	}
	const millis = `(('x' || translate(left(outbox.uuid_v7()::text, 13), '-', ''))::bit(48)::bigint)`
	between := query(t, app, `SELECT `+millis+` BETWEEN floor(extract(epoch FROM statement_timestamp()) * 1000) - 1
		AND extract(epoch FROM statement_timestamp()) * 1000 + `+limitMillis+``)
	if between != "true" {
		t.Errorf("the id does not begin with the time: %s", query(t, app, `SELECT outbox.uuid_v7()`))
	}
}

// limitMillis is how late a busy server may be at evaluating a statement.
const limitMillis = "60000"

// The partition is that of the day in UTC, whatever the session's time zone is, on both sides of midnight.
func testWeekdayTurnsAtMidnightUTC(t *testing.T, db *database) {
	owner := db.connect(t, db.owner)
	byDefault := query(t, owner, `SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
		WHERE adrelid = 'outbox.event'::regclass AND attname = 'weekday'`)
	if !strings.Contains(byDefault, "now()") {
		t.Fatalf("the default of weekday is %s", byDefault)
	}
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{"UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		mustExec(t, owner, `SET TIME ZONE '`+zone+`'`)
		for day, name := range strings.Fields("mon tue wed thu fri sat sun") {
			midnight := monday.AddDate(0, 0, day)
			for _, at := range []time.Time{midnight, midnight.Add(12 * time.Hour), midnight.Add(24*time.Hour - time.Microsecond)} {
				literal := `'` + at.Format(time.RFC3339Nano) + `'::timestamptz`
				got := query(t, owner, `WITH e AS (SELECT `+strings.ReplaceAll(byDefault, "now()", literal)+` AS weekday) SELECT weekday FROM e`)
				mustExec(t, owner, `INSERT INTO outbox.event (aggregate_type, aggregate_id, event_type, created_at, weekday) VALUES ('a', 'b', 'c', `+literal+`, `+got+`)`)
				in := query(t, owner, `SELECT tableoid::regclass FROM outbox.event WHERE created_at = `+literal)
				if in != "outbox.event_"+name {
					t.Errorf("%s with TimeZone %s lies in %s, want event_%s", at, zone, in, name)
				}
			}
		}
		mustExec(t, owner, `DELETE FROM outbox.event`)
	}
	mustExec(t, owner, `SELECT outbox.emit('a', 'b', 'c')`)
	if got := query(t, owner, `SELECT weekday = extract(isodow FROM created_at AT TIME ZONE 'UTC') FROM outbox.event`); got != "true" {
		t.Error("created_at and weekday of a new row differ")
	}
}
