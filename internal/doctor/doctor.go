package doctor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/migrations/check"
)

// Config says which relay is looked at.
type Config struct {
	Relay relay.Config
	// Schema says how the outbox was migrated; nil: its table is not one of Relay's migrations.
	Schema *check.Request
	// Brokers are shown in commands, as kafka.brokers has them.
	Brokers string
	// Now replaces time.Now.
	Now func() time.Time
}

// Report is everything that was found, in the order of the checks.
type Report struct {
	Relay string    `json:"relay"`
	Items []Finding `json:"items"`
}

// Count is how many findings have a level.
func (r *Report) Count(level Level) int {
	n := 0
	for _, f := range r.Items {
		if f.Level == level {
			n++
		}
	}
	return n
}

// check is one thing to look at.
type aCheck struct {
	category Category
	name     string
	needs    need
	look     func(*facts) []Finding
}

// need says which servers must have answered.
type need int8

const (
	nothing       need = 0
	needsPostgres need = 1
	needsKafka    need = 2
	needsBoth     need = 3
)

// Examine looks at the categories asked for, all of them if there are none. Where a server does not answer it gives both a
// report of the rest and the error; without a report the configuration cannot work.
func Examine(ctx context.Context, cfg Config, categories ...Category) (*Report, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f, err := gather(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := &Report{Relay: cfg.Relay.Kafka.Relay, Items: []Finding{}}
	for _, c := range checks() {
		if len(categories) > 0 && !slices.Contains(categories, c.category) {
			continue
		}
		if c.needs&needsPostgres != 0 && f.Postgres != nil || c.needs&needsKafka != 0 && f.Kafka != nil {
			continue // its category says that the server does not answer
		}
		for _, finding := range c.look(f) {
			finding.Category, finding.Check = c.category, c.name
			r.Items = append(r.Items, finding)
		}
	}
	return r, errors.Join(f.Postgres, f.Kafka)
}

// checks are all there is to look at, category by category.
func checks() []aCheck {
	return slices.Concat(postgresChecks(), slotChecks(), outboxChecks(), kafkaChecks(), topicChecks(), checkpointChecks())
}
