package audit

import (
	"fmt"

	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// partition is one of those that are read.
type partition struct {
	publisher.Bounds
	from, to        int64
	events, foreign uint64

	// What the first record of ours, and a number that is known to lie before from, tell of the part that is not read:
	// no number of ours from floor on lies there. No floor when nothing of ours was seen.
	floor *seqID
	// oldXID is the highest transaction id among the first records: those up to it may have been deleted with the log's
	// beginning. 0: not known.
	oldXID uint32

	last     seqID           // the last number seen
	position outbox.Position // the highest one seen
}

// seqID is a relay-seq without the relay's name.
type seqID struct {
	generation int64
	n          uint64
}

func (s seqID) before(t seqID) bool {
	return s.generation < t.generation || s.generation == t.generation && s.n < t.n
}

// early is how many of the first records tell how old the oldest transactions are: transactions that run at the same time
// commit in another order than they begin, so one record would not do.
func (p *partition) early() uint64 {
	const least, most = 20, 1000
	return uint64(min(max((p.to-p.from)/10, least), most))
}

// cut tells whether a part of the partition's past is not read.
func (p *partition) cut() bool { return p.from > 0 }

// at names a place as Relay prints it everywhere.
func (p *partition) at(offset int64) string {
	return fmt.Sprintf("%s/%d@%d", p.Topic, p.Partition, offset)
}

// places numbers topics and partitions, so that an entry need not name them.
type places struct {
	partitions []*partition
	topics     []string
	numbers    map[string]uint32
	byTopic    map[string][]*partition // made when first asked for
}

func (p *places) topic(name string) uint32 {
	if n, known := p.numbers[name]; known {
		return n
	}
	if p.numbers == nil {
		p.numbers = map[string]uint32{}
	}
	n := uint32(len(p.topics))
	p.topics, p.numbers[name] = append(p.topics, name), n
	return n
}

// of are the partitions of a topic. All must have been found.
func (p *places) of(topic uint32) []*partition {
	if p.byTopic == nil {
		p.byTopic = map[string][]*partition{}
		for _, part := range p.partitions {
			p.byTopic[part.Topic] = append(p.byTopic[part.Topic], part)
		}
	}
	return p.byTopic[p.topics[topic]]
}

func (p *places) at(e *entry) string { return p.partitions[e.partition].at(e.offset) }
