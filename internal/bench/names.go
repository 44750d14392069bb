package bench

import "fmt"

// names are those of everything that a benchmark makes: nothing else is ever touched, and nothing of these names may be
// there before.
type names struct{ suffix string }

// postgres is the name of schema and publication, and the beginning of those of slots.
func (n names) postgres() string { return "relay_bench_" + n.suffix }

// base is the slot that stays where a backlog begins; runs get copies of it.
func (n names) base() string { return n.postgres() + "_base" }

// slot is that of one run.
func (n names) slot(run int) string { return fmt.Sprintf("%s_%d", n.postgres(), run) }

// kafka begins the names of all topics.
func (n names) kafka() string { return "relay-bench-" + n.suffix + "." }

// relay is the name of the relay of one run: each is a relay of its own, for each begins at the same place.
func (n names) relay(run int) string { return fmt.Sprintf("bench-%s-%d", n.suffix, run) }

func (n names) events(run int) string { return fmt.Sprintf("%sevents-%d", n.kafka(), run) }

// checkpoints and parked are prefixes; relays add a dot and their name.
func (n names) checkpoints() string { return n.kafka() + "checkpoints" }
func (n names) parked() string      { return n.kafka() + "parked" }
