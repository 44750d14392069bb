package relay

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// want is what the configuration asks of the servers.
func (s *session) want() guard.Want {
	return guard.Want{
		Relay:       s.cfg.Kafka.Relay,
		Shard:       s.cfg.Kafka.Shard,
		Of:          max(s.cfg.Kafka.Of, 1),
		Slot:        s.cfg.Source.Slot,
		Publication: s.cfg.Source.Publication,
		Tables:      s.cfg.tables(),
		Messages:    s.cfg.Outbox.WALMessages != "",
		Development: s.cfg.Development,
	}
}

// askServer asks Postgres, on the replication connection itself, who it is.
func (s *session) askServer(ctx context.Context) error {
	sys, err := s.pg.Identify(ctx)
	if err != nil {
		return err
	}
	s.facts.Server = guard.Server{
		SystemID: sys.SystemID, Timeline: sys.Timeline, FlushLSN: outbox.LSN(sys.FlushLSN), Database: sys.Database,
		DatabaseOID: sys.DatabaseOID, Version: sys.ServerVersion, InRecovery: sys.InRecovery, WALLevel: sys.WALLevel,
		Role: sys.Role,
	}
	if sys.Timeline == 1 || sys.InRecovery {
		return nil
	}
	history, err := s.pg.TimelineHistory(ctx, sys.Timeline)
	for _, h := range history {
		s.facts.Server.History = append(s.facts.Server.History, guard.TimelineSwitch{Timeline: h.Timeline, LSN: outbox.LSN(h.SwitchLSN)})
	}
	return err
}

// askCatalog reads the publication, then the slot. The catalogue may be asked through either connection.
func (s *session) askCatalog(ctx context.Context, catalog *replication.Catalog) error {
	pub, err := catalog.Publication(ctx, s.cfg.Source.Publication, s.cfg.tables())
	if err != nil {
		return err
	}
	s.facts.Publication, s.publication = s.publicationFacts(pub), pub
	if pub != nil {
		s.tables = pub.Tables
	}
	slot, err := catalog.Slot(ctx, s.cfg.Source.Slot)
	if err != nil {
		return err
	}
	s.facts.Slot, s.slot = slotFacts(slot), slot
	return nil
}

func slotFacts(slot *replication.Slot) *guard.Slot {
	if slot == nil {
		return nil
	}
	f := &guard.Slot{
		Plugin: slot.Plugin, Database: slot.Database, Temporary: slot.Temporary, TwoPhase: slot.TwoPhase,
		WALStatus: slot.WALStatus, Invalidation: slot.InvalidationReason, ActivePID: slot.ActivePID,
	}
	if slot.ConfirmedFlushValid {
		lsn := outbox.LSN(slot.ConfirmedFlush)
		f.ConfirmedFlush = &lsn
	}
	return f
}

func (s *session) publicationFacts(pub *replication.Publication) *guard.Publication {
	if pub == nil {
		return nil
	}
	f := &guard.Publication{OID: pub.OID, Xmin: pub.Xmin, Insert: pub.Insert, Update: pub.Update, ViaPartitionRoot: pub.ViaRoot}
	for _, t := range pub.Tables {
		table := guard.Table{
			Name: t.Asked, OID: t.OID, Published: t.Published, MembershipOID: t.MembershipOID, MembershipXmin: t.MembershipXmin,
			Partitioned: t.RelKind == 'p', Unlogged: t.Unlogged, RowFilter: t.RowFilter,
		}
		if t.OID != 0 {
			table.Unmappable = s.mappingProblem(t, false)
			table.Unlisted = s.mappingProblem(t, true)
		}
		f.Tables = append(f.Tables, table)
	}
	return f
}

// mappingProblem says why the mapping cannot work with the table's columns, or with those that are published.
func (s *session) mappingProblem(t replication.Table, publishedOnly bool) string {
	table := outbox.Table{Schema: t.Schema, Name: t.Name}
	for _, c := range t.Columns {
		if !publishedOnly || c.Published {
			table.Columns = append(table.Columns, outbox.Column{Name: c.Name, TypeOID: c.TypeOID, TypeMod: c.TypeMod})
		}
	}
	if _, err := s.mapper.Plan(table); err != nil {
		return err.Error()
	}
	return ""
}

// askKafka looks at brokers and topics. The checkpoint in the facts tells which log ends to compare.
func (s *session) askKafka(ctx context.Context) error {
	req := publisher.FactsRequest{ParkedTopic: s.cfg.Parked, Topics: literalTopics(s.cfg.Outbox)}
	if cp := s.facts.Checkpoint; cp != nil {
		req.Ends, req.EventsTotal, req.Generation, req.Parked = cp.Ends, cp.EventsTotal, cp.Generation, cp.Holds.Parked
	}
	facts, err := s.kafka.Facts(ctx, req)
	if err != nil {
		return err
	}
	s.cluster = facts
	s.facts.Kafka = kafkaFacts(facts, s.cfg.Kafka.CheckpointTopic, s.cfg.Parked, req.EventsTotal)
	return nil
}

func kafkaFacts(f publisher.Facts, checkpointTopic, parked string, eventsTotal uint64) guard.Kafka {
	k := guard.Kafka{ClusterID: f.ClusterID, CheckpointTopicFor: checkpointTopic}
	for _, b := range f.Brokers {
		if b.TooOld {
			k.TooOld, k.Release = true, cmp.Or(b.Release, "before 3.7")
		}
		k.VerificationOff = k.VerificationOff || b.PartitionVerification == publisher.Off
	}
	if f.Checkpoint.Exists {
		t := topicFacts(f.Checkpoint)
		k.CheckpointTopic = &t
	}
	for _, t := range append([]publisher.TopicFacts{f.Parked, f.TransactionState}, f.Topics...) {
		if t.Exists {
			k.Guarded = append(k.Guarded, topicFacts(t))
		}
	}
	for _, e := range f.Ends {
		where := fmt.Sprintf("%s partition %d", e.Topic, e.Partition)
		switch {
		case e.Known && e.LogEnd <= e.Offset && e.Topic == parked:
			k.Lost = append(k.Lost, fmt.Sprintf("%s ends at offset %d, but %d events are parked there", where, e.LogEnd, e.Offset+1))
		case e.Known && e.LogEnd <= e.Offset:
			k.Lost = append(k.Lost, fmt.Sprintf("%s ends at offset %d, but offset %d was written and acknowledged", where, e.LogEnd, e.Offset))
		}
		if e.TailSeq > eventsTotal {
			k.ForeignSeq = append(k.ForeignSeq, fmt.Sprintf("%s offset %d carries event %d of this relay", where, e.TailOffset, e.TailSeq))
		}
	}
	return k
}

func topicFacts(t publisher.TopicFacts) guard.Topic {
	return guard.Topic{
		Name: t.Name, ID: t.ID, CleanupPolicy: t.CleanupPolicy, Partitions: int(t.Partitions),
		Compacted:         !t.ConfigKnown || t.CleanupPolicy == "compact",
		ReplicationFactor: int(t.ReplicationFactor), MinInsync: int(t.MinInSync),
	}
}

// literalTopics are the event topics that the configuration names without a placeholder.
func literalTopics(c outbox.Config) []string {
	templates := append([]string{c.Routing.Topic}, ruleTopics(c.Routing.Rules)...)
	if c.Format == outbox.FormatDebezium {
		templates = []string{c.Debezium.RouteTopicReplacement}
	}
	var topics []string
	for _, t := range templates {
		if t != "" && !strings.ContainsAny(t, `$\`) {
			topics = append(topics, t)
		}
	}
	return topics
}

func ruleTopics(rules []outbox.Rule) []string {
	topics := make([]string, len(rules))
	for i, r := range rules {
		topics[i] = r.Topic
	}
	return topics
}

// confirmed is the slot's confirmed flush, for people.
func (s *session) confirmed() string {
	if s.facts.Slot == nil || s.facts.Slot.ConfirmedFlush == nil {
		return "none"
	}
	return s.facts.Slot.ConfirmedFlush.String()
}

// show tells the status where things stand as far as they were looked at, so that a standby and a refused relay have
// something to show too.
func (s *session) show() {
	if cp := s.facts.Checkpoint; cp != nil {
		s.cfg.Status.CheckpointRead(shown(cp), cp.Time)
	}
	if s.slot != nil {
		s.cfg.Status.SlotSeen(s.slotSeen(s.facts.Server.FlushLSN))
	}
}

// slotSeen is what the status shows of the slot.
func (s *session) slotSeen(walEnd outbox.LSN) status.Slot {
	seen := status.Slot{WALEnd: walEnd, WALStatus: s.slot.WALStatus, SafeBytes: -1, Flush: outbox.LSN(s.slot.ConfirmedFlush)}
	if s.slot.SafeWALSizeValid {
		seen.SafeBytes = s.slot.SafeWALSize
	}
	return seen
}
