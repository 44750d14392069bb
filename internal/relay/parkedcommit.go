package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/publisher"
)

// readHolds reads which keys are held, if there are any. As many must be found as the checkpoint counts.
func (s *session) readHolds(ctx context.Context) error {
	cp := s.facts.Checkpoint
	if cp == nil || cp.Holds.Count == 0 {
		return nil
	}
	holds, err := s.producer.ReadHolds(ctx)
	if err != nil {
		return checkpointTrouble(s.cfg, err)
	}
	if uint64(len(holds)) != cp.Holds.Count {
		return refusal(fault.KafkaLostData, fmt.Sprintf("the checkpoint counts %d held keys, but %d are found in topic %s", cp.Holds.Count, len(holds), s.cfg.Kafka.CheckpointTopic), nil,
			"Kafka lost records of the checkpoint topic, or somebody deleted some. `relay parked list` shows what is parked; `relay adopt --from LSN` counts it anew.",
			guard.FactCheckpoint, guard.FactTopics)
	}
	s.holds = make(heldKeys, len(holds))
	for _, h := range holds {
		s.holds[holdName(h.Topic, h.Key)] = h
	}
	return nil
}

// heldKeys are the holds by topic/key.
type heldKeys map[string]publisher.Hold

// holdName is unique, for the name of a topic that can be published to has no slash.
func holdName(topic string, key []byte) string { return topic + "/" + string(key) }

// by is the first parked event of a topic and key, "" when it is not held.
func (h heldKeys) by(topic string, key []byte) string {
	if key == nil {
		return ""
	}
	return h[holdName(topic, key)].First
}

// refusedOf says which events of a unit were named by an error of its transaction; nil: none.
func refusedOf(u *unit, err error) badEvents {
	if e, ok := errors.AsType[*publisher.EventError](err); ok {
		return named(u.batch, e)
	}
	if e, ok := errors.AsType[*publisher.OwnError](err); ok {
		return cannotPark(&u.siding, e)
	}
	return nil
}

// isRefusedEvent tells that Kafka has named an event, so that the next session knows better.
func isRefusedEvent(err error) bool {
	_, event := errors.AsType[*publisher.EventError](err)
	_, own := errors.AsType[*publisher.OwnError](err)
	return event || own
}

// parkedHint is what an operator does about parked events.
const parkedHint = "`relay parked list` shows what is parked; when the cause is mended `relay parked retry` publishes it, or `relay parked skip` gives it up."

// sayParked reminds whoever reads the log of a start that events wait.
func (s *session) sayParked() {
	if holds := s.facts.Checkpoint.Holds; holds.Parked > 0 {
		s.log.Warn("events are parked", "parked", holds.Parked, "held_keys", holds.Count, "hint", parkedHint)
	}
}

// parked says once of each event that it was parked, now that it is durable.
func (c *committer) parked(u *unit) {
	held := 0
	for i := range u.siding.events {
		e := &u.siding.events[i]
		c.status.Parked(string(e.reason))
		if e.reason == reasonHeld {
			held++
			c.log.Debug("event held behind a parked one", "event", e.id, "position", e.position.String(), "topic", e.topic, "key", keyText(e.key))
			continue
		}
		c.log.Warn("event parked", "event", e.id, "position", e.position.String(), "topic", e.topic, "key", keyText(e.key),
			"reason", string(e.reason), "detail", e.detail, "hint", parkedHint)
	}
	if held > 0 {
		c.log.Info("events held behind parked ones", "events", held, "parked", c.last.Holds.Parked, "held_keys", c.last.Holds.Count)
	}
}
