package chaos

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
)

// TestWorkloadLeavesWhatItSays: the oracle rests on what the workload says of its transactions.
func TestWorkloadLeavesWhatItSays(t *testing.T) {
	for _, major := range []int{13, 17} {
		t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) {
			place := newPlace(t, major, relaxed())
			busy, quiet := context.WithTimeout(t.Context(), time.Second)
			defer quiet()
			tally, err := Workload{Seed: newSeed(t), Rate: 3000, BulkRows: 100}.Run(busy, place)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := place.rows(bounded(t, limit))
			if err != nil {
				t.Fatal(err)
			}
			if tally.Committed == 0 || tally.Events != len(rows) || tally.Lost > 0 {
				t.Errorf("%d rows after %+v", len(rows), tally)
			}
			left := make(map[string]int)
			counters := make(map[string]map[int64]bool)
			for _, r := range rows {
				left[r.Tx]++
				if counters[r.Key] == nil {
					counters[r.Key] = make(map[int64]bool)
				}
				counters[r.Key][r.N] = true
			}
			for _, r := range rows {
				if left[r.Tx] != r.Size {
					t.Errorf("transaction %s says %d events and left %d", r.Tx, r.Size, left[r.Tx])
				}
				if r.N < 1 || r.N > int64(len(counters[r.Key])) {
					t.Errorf("key %s has a number %d among %d events", r.Key, r.N, len(counters[r.Key]))
				}
			}
		})
	}
}

// TestWorkloadOutlivesItsServer: connections are lost, prepared transactions left behind, and the workload goes on.
func TestWorkloadOutlivesItsServer(t *testing.T) {
	place := newPlace(t, 0, nil)
	busy, quiet := context.WithCancel(t.Context())
	defer quiet()
	type result struct {
		tally Tally
		err   error
	}
	results := make(chan result)
	go func() {
		tally, err := Workload{Seed: newSeed(t), Rate: 3000}.Run(busy, place)
		results <- result{tally, err}
	}()
	for range 3 {
		awaitRows(t, place, 50)
		if err := place.Server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := place.Server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	awaitRows(t, place, 50)
	quiet()
	r := <-results
	if r.err != nil || r.tally.Lost == 0 {
		t.Errorf("%+v, %v", r.tally, r.err)
	}
	conn, err := pgx.Connect(t.Context(), place.SuperuserURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var prepared int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_xacts").Scan(&prepared); err != nil || prepared > 0 {
		t.Errorf("%d prepared transactions are left, %v", prepared, err)
	}
}

// awaitRows waits until so many more events are committed.
func awaitRows(t *testing.T, place *Place, more int) {
	t.Helper()
	ctx := bounded(t, limit)
	from := -1
	for {
		rows, err := place.rows(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if from < 0 {
			from = len(rows)
		}
		if len(rows) >= from+more {
			return
		}
		if err := pause.For(ctx, 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}
