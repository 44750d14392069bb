package replication_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
)

// TestServerCrash kills a server right after an acknowledgement. The slot may be behind that afterwards, never ahead, and
// what comes again is the same transaction: a caller that knows it can skip it.
func TestServerCrash(t *testing.T) {
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			server, f := own(t, devstack.PostgresOptions{Major: major})
			r := f.start(t)
			f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
			first, rows := r.withRows(t)
			if err := r.Acknowledge(first.EndLSN); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the slot is at the acknowledged position", func() bool { return f.confirmed(t) == first.EndLSN })
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("close after a crash: %v", err)
			}
			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := f.confirmed(t); got >= first.EndLSN {
				t.Skipf("the slot was written to disk at %s just before the crash", got)
			}
			r = f.start(t)
			again, rowsAgain := r.withRows(t)
			if again.CommitLSN != first.CommitLSN || again.EndLSN != first.EndLSN || again.XID != first.XID || again.CommitTime != first.CommitTime || !cmp.Equal(rows, rowsAgain) {
				t.Errorf("%+v %q comes instead of %+v %q", again, rowsAgain, first, rows)
			}
		})
	}
}

func TestPreparedTransactionComesWhenItIsCommitted(t *testing.T) {
	_, f := own(t, devstack.PostgresOptions{Settings: map[string]string{"max_prepared_transactions": "2"}})
	r := f.start(t)
	f.exec(t,
		"BEGIN; INSERT INTO outbox.event VALUES (1, 'prepared'); PREPARE TRANSACTION 'one'",
		"BEGIN; INSERT INTO outbox.event VALUES (2, 'given up'); PREPARE TRANSACTION 'two'",
		"INSERT INTO outbox.event VALUES (3, 'between')",
		"ROLLBACK PREPARED 'two'", "COMMIT PREPARED 'one'")
	_, between := r.withRows(t)
	_, prepared := r.withRows(t)
	want := []string{"insert outbox.event id=3 payload=between", "insert outbox.event id=1 payload=prepared"}
	if diff := cmp.Diff(want, append(between, prepared...)); diff != "" {
		t.Error(diff)
	}
}
