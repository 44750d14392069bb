package replication_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/replication"
)

func TestClassifyWhatConnectMeets(t *testing.T) {
	onVersions(t, []int{13, 18}, func(t *testing.T, f *fixture) {
		closed := f.pg.Role(t, "LOGIN REPLICATION")
		f.exec(t, "REVOKE CONNECT ON DATABASE "+f.pg.Database+" FROM PUBLIC")
		other := devstacktest.Postgres(t, f.pg.Major)
		url := other.URL(other.Role(t, "LOGIN REPLICATION"))
		for name, c := range map[string]struct {
			config replication.Config
			want   replication.Class
		}{
			"wrong password":           {replication.Config{ConnString: strings.Replace(url, devstack.Password, "guess", 1)}, replication.Authentication},
			"no password":              {replication.Config{ConnString: strings.Replace(url, ":"+devstack.Password, "", 1)}, replication.Authentication},
			"no such role":             {replication.Config{ConnString: other.URL("nobody")}, replication.Authentication},
			"no login":                 {replication.Config{ConnString: other.URL(other.Role(t, "REPLICATION"))}, replication.Authentication},
			"no such database":         {replication.Config{ConnString: strings.Replace(url, other.Database, "none", 1)}, replication.NoDatabase},
			"no replication right":     {replication.Config{ConnString: other.URL(other.Role(t, "LOGIN"))}, replication.NoRight},
			"no connect right":         {replication.Config{ConnString: f.pg.URL(closed)}, replication.NoRight},
			"unknown setting":          {replication.Config{ConnString: url + "&no_such_setting=1"}, replication.Misconfigured},
			"setting of a wrong value": {replication.Config{ConnString: url + "&work_mem=much"}, replication.Misconfigured},
			"TLS refused":              {replication.Config{ConnString: strings.Replace(url, "sslmode=disable", "sslmode=require", 1)}, replication.Untrusted},
			"malformed URL":            {replication.Config{ConnString: "postgres://relay:s3cret/@host/db"}, replication.Misconfigured},
		} {
			c.config.Slot, c.config.Publication = other.Database, "pub"
			conn, err := replication.Connect(t.Context(), c.config)
			if err == nil {
				_ = conn.Close()
				t.Errorf("%s: no error", name)
				continue
			}
			if got := replication.Classify(err); got != c.want {
				t.Errorf("%s: class %v instead of %v: %v", name, got, c.want, err)
			}
			for _, secret := range []string{devstack.Password + "@", "guess", "s3cret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: a password stands in %v", name, err)
				}
			}
		}
	})
}

func TestClassifyUnreachable(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_ = nobody.Close()
	for _, address := range []string{nobody.Addr().String(), silent.Addr().String(), "name.invalid:1"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := replication.Connect(ctx, replication.Config{ConnString: "postgres://relay:s3cret@" + address + "/db", Slot: "s", Publication: "p"})
		cancel()
		if got := replication.Classify(err); got != replication.Unreachable || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: class %v: %v", address, got, err)
		}
	}
}

func TestClassifyServerThatIsStoppedOrKeepsUsOut(t *testing.T) {
	server := devstacktest.OwnPostgres(t, devstack.PostgresOptions{Settings: map[string]string{"max_wal_senders": "1"}})
	config := replication.Config{ConnString: server.URL(devstack.Superuser, "postgres"), Slot: "s", Publication: "p"}
	conn, err := replication.Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = replication.Connect(t.Context(), config)
	if got := replication.Classify(err); got != replication.TooMany {
		t.Errorf("no walsender left: class %v: %v", got, err)
	}
	_ = conn.Close()

	admin, err := pgconn.Connect(t.Context(), config.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{
		"COPY (SELECT 'host all all 127.0.0.1/32 reject') TO '" + server.DataDir + "/pg_hba.conf'",
		"SELECT pg_reload_conf()",
	} {
		if _, err := admin.Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	// The postmaster reads the file a moment after it was told to.
	for {
		conn, err := replication.Connect(t.Context(), config)
		if err == nil {
			_ = conn.Close()
			continue
		}
		if got := replication.Classify(err); got == replication.TooMany {
			continue // the walsender of a moment ago
		} else if got != replication.Rejected {
			t.Errorf("kept out: class %v: %v", got, err)
		}
		break
	}
	if err := server.Stop(t.Context(), devstack.Immediate); err != nil {
		t.Fatal(err)
	}
	_, err = replication.Connect(t.Context(), config)
	if got := replication.Classify(err); got != replication.Unreachable {
		t.Errorf("stopped: class %v: %v", got, err)
	}
}

func TestClassifyWhatStartMeets(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		conn := f.connect(t)
		check := func(what string, err error, want replication.Class, sentinel error) {
			t.Helper()
			if got := replication.Classify(err); got != want || sentinel != nil && !errors.Is(err, sentinel) {
				t.Errorf("%s: class %v instead of %v: %v", what, got, want, err)
			}
		}
		_, err := conn.Start(t.Context())
		check("no slot", err, replication.SlotMissing, replication.ErrNoSlot)

		// The same connection goes on after what the server answered, and starts when it can.
		other := devstacktest.Postgres(t, f.pg.Major)
		other.Exec(t, "SELECT pg_create_logical_replication_slot('"+f.config.Slot+"', 'pgoutput')")
		_, err = conn.Start(t.Context())
		check("slot of another database", err, replication.SlotUnusable, replication.ErrSlotUnusable)
		other.Exec(t, "SELECT pg_drop_replication_slot('"+f.config.Slot+"')")

		if _, err := conn.CreateSlot(t.Context(), f.config.Slot, false); err != nil {
			t.Fatal(err)
		}
		stream, err := conn.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		standby := f.connect(t)
		for range 3 {
			_, err = standby.Start(t.Context())
			check("slot in use", err, replication.SlotBusy, nil)
			if active, ok := errors.AsType[*replication.SlotActiveError](err); !ok || active.PID != stream.PID() || active.Slot != f.config.Slot {
				t.Errorf("walsender %d: %v", stream.PID(), err)
			}
		}
		// Close returns when the slot is free, so the very next attempt succeeds.
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
		if stream, err = standby.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
	})
}

func TestMessagesNeed14(t *testing.T) {
	f := setup(t, 13)
	f.config.Messages = true
	f.createSlot(t)
	_, err := f.connect(t).Start(t.Context())
	if got := replication.Classify(err); got != replication.Misconfigured {
		t.Errorf("class %v: %v", got, err)
	}
}

func TestClassifyKnowsNothing(t *testing.T) {
	for _, err := range []error{nil, errors.New("x"), context.Canceled, replication.ErrStopped, &pgconn.PgError{Code: "XX000"}} {
		if got := replication.Classify(err); got != replication.Doubt {
			t.Errorf("%v: class %v", err, got)
		}
	}
}
