package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
)

// Options say what is measured, and where.
type Options struct {
	// Config gives the servers, and the settings of a relay that cost or save time: batch, compression, time-outs. Its
	// names (relay, slot, publication, tables, topics) are not used.
	Config config.Config
	// Program is the relay command: what is measured runs in processes of its own.
	Program string
	// Name ends the names of everything that is made; empty: a random one.
	Name string
	// Scale multiplies the sizes of all backlogs and the length of all latency runs; 1 is the size that results are
	// reported for, less only shows that the benchmark works.
	Scale float64
	// Rounds of each measurement: medians and spread are over them.
	Rounds int
	// Only names the parts to run; empty: all.
	Only []string
	// SlowKafka starts a cluster that is reached over a network with a long round trip; nil: that part is left out.
	SlowKafka func(context.Context) (SlowKafka, error)
	// Profiles is a directory for CPU and allocation profiles of every drain, which make it a little slower; empty: none.
	Profiles string
	// Progress is told what is being done; may be nil.
	Progress Progress
}

// Parts are the parts of the benchmark, in the order in which they run.
func Parts() []string {
	return []string{partIdle, partDrain, partLatency, partRecovery, partSlow, partCurve, partApplication}
}

const (
	partIdle        = "idle"
	partDrain       = "drain"
	partLatency     = "latency"
	partRecovery    = "recovery"
	partSlow        = "slow"
	partCurve       = "curve"
	partApplication = "application"
)

// nameLength is how long a name may be: those of relays, which have at most 40 characters, are made of it.
const nameLength = 16

func (o Options) withDefaults() (Options, error) {
	if o.Name == "" {
		o.Name = randomName()
	}
	if o.Progress == nil {
		o.Progress = noProgress{}
	}
	return o, o.Validate()
}

// Validate names what is wrong with the options, the configuration apart.
func (o Options) Validate() error {
	switch {
	case o.Name != "" && !regexp.MustCompile(`^[a-z0-9]+$`).MatchString(o.Name) || len(o.Name) > nameLength:
		return usage("name %q: want 1 to %d of a-z and 0-9: names in Postgres and Kafka end with it", o.Name, nameLength)
	case math.IsNaN(o.Scale) || o.Scale < 0.0001 || o.Scale > 100:
		return usage("scale %v: want 0.0001 to 100: the sizes of all backlogs are multiplied by it", o.Scale)
	case o.Rounds < 1 || o.Rounds > 100:
		return usage("rounds %d: want 1 to 100", o.Rounds)
	}
	for _, part := range o.Only {
		if !slices.Contains(Parts(), part) {
			return usage("part %q: want some of %s", part, strings.Join(Parts(), ", "))
		}
	}
	return nil
}

func usage(format string, args ...any) error {
	return &fault.Error{Code: fault.Usage, Summary: fmt.Sprintf(format, args...), Hint: "`relay bench --help` shows usage and examples."}
}

// wants tells whether a part is to be run.
func (o Options) wants(part string) bool { return len(o.Only) == 0 || slices.Contains(o.Only, part) }

// scaled is a size at the scale of this run.
func (o Options) scaled(n int) int { return max(1, int(float64(n)*o.Scale)) }

func randomName() string {
	const characters = "abcdefghijklmnopqrstuvwxyz0123456789"
	name := make([]byte, 8)
	for i := range name {
		name[i] = characters[rand.IntN(len(characters))]
	}
	return string(name)
}
