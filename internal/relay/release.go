package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Release says what is to become of parked events.
type Release struct {
	Selection
	// Skip gives the selected events up; else they are published. What waits behind them is published in either case.
	Skip bool
	// ToTopic publishes the selected events there instead of where they were to go.
	ToTopic string
}

// validate refuses a topic that no event may go to.
func (r *Release) validate(cfg *Config) error {
	mapping := cfg.Outbox
	mapping.Routing.Always = r.ToTopic
	if err := mapping.Validate(); err != nil {
		return &fault.Error{Code: fault.Usage, Summary: "events cannot go to that topic", Err: err}
	}
	return nil
}

// Outcome is what a release has done.
type Outcome struct {
	Published, Skipped int
	// Left are selected events, and events that waited behind them, that cannot be published still.
	Left []*ParkedEvent
	// Events are all that something was to be done to, in order.
	Events []Released
}

// Released is what became of one event: its reason is why it is parked, or was.
type Released struct {
	*ParkedEvent
	Fate ReleasedFate
}

// ReleasedFate is a stable word for what became of an event.
type ReleasedFate string

// The fates of events.
const (
	ReleasedPublished ReleasedFate = "published"
	ReleasedSkipped   ReleasedFate = "skipped"
	StillParked       ReleasedFate = "parked" // it cannot be published, or waits behind one that cannot
)

// release is a Release at work. It outlives the sessions that it takes.
type release struct {
	Release
	refused badEvents // named by Kafka in earlier sessions
	fates   map[outbox.Position]fate
	events  map[outbox.Position]*ParkedEvent // that have a fate
}

func newRelease(what Release) *release {
	return &release{Release: what, fates: make(map[outbox.Position]fate), events: make(map[outbox.Position]*ParkedEvent)}
}

// decide notes what is done to an event.
func (r *release) decide(e *ParkedEvent, f fate) { r.fates[e.Position], r.events[e.Position] = f, e }

// fate is what a release does to one event.
type fate uint8

const (
	toPublish fate = iota + 1
	toSkip
	toStay // it cannot be published
)

// ReleaseParked retries or skips parked events. It is a session like the daemon's, which steps aside for it: each event,
// those that wait behind it and their removal from the parked topic are one Kafka transaction, or several when that would
// exceed the batch limits, each of which leaves things in order. A crash leaves each of them done or not done.
func ReleaseParked(ctx context.Context, cfg Config, what Release, out io.Writer) (Outcome, error) {
	r := newRelease(what)
	var outcome Outcome
	if err := what.validate(&cfg); err != nil {
		return outcome, err
	}
	err := persist(ctx, func(ctx context.Context) error {
		for {
			var err error
			outcome, err = r.session(ctx, cfg, out)
			e, refused := errors.AsType[*refusedError](err)
			if !refused {
				return err
			}
			r.refused.add(e.events)
		}
	})
	return outcome, err
}

// refusedError says that Kafka has named events in this session.
type refusedError struct {
	events badEvents
	err    error
}

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// session is one try, from the top.
func (r *release) session(ctx context.Context, cfg Config, out io.Writer) (Outcome, error) {
	c, err := newCommand(cfg, out)
	if err != nil {
		return Outcome{}, err
	}
	defer c.close()
	c.readsParked = true
	for _, step := range []func(context.Context) error{
		c.look, c.ask, c.judgeBeforeFence, c.lock, c.ownPatiently, c.fenceAsOwner, c.read, c.readHolds, c.guard,
	} {
		if err := step(ctx); err != nil {
			return Outcome{}, parkedTopicTrouble(c.cfg, err)
		}
	}
	index, err := c.readParked(ctx)
	if err != nil {
		return Outcome{}, err
	}
	for round := r.plan(c, index); len(round.events) > 0; round = r.plan(c, index) {
		if err := round.run(ctx); err != nil {
			return Outcome{}, err
		}
	}
	return r.outcome(index), nil
}

// readParked reads what is parked. As many must be found as the checkpoint counts.
func (c *command) readParked(ctx context.Context) (parkedIndex, error) {
	index := make(parkedIndex)
	if err := c.producer.ScanParked(ctx, index.take); err != nil {
		return nil, parkedTopicTrouble(c.cfg, err)
	}
	if counted := c.facts.Checkpoint.Holds.Parked; uint64(len(index)) != counted {
		return nil, refusal(fault.KafkaLostData, fmt.Sprintf("the checkpoint counts %d parked events, but %d are found in topic %s", counted, len(index), c.cfg.Parked), nil,
			"Kafka lost records of the parked topic, or somebody wrote or deleted some. `relay parked list` shows what is there; `relay adopt --from LSN` counts it anew.",
			guard.FactCheckpoint, guard.FactTopics)
	}
	return index, nil
}

// parkedTopicTrouble says what an error of the parked topic means for people.
func parkedTopicTrouble(cfg *Config, err error) error {
	own, isOwn := errors.AsType[*publisher.OwnError](err)
	switch {
	case errors.Is(err, publisher.ErrNoTopic):
		return refusal(fault.TopicUnsuitable, fmt.Sprintf("parked topic %s does not exist", cfg.Parked), nil, "`relay init` creates it; it is safe to repeat.", guard.FactTopics)
	case isOwn:
		return refusal(fault.TopicUnsuitable, fmt.Sprintf("parked topic %s cannot be used", own.Topic), own, "`relay init` creates it; the role needs Describe, Read and Write on it.", guard.FactTopics)
	case errors.Is(err, publisher.ErrUndecodable):
		return refusal(fault.TopicUnsuitable, fmt.Sprintf("a record in %s cannot be read", cfg.Parked), err, "If a newer version of Relay wrote it, use that version.", guard.FactTopics)
	}
	return err
}

// plan decides the next round: as many events as a batch holds, each chain from its head on. No events: all is done.
func (r *release) plan(c *command, index parkedIndex) *releaseRound {
	round := &releaseRound{release: r, c: c, index: index, room: batchLimits{events: c.cfg.Batch.MaxEvents, bytes: c.cfg.Batch.MaxBytes}}
	for _, ch := range index.chains() {
		if full := round.take(ch, r.walk(ch)); full {
			break
		}
	}
	return round
}

// outcome tells what became of the events that were touched.
func (r *release) outcome(index parkedIndex) Outcome {
	var o Outcome
	for at, f := range r.fates {
		e, still := index[at]
		switch {
		case still && f == toStay:
			left, why := *e, r.refused[at]
			left.Reason, left.Detail = string(why.reason), why.detail
			o.Left = append(o.Left, &left)
			o.Events = append(o.Events, Released{&left, StillParked})
		case still:
			o.Events = append(o.Events, Released{e, StillParked})
		case f == toSkip:
			o.Skipped++
			o.Events = append(o.Events, Released{r.events[at], ReleasedSkipped})
		default:
			o.Published++
			o.Events = append(o.Events, Released{r.events[at], ReleasedPublished})
		}
	}
	slices.SortFunc(o.Left, func(a, b *ParkedEvent) int { return comparePositions(a.Position, b.Position) })
	slices.SortFunc(o.Events, func(a, b Released) int { return comparePositions(a.Position, b.Position) })
	return o
}
