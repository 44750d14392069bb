package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// Audit compares the outbox with Kafka. It fences nobody and takes nothing. The error says why nothing could be proved;
// what is wrong is in the report.
func Audit(ctx context.Context, cfg Config, o audit.Options) (*audit.Report, error) {
	cfg = cfg.withDefaults()
	var s *session
	var src audit.Sources
	err := persist(ctx, func(ctx context.Context) (err error) {
		if s != nil {
			s.close()
		}
		if s, err = newSession(&cfg); err != nil {
			return err
		}
		src, err = s.auditSources(ctx)
		return err
	})
	if s != nil {
		defer s.close()
	}
	if err != nil {
		return nil, err
	}
	if !o.Since.IsZero() && !datable(src.Tables) {
		return nil, &fault.Error{
			Code: fault.Usage, Summary: fmt.Sprintf("table %s has no column created_at, which --since compares with", cfg.Table),
			Hint: "Audit without --since.",
		}
	}
	report, err := audit.Run(ctx, src, o)
	return report, auditTrouble(&cfg, err)
}

func datable(tables []outbox.Table) bool {
	for _, t := range tables {
		if !audit.Datable(t) {
			return false
		}
	}
	return true
}

// auditSources reaches Kafka, asks Postgres who it is, as every session does, and then for an ordinary connection to the same server.
func (s *session) auditSources(ctx context.Context) (audit.Sources, error) {
	if err := s.look(ctx); err != nil {
		return audit.Sources{}, err
	}
	if err := s.ask(ctx); err != nil {
		return audit.Sources{}, err
	}
	var src audit.Sources
	if s.facts.Server.InRecovery {
		return src, refusal(fault.InRecovery, "this server is in recovery: its WAL has no end of its own to compare with", nil, "Audit against the primary.", guard.FactServer)
	}
	if refused := guard.SameIdentity(&s.facts); refused != nil {
		return src, refused
	}
	var err error
	if s.side, err = s.pg.Sibling(ctx); err != nil {
		return src, postgresTrouble(s.cfg, err)
	}
	_ = s.pg.Close() // a walsender that is not needed any more
	src = s.sources()
	src.Slot = s.auditSlot
	if s.cfg.Parked != "" {
		src.Parked = s.parkedNow
	}
	return src, nil
}

// sources are the topics and tables of the relay, as the catalogue was read last.
func (s *session) sources() audit.Sources {
	mapping := s.cfg.Outbox
	src := audit.Sources{
		Kafka: s.kafka, Relay: s.cfg.Kafka.Name(), Templates: append(ruleTopics(mapping.Routing.Rules), mapping.Routing.Topic),
		Reserved: s.cfg.Kafka.ReservedPrefixes, IDHeader: mapping.Routing.Headers.ID, TransactionHeader: mapping.Routing.Headers.Transaction,
		Mapper: s.mapper, Messages: mapping.WALMessages != "",
	}
	if mapping.Format == outbox.FormatDebezium {
		src.IDHeader, src.Templates = "id", append(src.Templates, mapping.Debezium.RouteTopicReplacement)
	}
	if len(s.cfg.tables()) > 0 {
		src.Postgres, src.Tables = s.side.Conn, published(s.tables)
	}
	return src
}

// auditSlot looks at the slot as it is now; a slot that is not there says nothing.
func (s *session) auditSlot(ctx context.Context) (slot audit.Slot, err error) {
	const sql = `SELECT active, coalesce(catalog_xmin::text::int8, 0) FROM pg_replication_slots WHERE slot_name = $1`
	err = s.side.QueryRow(ctx, sql, s.cfg.Source.Slot).Scan(&slot.Active, &slot.CatalogXmin)
	if errors.Is(err, pgx.ErrNoRows) {
		return audit.Slot{}, nil
	}
	return slot, err
}

// parkedNow gives the events that are parked, and those that were and whose record compaction has left.
func (s *session) parkedNow(ctx context.Context, take func(id string, live bool) error) error {
	return parkedIDs(ctx, s.kafka.LookParked, take)
}

func parkedIDs(ctx context.Context, scan func(context.Context, func(outbox.Position, *publisher.Parked) error) error, take func(id string, live bool) error) error {
	live, released := map[outbox.Position]string{}, []string{}
	err := scan(ctx, func(at outbox.Position, e *publisher.Parked) error {
		switch id, parked := live[at]; {
		case e != nil:
			live[at] = e.ID
		case parked:
			released = append(released, id)
			delete(live, at)
		}
		return nil
	})
	if err != nil {
		if errors.Is(err, publisher.ErrNoTopic) {
			return nil
		}
		return err
	}
	for _, id := range live {
		err = errors.Join(err, take(id, true))
	}
	for _, id := range released {
		err = errors.Join(err, take(id, false))
	}
	return err
}

// published are the tables with the columns that the stream has.
func published(tables []replication.Table) []outbox.Table {
	var all []outbox.Table
	for _, t := range tables {
		table := outbox.Table{Schema: t.Schema, Name: t.Name}
		for _, c := range t.Columns {
			if c.Published {
				table.Columns = append(table.Columns, outbox.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
			}
		}
		all = append(all, table)
	}
	return all
}

// auditTrouble says what an error of an audit means for people.
func auditTrouble(cfg *Config, err error) error {
	held, heldBack := errors.AsType[*audit.HeldBackError](err)
	switch {
	case err == nil:
		return nil
	case heldBack:
		return &fault.Error{
			Code: fault.TimedOut, Summary: held.Error(),
			Hint: "kafka-transactions.sh find-hanging names the producer. Consumers are held back at the same place.",
		}
	case errors.Is(err, audit.ErrNoCheckpoint):
		return &fault.Error{Code: fault.NotInitialised, Summary: fmt.Sprintf("relay %q has no checkpoint in topic %s", cfg.Kafka.Relay, cfg.Kafka.CheckpointTopic), Hint: "`relay init` makes one."}
	case errors.Is(err, publisher.ErrNoTopic):
		return &fault.Error{Code: fault.Failed, Summary: "cannot read Kafka", Err: err}
	}
	if denied, ok := errors.AsType[*publisher.AuthorizationError](err); ok {
		return &fault.Error{Code: fault.TopicUnsuitable, Summary: "Kafka does not let this relay look", Err: denied, Hint: "Grant what is named to the relay's principal."}
	}
	source, ok := errors.AsType[*audit.SourceError](err)
	switch {
	case !ok:
		return err
	case !source.Postgres:
		return unreachableKafka(cfg, err)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == insufficientPrivilege {
		return &fault.Error{
			Code: fault.ServerUnsuitable, Summary: "the role may not read the outbox table", Err: err,
			Hint: fmt.Sprintf("GRANT SELECT ON %s to the role of source.url, and USAGE on its schema.", cfg.Table),
		}
	}
	return postgresTrouble(cfg, err)
}

const insufficientPrivilege = "42501"
