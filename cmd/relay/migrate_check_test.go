package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
)

// TestMigrateCheckOnServer goes from nothing to an outbox, to one that is damaged, to one that is mended, with the SQL that
// the program prints, and looks as the relay's own role.
func TestMigrateCheckOnServer(t *testing.T) {
	pg := devstacktest.Postgres(t, 0)
	app, role := pg.Role(t, "LOGIN"), pg.Role(t, "LOGIN REPLICATION")
	r := &rig{dir: t.TempDir(), pg: pg}
	server, err := url.Parse(pg.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	server.User = url.User(role)
	r.write(t, "password", devstack.Password+"\n")
	r.write(t, "relay.yaml", fmt.Sprintf("name: x\nsource: {url: %q, password_file: password, publication: pub}\noutbox: {table: '\"Out box\".event'}\nkafka: {brokers: ['127.0.0.1:1']}\n", server.String()))
	names := []string{"--role-app", app, "--role-relay", role, "--schema", "Out box", "--publication", "pub"}

	stdout, stderr := r.relay(t, fault.ExitWanting, "migrate", "check", "--role-app", app)
	wants(t, stdout, `FAIL  schema "Out box" does not exist: the migration was not applied here`, `CREATE TABLE "Out box".event (`)
	wants(t, stderr, "relay: 1 of 1 objects are not as this version of Relay needs them [RLY6005]", "Nothing was changed.")

	sql, _ := r.relay(t, fault.ExitDone, append([]string{"migrate", "print"}, names...)...)
	run := func(sql string) {
		t.Helper()
		if err := pg.Connect(t).PgConn().Exec(t.Context(), sql).Close(); err != nil {
			t.Fatal(err)
		}
	}
	run(sql)
	stdout, _ = r.relay(t, fault.ExitDone, "migrate", "check", "--role-app", app)
	wants(t, stdout, "objects, all as this version of Relay needs them")
	stdout, _ = r.relay(t, fault.ExitDone, "migrate", "check", "-o", "wide")
	wants(t, stdout, `ok    partition "Out box".event_mon`, `ok    publication "pub"`, "ok    role "+role)

	run(`ALTER PUBLICATION pub SET (publish = 'insert, delete'); ALTER TABLE "Out box".event ALTER payload DROP NOT NULL, ADD note text;
		ALTER TABLE "Out box".event ALTER id DROP DEFAULT; REVOKE TRUNCATE ON "Out box".event_mon FROM ` + role)
	stdout, _ = r.relay(t, fault.ExitWanting, "migrate", "check")
	wants(t, stdout, `FAIL  publication "pub" publishes insert, delete, via root`,
		`FAIL  column "Out box".event.id has the default nothing, not "Out box".uuid_v7()`,
		"FAIL  role "+role+` lacks TRUNCATE on table "Out box".event_mon`,
		"\n        ALTER PUBLICATION \"pub\" SET (publish = 'insert', publish_via_partition_root = true);\n")
	if strings.Count(stdout, "FAIL") != 3 {
		t.Errorf("not three differences:\n%s", stdout)
	}
	stdout, _ = r.relay(t, fault.ExitWanting, "migrate", "check", "-o", "json")
	var d checkDocument
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || d.Kind != "MigrationCheck" || len(d.Items) < 30 {
		t.Errorf("%v, document %+v", err, d)
	}
	stdout, _ = r.relay(t, fault.ExitWanting, "migrate", "check", "-o", "sql")
	run(stdout)
	r.relay(t, fault.ExitDone, append([]string{"migrate", "check", "--url", pg.URL(role)}, names...)...)

	for _, wrong := range []string{"user=nobody", "dbname=nothing"} {
		cmd := exec.CommandContext(t.Context(), "relay", "migrate", "check", "--url", "host="+server.Hostname()+" port="+server.Port()+" sslmode=disable "+wrong)
		var out bytes.Buffer
		cmd.Stderr = &out
		exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
		if !ok || exit.ExitCode() != fault.ExitUnreachable {
			t.Errorf("%s: %s", wrong, out.String())
		}
	}
}
