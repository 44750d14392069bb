package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
)

// Fault is something that goes wrong in a storm, as a value.
type Fault struct {
	Name string
	What string // it does, for people
	Hits string // what it takes away: of two faults at once each hits something else
	// Alone keeps other faults away meanwhile.
	Alone bool
	From  int // the first major version of Postgres that has it; 0: any
	To    int // the last one; 0: any

	// Strike lets it happen. pick chooses among equals, as among brokers. What it gives mends it, in the end; nil: there is
	// nothing to mend.
	Strike func(ctx context.Context, l *life, pick int) (Mend, error)
	// Refuses is what relays must answer from then on. 0: they must go on by themselves when it is mended.
	Refuses fault.Code
	// Live tells that it befalls a relay that works. Otherwise a fault that must be refused befalls a place without one.
	Live bool
}

// Mend ends a fault.
type Mend func(ctx context.Context) error

// String is the name, which selects a fault.
func (f *Fault) String() string { return f.Name }

// Faults are all that there are: first those that a relay lives through, then those that it must refuse to live with.
func Faults() []*Fault {
	return slices.Concat(relayFaults(), kafkaFaults(), postgresFaults(), networkFaults(), failoverFaults(), tamperings(), restorations())
}

// SelectFaults are those with the given names that a version of Postgres has; without names all of them.
func SelectFaults(names []string, postgres int) ([]*Fault, error) {
	all := Faults()
	known := make([]string, len(all))
	for i, f := range all {
		known[i] = f.Name
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no fault %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(f *Fault) bool {
		return len(names) > 0 && !slices.Contains(names, f.Name) || postgres < f.From || f.To > 0 && postgres > f.To
	}), nil
}
