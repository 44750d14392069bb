package devstack_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestStandbyAndPromote(t *testing.T) {
	for _, major := range []int{13, 17} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			ctx := t.Context()
			p := startPostgres(t, devstack.PostgresOptions{Major: major})
			exec(t, p, "CREATE TABLE x AS SELECT 1 AS n")
			exec(t, p, "SELECT pg_create_logical_replication_slot('stays', 'pgoutput')")
			s, err := p.Standby(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			exec(t, p, "INSERT INTO x VALUES (2)")
			if err := p.CaughtUp(ctx, s); err != nil {
				t.Fatal(err)
			}
			if got := queryInt(t, s, "SELECT count(*) FROM x WHERE pg_is_in_recovery()"); got != 2 {
				t.Errorf("the standby has %d rows, want 2", got)
			}
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := s.Promote(ctx); err != nil {
				t.Fatal(err)
			}
			exec(t, s, "INSERT INTO x VALUES (3)")
			exec(t, s, "CHECKPOINT")
			if got := queryInt(t, s, "SELECT timeline_id FROM pg_control_checkpoint()"); got != 2 {
				t.Errorf("timeline %d after the promotion, want 2", got)
			}
			if got := queryInt(t, s, "SELECT count(*) FROM pg_replication_slots"); got != 0 {
				t.Errorf("the standby was born with %d slots", got)
			}
		})
	}
}

func TestFailoverSlotIsSynced(t *testing.T) {
	ctx := t.Context()
	p := startPostgres(t, devstack.PostgresOptions{Major: 17})
	s, err := p.Standby(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	exec(t, p, "SELECT pg_create_logical_replication_slot('goes_over', 'pgoutput', failover => true)")
	waitFor(t, s, "SELECT count(*) = 1 FROM pg_replication_slots WHERE slot_name = 'goes_over' AND synced AND NOT temporary")
	if err := s.Promote(ctx); err != nil {
		t.Fatal(err)
	}
	if queryInt(t, s, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'goes_over'") != 1 {
		t.Error("the failover slot did not survive the promotion")
	}
}

// waitFor asks until the server says true.
func waitFor(t *testing.T, p *devstack.Postgres, sql string) {
	t.Helper()
	conn := connect(t, p)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var yes bool
		if err := conn.QueryRow(t.Context(), sql).Scan(&yes); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if yes {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not true after a minute; log:\n%s", sql, p.Log())
		}
	}
}

func TestCopyDataDirIsTheSameServerAgain(t *testing.T) {
	ctx := t.Context()
	p := startPostgres(t, devstack.PostgresOptions{})
	exec(t, p, "SELECT pg_create_logical_replication_slot('copied', 'pgoutput')")
	if _, err := p.CopyDataDir(); err == nil {
		t.Error("a running server was copied")
	}
	if err := p.Stop(ctx, devstack.Fast); err != nil {
		t.Fatal(err)
	}
	c, err := p.CopyDataDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, server := range []*devstack.Postgres{p, c} {
		if err := server.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if queryInt(t, server, "SELECT count(*) FROM pg_replication_slots") != 1 {
			t.Error("the slot is gone")
		}
	}
	const id = "SELECT system_identifier FROM pg_control_system()"
	if queryInt(t, p, id) != queryInt(t, c, id) {
		t.Error("the copy has another system identifier")
	}
	if other := startPostgres(t, devstack.PostgresOptions{}); queryInt(t, other, id) == queryInt(t, p, id) {
		t.Error("another cluster has the same system identifier")
	}
}
