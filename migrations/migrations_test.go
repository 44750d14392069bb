package migrations

import (
	"io/fs"
	"strings"
	"testing"
)

func TestListNamesEveryFile(t *testing.T) {
	entries, err := fs.ReadDir(files, "sql")
	if err != nil {
		t.Fatal(err)
	}
	list := List()
	if len(entries) != len(list) {
		t.Fatalf("%d files, %d in the list", len(entries), len(list))
	}
	for i, e := range entries {
		if e.Name() != list[i].File() || list[i].Number != i+1 {
			t.Errorf("file %s is number %d, %s in the list", e.Name(), list[i].Number, list[i].File())
		}
	}
}

func TestPrint(t *testing.T) {
	byDefault, err := Print(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(byDefault, "CREATE TABLE outbox.event ") || strings.Contains(byDefault, "inbox") || strings.Contains(byDefault, "GRANT") {
		t.Errorf("unexpected default:\n%s", byDefault)
	}
	if strings.Contains(byDefault, "{{") || strings.Contains(byDefault, "<no value>") {
		t.Error("a placeholder is left")
	}
	inbox, err := Print(Options{Inbox: "seen"}, "inbox")
	if err != nil || !strings.Contains(inbox, `CREATE TABLE "seen".event`) || strings.Contains(inbox, "outbox") {
		t.Errorf("%v\n%s", err, inbox)
	}
	if _, err := Print(Options{}, "outbx"); err == nil || !strings.Contains(err.Error(), `"outbx"`) || !strings.Contains(err.Error(), "wal_messages") {
		t.Errorf("error is %v, want the name and what there is", err)
	}
}

func TestPrintRefusesNames(t *testing.T) {
	for _, name := range []string{`a"b`, "a$b", "a\nb", "a'b", `a\b`, strings.Repeat("x", 64)} {
		for _, opts := range []Options{{Schema: name}, {Inbox: name}, {Publication: name}, {AppRole: name}, {RelayRole: name}} {
			if sql, err := Print(opts); err == nil || sql != "" {
				t.Errorf("%+v is printed", opts)
			}
		}
	}
}

func TestNamesOfTheTeam(t *testing.T) {
	db := roles(t, 0)
	opts := Options{Schema: "Événements order", Publication: "user", AppRole: db.app, RelayRole: db.relay}
	db.apply(t, db.owner, opts)
	mustExec(t, db.connect(t, db.app), `SELECT "Événements order".emit('a', 'b', 'c')`)
	if got := query(t, db.connect(t, db.relay), `SELECT count(*) FROM "Événements order".event`); got != "1" {
		t.Errorf("%s rows, want 1", got)
	}
	if got := query(t, db.superuser(t), `SELECT count(*) FROM pg_publication_tables WHERE pubname = 'user'`); got != "1" {
		t.Errorf("%s published tables, want 1", got)
	}
}

func testInbox(t *testing.T, db *database) {
	if complaints := db.apply(t, db.owner, Options{AppRole: db.app}, "inbox"); complaints != "" {
		t.Errorf("psql says:\n%s", complaints)
	}
	app := db.connect(t, db.app)
	const handle = `INSERT INTO inbox.event (consumer, event_id) VALUES ($1, '01890a5d-ac96-774b-bcce-b302099a8057') ON CONFLICT DO NOTHING`
	for _, tt := range []struct {
		consumer string
		rows     int64
	}{{"billing", 1}, {"billing", 0}, {"mail", 1}, {"mail", 0}} {
		tag, err := app.Exec(t.Context(), handle, tt.consumer)
		if err != nil || tag.RowsAffected() != tt.rows {
			t.Errorf("%s: %d rows, %v, want %d", tt.consumer, tag.RowsAffected(), err, tt.rows)
		}
	}
}

func testInboxProgress(t *testing.T, db *database) {
	if complaints := db.apply(t, db.owner, Options{AppRole: db.app}, "inbox_progress"); complaints != "" {
		t.Errorf("psql says:\n%s", complaints)
	}
	app := db.connect(t, db.app)
	const handle = `INSERT INTO inbox.progress AS p (consumer, topic, partition, relay, generation, seq)
		VALUES ($1, 'payment.events', 3, 'shop', 1795507200123, $2)
		ON CONFLICT (consumer, topic, partition, relay, generation) DO UPDATE SET seq = excluded.seq, handled_at = now()
		WHERE p.seq < excluded.seq`
	for _, tt := range []struct {
		consumer  string
		seq, rows int64
	}{{"billing", 9, 1}, {"billing", 9, 0}, {"billing", 10, 1}, {"billing", 9, 0}, {"mail", 9, 1}} {
		tag, err := app.Exec(t.Context(), handle, tt.consumer, tt.seq)
		if err != nil || tag.RowsAffected() != tt.rows {
			t.Errorf("%s, %d: %d rows, %v, want %d", tt.consumer, tt.seq, tag.RowsAffected(), err, tt.rows)
		}
	}
	mustExec(t, app, `DELETE FROM inbox.progress WHERE consumer = 'mail'`)
	wantRefused(t, app, insufficientPrivilege, "permission denied", `UPDATE inbox.progress SET consumer = 'x'`)
}

func testWALMessagesAreForTheApplicationOnly(t *testing.T, db *database) {
	const emit = `SELECT pg_logical_emit_message(true, 'outbox', 'x')`
	if complaints := db.apply(t, db.owner, Options{AppRole: db.app}, "wal_messages"); !strings.Contains(complaints, "REVOKE EXECUTE") {
		t.Errorf("an ordinary role is not told what to do: %s", complaints)
	}
	mustExec(t, db.connect(t, db.relay), emit)

	if complaints := db.apply(t, "postgres", Options{AppRole: db.app}, "wal_messages"); complaints != "" {
		t.Errorf("psql says:\n%s", complaints)
	}
	wantRefused(t, db.connect(t, db.relay), insufficientPrivilege, "permission denied", emit)
	mustExec(t, db.connect(t, db.app), emit)
}

func TestRender(t *testing.T) {
	n := names{Schema: "s", AppRole: "a"}
	for sql, want := range map[string]string{
		"{{.Schema}}.{{.AppRole}}{{.RelayRole}}":                            "s.a",
		"1{{if .AppRole}}2{{end}}3{{if .RelayRole}}4{{end}}5":               "1235",
		"{{if .AppRole}}1{{end}}{{if .AppRole}}{{.AppRole}}{{end}}":         "1a",
		"{{if .RelayRole}}1\n{{end}}{{if .AppRole}}2{{end}}{{if .AppRole}}": "2",
	} {
		if got := n.render(sql); got != want {
			t.Errorf("%s becomes %q, want %q", sql, got, want)
		}
	}
}
