package relay

import (
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// TestMaxHeldCountsWhatIsParked: what the halted transaction itself had parked is dropped with it, and not counted.
func TestMaxHeldCountsWhatIsParked(t *testing.T) {
	p := &parking{failure: Failure{Park: true, MaxHeld: 3}, topic: "parked", kafka: &publisher.Config{Relay: "payments"}, now: time.Now, parked: 1}
	var s siding
	add := func(index uint32) error {
		bad := &outbox.BadEvent{Position: outbox.Position{CommitLSN: 1, Index: index}, Topic: "missing", Reason: "unknown_topic", Detail: "the topic does not exist"}
		return p.add(&s, &publisher.Parked{Kind: publisher.ParkedRecord}, bad)
	}
	if err := add(0); err != nil {
		t.Fatal(err)
	}
	s.markWhole() // its transaction is kept
	if err := add(1); err != nil {
		t.Fatal(err)
	}
	err := add(2)
	if err == nil || !strings.Contains(err.Error(), "failure.max_held allows 3 parked events, 2 are parked, and this transaction would add 2 or more: the topic") {
		t.Errorf("says %v", err)
	}
}
