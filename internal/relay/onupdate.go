package relay

import (
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/replication"
)

// OnUpdate says what an updated outbox row means.
type OnUpdate string

// The choices.
const (
	OnUpdateIgnore OnUpdate = "ignore"
	OnUpdateHalt   OnUpdate = "halt"
)

func (r *receiver) update(m *replication.Message) error {
	_, wanted, err := r.route(m)
	if err != nil || !wanted {
		return err
	}
	r.status.Ignored("update")
	if r.onUpdate == OnUpdateHalt && r.tx.CommitLSN >= r.resume.From() {
		return r.halt(&outbox.BadEvent{Position: r.tx.position(r.tx.rows), Reason: reasonUpdated, Detail: "an outbox row was updated and outbox.on_update is halt"})
	}
	return nil
}
