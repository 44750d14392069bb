package guard

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// Oldest releases that Relay works with, as server_version_num.
const (
	oldestServer          = 130000
	oldestMessagesServer  = 140000
	logicalWAL            = "logical"
	pgoutput              = "pgoutput"
	slotLost              = "lost"
	postgresForgets       = "Postgres will not send them again."
	compactCleanupSetting = "cleanup.policy=compact"
)

// BeforeFence gives the verdicts that need no fence: what Postgres says of itself, its slot and publication, and what
// an unfenced look at Kafka shows. It is asked before the slot is taken, so a refusal disturbs nobody. Facts.Barrier
// and Facts.Checkpoint are then advisory: the newest committed ones at the time of the look.
func BeforeFence(f *Facts) *Refusal {
	for _, rule := range []func(*Facts) *Refusal{
		serverSuits, notSplitBrain, barrierIsOurs, slotExists, slotUsable, outboxUsable, publicationKept, kafkaSuits,
	} {
		if r := rule(f); r != nil {
			return r
		}
	}
	return nil
}

// BeforeInit gives the verdicts on what `relay init` and `relay adopt` build upon. Rows that are written while the
// publication or the table is not fit for them can never be published afterwards, so a relay must not begin there.
func BeforeInit(f *Facts) *Refusal {
	for _, rule := range []func(*Facts) *Refusal{serverSuits, notSplitBrain, barrierIsOurs, slotUsable, outboxUsable, kafkaSuits} {
		if r := rule(f); r != nil {
			return r
		}
	}
	return nil
}

// publicationKept compares the publication with the newest checkpoint that was seen: WAL that was written while it was
// another one cannot even be decoded.
func publicationKept(f *Facts) *Refusal {
	if f.Checkpoint == nil || f.Checkpoint.Phase != publisher.PhaseStream || f.Publication == nil {
		return nil
	}
	return samePublication(f)
}

// serverSuits refuses a server that can never work: too old, in recovery, not logging for logical decoding. That the
// role may replicate needs no rule: without the right there is no replication connection to ask on.
func serverSuits(f *Facts) *Refusal {
	s := f.Server
	switch {
	case s.InRecovery:
		return refuse(fault.InRecovery, []Fact{FactServer}, "this Postgres server is in recovery: it is a standby",
			"Connect to the primary: Relay reads from primaries only. When this server is promoted, Relay goes on by itself.")
	case s.Version < oldestServer:
		return refuse(fault.ServerUnsuitable, []Fact{FactServer}, fmt.Sprintf("Postgres %d is too old", s.Version/10000),
			"Use Postgres 13 or newer.")
	case f.Want.Messages && s.Version < oldestMessagesServer:
		return refuse(fault.ServerUnsuitable, []Fact{FactServer}, "outbox.wal_messages is set, but Postgres 13 does not send WAL messages",
			"Use Postgres 14 or newer, or take wal_messages out of the configuration.")
	case s.WALLevel != logicalWAL:
		return refuse(fault.ServerUnsuitable, []Fact{FactServer}, fmt.Sprintf("wal_level is %q, not \"logical\"", s.WALLevel),
			"ALTER SYSTEM SET wal_level = logical; and restart Postgres.").mendedBy("ALTER SYSTEM SET wal_level = logical;")
	}
	return nil
}

// notSplitBrain refuses when somebody under our name has already worked on a later timeline: this server was left
// behind by a fail-over, and what it commits now is on a branch that the others do not have.
func notSplitBrain(f *Facts) *Refusal {
	if f.Barrier == nil || f.Barrier.SystemID != f.Server.SystemID || f.Barrier.Timeline <= f.Server.Timeline {
		return nil
	}
	// Only another server makes a new session worth a try: each one that gets as far as the fence disturbs the relay on
	// the promoted server.
	r := refuse(fault.HistoryLost, []Fact{FactServer},
		fmt.Sprintf("this server is on timeline %d, but relay %q has already run on timeline %d", f.Server.Timeline, f.Want.Relay, f.Barrier.Timeline),
		"Point source.url at the server that was promoted. This one was left behind by a fail-over.")
	r.Details = []string{fmt.Sprintf("newest barrier    timeline %d, by %s", f.Barrier.Timeline, f.Barrier.Host)}
	return r
}

func barrierIsOurs(f *Facts) *Refusal {
	if f.Barrier == nil {
		return nil
	}
	return sameIdentity(f, f.Barrier.Identity, "newest barrier", FactBarrier)
}

func slotExists(f *Facts) *Refusal {
	if f.Slot != nil {
		if f.Kafka.CheckpointTopic == nil {
			return noCheckpoint(f)
		}
		return nil
	}
	if f.Checkpoint == nil {
		return refuse(fault.NotInitialised, []Fact{FactSlot, FactCheckpoint},
			fmt.Sprintf("relay %q is not initialised: there is no slot %q and no checkpoint", f.Want.Relay, f.Want.Slot),
			"Run `relay init`.")
	}
	r := refuse(fault.SlotUnusable, []Fact{FactSlot, FactCheckpoint},
		fmt.Sprintf("slot %q does not exist, but there is a checkpoint", f.Want.Slot),
		repairHint)
	r.Details = append(checkpointLine(f), atRisk(f.Checkpoint.ResumeLSN, f.Server.FlushLSN))
	return r
}

// slotUsable refuses a slot that does not keep what the relay still needs, or never would.
func slotUsable(f *Facts) *Refusal {
	s := f.Slot
	if s == nil {
		return nil
	}
	var wrong string
	switch {
	case s.Plugin != pgoutput:
		wrong = fmt.Sprintf("uses the plugin %q, not %q", s.Plugin, pgoutput)
	case s.Database != f.Server.Database:
		wrong = fmt.Sprintf("belongs to database %q, not to %q", s.Database, f.Server.Database)
	case s.TwoPhase:
		wrong = "was created with two_phase, which sends transactions before they commit"
	case s.Temporary:
		wrong = "is temporary: it is gone with the connection that made it"
	case s.WALStatus == slotLost:
		wrong = "is lost: Postgres removed WAL that it still needed" + cause(s.Invalidation)
	case s.Invalidation != "":
		wrong = "was invalidated" + cause(s.Invalidation)
	case s.ConfirmedFlush == nil:
		wrong = "has no confirmed_flush_lsn: its creation was not finished"
	default:
		return nil
	}
	r := refuse(fault.SlotUnusable, []Fact{FactSlot, FactCheckpoint},
		fmt.Sprintf("slot %q %s", f.Want.Slot, wrong),
		fmt.Sprintf("SELECT pg_drop_replication_slot('%s'); if nobody else needs it, and run `relay init`.", f.Want.Slot))
	if f.Checkpoint != nil {
		r.Hint = repairHint
		r.Details = append(checkpointLine(f), atRisk(f.Checkpoint.ResumeLSN, f.Server.FlushLSN))
	}
	return r
}

func cause(invalidation string) string {
	if invalidation == "" {
		return ""
	}
	return " (" + invalidation + ")"
}

// outboxUsable refuses a publication that does not carry every row of the outbox tables: such rows are lost in silence.
func outboxUsable(f *Facts) *Refusal {
	return first(unusable(f))
}

// unusable are all reasons against publication and outbox tables.
func unusable(f *Facts) []*Refusal {
	p := f.Publication
	if p == nil {
		return []*Refusal{refuse(fault.OutboxUnusable, []Fact{FactPublication},
			fmt.Sprintf("publication %q does not exist in database %q", f.Want.Publication, f.Server.Database),
			"Apply the outbox migration (`relay migrate print`), or name your own in source.publication.")}
	}
	var all []*Refusal
	if !p.Insert {
		alter := fmt.Sprintf("ALTER PUBLICATION %s SET (publish = 'insert');", SQLName(f.Want.Publication))
		all = append(all, refuse(fault.PublicationDiffers, []Fact{FactPublication},
			fmt.Sprintf("publication %q does not publish insert", f.Want.Publication), alter).mendedBy(alter))
	}
	for i := range p.Tables {
		if r := tableUsable(f, &p.Tables[i]); r != nil {
			all = append(all, r)
		}
	}
	return all
}

func tableUsable(f *Facts, t *Table) *Refusal {
	alter := "ALTER PUBLICATION " + SQLName(f.Want.Publication)
	switch {
	case t.OID == 0:
		return refuse(fault.OutboxUnusable, []Fact{FactPublication}, fmt.Sprintf("outbox table %s does not exist in database %q", t.Name, f.Server.Database),
			"Apply the outbox migration (`relay migrate print`), or name your own table in outbox.table.")
	case len(t.Unlogged) > 0:
		return refuse(fault.OutboxUnusable, []Fact{FactPublication}, fmt.Sprintf("table %s is unlogged: its rows never reach the WAL", t.Unlogged[0]),
			fmt.Sprintf("ALTER TABLE %s SET LOGGED;", t.Unlogged[0])).mendedBy(setLogged(t.Unlogged)...)
	case !t.Published:
		return refuse(fault.PublicationDiffers, []Fact{FactPublication}, fmt.Sprintf("publication %q does not contain outbox table %s", f.Want.Publication, t.Name),
			fmt.Sprintf("%s ADD TABLE %s;", alter, t.Name)).mendedBy(fmt.Sprintf("%s ADD TABLE %s;", alter, t.Name))
	case t.Partitioned && !f.Publication.ViaPartitionRoot:
		return refuse(fault.PublicationDiffers, []Fact{FactPublication}, fmt.Sprintf("publication %q publishes the partitions of %s under their own names", f.Want.Publication, t.Name),
			alter+" SET (publish_via_partition_root = true);").mendedBy(alter + " SET (publish_via_partition_root = true);")
	case t.RowFilter != "":
		return refuse(fault.OutboxUnusable, []Fact{FactPublication}, fmt.Sprintf("publication %q has a row filter on %s: %s", f.Want.Publication, t.Name, t.RowFilter),
			fmt.Sprintf("Rows that the filter holds back would never be published. %s SET TABLE %s;", alter, t.Name)).mendedBy(again(alter, t)...)
	}
	return columnsPresent(f, t)
}

// again takes a table out and puts it in whole. SET TABLE would take the others out.
func again(alter string, t *Table) []string {
	return []string{fmt.Sprintf("%s DROP TABLE %s;", alter, t.Name), fmt.Sprintf("%s ADD TABLE %s;", alter, t.Name)}
}

func setLogged(tables []string) []string {
	sql := make([]string, len(tables))
	for i, name := range tables {
		sql[i] = fmt.Sprintf("ALTER TABLE %s SET LOGGED;", name)
	}
	return sql
}

func columnsPresent(f *Facts, t *Table) *Refusal {
	switch {
	case t.Unmappable != "":
		return refuse(fault.OutboxUnusable, []Fact{FactPublication}, fmt.Sprintf("outbox table %s does not fit the mapping: %s", t.Name, t.Unmappable),
			"Name the right columns in outbox.columns (outbox.debezium for that format), or alter the table.")
	case t.Unlisted != "":
		return refuse(fault.OutboxUnusable, []Fact{FactPublication},
			fmt.Sprintf("the column list of publication %q on %s leaves out what the mapping needs: %s", f.Want.Publication, t.Name, t.Unlisted),
			"Put the column into the list with ALTER PUBLICATION ... SET TABLE, or take the list away.").mendedBy(again("ALTER PUBLICATION "+SQLName(f.Want.Publication), t)...)
	}
	return nil
}

// kafkaSuits refuses brokers and a checkpoint topic on which exactly once cannot hold.
func kafkaSuits(f *Facts) *Refusal {
	k := f.Kafka
	switch {
	case k.TooOld:
		return refuse(fault.KafkaTooOld, []Fact{FactTopics}, "Kafka "+k.Release+" is too old",
			"Use Kafka 3.7 or newer: older brokers accept writes to a transaction that has already ended.")
	case k.VerificationOff:
		return refuse(fault.KafkaTooOld, []Fact{FactTopics}, "the brokers do not verify partitions of transactions",
			"Set transaction.partition.verification.enable=true on every broker: without it a late write can enter the next transaction.")
	case k.CheckpointTopic != nil && !k.CheckpointTopic.Compacted:
		return refuse(fault.TopicUnsuitable, []Fact{FactTopics},
			fmt.Sprintf("checkpoint topic %s has cleanup.policy=%s: it would delete the checkpoint of a quiet relay", k.CheckpointTopic.Name, k.CheckpointTopic.CleanupPolicy),
			fmt.Sprintf("kafka-configs.sh --alter --topic %s --add-config %s", k.CheckpointTopic.Name, compactCleanupSetting))
	case k.CheckpointTopic != nil && k.CheckpointTopic.Partitions > 0 && k.CheckpointTopic.Partitions < wantPartitions(f):
		return refuse(fault.TopicUnsuitable, []Fact{FactTopics},
			fmt.Sprintf("checkpoint topic %s has %d partitions, and %d are needed: one for the checkpoint and one for held keys", k.CheckpointTopic.Name, k.CheckpointTopic.Partitions, wantPartitions(f)),
			fmt.Sprintf("kafka-topics.sh --alter --topic %s --partitions %d", k.CheckpointTopic.Name, wantPartitions(f)))
	}
	return nil
}

// wantPartitions is how many partitions the checkpoint topic needs: two for each shard.
func wantPartitions(f *Facts) int { return 2 * max(1, int(f.Want.Of)) }

func checkpointLine(f *Facts) []string {
	cp := f.Checkpoint
	return []string{fmt.Sprintf("checkpoint        %s   %s   event %d", cp.ResumeLSN, cp.Time.UTC().Format("2006-01-02 15:04:05 UTC"), cp.EventsTotal)}
}

func atRisk(from, to outbox.LSN) string {
	return fmt.Sprintf("At risk: transactions that committed in [%s, %s). %s", from, to, postgresForgets)
}

func lsnText(l *outbox.LSN) string {
	if l == nil {
		return "NULL"
	}
	return l.String()
}

func refuse(code fault.Code, watch []Fact, summary, hint string) *Refusal {
	return &Refusal{Fault: Fault{Code: code, Summary: summary, Hint: hint}, Watch: watch}
}

// SQLName is a name as SQL wants it, in quotes only where it needs them.
func SQLName(name string) string {
	if regexp.MustCompile(`^[a-z_][a-z0-9_]*$`).MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
