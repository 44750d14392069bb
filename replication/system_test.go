package replication_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/replication"
)

func TestIdentify(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		conn := f.connect(t)
		got, err := conn.Identify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := replication.System{Timeline: 1, Database: f.pg.Database, WALLevel: "logical", Replication: true}
		var lsn string
		err = f.admin.QueryRow(t.Context(), `SELECT system_identifier::text, (SELECT oid FROM pg_database WHERE datname = current_database()),
			current_setting('server_version_num')::int, pg_current_wal_flush_lsn()::text FROM pg_control_system()`).
			Scan(&want.SystemID, &want.DatabaseOID, &want.ServerVersion, &lsn)
		if err != nil {
			t.Fatal(err)
		}
		flushed, err := conn.FlushLSN(t.Context())
		if err != nil || got.FlushLSN == 0 || flushed < got.FlushLSN {
			t.Errorf("flushed up to %s, then %s: %v", got.FlushLSN, flushed, err)
		}
		if got.Role == "" || got.ServerVersion/10000 != f.pg.Major {
			t.Errorf("%+v", got)
		}
		got.FlushLSN, got.Role = 0, ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if history, err := conn.TimelineHistory(t.Context(), 1); err != nil || len(history) != 0 {
			t.Errorf("history of timeline 1: %v, %v", history, err)
		}
		if history, err := conn.TimelineHistory(t.Context(), 2); err == nil {
			t.Errorf("history of a timeline that never was: %v", history)
		}
		if _, err := conn.Identify(t.Context()); err != nil {
			t.Errorf("the connection is of no use after an error: %v", err)
		}
	})
}
