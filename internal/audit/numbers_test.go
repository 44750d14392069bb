package audit

import (
	"testing"

	"github.com/outbox-relay/relay/publisher"
)

// TestHowFarNumbersAreProved: what was not read may hold numbers below those that follow it, and nothing else.
func TestHowFarNumbersAreProved(t *testing.T) {
	whole := func(first uint64) *partition { return &partition{floor: &seqID{5, first}} }
	cut := func(floor *seqID) *partition {
		return &partition{from: 9, Bounds: publisher.Bounds{Start: 9}, floor: floor}
	}
	tests := []struct {
		name  string
		of    []*partition
		floor uint64
		blind bool
	}{
		{"all was read", []*partition{whole(1), whole(7)}, 1, false},
		{"beginnings are gone", []*partition{cut(&seqID{5, 40}), cut(&seqID{5, 33}), whole(2)}, 40, false},
		{"what is left of one is older", []*partition{cut(&seqID{4, 1000}), whole(1)}, 1, false},
		{"what is left of one is younger", []*partition{cut(&seqID{6, 2}), whole(1)}, 1, true},
		{"nothing is left of one", []*partition{cut(nil), whole(1)}, 1, true},
		{"one is compacted", []*partition{whole(1), {Bounds: publisher.Bounds{Compacted: true}}}, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &auditor{places: places{partitions: tt.of}}
			if floor, blind := a.floor(5); floor != tt.floor || (blind != "") != tt.blind {
				t.Errorf("proved from %d on, blind because of %q; want %d, %v", floor, blind, tt.floor, tt.blind)
			}
		})
	}
}

func TestNamesThatATemplateCanYield(t *testing.T) {
	tests := []struct {
		template, topic string
		want            bool
	}{
		{"${aggregate_type}.events", "payment.events", true},
		{"${aggregate_type}.events", "payment.events.v2", false},
		{"${aggregate_type}.events", "payment-events", false},
		{"shop.${a}.${b}", "shop.x.y", true},
		{"shop.${a}.${b}", "other.x.y", false},
		{"literal", "literal", true},
		{"literal", "literals", false},
		{"outbox.event.$1", "outbox.event.order", true},
		{"outbox.event.${routedByValue}", "outbox.event.order", true},
	}
	for _, tt := range tests {
		if got := templatePattern(tt.template).MatchString(tt.topic); got != tt.want {
			t.Errorf("%s yields %s: %v", tt.template, tt.topic, got)
		}
	}
}
