package bench

import "fmt"

// names are those of everything that a benchmark makes: nothing else is ever touched, and nothing of these names may be
// there before.
type names struct{ suffix string }

// postgres is the name of schema and publication, and the beginning of those of slots.
func (n names) postgres() string { return "relay_bench_" + n.suffix }

// base is the slot that stays where a backlog begins; runs get copies of it.
func (n names) base() string { return n.postgres() + "_base" }

// slot is that of the relay or reader that is measured: a new one each time.
func (n names) slot() string { return n.postgres() + "_run" }

// relay is the name of the relay that is measured. It is told anew each time where to begin.
func (n names) relay() string { return "bench-" + n.suffix }

// kafka begins the names of all topics.
func (n names) kafka() string { return "relay-bench-" + n.suffix + "." }

// events is the topic of one run.
func (n names) events(run int) string { return fmt.Sprintf("%sevents-%d", n.kafka(), run) }

// checkpoints and parked are prefixes; the relay adds a dot and its name.
func (n names) checkpoints() string { return n.kafka() + "checkpoints" }
func (n names) parked() string      { return n.kafka() + "parked" }
