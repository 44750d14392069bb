package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
)

// database is a database whose owner is an ordinary role.
type database struct {
	pg    *devstacktest.PG
	conn  *pgconn.PgConn // the superuser's
	owner string
	opts  migrations.Options
}

func setup(t *testing.T, major int, opts migrations.Options) *database {
	t.Helper()
	pg := devstacktest.Postgres(t, major)
	db := &database{pg: pg, conn: pg.Connect(t).PgConn(), owner: pg.Role(t, "LOGIN"), opts: opts}
	db.opts.AppRole, db.opts.RelayRole = pg.Role(t, "LOGIN"), pg.Role(t, "LOGIN REPLICATION")
	pg.Exec(t, "GRANT CREATE ON DATABASE "+pg.Database+" TO "+db.owner)
	return db
}

// apply runs SQL as the owner, or as the superuser.
func (db *database) apply(t *testing.T, user, sql string) {
	t.Helper()
	for _, statements := range []string{"SET ROLE " + user, sql} {
		if err := db.conn.Exec(t.Context(), statements).Close(); err != nil {
			t.Fatalf("%s\n%v", statements, err)
		}
	}
}

func (db *database) migrate(t *testing.T, names ...string) {
	t.Helper()
	sql, err := migrations.Print(db.opts, names...)
	if err != nil {
		t.Fatal(err)
	}
	db.apply(t, db.owner, sql)
}

// problems are what the role of the relay finds, which may do nothing but look.
func (db *database) problems(t *testing.T, names ...string) (problems []Result) {
	t.Helper()
	results, err := Database(t.Context(), db.pg.URL(db.opts.RelayRole), "", Request{Names: names, Options: db.opts})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		t.Error("nothing was looked at")
	}
	for _, r := range results {
		if !r.OK() {
			problems = append(problems, r)
		}
	}
	return problems
}

// TestAsMigrated: right after the migrations nothing is wanting, with the team's own names, too. Between the versions
// named here nothing changed in what Postgres prints.
func TestAsMigrated(t *testing.T) {
	for _, major := range []int{13, 15, 18} {
		t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) {
			for _, opts := range []migrations.Options{{}, {Schema: "Événements order", Inbox: "events", Publication: "user"}} {
				db := setup(t, major, opts)
				db.migrate(t, "outbox", "inbox")
				for _, r := range db.problems(t, "outbox", "inbox") {
					t.Errorf("%+v", r)
				}
				db.apply(t, devstack.Superuser, restored)
				for _, r := range db.problems(t, "outbox", "inbox") {
					t.Errorf("restored: %+v", r)
				}
			}
		})
	}
}

// restored makes constraints of domains, checks and defaults anew from what Postgres prints of them, as restoring a dump
// does: what it prints then may differ.
const restored = `DO $do$
DECLARE statement text;
BEGIN
	FOR statement IN
		SELECT format('ALTER DOMAIN %1$s DROP CONSTRAINT %2$I; ALTER DOMAIN %1$s ADD CONSTRAINT %2$I %3$s',
			contypid::regtype, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE contypid <> 0 AND contype = 'c'
			AND connamespace <> 'information_schema'::regnamespace
		UNION ALL
		SELECT format('ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s',
			conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
			WHERE conrelid <> 0 AND contype = 'c' AND conislocal AND connamespace <> 'information_schema'::regnamespace
		UNION ALL
		SELECT format('ALTER TABLE %s ALTER %I SET DEFAULT %s', adrelid::regclass, attname, pg_get_expr(adbin, adrelid))
			FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
	LOOP
		EXECUTE statement;
	END LOOP;
END $do$`

// TestEveryMigrationIsKnown: one that is added needs its comparison here.
func TestEveryMigrationIsKnown(t *testing.T) {
	db := setup(t, 0, migrations.Options{})
	for _, m := range migrations.List() {
		db.problems(t, m.Name)
	}
}

// difference is a change, made as the owner, that breaks what Relay needs, and what the check must say of it.
type difference struct{ name, change, object, problem string }

func differences() []difference {
	return []difference{
		{"domain constraint gone", `ALTER DOMAIN outbox.topic DROP CONSTRAINT topic_1_to_249_letters_digits_dot_underscore_hyphen_unreserved`, "constraint topic_1_to_249_letters_digits_dot_underscore_hyphen_unreserved of outbox.topic", "does not exist"},
		{"domain constraint altered", `ALTER DOMAIN outbox.aggregate_id DROP CONSTRAINT aggregate_id_1_to_1024_bytes;
			ALTER DOMAIN outbox.aggregate_id ADD CONSTRAINT aggregate_id_1_to_1024_bytes CHECK (octet_length(VALUE) > 0)`, "constraint aggregate_id_1_to_1024_bytes of outbox.aggregate_id", "is CHECK ((octet_length(VALUE) > 0))"},
		{"domain takes NULL", `ALTER DOMAIN outbox.event_type DROP NOT NULL`, "domain outbox.event_type", "takes NULL, and must not"},
		{"domain of another type", `ALTER TABLE outbox.event ALTER topic TYPE text; DROP FUNCTION outbox.emit; DROP DOMAIN outbox.topic; CREATE DOMAIN outbox.topic AS varchar(10)`, "domain outbox.topic", "is character varying(10) COLLATE"},
		{"column dropped", `ALTER TABLE outbox.event DROP headers CASCADE`, "column outbox.event.headers", "does not exist"},
		{"column renamed", `ALTER TABLE outbox.event RENAME aggregate_version TO version`, "column outbox.event.aggregate_version", "does not exist"},
		{"column of another type", `ALTER TABLE outbox.event DROP CONSTRAINT event_can_be_published; ALTER TABLE outbox.event ALTER payload TYPE text`, "column outbox.event.payload", "is text, not json"},
		{"column without domain", `ALTER TABLE outbox.event ALTER aggregate_type TYPE text`, "column outbox.event.aggregate_type", "is text, not outbox.aggregate_type"},
		{"default gone", `ALTER TABLE outbox.event ALTER id DROP DEFAULT`, "column outbox.event.id", "has the default nothing, not outbox.uuid_v7()"},
		{"default altered", `ALTER TABLE outbox.event ALTER weekday SET DEFAULT 1`, "column outbox.event.weekday", "has the default 1, not EXTRACT(isodow"},
		{"column takes NULL", `ALTER TABLE outbox.event ALTER created_at DROP NOT NULL`, "column outbox.event.created_at", "takes NULL, and must not"},
		{"column takes no NULL", `ALTER TABLE outbox.event ALTER occurred_at SET NOT NULL`, "column outbox.event.occurred_at", "takes no NULL, and must"},
		{"further column", `ALTER TABLE outbox.event ADD "tenant id" int NOT NULL`, "column outbox.event.tenant id", "no event can be written without it"},
		{"check gone", `ALTER TABLE outbox.event DROP CONSTRAINT event_can_be_published`, "constraint event_can_be_published of outbox.event", "does not exist"},
		{"partition dropped", `DROP TABLE outbox.event_sat`, "partition outbox.event_sat", "does not exist: no event"},
		{"partition detached", `ALTER TABLE outbox.event DETACH PARTITION outbox.event_mon`, "partition outbox.event_mon", "is not a partition of outbox.event"},
		{"partition of another day", `DROP TABLE outbox.event_sun; ALTER TABLE outbox.event DETACH PARTITION outbox.event_sat;
			ALTER TABLE outbox.event ATTACH PARTITION outbox.event_sat FOR VALUES IN (7)`, "partition outbox.event_sat", "is FOR VALUES IN ('7'), not FOR VALUES IN ('6')"},
		{"partition unlogged", `ALTER TABLE outbox.event_tue SET UNLOGGED`, "partition outbox.event_tue", "is unlogged"},
		{"table with policies", `ALTER TABLE outbox.event ENABLE ROW LEVEL SECURITY`, "table outbox.event", "has row-level security"},
		{"partition with policies", `ALTER TABLE outbox.event_tue ENABLE ROW LEVEL SECURITY`, "partition outbox.event_tue", "has row-level security"},
		{"table dropped", `DROP TABLE outbox.event`, "table outbox.event", "does not exist"},
		{"table not partitioned", `DROP TABLE outbox.event; CREATE TABLE outbox.event (id uuid)`, "table outbox.event", "is partitioned by nothing, not by LIST (weekday)"},
		{"function dropped", `DROP FUNCTION outbox.emit`, "function outbox.emit", "does not exist"},
		{"function altered", `CREATE OR REPLACE FUNCTION outbox.can_be_published(id uuid, payload json, payload_bytes bytea, headers jsonb, occurred_at timestamptz)
			RETURNS boolean LANGUAGE sql AS 'SELECT true'`, "function outbox.can_be_published", "has another body"},
		{"id function altered", `CREATE OR REPLACE FUNCTION outbox.uuid_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'`, "function outbox.uuid_v7", "has another body"},
		{"function with other arguments", `DROP FUNCTION outbox.emit; CREATE FUNCTION outbox.emit(text, text, json) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'`, "function outbox.emit", "is (text, text, json) RETURNS uuid, not (aggregate_type text,"},
		{"publication dropped", `DROP PUBLICATION outbox`, "publication outbox", "does not exist"},
		{"publication of deletes", `ALTER PUBLICATION outbox SET (publish = 'insert, delete')`, "publication outbox", "publishes insert, delete, via root, not insert, via root"},
		{"publication not via root", `ALTER PUBLICATION outbox SET (publish_via_partition_root = false)`, "publication outbox", "not via root"},
		{"publication without the table", `ALTER PUBLICATION outbox DROP TABLE outbox.event`, "publication outbox", "does not publish outbox.event"},
		{"no right on the schema", `REVOKE ALL ON SCHEMA outbox FROM APP`, "role APP", "lacks USAGE on schema outbox"},
		{"no right on columns", `REVOKE INSERT (topic, headers) ON outbox.event FROM APP`, "role APP", "lacks INSERT on column outbox.event (headers), outbox.event (topic)"},
		{"no right on a function", `REVOKE EXECUTE ON FUNCTION outbox.uuid_v7 FROM APP, PUBLIC`, "role APP", "lacks EXECUTE on function outbox.uuid_v7()"},
		{"too much right", `GRANT INSERT ON outbox.event TO APP`, "role APP", "may set created_at and weekday"},
		{"no right to truncate", `REVOKE TRUNCATE ON outbox.event_wed, outbox.event_thu FROM RELAY`, "role RELAY", "lacks TRUNCATE on table outbox.event_wed, outbox.event_thu"},
		{"no right to read", `REVOKE SELECT ON outbox.event FROM RELAY`, "role RELAY", "lacks SELECT on table outbox.event"},
		{"everything", `DROP SCHEMA outbox CASCADE; DROP PUBLICATION IF EXISTS outbox`, "schema outbox", "does not exist: the migration was not applied here"},
	}
}

// TestDifferences makes each change and applies what the check says, again while the check is not content: a part that was
// missing may lack rights of its own when it is back.
func TestDifferences(t *testing.T) {
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) {
			var db *database // mended, it serves the next one
			for _, d := range differences() {
				if db == nil {
					db = setup(t, major, migrations.Options{})
					db.migrate(t)
				}
				if !t.Run(d.name, func(t *testing.T) { db.differ(t, d) }) {
					db = nil
				}
			}
		})
	}
}

func (db *database) differ(t *testing.T, d difference) {
	names := strings.NewReplacer("APP", db.opts.AppRole, "RELAY", db.opts.RelayRole)
	db.apply(t, db.owner, names.Replace(d.change))
	problems := db.problems(t)
	wantProblem(t, problems, names.Replace(d.object), names.Replace(d.problem))
	for tries := 0; len(problems) > 0 && tries < 3; tries++ {
		db.mend(t, problems)
		problems = db.problems(t)
	}
	if len(problems) > 0 {
		t.Errorf("not mended: %+v", problems)
	}
}

func (db *database) mend(t *testing.T, problems []Result) {
	t.Helper()
	for _, p := range problems {
		if p.SQL == "" {
			t.Errorf("nothing mends %+v", p)
		}
		db.apply(t, db.owner, p.SQL)
	}
}

func wantProblem(t *testing.T, problems []Result, object, words string) {
	t.Helper()
	for _, p := range problems {
		if p.Object == object && strings.Contains(p.Problem, words) {
			return
		}
	}
	t.Errorf("%q of %s is not among %+v", words, object, problems)
}

func TestInboxDifferences(t *testing.T) {
	db := setup(t, 0, migrations.Options{})
	wantProblem(t, db.problems(t, "inbox"), "schema inbox", "does not exist")
	db.migrate(t, "inbox")
	db.apply(t, db.owner, `ALTER TABLE inbox.event DROP CONSTRAINT event_pkey; ALTER TABLE inbox.event ALTER event_id TYPE text;
		ALTER TABLE inbox.event SET UNLOGGED; REVOKE DELETE ON inbox.event FROM `+db.opts.AppRole)
	problems := db.problems(t, "inbox")
	wantProblem(t, problems, "constraint event_pkey of inbox.event", "does not exist")
	wantProblem(t, problems, "table inbox.event", "is unlogged")
	wantProblem(t, problems, "column inbox.event.event_id", "is text, not uuid")
	wantProblem(t, problems, "role "+db.opts.AppRole, "lacks DELETE on table inbox.event")
	db.mend(t, problems)
	if problems = db.problems(t, "inbox"); len(problems) > 0 {
		t.Errorf("not mended: %+v", problems)
	}
}

func TestWALMessages(t *testing.T) {
	for _, major := range []int{13, 18} { // 18 has the function with four arguments
		db := setup(t, major, migrations.Options{})
		problems := db.problems(t, "wal_messages")
		wantProblem(t, problems, "function pg_catalog.pg_logical_emit_message(boolean,text,"+map[int]string{13: "text)", 18: "text,boolean)"}[major], "may be called by every role")
		for range 2 {
			for _, p := range problems {
				db.apply(t, devstack.Superuser, p.SQL)
			}
			problems = db.problems(t, "wal_messages")
		}
		if len(problems) > 0 {
			t.Errorf("not mended: %+v", problems)
		}
	}
}

func TestRoles(t *testing.T) {
	db := setup(t, 0, migrations.Options{})
	db.migrate(t)
	db.pg.Exec(t, "ALTER ROLE "+db.opts.AppRole+" NOLOGIN")
	looker := db.opts.RelayRole
	for role, problem := range map[string]string{db.opts.AppRole: "may not replicate", "nobody here": "does not exist"} {
		opts := migrations.Options{RelayRole: role}
		results, err := Database(t.Context(), db.pg.URL(looker), "", Request{Options: opts})
		if err != nil {
			t.Fatal(err)
		}
		quoted := strings.ReplaceAll(role, "nobody here", `"nobody here"`)
		wantProblem(t, results, "role "+quoted, problem)
	}
}

// TestRowFilterAndColumnList are of Postgres 15 and newer.
func TestRowFilterAndColumnList(t *testing.T) {
	for change, problem := range map[string]string{
		`ALTER PUBLICATION outbox SET TABLE outbox.event WHERE (aggregate_version > 0)`:                           "publishes only some rows",
		`ALTER PUBLICATION outbox SET TABLE outbox.event (id, aggregate_type, aggregate_id, event_type, weekday)`: "leaves out columns of outbox.event: payload, payload_bytes, headers, topic,",
	} {
		db := setup(t, 15, migrations.Options{})
		db.migrate(t)
		db.apply(t, db.owner, change)
		problems := db.problems(t)
		wantProblem(t, problems, "publication outbox", problem)
		db.mend(t, problems)
		if problems = db.problems(t); len(problems) > 0 {
			t.Errorf("not mended: %+v", problems)
		}
	}
}

func TestSplit(t *testing.T) {
	s := split("-- a; b\nCREATE x (';', \";\"); -- c\n\nDO $do$ -- ;\n x; $function$ ; $function$ $do$;\nSELECT 'it''s;'\n  -- in\n, 2;\n-- rest")
	want := []string{"CREATE x (';', \";\");", "DO $do$ -- ;\n x; $function$ ; $function$ $do$;", "SELECT 'it''s;'\n  -- in\n, 2;"}
	if fmt.Sprintf("%q", s.statements) != fmt.Sprintf("%q", want) {
		t.Errorf("statements are\n%q, want\n%q", s.statements, want)
	}
}
