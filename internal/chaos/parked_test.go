package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/pause"
)

// parkedCampaign kills relays that park, and commands that retry and skip.
type parkedCampaign struct {
	*Fleet
	t       *testing.T
	rng     *rand.Rand
	skipped map[string]bool // events that were given up, by id
}

// TestParkedKills: one event in fifty is too large for its topic and one in twenty-five is a tombstone, of which there may
// be none, so relays park them and what comes behind them; they are killed while they do, and so are commands that retry when the limit was raised, and that skip. In the end every event
// is published once and in the order of its key, but those that were given up.
func TestParkedKills(t *testing.T) {
	rounds := max(3, *killsFlag/3)
	seed := newSeed(t)
	settings := RandomSettings(seed)
	settings.Park = true
	place := newPlace(t, 17, relaxed())
	if err := place.makeTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &parkedCampaign{
		Fleet: newFleet(t, place, settings), t: t, rng: rand.New(rand.NewPCG(seed, killStream)), skipped: make(map[string]bool),
	}
	ctx := bounded(t, limit+time.Duration(rounds)*30*time.Second)
	writing := startLoad(t, place, Workload{Seed: seed, Rate: 200, BulkRows: 2000})
	for range rounds {
		c.killRelay(ctx)
		c.killCommands(ctx)
	}
	tally := writing.stop(t)
	v := c.drain(ctx)
	t.Logf("%d events written in %d transactions; %d published late, %d given up; %d processes", tally.Events, tally.Committed, v.Late, v.GivenUp, len(c.Processes))
	if !v.Clean() {
		t.Errorf("verdict: %+v", v)
	}
	if v.Late == 0 || v.GivenUp == 0 {
		t.Error("nothing was parked and retried, or nothing was given up: no campaign")
	}
}

// killRelay kills a relay while it parks.
func (c *parkedCampaign) killRelay(ctx context.Context) {
	c.t.Helper()
	p, err := c.Launch()
	if err != nil {
		c.t.Fatal(err)
	}
	m := randomMoment(c.rng)
	if err := m.await(ctx, p); err != nil {
		c.t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Logf("%s killed %s, at %q", p.Name, m, lastAction(actionsOf(c.t, p)))
}

// killCommands runs a relay, and beside it commands that are killed and then run to their end.
func (c *parkedCampaign) killCommands(ctx context.Context) {
	c.t.Helper()
	p, err := c.Launch()
	if err != nil {
		c.t.Fatal(err)
	}
	c.awaitParked(ctx)
	if err := c.Place.limit(ctx, roomyBytes); err != nil {
		c.t.Fatal(err)
	}
	c.command(ctx, retryAll()...)
	if err := c.Place.limit(ctx, limitedBytes); err != nil {
		c.t.Fatal(err)
	}
	awaitCommit(c.t, p, p.protocol.len())
	c.command(ctx, append([]string{"skip"}, c.victims(ctx)...)...)
	awaitCommit(c.t, p, p.protocol.len())
	if err := p.Kill(); err != nil {
		c.t.Fatal(err)
	}
}

// retryAll mends by its configuration what no limit mends.
func retryAll() []string { return []string{"retry", "--all", "--set", "routing.tombstone=null"} }

// awaitParked waits until events are parked that cannot be published, and gives a few of them.
func (c *parkedCampaign) awaitParked(ctx context.Context) []parkedNow {
	c.t.Helper()
	for {
		parked, err := c.listParked(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		parked = slices.DeleteFunc(parked, func(e parkedNow) bool { return e.Reason == "held" })
		if len(parked) > 0 {
			return parked[:min(len(parked), 3)]
		}
		if pause.For(ctx, readEvery) != nil {
			c.t.Fatal("nothing is parked that cannot be published")
		}
	}
}

// victims are named by position; from here on they count as given up.
func (c *parkedCampaign) victims(ctx context.Context) []string {
	c.t.Helper()
	var names []string
	for _, e := range c.awaitParked(ctx) {
		names = append(names, e.Position)
		c.skipped[e.ID] = true
	}
	return names
}

// command runs one three times: twice it is killed at some action, then it may finish.
func (c *parkedCampaign) command(ctx context.Context, args ...string) {
	c.t.Helper()
	args = append(append([]string{"parked"}, args...), "--apply")
	for range 2 {
		p, err := c.Command(args...)
		if err != nil {
			c.t.Fatal(err)
		}
		m := moment{action: []string{"add", "produce", "end sent", "end answered", "bump sent"}[c.rng.IntN(5)], nth: 2}
		if err := m.awaitEnd(ctx, p); err != nil {
			c.t.Fatal(err)
		}
		if err := p.close(); err != nil {
			c.t.Fatal(err)
		}
		c.t.Logf("%s %s killed %s, at %q", p.Name, args[1], m, lastAction(actionsOf(c.t, p)))
	}
	c.complete(ctx, args)
}

// complete runs a command until it has done what it is for. What it found done already, or could do in part only, is done.
func (c *parkedCampaign) complete(ctx context.Context, args []string) {
	c.t.Helper()
	for {
		p, err := c.Command(args...)
		if err != nil {
			c.t.Fatal(err)
		}
		code, err := p.finish(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		switch code {
		case fault.ExitDone, fault.ExitWanting:
			return
		}
		c.t.Logf("%s ended with %d", p.Name, code)
		for _, l := range p.log.all() {
			c.t.Logf("  %s", strings.TrimSpace(l.text))
		}
		if err := pause.For(ctx, readEvery); err != nil {
			c.t.Fatal(err)
		}
	}
}

// awaitEnd waits for the moment, or for the end of a command that is quicker.
func (m moment) awaitEnd(ctx context.Context, p *Process) error {
	waiting, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	go func() {
		select {
		case <-p.ended:
			enough(errNotSeen)
		case <-waiting.Done():
		}
	}()
	if err := m.await(waiting, p); !errors.Is(err, errEnded) {
		return err
	}
	return nil
}

// drain mends everything, retries what is parked, and asks the oracle and the model.
func (c *parkedCampaign) drain(ctx context.Context) *Verdict {
	c.t.Helper()
	if err := c.Place.limit(ctx, roomyBytes); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.Launch(); err != nil {
		c.t.Fatal(err)
	}
	reader := newReader(c.t, c.Place)
	for {
		awaitMark(c.t, c.Place, reader) // everything before it is published or parked
		c.complete(ctx, append(append([]string{"parked"}, retryAll()...), "--apply"))
		parked, err := c.listParked(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(parked) == 0 {
			break
		}
	}
	if err := c.settle(ctx, reader); err != nil {
		c.t.Fatal(err)
	}
	if wrong, err := c.replay(); err != nil || wrong != "" {
		c.t.Errorf("protocol: %s %v", wrong, err)
	}
	v, err := c.Place.judgeParked(ctx, reader, nil, c.skipped)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}
