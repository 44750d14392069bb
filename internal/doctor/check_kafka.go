package doctor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
)

func kafkaChecks() []aCheck {
	return []aCheck{
		{Kafka, "reachable", nothing, kafkaReachable},
		{Kafka, "brokers", needsKafka, brokers},
		{Kafka, "transaction-timeout", needsKafka, transactionTimeout},
		{Kafka, "rights", needsKafka, rights},
	}
}

func kafkaReachable(f *facts) []Finding {
	if f.Kafka != nil {
		return []Finding{unreachable(f.Kafka)}
	}
	return []Finding{found(OK, "reachable: cluster %s, %d brokers answer", f.Cluster.ClusterID, len(f.Cluster.Brokers))}
}

func ofBrokers(r *guard.Refusal) bool { return r.Code == fault.KafkaTooOld }

func brokers(f *facts) []Finding {
	if bad := refusals(guard.OfKafka(&f.Facts), ofBrokers); bad != nil {
		return bad
	}
	var releases []string
	for _, b := range f.Cluster.Brokers {
		releases = append(releases, cmp.Or(b.Release, "of a release they do not tell"))
	}
	slices.Sort(releases)
	all := []Finding{found(OK, "brokers are %s and verify transactions as far as they tell", strings.Join(slices.Compact(releases), ", "))}
	if n := len(f.Cluster.Brokers); n < 3 {
		all = append(all, found(f.unlessDevelopment(), "%d brokers answer: with fewer than three, one that is lost stops the relay or loses events", n).
			hint("Run three or more, and see whether one is down."))
	}
	return all
}

// transactionTimeout: a broker refuses a producer that asks for more than it allows, and then nothing can be fenced.
func transactionTimeout(f *facts) []Finding {
	asked := f.cfg.Relay.Kafka.TransactionTimeout
	var all []Finding
	for _, b := range f.Cluster.Brokers {
		if b.TransactionMaxTimeout == 0 || asked <= b.TransactionMaxTimeout {
			continue
		}
		all = append(all, found(Fail, "kafka.transaction_timeout is %s, and broker %d allows %s (transaction.max.timeout.ms): it refuses the relay's producer",
			duration(asked), b.ID, duration(b.TransactionMaxTimeout)).
			command("kafka-configs.sh --bootstrap-server %s --alter --entity-type brokers --entity-default --add-config transaction.max.timeout.ms=%d", quoted(f.cfg.Brokers), asked.Milliseconds()).
			hint("Or set kafka.transaction_timeout: %s.", b.TransactionMaxTimeout))
	}
	if all == nil {
		all = append(all, found(OK, "kafka.transaction_timeout = %s is within what the brokers allow", duration(asked)))
	}
	return all
}

// rights are those that looking needed. What writing needs shows only when it is tried, which this does not.
func rights(f *facts) []Finding {
	var all []Finding
	for _, acl := range f.Cluster.Denied {
		operation, resource, _ := strings.Cut(acl, " on ")
		kind, name, _ := strings.Cut(resource, " ")
		flag := "--cluster"
		if kind == "Topic" {
			flag = "--topic " + quoted(name)
		}
		all = append(all, found(Skip, "not authorised to look: %s", acl).
			command(`kafka-acls.sh --bootstrap-server %s --add --allow-principal "$PRINCIPAL" --operation %s %s`, quoted(f.cfg.Brokers), operation, flag).
			hint("PRINCIPAL is whom the relay logs in as, as in User:relay."))
	}
	if all == nil {
		all = append(all, found(OK, "everything that the relay must look at may be seen"))
	}
	return all
}
