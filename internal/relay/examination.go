package relay

import (
	"context"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// Examination is an Inspection with everything that was seen on the way.
type Examination struct {
	Inspection                           // its Refusal: why the checkpoint topic cannot be read; nil: it can
	Facts       guard.Facts              // for the guard's rules; as far as the servers answered
	Row         *replication.Slot        // nil: there is no slot
	Publication *replication.Publication // nil: there is none
	Cluster     publisher.Facts          // of brokers, internal topics and those that the configuration names
	Templated   []publisher.TopicFacts   // event topics that the checkpoint knows and the configuration does not name
}

// Examine looks as Look does and gives no verdict but all that verdicts rest on. It asks Kafka for its settings also
// where the checkpoint cannot be read.
func (v *Viewer) Examine(ctx context.Context) Examination {
	s := v.session
	s.cluster = publisher.Facts{}
	e := Examination{Inspection: v.begin(ctx)}
	v.lookAtPostgres(ctx, &e.Inspection)
	v.lookAtKafka(ctx, &e.Inspection)
	if e.Kafka == nil && s.cluster.ClusterID == "" {
		s.facts.Checkpoint = nil
		e.Kafka = v.kafkaTrouble(s.askKafka(ctx))
	}
	if e.Kafka == nil {
		var err error
		e.Templated, err = s.kafka.DescribeTopics(ctx, s.templated())
		e.Kafka = v.kafkaTrouble(err)
	}
	e.Facts, e.Row, e.Publication, e.Cluster = s.facts, s.slot, s.publication, s.cluster
	return e
}

// templated are the event topics of the checkpoint that the configuration does not name.
func (s *session) templated() []string {
	cp := s.facts.Checkpoint
	if cp == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, t := range s.cluster.Topics {
		seen[t.Name] = true
	}
	var names []string
	for _, end := range cp.Ends {
		if !seen[end.Topic] {
			seen[end.Topic] = true
			names = append(names, end.Topic)
		}
	}
	return names
}
