package chaos

import (
	"context"
	"fmt"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
)

// tamperings are what somebody does who does not know better. Events that are lost or hidden by it are written in between:
// a relay that goes on would leave them out.
func tamperings() []*Fault {
	return []*Fault{
		{Name: "slot-dropped", What: "the slot dropped", Refuses: fault.SlotUnusable, Strike: tamper(dropSlot, write)},
		{Name: "slot-advanced", What: "the slot advanced over events", Refuses: fault.SlotAhead, Strike: tamper(write, sql(
			"SELECT pg_replication_slot_advance('%[1]s', pg_current_wal_lsn())"))},
		{Name: "slot-recreated", What: "the slot dropped and created again behind events", Refuses: fault.SlotAhead, Strike: tamper(dropSlot, write, sql(
			"SELECT pg_create_logical_replication_slot('%[1]s', 'pgoutput')"))},
		{Name: "publication-dropped", What: "the publication dropped under a relay that works", Refuses: fault.OutboxUnusable, Live: true, Strike: tamper(sql(
			"DROP PUBLICATION outbox"), write)},
		{Name: "publication-recreated", What: "the publication dropped and created again, with events in between", Refuses: fault.PublicationDiffers, Strike: tamper(sql(
			"DROP PUBLICATION outbox"), write, sql("CREATE PUBLICATION outbox FOR TABLE outbox.event WITH (publish = 'insert', publish_via_partition_root = true)"))},
		{Name: "table-out", What: "the table taken out of the publication under a relay that works", Refuses: fault.PublicationDiffers, Live: true, Strike: tamper(sql(
			"ALTER PUBLICATION outbox DROP TABLE outbox.event"), write)},
		{Name: "table-out-and-in", What: "the table taken out and put back, with events in between", Refuses: fault.PublicationDiffers, Live: true, Strike: tamper(sql(
			"ALTER PUBLICATION outbox DROP TABLE outbox.event"), write, sql("ALTER PUBLICATION outbox ADD TABLE outbox.event"))},
		{Name: "checkpoint-topic-deleted", What: "the checkpoint topic deleted under a relay that works", Refuses: fault.NoCheckpoint, Live: true, Strike: tamper(
			deleteTopics(checkpointTopics), write)},
		// All of them: the checkpoint remembers the ends of the partitions that were written to last, not of each there is.
		{Name: "event-topics-deleted", What: "all topics of events deleted", Refuses: fault.KafkaLostData, Strike: tamper(
			deleteTopics((*Place).topics), write)},
	}
}

// step of a tampering.
type tampering func(ctx context.Context, l *life) error

func tamper(steps ...tampering) func(context.Context, *life, int) (Mend, error) {
	return func(ctx context.Context, l *life, _ int) (Mend, error) {
		for _, do := range steps {
			if err := do(ctx, l); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// sql runs a statement in the relay's database as the superuser; %[1]s stands for the slot.
func sql(statement string) tampering {
	return func(ctx context.Context, l *life) error {
		return execute(ctx, l.place.SuperuserURL(), fmt.Sprintf(statement+"%.0[1]s", l.place.slot()))
	}
}

func dropSlot(ctx context.Context, l *life) error {
	return sql("SELECT pg_drop_replication_slot('%[1]s')")(ctx, l)
}

// write commits an event that is not to be published.
func write(ctx context.Context, l *life) error {
	_, err := l.place.mark(ctx)
	return err
}

func deleteTopics(which func(*Place) []string) tampering {
	return func(ctx context.Context, l *life) error {
		return devstack.DeleteTopics(ctx, l.Kafka.Brokers()[0], which(l.place)...)
	}
}

func checkpointTopics(p *Place) []string { return []string{"relay.checkpoints." + p.Name} }
