package export

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
)

// realTool is how a team uses a tool: with migrations of its own, which are there before Relay's.
type realTool struct {
	name    string
	program func(ctx context.Context) (devstack.Program, error)
	before  map[string]string // the team's files
	wants   string            // the file of the outbox
	up      func(dir, url string) []string
	down    func(dir, url string) []string // nil: the tool has no way down
	refuses string                         // what the tool says when it goes down
}

const (
	createShop = "CREATE TABLE shop (id bigint PRIMARY KEY);\n"
	dropShop   = "DROP TABLE shop;\n"
)

func realTools() []realTool {
	return []realTool{
		{
			name:    "goose",
			program: devstack.Goose,
			before:  map[string]string{"00007_shop.sql": "-- +goose Up\n" + createShop + "-- +goose Down\n" + dropShop},
			wants:   "00008_relay_outbox.sql",
			up:      func(dir, url string) []string { return []string{"-dir", dir, "postgres", url, "up"} },
			down:    func(dir, url string) []string { return []string{"-dir", dir, "postgres", url, "down"} },
			refuses: "goes forward only",
		},
		{
			name:    "golang-migrate",
			program: devstack.GolangMigrate,
			before:  map[string]string{"000007_shop.up.sql": createShop, "000007_shop.down.sql": dropShop},
			wants:   "000008_relay_outbox.up.sql",
			up:      func(dir, url string) []string { return []string{"-path", dir, "-database", url, "up"} },
			down:    func(dir, url string) []string { return []string{"-path", dir, "-database", url, "down", "1"} },
			refuses: "goes forward only",
		},
		{
			name:    "tern",
			program: devstack.Tern,
			before:  map[string]string{"001_shop.sql": createShop + "---- create above / drop below ----\n" + dropShop},
			wants:   "002_relay_outbox.sql",
			up:      func(dir, url string) []string { return []string{"migrate", "-m", dir, "--conn-string", url} },
			down: func(dir, url string) []string {
				return []string{"migrate", "-m", dir, "--conn-string", url, "--destination", "1"}
			},
			refuses: "Irreversible",
		},
		{
			name:    "flyway",
			program: devstack.Flyway,
			before:  map[string]string{"V7__shop.sql": createShop},
			wants:   "V8__relay_outbox.sql",
			up: func(dir, url string) []string {
				jdbc, user, password := jdbcURL(url)
				return []string{"-url=" + jdbc, "-user=" + user, "-password=" + password, "-locations=filesystem:" + dir, "migrate", "validate"}
			},
		},
		{
			name:    "liquibase",
			program: devstack.Liquibase,
			before: map[string]string{
				"all.yaml": "databaseChangeLog:\n- include: {file: shop.sql}\n- include: {file: relay_outbox.sql}\n- include: {file: relay_inbox.sql}\n",
				"shop.sql": "--liquibase formatted sql\n--changeset team:1\n" + createShop,
			},
			wants: "relay_outbox.sql",
			up:    func(dir, url string) []string { return liquibaseArgs(dir, url, "update") },
			down: func(dir, url string) []string {
				return append(liquibaseArgs(dir, url, "rollback-count"), "--count=1")
			},
			refuses: "does not support automatic rollback",
		},
	}
}

func jdbcURL(databaseURL string) (jdbc, user, password string) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		panic(err) // devstack made it
	}
	password, _ = u.User.Password()
	return "jdbc:postgresql://" + u.Host + u.Path, u.User.Username(), password
}

func liquibaseArgs(dir, databaseURL, command string) []string {
	jdbc, user, password := jdbcURL(databaseURL)
	return []string{"--search-path=" + dir, command, "--changelog-file=all.yaml", "--url=" + jdbc, "--username=" + user, "--password=" + password}
}

// TestRealTools lets each tool apply what was exported for it, beside a migration of the team's, as an owner role that is
// no superuser; the outbox then works. Going down is refused and changes nothing.
func TestRealTools(t *testing.T) {
	for _, tool := range realTools() {
		t.Run(tool.name, func(t *testing.T) {
			program, err := tool.program(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, major := range []int{13, 15, 18} {
				t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) { tool.test(t, program, major) })
			}
		})
	}
}

func (tool realTool) test(t *testing.T, program devstack.Program, major int) {
	pg := devstacktest.Postgres(t, major)
	owner, app, relay := pg.Role(t, "LOGIN"), pg.Role(t, "LOGIN"), pg.Role(t, "LOGIN REPLICATION")
	pg.Exec(t, "GRANT CREATE ON DATABASE "+pg.Database+" TO "+owner, "GRANT CREATE ON SCHEMA public TO "+owner)
	dir := t.TempDir()
	for name, text := range tool.before {
		writeFile(t, dir, name, text)
	}
	req := Request{
		Tool: tool.name, Names: []string{"outbox", "inbox"}, Now: time.Now(),
		Options: migrations.Options{AppRole: app, RelayRole: relay},
	}
	mustExport(t, dir, req)
	if _, err := os.Stat(filepath.Join(dir, tool.wants)); err != nil {
		t.Fatal(err)
	}
	run := func(args []string) (string, error) {
		cmd := program.Command(t.Context(), args...)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(tool.up(dir, pg.URL(owner))); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantOutbox(t, pg, owner, app, "1")
	if major != 18 {
		return // what follows is between the tool and its own table
	}
	if out, err := run(tool.up(dir, pg.URL(owner))); err != nil {
		t.Errorf("with nothing left to do: %v\n%s", err, out)
	}
	if tool.down == nil {
		return
	}
	if out, err := run(tool.down(dir, pg.URL(owner))); err == nil || !strings.Contains(out, tool.refuses) {
		t.Errorf("going down: %v, want %q in\n%s", err, tool.refuses, out)
	}
	wantOutbox(t, pg, owner, app, "2")
}

// wantOutbox writes an event as the application and looks for its row, and at whose tables these are.
func wantOutbox(t *testing.T, pg *devstacktest.PG, owner, app, rows string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pg.URL(app))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SELECT outbox.emit('payment', 'pay_8812', 'PaymentBooked', '{"amount": 12.30}')`); err != nil {
		t.Error(err)
	}
	var got string
	err = pg.Connect(t).QueryRow(t.Context(), `SELECT concat_ws(' ', (SELECT count(*) FROM outbox.event),
		(SELECT count(*) FROM inbox.event), to_regclass('shop') IS NOT NULL,
		(SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class WHERE relnamespace = 'outbox'::regnamespace),
		(SELECT count(*) FROM pg_publication_tables WHERE pubname = 'outbox'))`).Scan(&got)
	if want := rows + " 0 t " + owner + " 1"; err != nil || got != want {
		t.Errorf("%v, the database says %q, want %q", err, got, want)
	}
}

// TestPsql applies the files for psql.
func TestPsql(t *testing.T) {
	pg := devstacktest.Postgres(t, 0)
	owner, app := pg.Role(t, "LOGIN"), pg.Role(t, "LOGIN")
	pg.Exec(t, "GRANT CREATE ON DATABASE "+pg.Database+" TO "+owner)
	dir := t.TempDir()
	files := mustExport(t, dir, Request{Tool: "psql", Names: []string{"outbox", "inbox"}, Options: migrations.Options{AppRole: app}})
	for _, f := range files {
		cmd := exec.CommandContext(t.Context(), "psql", "-X", "-q", pg.URL(owner), "-f", filepath.Join(dir, f.Path))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", f.Path, err, out)
		}
	}
	pg.Exec(t, "CREATE TABLE shop ()")
	wantOutbox(t, pg, owner, app, "1")
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mustExport plans and writes.
func mustExport(t *testing.T, dir string, req Request) []File {
	t.Helper()
	files, err := Plan(os.DirFS(dir), req)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	return files
}
