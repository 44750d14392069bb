package replication_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/outbox-relay/relay/replication"
)

// TestEveryCommittedRowOnceOverManySessions is what a relay rests on: writers with interleaved, rolled-back and foreign
// transactions, sessions that end anywhere, and a consumer that skips what it has decided: commit LSN < resume.
func TestEveryCommittedRowOnceOverManySessions(t *testing.T) {
	onVersions(t, []int{13, 14, 15, 16, 17, 18}, func(t *testing.T, f *fixture) {
		const writers, transactions = 4, 60
		f.exec(t, "CREATE TABLE foreign_rows (id int)")
		f.createSlot(t)
		var wait sync.WaitGroup
		for w := range writers {
			conn := f.pg.Connect(t)
			random := rand.New(rand.NewPCG(1, uint64(w)))
			wait.Go(func() {
				for i := range transactions {
					id := w*transactions + i
					end := [...]string{"COMMIT", "COMMIT", "COMMIT", "ROLLBACK; BEGIN; INSERT INTO foreign_rows VALUES (1); COMMIT"}[random.IntN(4)]
					sql := fmt.Sprintf("BEGIN; INSERT INTO outbox.event VALUES (%d, 'a'); SAVEPOINT s; INSERT INTO outbox.event VALUES (%d, 'never'); ROLLBACK TO s; INSERT INTO outbox.event VALUES (%d, 'b'); %s",
						id, id, id, end)
					if _, err := conn.Exec(t.Context(), sql); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		done := make(chan struct{})
		go func() {
			wait.Wait()
			close(done)
		}()
		got := f.consume(t, done)
		var want []string
		rows, err := f.admin.Query(t.Context(), "SELECT id, payload FROM outbox.event")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			var payload string
			if err := rows.Scan(&id, &payload); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("insert outbox.event id=%d payload=%s", id, payload))
		}
		if len(want) == 0 {
			t.Fatal("nothing was written")
		}
		count := make(map[string]int)
		for _, row := range got {
			count[row]++
		}
		for _, row := range want {
			if count[row] != 1 {
				t.Errorf("%s came %d times", row, count[row])
			}
			delete(count, row)
		}
		for row := range count {
			t.Errorf("%s was never committed", row)
		}
	})
}

// consume reads until everything that was written before done is there, in sessions of a few messages each.
func (f *fixture) consume(t *testing.T, done <-chan struct{}) (rows []string) {
	t.Helper()
	random := rand.New(rand.NewPCG(2, 3))
	var resume, end replication.LSN
	for {
		r := f.start(t)
		var pending []string
		for range 1 + random.IntN(200) {
			m, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			switch m.Kind {
			case replication.Insert:
				pending = append(pending, describe(m))
			case replication.Commit:
				if m.CommitLSN >= resume {
					rows = append(rows, pending...)
					resume = m.EndLSN
				}
				pending = nil
			case replication.Keepalive:
				resume = max(resume, m.WALEnd)
			}
			// Sometimes the acknowledgement is late, as it is when Kafka is slow, or lost with the session.
			if (m.Kind == replication.Commit || m.Kind == replication.Keepalive) && random.IntN(3) == 0 {
				if err := r.Acknowledge(min(resume, r.Received())); err != nil {
					t.Fatal(err)
				}
			}
			if end != 0 && resume >= end {
				return rows
			}
			if end == 0 {
				select {
				case <-done:
					var err error
					if end, err = f.connect(t).FlushLSN(t.Context()); err != nil {
						t.Fatal(err)
					}
				default:
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
