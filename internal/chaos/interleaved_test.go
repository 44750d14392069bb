package chaos

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/model"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// The tests of this file are about two facts of Postgres that sequential tests never meet: the record of a commit can
// start exactly where the one before it ends, and what a keepalive says may be passed by a transaction that is open.
// In both cases a relay that takes its resume LSN for inclusive loses the transaction, silently. Each of them happens
// only when nothing else is written to the log at the wrong moment, so they are tried until they have happened.

// exact is how often the fact must be met, tries how often it is tried.
const (
	exact = 3
	tries = 30
)

// interleaved is a fleet of which one relay runs, and a reader that goes on where it was.
type interleaved struct {
	*Fleet
	relay  *Process
	reader *Reader
	at     Offsets
}

func newInterleaved(t *testing.T, major int) *interleaved {
	t.Helper()
	f := newFleet(t, newPlace(t, major, relaxed()), Settings{})
	return &interleaved{Fleet: f, reader: newReader(t, f.Place), at: Offsets{}, relay: launch(t, f, status.Streaming)}
}

// mark commits an event, waits until it is visible, and gives the LSN of its commit. other is an event that was committed
// before, or empty: it must be visible by then, and its LSN is given too.
func (i *interleaved) mark(t *testing.T, other string) (mark, before outbox.LSN) {
	t.Helper()
	ctx := bounded(t, limit)
	id, err := i.Place.mark(ctx)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := i.reader.awaitEvents(ctx, i.at, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range seen {
		switch e.ID {
		case id:
			mark = commitLSN(t, e)
		case other:
			before = commitLSN(t, e)
		}
	}
	if other != "" && before == 0 {
		t.Fatalf("event %s is lost: one that was committed after it is published", other)
	}
	return mark, before
}

// commitLSN is what relay-position tells.
func commitLSN(t *testing.T, e Published) outbox.LSN {
	t.Helper()
	var timeline, lsn, index uint64
	if _, err := fmt.Sscanf(e.Position, "%08x-%016x-%08x", &timeline, &lsn, &index); err != nil {
		t.Fatalf("position %q: %v", e.Position, err)
	}
	return outbox.LSN(lsn)
}

// acknowledged waits until Postgres was told that everything before an LSN beyond the given one may be forgotten.
func (i *interleaved) acknowledged(t *testing.T, beyond outbox.LSN) outbox.LSN {
	t.Helper()
	a, err := i.relay.awaitAction(bounded(t, limit), 0, func(a action) bool {
		return a.Name == model.ActionAcknowledge && a.ResumeLSN > beyond
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.ResumeLSN
}

// restart kills the relay and starts another one. meanwhile is called when none runs, or when the next one has just
// begun.
func (i *interleaved) restart(t *testing.T, whileDown bool, meanwhile func()) {
	t.Helper()
	if err := i.relay.Kill(); err != nil {
		t.Fatal(err)
	}
	if whileDown {
		meanwhile()
	}
	var err error
	if i.relay, err = i.Launch(); err != nil {
		t.Fatal(err)
	}
	if !whileDown {
		meanwhile()
	}
}

// openTx is a transaction with one event.
type openTx struct {
	tx pgx.Tx
	id string
}

func openTransaction(t *testing.T, p *Place) *openTx {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.AppURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id, err := insertMark(t.Context(), tx, "beside")
	if err != nil {
		t.Fatal(err)
	}
	return &openTx{tx, id}
}

func (o *openTx) commit(t *testing.T) {
	t.Helper()
	if err := o.tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestNextCommitStartsAtTheCheckpoint: the relay dies when it has acknowledged the end of a transaction, and the record of
// another one's commit, which was open all the while, starts right there.
func TestNextCommitStartsAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	i := newInterleaved(t, 0)
	met := 0
	for try := 0; met < exact && try < tries; try++ {
		beside := openTransaction(t, i.Place)
		last, _ := i.mark(t, "")
		checkpoint := i.acknowledged(t, last)
		i.restart(t, try%2 == 0, func() { beside.commit(t) })
		if _, lsn := i.mark(t, beside.id); lsn == checkpoint {
			met++
		}
	}
	if met < exact {
		t.Errorf("only %d of %d commits started where the checkpoint was", met, tries)
	}
	expectClean(t, i.Fleet)
}

// TestIdleCheckpointBesideAnOpenTransaction: the checkpoint moves on with the log while a transaction is open, and the
// record of its commit starts exactly there. A relay takes an idle checkpoint every 10 s at most; so that this test does
// not last longer, two of them are waited for at once: Postgres 13 sends empty transactions, 17 keepalives.
func TestIdleCheckpointBesideAnOpenTransaction(t *testing.T) {
	t.Parallel()
	relays := []*interleaved{newInterleaved(t, 13), newInterleaved(t, 17)}
	met := make([]bool, len(relays))
	for try := 0; slices.Contains(met, false) && try < tries; try++ {
		known, beside := make([]outbox.LSN, len(relays)), make([]*openTx, len(relays))
		for n, i := range relays {
			beside[n] = openTransaction(t, i.Place)
			last, _ := i.mark(t, "")
			known[n] = i.acknowledged(t, last)
			if err := execute(t.Context(), i.Place.AppURL(), "INSERT INTO chaos.business VALUES ('moves the log')"); err != nil {
				t.Fatal(err)
			}
		}
		for n, i := range relays {
			checkpoint := i.acknowledged(t, known[n])
			i.restart(t, try%2 == 0, func() { beside[n].commit(t) })
			_, lsn := i.mark(t, beside[n].id)
			met[n] = met[n] || lsn == checkpoint
		}
	}
	for n, i := range relays {
		if !met[n] {
			t.Errorf("Postgres %d: none of %d commits started where the idle checkpoint was", i.Place.Server.Major, tries)
		}
		expectClean(t, i.Fleet)
	}
}
