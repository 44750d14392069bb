package relay

import (
	"context"
	"maps"
	"slices"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// LookParked shows what is parked, from outside: nothing is fenced, owned or written.
func LookParked(ctx context.Context, cfg Config) ([]*ParkedEvent, error) {
	index := make(parkedIndex)
	if err := lookParked(ctx, cfg, index.take); err != nil {
		return nil, err
	}
	return index.sorted(), nil
}

// ShowParked gives the parked events of that position or id with their values.
func ShowParked(ctx context.Context, cfg Config, name string) ([]publisher.Parked, error) {
	found := make(map[outbox.Position]publisher.Parked)
	err := lookParked(ctx, cfg, func(at outbox.Position, e *publisher.Parked) error {
		delete(found, at)
		if e != nil && (at.String() == name || e.ID == name) {
			found[at] = *e
		}
		return nil
	})
	events := slices.Collect(maps.Values(found))
	slices.SortFunc(events, func(a, b publisher.Parked) int { return comparePositions(a.Position, b.Position) })
	return events, err
}

func lookParked(ctx context.Context, cfg Config, take func(outbox.Position, *publisher.Parked) error) error {
	cfg = cfg.withDefaults()
	client, err := publisher.Connect(ctx, cfg.Kafka)
	if err != nil {
		return unreachableKafka(&cfg, err)
	}
	defer client.Close()
	if err := client.LookParked(ctx, take); err != nil {
		return parkedTopicTrouble(&cfg, err)
	}
	return nil
}

// ReleasePlan is what a release would do, as far as can be told from outside.
type ReleasePlan struct {
	Skip    []*ParkedEvent
	Publish []*ParkedEvent // as far as Kafka takes them
	Unknown []string       // names that nothing parked has
}

// PlanRelease looks what a release would do.
func PlanRelease(ctx context.Context, cfg Config, what Release) (ReleasePlan, error) {
	if err := what.validate(&cfg); err != nil {
		return ReleasePlan{}, err
	}
	index := make(parkedIndex)
	if err := lookParked(ctx, cfg, index.take); err != nil {
		return ReleasePlan{}, err
	}
	r := newRelease(what)
	plan := ReleasePlan{Unknown: what.unknown(index)}
	for _, ch := range index.chains() {
		for i, f := range r.walk(ch) {
			switch f {
			case toSkip:
				plan.Skip = append(plan.Skip, ch[i])
			case toPublish:
				plan.Publish = append(plan.Publish, ch[i])
			}
		}
	}
	return plan, nil
}
