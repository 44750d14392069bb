package relay

import (
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// postgresTrouble says what an error of package replication means for people. The slot being busy stays as it is: it
// is no trouble.
func postgresTrouble(cfg *Config, err error) error {
	f := &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot use Postgres", Err: err}
	switch replication.Classify(err) {
	case replication.SlotBusy:
		return err
	case replication.Unreachable:
		f.Summary, f.Hint = "cannot reach Postgres", "Check host and port in source.url, and that the server runs."
	case replication.Authentication:
		f.Summary, f.Hint = "Postgres does not accept role or password", "Check the user in source.url, source.password_file or PGPASSWORD."
	case replication.Rejected:
		f.Summary, f.Hint = "pg_hba.conf does not let this role in", "Add a line for the database (logical replication matches the database name, not the keyword replication)."
	case replication.NoDatabase:
		f.Summary, f.Hint = "the database does not exist", "Check the database name in source.url."
	case replication.NoRight:
		return refusal(fault.ServerUnsuitable, "the role lacks a right in Postgres", err, "Grant it: the relay role needs LOGIN, REPLICATION (on managed servers the provider's replication role) and CONNECT on the database.", guard.FactServer)
	case replication.TooMany:
		f.Hint = "Raise max_wal_senders, max_replication_slots or max_connections, or free one."
	case replication.Untrusted:
		f.Summary, f.Hint = "TLS to Postgres failed", "Check sslmode and sslrootcert in source.url."
	case replication.SlotMissing, replication.SlotUnusable:
		return refusal(fault.SlotUnusable, fmt.Sprintf("slot %q cannot be used", cfg.Source.Slot), err, "SELECT * FROM pg_replication_slots; says in which state it is.", guard.FactSlot)
	case replication.PublicationMissing:
		return refusal(fault.PublicationDiffers, fmt.Sprintf("publication %q did not exist when the rows to be sent next were written", cfg.Source.Publication), err,
			"Postgres cannot decode that WAL with it, even if it exists now. `relay repair --verdict RLY1007` shows which rows of the outbox table are not in Kafka, and with --apply publishes them and goes on.", guard.FactSlot, guard.FactPublication)
	case replication.Misconfigured:
		f.Code, f.Summary, f.Hint = fault.Config, "source.url cannot work", ""
	default:
		return err
	}
	return f
}

func unreachableKafka(cfg *Config, err error) error {
	return &fault.Error{
		Code: fault.KafkaUnreachable, Summary: fmt.Sprintf("cannot reach Kafka at %v", cfg.Kafka.Brokers), Err: err,
		Hint: "Check kafka.brokers, and that the brokers advertise addresses that can be reached from here.",
	}
}

// checkpointTrouble says what an error of reading the checkpoint topic means. Damage is never taken for "none".
func checkpointTrouble(cfg *Config, err error) error {
	topic := cfg.Kafka.CheckpointTopic
	if foreign, ok := errors.AsType[*publisher.ForeignRecordError](err); ok {
		return refusal(fault.TopicUnsuitable, "somebody else writes to the checkpoint topic", foreign, "A checkpoint topic belongs to one relay. Find the other writer; give this relay a name of its own.", guard.FactCheckpoint, guard.FactTopics)
	}
	switch {
	case errors.Is(err, publisher.ErrUndecodable):
		return refusal(fault.CheckpointUnreadable, fmt.Sprintf("the checkpoint in topic %s cannot be read", topic), err, "If a newer version of Relay wrote it, run that version. Else `relay adopt --from LSN` writes a new one.", guard.FactCheckpoint, guard.FactTopics)
	case errors.Is(err, publisher.ErrLogTruncated):
		return refusal(fault.CheckpointUnreadable, fmt.Sprintf("there is no checkpoint in topic %s, and its beginning is gone", topic), err, "Records were deleted from it. `relay adopt --from LSN` writes a new checkpoint.", guard.FactCheckpoint, guard.FactTopics)
	case errors.Is(err, publisher.ErrNoTopic):
		return refusal(fault.TopicUnsuitable, fmt.Sprintf("checkpoint topic %s does not exist", topic), err, "Run `relay init` for a new relay. If the topic was deleted, `relay adopt --from LSN` starts again at a place that you choose.", guard.FactTopics)
	}
	return err
}

func refusal(code fault.Code, summary string, err error, hint string, watch ...guard.Fact) *guard.Refusal {
	return &guard.Refusal{Fault: guard.Fault{Code: code, Summary: summary, Err: err, Hint: hint}, Watch: watch}
}
