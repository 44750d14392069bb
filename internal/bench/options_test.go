package bench

import (
	"math"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
)

func TestValidate(t *testing.T) {
	good := Options{Scale: 1, Rounds: 3, Name: "abc123", Only: []string{partDrain}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"name with a dash", func(o *Options) { o.Name = "a-b" }, `name "a-b"`},
		{"name with a quote", func(o *Options) { o.Name = `x";drop` }, "name"},
		{"name too long", func(o *Options) { o.Name = strings.Repeat("a", 17) }, "1 to 16"},
		{"no scale", func(o *Options) { o.Scale = 0 }, "scale 0"},
		{"negative scale", func(o *Options) { o.Scale = -1 }, "scale -1"},
		{"a scale that is no number", func(o *Options) { o.Scale = math.NaN() }, "scale NaN"},
		{"no rounds", func(o *Options) { o.Rounds = 0 }, "rounds 0"},
		{"unknown part", func(o *Options) { o.Only = []string{"drains"} }, `part "drains": want some of idle, drain`},
	}
	for _, tt := range tests {
		o := good
		tt.change(&o)
		err := o.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.want) || fault.Exit(err) != fault.ExitUsage {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Every name that is made is one that Postgres and Kafka take, however long the end is.
func TestNamesFit(t *testing.T) {
	n := names{strings.Repeat("x", nameLength)}
	if len(n.relay()) > 40 || len(n.slot()) > 63 || len(n.base()) > 63 || len(n.checkpoints()+"."+n.relay()) > 249 {
		t.Errorf("too long: %s, %s, %s", n.relay(), n.slot(), n.checkpoints())
	}
	for _, topic := range []string{n.events(1), n.checkpoints(), n.parked()} {
		if !strings.HasPrefix(topic, n.kafka()) {
			t.Errorf("topic %s would not be removed", topic)
		}
	}
	for _, slot := range []string{n.slot(), n.base()} {
		if !strings.HasPrefix(slot, n.postgres()) {
			t.Errorf("slot %s would not be removed", slot)
		}
	}
}

func TestRandomNamesAreValid(t *testing.T) {
	for range 100 {
		o := Options{Scale: 1, Rounds: 1, Name: randomName()}
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
	}
}
