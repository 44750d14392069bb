package replication_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/replication"
)

// confirmed reads the slot's confirmed_flush over an ordinary connection.
func (f *fixture) confirmed(t *testing.T) replication.LSN {
	t.Helper()
	slot, err := f.connect(t).Slot(t.Context(), f.config.Slot)
	if err != nil {
		t.Fatal(err)
	}
	return slot.ConfirmedFlush
}

// eventually asks again until it is so. A test that waits in vain ends by its deadline.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	over := deadline(t)
	for !so() {
		if over.Err() != nil {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAcknowledgeMovesTheSlotAndNothingElseDoes(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		f.config.SenderTimeout = time.Second // so that statuses come often
		r := f.start(t)
		before := f.confirmed(t)
		f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
		first, _ := r.withRows(t)
		f.exec(t, "INSERT INTO outbox.event VALUES (2, 'b')")
		second, _ := r.withRows(t)

		f.replies(t, r, 4)
		if got := f.confirmed(t); got != before {
			t.Errorf("confirmed_flush moved from %s to %s though nothing was acknowledged", before, got)
		}
		if err := r.Acknowledge(first.EndLSN); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the slot is at the acknowledged position", func() bool { return f.confirmed(t) == first.EndLSN })
		f.replies(t, r, 4)
		if got := f.confirmed(t); got != first.EndLSN {
			t.Errorf("confirmed_flush moved on to %s", got)
		}
		if err := r.Acknowledge(second.EndLSN); err != nil {
			t.Fatal(err)
		}
		if err := r.Acknowledge(first.EndLSN); err != nil {
			t.Errorf("what is acknowledged already: %v", err)
		}
		if err := r.Close(); err != nil { // which waits until the server has taken it
			t.Fatal(err)
		}
		if got := f.confirmed(t); got != second.EndLSN {
			t.Errorf("confirmed_flush is %s instead of %s", got, second.EndLSN)
		}
	})
}

// replies waits until the server has got n more statuses.
func (f *fixture) replies(t *testing.T, r *reader, n int) {
	t.Helper()
	var last time.Time
	eventually(t, "statuses arrive", func() bool {
		var reply *time.Time
		if err := f.admin.QueryRow(t.Context(), "SELECT reply_time FROM pg_stat_replication WHERE pid = $1", r.PID()).Scan(&reply); err != nil {
			t.Fatalf("walsender %d: %v", r.PID(), err)
		}
		if reply != nil && reply.After(last) {
			last = *reply
			n--
		}
		return n < 0
	})
}

func TestAcknowledgeRefusesWhatWasNotReceived(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
		commit, _ := r.withRows(t)
		before := f.confirmed(t)
		if err := r.Acknowledge(commit.EndLSN + 1); err == nil {
			t.Error("a position beyond what was received is acknowledged")
		}
		if err := r.Acknowledge(1 << 60); err == nil {
			t.Error("a position beyond all WAL is acknowledged")
		}
		f.exec(t, "INSERT INTO outbox.event VALUES (2, 'b')")
		if _, rows := r.withRows(t); len(rows) != 1 {
			t.Errorf("the stream goes on with %q", rows)
		}
		if got := f.confirmed(t); got != before {
			t.Errorf("confirmed_flush moved from %s to %s", before, got)
		}
	})
}

// TestNextCommitCanStartAtTheEndOfTheLastOne commits two transactions right after each other, until the second commit
// record starts exactly where the first one ends. That end is acknowledged, and the second one must come again.
func TestNextCommitCanStartAtTheEndOfTheLastOne(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		other := f.pg.Connect(t)
		for n, over := 0, deadline(t); ; n++ {
			if over.Err() != nil {
				t.Fatal("two commits never stood side by side")
			}
			f.exec(t, "BEGIN", fmt.Sprintf("INSERT INTO outbox.event VALUES (%d, 'first')", n))
			if _, err := other.Exec(t.Context(), fmt.Sprintf("BEGIN; INSERT INTO outbox.event VALUES (%d, 'second')", n)); err != nil {
				t.Fatal(err)
			}
			f.exec(t, "COMMIT")
			if _, err := other.Exec(t.Context(), "COMMIT"); err != nil {
				t.Fatal(err)
			}
			first, _ := r.withRows(t)
			second, rows := r.withRows(t)
			if first.EndLSN != second.CommitLSN {
				continue
			}
			if err := r.Acknowledge(first.EndLSN); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = f.start(t)
			again, rowsAgain := r.withRows(t)
			if again.CommitLSN != second.CommitLSN || again.XID != second.XID || !cmp.Equal(rows, rowsAgain) {
				t.Errorf("%+v %q comes instead of %+v %q", again, rowsAgain, second, rows)
			}
			return
		}
	})
}

// TestKeepaliveIsNeverPastAnOpenTransaction acknowledges the WAL end of a keepalive while another transaction is open,
// until that one's commit record starts exactly there, and restarts: it must come.
func TestKeepaliveIsNeverPastAnOpenTransaction(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		other := f.pg.Connect(t)
		r := f.start(t)
		for n, over := 0, deadline(t); ; n++ {
			if over.Err() != nil {
				t.Fatal("a commit never started at the WAL end of a keepalive")
			}
			if _, err := other.Exec(t.Context(), fmt.Sprintf("BEGIN; INSERT INTO outbox.event VALUES (%d, 'open')", n)); err != nil {
				t.Fatal(err)
			}
			f.exec(t, fmt.Sprintf("INSERT INTO outbox.event VALUES (%d, 'closed')", n))
			closed, _ := r.withRows(t)
			var idle replication.LSN
			r.until(t, func(m *replication.Message) bool {
				idle = m.WALEnd
				return m.Kind == replication.Keepalive && m.WALEnd >= closed.EndLSN
			})
			if err := r.Acknowledge(idle); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := other.Exec(t.Context(), "COMMIT"); err != nil {
				t.Fatal(err)
			}
			r = f.start(t)
			open, rows := r.withRows(t)
			if want := fmt.Sprintf("insert outbox.event id=%d payload=open", n); !cmp.Equal(rows, []string{want}) {
				t.Fatalf("%q comes instead of %q", rows, want)
			}
			if err := r.Acknowledge(open.EndLSN); err != nil {
				t.Fatal(err)
			}
			if open.CommitLSN == idle {
				return
			}
		}
	})
}
