package guard

import (
	"fmt"
	"slices"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// minReplication and minInsync are what topics that carry the relay's promises need.
const (
	minReplication = 3
	minInsync      = 2
)

// AfterRead gives the verdicts on the checkpoint that was read behind the barrier, with the slot owned and every older
// instance fenced. Facts.Slot must have been read in one row with the walsender's pid, after everything else. Facts.Barrier
// is the one of the highest timeline behind the checkpoint: a relay on the promoted server may have come between our
// first look and our fence.
func AfterRead(f *Facts) *Refusal {
	if f.Checkpoint == nil {
		return noCheckpoint(f)
	}
	for _, rule := range []func(*Facts) *Refusal{
		notSplitBrain, initFinished, checkpointIsOurs, slotUsable, onServersHistory, slotNotAhead, samePublication, outboxUsable, kafkaSuits, kafkaKept, replicationSafe,
	} {
		if r := rule(f); r != nil {
			return r
		}
	}
	return nil
}

// Elsewhere gives the verdicts on another relay's checkpoint that need no configuration of its own: Facts.Want says what
// the checkpoint says. Publication and topics are not looked at.
func Elsewhere(f *Facts) *Refusal {
	for _, rule := range []func(*Facts) *Refusal{
		notSplitBrain, initFinished, checkpointIsOurs, slotExists, slotUsable, onServersHistory, slotNotAhead,
	} {
		if r := rule(f); r != nil {
			return r
		}
	}
	return nil
}

func noCheckpoint(f *Facts) *Refusal {
	r := refuse(fault.NoCheckpoint, []Fact{FactSlot, FactCheckpoint, FactTopics},
		fmt.Sprintf("slot %q exists, but relay %q has no checkpoint in topic %s", f.Want.Slot, f.Want.Relay, f.Kafka.CheckpointTopicFor),
		"`relay adopt --from LSN` starts at a place that you choose; events before it are taken as published. Or drop the slot and run `relay init`.")
	if f.Slot != nil {
		r.Details = []string{"slot confirmed    " + lsnText(f.Slot.ConfirmedFlush)}
	}
	return r
}

func initFinished(f *Facts) *Refusal {
	if f.Checkpoint.Phase != publisher.PhaseCreating {
		return nil
	}
	return refuse(fault.InitInterrupted, []Fact{FactCheckpoint, FactSlot}, fmt.Sprintf("`relay init` of relay %q was interrupted", f.Want.Relay), "Run `relay init` again: it finishes.")
}

// SameIdentity refuses a checkpoint of another relay, database, slot, cluster or topic; none is no reason.
func SameIdentity(f *Facts) *Refusal {
	if f.Checkpoint == nil {
		return nil
	}
	return checkpointIsOurs(f)
}

func checkpointIsOurs(f *Facts) *Refusal {
	return sameIdentity(f, f.Checkpoint.Identity, "checkpoint", FactCheckpoint)
}

// sameIdentity refuses a record that was written for another relay, database, slot, cluster or topic.
func sameIdentity(f *Facts, rec publisher.Identity, what string, fact Fact) *Refusal {
	var topicID string
	if f.Kafka.CheckpointTopic != nil {
		topicID = f.Kafka.CheckpointTopic.ID
	}
	for _, field := range []struct{ name, recorded, now string }{
		{"relay name", rec.Relay, f.Want.Relay},
		{"shard", fmt.Sprintf("%d of %d", rec.Shard, rec.Of), fmt.Sprintf("%d of %d", f.Want.Shard, f.Want.Of)},
		{"system identifier", rec.SystemID, f.Server.SystemID},
		{"database", fmt.Sprintf("%s (oid %d)", rec.Database, rec.DatabaseOID), fmt.Sprintf("%s (oid %d)", f.Server.Database, f.Server.DatabaseOID)},
		{"slot", rec.Slot, f.Want.Slot},
		{"Kafka cluster id", rec.KafkaClusterID, f.Kafka.ClusterID},
		{"id of the checkpoint topic", rec.TopicID, topicID},
	} {
		if field.recorded == field.now {
			continue
		}
		r := refuse(fault.IdentityDiffers, []Fact{FactServer, FactTopics, fact},
			fmt.Sprintf("the %s was written for another %s", what, field.name),
			"One name serves one database and one topic for good. Put the old configuration back, or give this relay a name of its own and run `relay init`.")
		r.Details = []string{
			fmt.Sprintf("%-16s  %s: %s", what, field.name, field.recorded),
			fmt.Sprintf("%-16s  %s: %s", "now", field.name, field.now),
		}
		return r
	}
	return nil
}

// onServersHistory refuses a checkpoint that this server has not lived through: what was published after the switch,
// or beyond the end of the WAL, was lost by the database.
func onServersHistory(f *Facts) *Refusal {
	cp, s := f.Checkpoint, f.Server
	reached := s.FlushLSN
	if cp.Timeline != s.Timeline {
		i := slices.IndexFunc(s.History, func(t TimelineSwitch) bool { return t.Timeline == cp.Timeline })
		if i < 0 {
			return historyLost(f, fmt.Sprintf("the checkpoint is on timeline %d, which is not in the history of this server's timeline %d", cp.Timeline, s.Timeline))
		}
		reached = min(reached, s.History[i].LSN)
	}
	if decidedUpTo(cp) <= reached {
		return nil
	}
	r := historyLost(f, "the checkpoint is ahead of this server: it has lost commits whose events are published")
	r.Details = append(r.Details,
		fmt.Sprintf("server            %s   timeline %d", reached, s.Timeline),
		fmt.Sprintf("Published, but not in the database: transactions that committed in [%s, %s).", reached, decidedUpTo(cp)))
	return r
}

// decidedUpTo is the first LSN of which the checkpoint says nothing: a transaction published in part counts too.
func decidedUpTo(cp *publisher.Checkpoint) outbox.LSN {
	if cp.Partial != nil && cp.Partial.CommitLSN >= cp.ResumeLSN {
		return cp.Partial.CommitLSN + 1
	}
	return cp.ResumeLSN
}

func historyLost(f *Facts, summary string) *Refusal {
	r := refuse(fault.HistoryLost, []Fact{FactServer, FactCheckpoint}, summary,
		"Point source.url at the server that was promoted, if this is not it. Else "+repairHint+" It names the events that are public and not in the database.")
	r.Details = checkpointLine(f)
	return r
}

func slotNotAhead(f *Facts) *Refusal {
	cp, confirmed := f.Checkpoint, *f.Slot.ConfirmedFlush
	if confirmed <= cp.ResumeLSN {
		return nil
	}
	r := refuse(fault.SlotAhead, []Fact{FactSlot, FactCheckpoint},
		fmt.Sprintf("slot %q is ahead of the checkpoint", f.Want.Slot),
		repairHint)
	r.Details = append(checkpointLine(f),
		fmt.Sprintf("slot confirmed    %s", confirmed),
		atRisk(cp.ResumeLSN, confirmed),
		"Probable cause: somebody advanced or recreated the slot (pg_replication_slot_advance, a restore, another consumer).")
	return r
}

// samePublication refuses when the publication or the membership of an outbox table is not the one recorded: rows that
// were committed in between are lost in silence.
func samePublication(f *Facts) *Refusal {
	return comparePublication(f, f.Checkpoint.ResumeLSN)
}

// Watched judges, while streaming, the publication that the watcher sees; since is the end of the WAL at its last good
// look. A table that was only added is accepted; the next checkpoint records it.
func Watched(f *Facts, since outbox.LSN) *Refusal {
	if r := slotUsable(f); r != nil {
		return r
	}
	if r := comparePublication(f, since); r != nil {
		return r
	}
	return outboxUsable(f)
}

func comparePublication(f *Facts, since outbox.LSN) *Refusal {
	if f.Publication == nil {
		return publicationDiffers(f, since, "it was dropped")
	}
	now, was := Record(f.Publication), f.Checkpoint.Publication
	if now.OID != was.OID {
		return publicationDiffers(f, since, fmt.Sprintf("it was dropped and created again (oid %d, recorded %d)", now.OID, was.OID))
	}
	if now.Xmin != was.Xmin {
		return publicationDiffers(f, since, fmt.Sprintf("its options were altered (xmin %d, recorded %d)", now.Xmin, was.Xmin))
	}
	for _, t := range was.Tables {
		if what := tableDiffers(t, now.Tables); what != "" {
			return publicationDiffers(f, since, what)
		}
	}
	return nil
}

func tableDiffers(was publisher.PublishedTable, now []publisher.PublishedTable) string {
	i := slices.IndexFunc(now, func(t publisher.PublishedTable) bool { return t.Name == was.Name })
	switch {
	case i < 0:
		return fmt.Sprintf("table %s is not in it any more", was.Name)
	case now[i].OID != was.OID:
		return fmt.Sprintf("table %s was dropped and created again (oid %d, recorded %d)", was.Name, now[i].OID, was.OID)
	case now[i] != was:
		return fmt.Sprintf("table %s was taken out and put back, or its filter or column list was changed", was.Name)
	}
	return ""
}

func publicationDiffers(f *Facts, since outbox.LSN, what string) *Refusal {
	r := refuse(fault.PublicationDiffers, []Fact{FactPublication, FactCheckpoint},
		fmt.Sprintf("publication %q is not what it was: %s", f.Want.Publication, what),
		repairHint)
	r.Details = append(checkpointLine(f),
		fmt.Sprintf("At risk: rows committed in [%s, %s) while the publication was different.", since, f.Server.FlushLSN))
	return r
}

// Added are the tables that the publication has and the checkpoint does not know. What was written to them before is
// not published, as with init.
func Added(f *Facts) []string {
	var added []string
	for _, t := range Record(f.Publication).Tables {
		if !slices.ContainsFunc(f.Checkpoint.Publication.Tables, func(was publisher.PublishedTable) bool { return was.Name == t.Name }) {
			added = append(added, t.Name)
		}
	}
	return added
}

// Record is what a checkpoint says of a publication.
func Record(p *Publication) publisher.Publication {
	rec := publisher.Publication{OID: p.OID, Xmin: p.Xmin}
	for _, t := range p.Tables {
		if t.Published {
			rec.Tables = append(rec.Tables, publisher.PublishedTable{Name: t.Name, OID: t.OID, MembershipOID: t.MembershipOID, MembershipXmin: t.MembershipXmin})
		}
	}
	return rec
}

// kafkaKept refuses when the logs do not hold what the checkpoint says was written, or hold more.
func kafkaKept(f *Facts) *Refusal {
	k := f.Kafka
	if len(k.Lost) > 0 {
		r := refuse(fault.KafkaLostData, []Fact{FactTopics, FactCheckpoint}, "Kafka has lost events that it had acknowledged",
			"Find out what happened to these partitions (unclean leader election, a recreated topic, deleted records). `relay adopt --from LSN --accept-loss` goes on without them.")
		r.Details = append(checkpointLine(f), k.Lost...)
		return r
	}
	if len(k.ForeignSeq) > 0 {
		r := refuse(fault.KafkaLostData, []Fact{FactTopics, FactCheckpoint}, "the topics hold events of this relay that its checkpoint does not know",
			"The checkpoint topic was restored or lost its tail, or another writer uses this relay's name. Going on would publish events again.")
		r.Details = append(checkpointLine(f), k.ForeignSeq...)
		return r
	}
	return nil
}

// replicationSafe refuses topics of which one lost disk takes acknowledged records away.
func replicationSafe(f *Facts) *Refusal {
	if f.Want.Development {
		return nil
	}
	return first(unsafeTopics(f))
}

// unsafeTopics are all topics that one lost disk takes acknowledged records from.
func unsafeTopics(f *Facts) []*Refusal {
	topics := f.Kafka.Guarded
	if f.Kafka.CheckpointTopic != nil {
		topics = append([]Topic{*f.Kafka.CheckpointTopic}, topics...)
	}
	var all []*Refusal
	for _, t := range topics {
		if t.ReplicationFactor >= minReplication && (t.MinInsync == 0 || t.MinInsync >= minInsync) {
			continue
		}
		all = append(all, refuse(fault.UnsafeReplication, []Fact{FactTopics},
			fmt.Sprintf("topic %s has replication factor %d and min.insync.replicas %d: one lost disk loses acknowledged records", t.Name, t.ReplicationFactor, t.MinInsync),
			"Give it replication factor 3 and min.insync.replicas 2, or set kafka.development: true where losing events does not matter."))
	}
	return all
}
