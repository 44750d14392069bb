package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/publisher"
)

func topicChecks() []aCheck {
	return []aCheck{
		{Topics, "checkpoint-topic", needsKafka, checkpointTopic},
		{Topics, "parked-topic", needsKafka, parkedTopic},
		{Topics, "event-topics", needsKafka, eventTopicsExist},
		{Topics, "replication", needsKafka, replicated},
		{Topics, "in-sync", needsKafka, inSync},
		{Topics, "unclean-election", needsKafka, uncleanElection},
		{Topics, "record-size", needsKafka, recordSize},
		{Topics, "retention", needsKafka, retention},
		{Topics, "timestamps", needsKafka, timestamps},
		{Topics, "cleanup-policy", needsKafka, cleanupPolicy},
	}
}

// eventTopics are those that are there, whether the configuration names them or the checkpoint knows them.
func (f *facts) eventTopics() []publisher.TopicFacts {
	all := slices.Concat(f.Cluster.Topics, f.Templated)
	return slices.DeleteFunc(all, func(t publisher.TopicFacts) bool { return !t.Exists })
}

// allTopics are those that are there, the relay's own and Kafka's transaction log among them.
func (f *facts) allTopics() []publisher.TopicFacts {
	own := []publisher.TopicFacts{f.Cluster.Checkpoint, f.Cluster.Parked, f.Cluster.TransactionState}
	own = slices.DeleteFunc(own, func(t publisher.TopicFacts) bool { return !t.Exists })
	return append(own, f.eventTopics()...)
}

// each judges topics one by one; when all are well it says so in one line, unless there are none.
func each(topics []publisher.TopicFacts, well string, judge func(publisher.TopicFacts) (Finding, bool)) []Finding {
	var all []Finding
	known := 0
	for _, t := range topics {
		if bad, is := judge(t); is {
			all = append(all, bad)
		}
		if t.ConfigKnown {
			known++
		}
	}
	if all == nil && known > 0 {
		all = append(all, found(OK, well, counted(known, "topic")))
	}
	return all
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// setTopic is the command that changes a setting of a topic.
func (f *facts) setTopic(finding Finding, topic, setting string) Finding {
	return finding.command("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s", quoted(f.cfg.Brokers), quoted(topic), setting)
}

func ofCheckpointTopic(r *guard.Refusal) bool { return r.Code == fault.TopicUnsuitable }

func checkpointTopic(f *facts) []Finding {
	if bad := refusals(guard.OfKafka(&f.Facts), ofCheckpointTopic); bad != nil {
		return f.withBroker(bad)
	}
	t := f.Cluster.Checkpoint
	if !t.Exists {
		return nil // its verdict is that on the checkpoint
	}
	if !t.ConfigKnown {
		return []Finding{found(Skip, "the settings of %s may not be seen", t.Name)}
	}
	return []Finding{found(OK, "checkpoint topic %s is compacted, with %d partitions", t.Name, t.Partitions)}
}

// withBroker completes commands of Kafka's that the guard gives as hints.
func (f *facts) withBroker(findings []Finding) []Finding {
	for i, finding := range findings {
		if program, arguments, ok := strings.Cut(finding.Hint, " "); ok && strings.HasPrefix(program, "kafka-") {
			findings[i] = finding.command("%s --bootstrap-server %s %s", program, quoted(f.cfg.Brokers), arguments)
			findings[i].Hint = ""
		}
	}
	return findings
}

// parkedTopic: a parked event waits for a person, who may take longer than any retention.
func parkedTopic(f *facts) []Finding {
	t := f.Cluster.Parked
	parks := f.cfg.Relay.Failure.Park
	switch {
	case f.cfg.Relay.Parked == "":
		return nil
	case !t.Exists && t.Denied:
		return []Finding{found(Skip, "whether parked topic %s exists may not be seen", t.Name)}
	case !t.Exists && parks:
		return []Finding{found(Fail, "parked topic %s does not exist: the relay halts at the first event that it should park", t.Name).
			hint("`relay init` creates it.").command("relay init")}
	case !t.Exists:
		return nil
	case !t.ConfigKnown:
		return []Finding{found(Skip, "the settings of %s may not be seen", t.Name)}
	}
	var all []Finding
	if t.CleanupPolicy != "compact" {
		all = append(all, f.setTopic(found(Fail, "parked topic %s has cleanup.policy=%s: events that wait there are deleted after %s", t.Name, t.CleanupPolicy, duration(t.Retention)),
			t.Name, "cleanup.policy=compact"))
	}
	if t.MaxMessageBytes < publisher.ParkedRecordBytes {
		all = append(all, f.setTopic(found(Warn, "parked topic %s takes records up to %s: one that is too large for its own topic may not fit, and halts the relay", t.Name, size(uint64(t.MaxMessageBytes))),
			t.Name, fmt.Sprintf("max.message.bytes=%d", publisher.ParkedRecordBytes)))
	}
	if t.Partitions != 1 {
		all = append(all, found(Fail, "parked topic %s has %d partitions: only the first is read", t.Name, t.Partitions).
			hint("Delete it while it is empty, and `relay init` creates it."))
	}
	if all == nil {
		all = append(all, found(OK, "parked topic %s is compacted and takes records up to %s", t.Name, size(uint64(t.MaxMessageBytes))))
	}
	return all
}

// eventTopicsExist: topics that a template names show only when they are needed.
func eventTopicsExist(f *facts) []Finding {
	var all []Finding
	for _, t := range slices.Concat(f.Cluster.Topics, f.Templated) {
		switch {
		case t.Exists:
		case t.Denied:
			all = append(all, found(Skip, "whether topic %s exists may not be seen", t.Name))
		case f.cfg.Relay.Kafka.CreateTopics == nil:
			all = append(all, found(Fail, "topic %s does not exist: events for it cannot be published", t.Name).
				command("kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions 6 --replication-factor 3 --config min.insync.replicas=2", quoted(f.cfg.Brokers), quoted(t.Name)).
				hint("Or set kafka.create_topics: all."))
		}
	}
	if n := len(f.eventTopics()); all == nil && n > 0 {
		all = append(all, found(OK, "%s for events, named by the configuration or used before", counted(n, "topic")))
	}
	return all
}

// replicated asks the guard; what kafka.development allows is a warning.
func replicated(f *facts) []Finding {
	bad := refusals(guard.OfKafka(&f.Facts), func(r *guard.Refusal) bool { return r.Code == fault.UnsafeReplication })
	for i := range bad {
		bad[i].Level = f.unlessDevelopment()
	}
	for _, t := range f.Templated { // the guard knows nothing of these
		if t.Exists && (t.ReplicationFactor < 3 || t.ConfigKnown && t.MinInSync < 2) {
			bad = append(bad, found(Warn, "topic %s has replication factor %d and min.insync.replicas %d: one lost disk loses acknowledged records", t.Name, t.ReplicationFactor, t.MinInSync).
				hint("Give it replication factor 3 and min.insync.replicas 2."))
		}
	}
	for _, t := range f.allTopics() {
		if t.ConfigKnown && t.ReplicationFactor >= 3 && t.MinInSync >= int32(t.ReplicationFactor) {
			bad = append(bad, f.setTopic(found(Warn, "topic %s has min.insync.replicas %d of %d replicas: one broker that is down stops the relay", t.Name, t.MinInSync, t.ReplicationFactor), t.Name, "min.insync.replicas=2"))
		}
	}
	if bad == nil {
		bad = append(bad, found(OK, "the loss of a disk loses nothing of %s", counted(len(f.allTopics()), "topic")))
	}
	return bad
}

// inSync says where writing is impossible right now.
func inSync(f *facts) []Finding {
	return each(f.allTopics(), "all partitions of %s have a leader and enough replicas in sync", func(t publisher.TopicFacts) (Finding, bool) {
		switch {
		case t.Leaderless > 0:
			return found(Fail, "topic %s has %s without a leader: nothing can be written there", t.Name, counted(t.Leaderless, "partition")).
				hint("See which brokers are down."), true
		case t.ConfigKnown && int32(t.InSync) < t.MinInSync:
			return found(Fail, "topic %s has %d replicas in sync, and min.insync.replicas is %d: nothing can be written there", t.Name, t.InSync, t.MinInSync).
				hint("See which brokers are down or behind."), true
		case t.InSync < t.ReplicationFactor:
			return found(Warn, "topic %s has %d of %d replicas in sync", t.Name, t.InSync, t.ReplicationFactor).hint("See which brokers are down or behind."), true
		}
		return Finding{}, false
	})
}

// uncleanElection: a replica that lags may become the leader and acknowledged records are gone.
func uncleanElection(f *facts) []Finding {
	return each(f.allTopics(), "no replica that lags can become the leader of %s", func(t publisher.TopicFacts) (Finding, bool) {
		if !t.UncleanElection {
			return Finding{}, false
		}
		return f.setTopic(found(f.unlessDevelopment(), "topic %s allows unclean leader elections: acknowledged records can be lost", t.Name), t.Name, "unclean.leader.election.enable=false"), true
	})
}

// tableRecordBytes is Kafka's default for max.message.bytes, into which everything fits that the table of our migrations
// lets pass.
const tableRecordBytes = 1048588

func recordSize(f *facts) []Finding {
	if !f.ownFormat() {
		return nil
	}
	return each(f.eventTopics(), "what the outbox table lets pass fits into %s", func(t publisher.TopicFacts) (Finding, bool) {
		if !t.ConfigKnown || t.MaxMessageBytes >= tableRecordBytes {
			return Finding{}, false
		}
		return f.setTopic(found(Warn, "topic %s takes records up to %s, and the outbox table lets payloads of 1000000 bytes pass: such an event cannot be published", t.Name, size(uint64(t.MaxMessageBytes))),
			t.Name, fmt.Sprintf("max.message.bytes=%d", tableRecordBytes)), true
	})
}

// retention: an audit compares the rows that the table keeps with what Kafka keeps.
func retention(f *facts) []Finding {
	keep := f.cfg.Relay.Cleanup.Keep
	if !f.ownFormat() || !f.cfg.Relay.Cleanup.Enabled {
		keep = 24 * time.Hour
	}
	return each(f.eventTopics(), "retention of %s: at least as long as the outbox table keeps rows", func(t publisher.TopicFacts) (Finding, bool) {
		if !t.ConfigKnown || t.CleanupPolicy == "compact" || t.Retention < 0 || t.Retention >= keep {
			return Finding{}, false
		}
		return f.setTopic(found(Warn, "topic %s keeps events for %s, less than the %s of the outbox table: consumers that are down for longer miss events, and an audit cannot find what is gone", t.Name, duration(t.Retention), duration(keep)),
			t.Name, fmt.Sprintf("retention.ms=%d", (7*24*time.Hour).Milliseconds())), true
	})
}

// tableTimestampAhead is how far occurred_at may be ahead in the table of our migrations.
const tableTimestampAhead = time.Hour

func timestamps(f *facts) []Finding {
	return each(f.eventTopics(), "timestamps of all events are good for %s", func(t publisher.TopicFacts) (Finding, bool) {
		switch {
		case !t.ConfigKnown || t.LogAppendTime:
			return Finding{}, false
		case t.TimestampAfter >= 0 && t.TimestampAfter < tableTimestampAhead:
			return f.setTopic(found(Warn, "topic %s refuses timestamps more than %s ahead (message.timestamp.after.max.ms), and occurred_at may be an hour ahead: such an event cannot be published", t.Name, duration(t.TimestampAfter)),
				t.Name, "message.timestamp.after.max.ms=3600000"), true
		case t.TimestampBefore >= 0 && t.TimestampBefore < f.waiting():
			return f.setTopic(found(Warn, "topic %s refuses timestamps older than %s (message.timestamp.before.max.ms): events that waited longer get the time of publishing, their own in the header relay-commit-time", t.Name, duration(t.TimestampBefore)),
				t.Name, fmt.Sprintf("message.timestamp.before.max.ms=%d", (7*24*time.Hour).Milliseconds())), true
		}
		return Finding{}, false
	})
}

// waiting is how old an event may be that is published: a day, or as long as the relay stands still already.
func (f *facts) waiting() time.Duration {
	day := 24 * time.Hour
	if f.Checkpoint == nil {
		return day
	}
	return max(day, f.cfg.Now().Sub(f.Checkpoint.Time))
}

// cleanupPolicy: compaction removes events that a consumer has not read, and with them the proof by relay-seq.
func cleanupPolicy(f *facts) []Finding {
	return each(f.eventTopics(), "no event of %s is compacted away", func(t publisher.TopicFacts) (Finding, bool) {
		if !t.ConfigKnown || !strings.Contains(t.CleanupPolicy, "compact") {
			return Finding{}, false
		}
		return f.setTopic(found(Warn, "topic %s has cleanup.policy=%s: only the last event of a key stays, and gaps in relay-seq prove nothing there", t.Name, t.CleanupPolicy),
			t.Name, "cleanup.policy=delete").hint("Right for topics that carry state; not for events that all must be read."), true
	})
}
