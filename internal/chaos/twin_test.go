package chaos

import (
	"syscall"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/status"
)

// senderTimeout is when Postgres gives up a silent relay, in the tests that wait for it.
const senderTimeout = 2 * time.Second

// twins are two relays of one name: the first works, the second stands by.
func twins(t *testing.T) (f *Fleet, first, second *Process) {
	t.Helper()
	f = newFleet(t, newPlace(t, 0, relaxed()), Settings{WalSenderTimeout: senderTimeout})
	first = launch(t, f, status.Streaming)
	return f, first, launch(t, f, status.Standby)
}

// launch starts a relay and waits until it is where it should come to.
func launch(t *testing.T, f *Fleet, s status.State) *Process {
	t.Helper()
	p, err := f.Launch()
	if err != nil {
		t.Fatal(err)
	}
	awaitState(t, p, s)
	return p
}

func awaitState(t *testing.T, p *Process, s status.State) {
	t.Helper()
	if err := p.AwaitState(bounded(t, limit), s); err != nil {
		t.Fatal(err)
	}
}

func actionsOf(t *testing.T, p *Process) []action {
	t.Helper()
	list, err := p.actions()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// expectFences counts how often a process has taken the transactional id for itself, and with it fenced another.
func expectFences(t *testing.T, p *Process, want int) {
	t.Helper()
	got := count(actionsOf(t, p), action.fences)
	if got != want {
		t.Errorf("%s has fenced %d times, want %d", p.Name, got, want)
	}
}

// awaitCommit waits for the next committed events after the first from actions.
func awaitCommit(t *testing.T, p *Process, from int) action {
	t.Helper()
	a, err := p.awaitAction(bounded(t, limit), from, action.commits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestStandbyTakesOver: kill -9 of the one that works, again and again; each time the other goes on.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	f, first, second := twins(t)
	writing := startLoad(t, f.Place, Workload{Rate: 100})
	for range 3 {
		awaitCommit(t, first, 0)
		killed := time.Now()
		if err := first.Kill(); err != nil {
			t.Fatal(err)
		}
		took := awaitCommit(t, second, 0).at.Sub(killed)
		t.Logf("%s goes on %v after %s was killed", second.Name, took.Round(time.Millisecond), first.Name)
		first, second = second, launch(t, f, status.Standby)
	}
	writing.stop(t)
	expectFences(t, second, 0) // it takes over when the first is stopped in the end
	expectClean(t, f)
	for _, p := range f.Processes[:len(f.Processes)-1] {
		expectFences(t, p, 1)
	}
}

// TestFrozenRelay: a relay that is stopped for longer than Postgres waits, and wakes when another has taken over,
// publishes nothing more and stands by. It then takes over in its turn.
func TestFrozenRelay(t *testing.T) {
	t.Parallel()
	f, first, second := twins(t)
	writing := startLoad(t, f.Place, Workload{Rate: 100})
	awaitCommit(t, first, 0)
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	awaitCommit(t, second, 0)
	asleep := first.protocol.len()
	if err := first.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	awaitState(t, first, status.Standby)
	for range 20 { // time in which it could still fence the one that works
		awaitCommit(t, second, second.protocol.len())
	}
	sent := false
	for _, a := range actionsOf(t, first)[asleep:] {
		sent = sent || a.String() == "end sent"
		if sent && a.commits() {
			t.Errorf("%s has committed after it was woken: seq %d", first.Name, *a.Seq)
		}
	}
	expectFences(t, first, 1)
	expectFences(t, second, 1)

	if err := second.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitCommit(t, first, first.protocol.len())
	writing.stop(t)
	expectClean(t, f)
	expectFences(t, first, 2)
}
