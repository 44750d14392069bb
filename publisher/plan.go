package publisher

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/outbox"
)

// Plan is a batch sorted by partition. It refers to the records by index and keeps no memory of them.
type Plan struct {
	id      uint32 // no two plans of a client have the same
	batch   *outbox.Batch
	records int
	lanes   []planLane
	order   []int32 // record indexes, lane after lane, ascending in each

	lane  []int32               // scratch: lane of each record
	slots map[string]*topicSlot // scratch: topics of the batch
}

// planLane is one partition with records of the batch: order[from:to].
type planLane struct {
	topic     *topic
	partition int32
	from, to  int32
}

// topicSlot is what planning remembers of a topic, from batch to batch.
type topicSlot struct {
	topic  *topic
	lanes  []int32 // lane of each partition plus one; 0: none yet
	sticky int32   // partition for records without a key
	plan   uint32  // the plan that it was looked up for
}

// Lanes tells how many records go to each partition that gets any.
func (p *Plan) Lanes(yield func(topic string, partition int32, records int)) {
	for _, l := range p.lanes {
		yield(l.topic.name, l.partition, int(l.to-l.from))
	}
}

// maxTimestamp is the last millisecond that sarama encodes: its batch timestamps pass through nanoseconds.
const maxTimestamp = math.MaxInt64 / int64(time.Millisecond)

// Plan decides the partition of every record of the batch and looks up topics that are new. It may run while another
// transaction commits; the batch must not change until Publish has returned. reuse may be a plan that is no longer
// needed. An *EventError names records that no broker will take.
func (c *Client) Plan(ctx context.Context, batch *outbox.Batch, reuse *Plan) (*Plan, error) {
	p := reuse
	if p == nil {
		p = &Plan{slots: map[string]*topicSlot{}}
	}
	p.reset(batch, c.spread.Add(1))
	if err := c.lookUpNew(ctx, p); err != nil {
		return nil, err
	}
	if err := p.sort(c.partition); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) reset(batch *outbox.Batch, id uint32) {
	for _, l := range p.lanes {
		p.slots[l.topic.name].lanes[l.partition] = 0
	}
	p.lanes, p.order, p.lane = p.lanes[:0], p.order[:0], p.lane[:0]
	p.id, p.batch, p.records = id, batch, 0
	if batch != nil {
		p.records = batch.Len()
	}
}

// lookUpNew fills the slots of all topics in the batch.
func (c *Client) lookUpNew(ctx context.Context, p *Plan) error {
	if p.records == 0 {
		return nil
	}
	var unknown []string
	var refused []*EventError
	last := ""
	for i := range p.records {
		name := p.batch.Topic(i)
		if name == last && name != "" {
			continue
		}
		last = name
		slot := p.slots[name]
		if slot != nil && slot.plan == p.id {
			continue
		}
		if slot == nil {
			slot = &topicSlot{}
			p.slots[name] = slot
		}
		slot.plan = p.id
		if err := c.allowed(name); err != nil {
			refused = append(refused, p.bad(name, CauseForbiddenTopic, err.Error(), nil))
			continue
		}
		if !slot.use(c.known(name), p.id) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		missing, err := c.lookUpUnknown(ctx, p, unknown)
		if err != nil {
			return err
		}
		refused = append(refused, missing...)
	}
	return joined(refused)
}

// lookUpUnknown fills the slots of topics that nobody has asked for yet, and names the records of those that no broker
// takes.
func (c *Client) lookUpUnknown(ctx context.Context, p *Plan, names []string) ([]*EventError, error) {
	patience := topicPatience
	if c.cfg.CreateTopics != nil || !slices.ContainsFunc(names, func(name string) bool { return !c.cfg.Missing[name] }) {
		patience = 0
	}
	var why map[string]string
	refused, err := c.resolve(ctx, names, patience)
	if err == nil && c.cfg.CreateTopics != nil && len(refused) > 0 {
		refused, why, err = c.createMissing(ctx, refused)
	}
	if err != nil {
		return nil, err
	}
	var bad []*EventError
	for _, name := range names {
		if code, ok := refused[name]; ok {
			if classify(apiMetadata, code) != badEvent {
				return nil, fmt.Errorf("look up topic %s: %w", name, refusal(apiMetadata, code))
			}
			reason := refusedTopic(code)
			if w := why[name]; w != "" {
				reason += "; " + w
			}
			bad = append(bad, p.bad(name, causeOf(code), reason, code))
			continue
		}
		if !p.slots[name].use(c.known(name), p.id) {
			return nil, fmt.Errorf("look up topic %s: broker does not answer for it", name)
		}
	}
	return bad, nil
}

// use takes a topic as it is now known. Partitions are added at times, never removed.
func (s *topicSlot) use(t *topic, plan uint32) bool {
	if t == nil || t.partitions() == 0 {
		return false
	}
	s.topic = t
	for len(s.lanes) < len(t.leaders) {
		s.lanes = append(s.lanes, 0)
	}
	s.sticky = int32(plan % uint32(t.partitions()))
	return true
}

// allowed keeps events out of topics that decide what we believe.
func (c *Client) allowed(name string) error {
	if name == "" {
		return fmt.Errorf("the record has no topic")
	}
	if strings.HasPrefix(name, "__") {
		return fmt.Errorf("topics beginning with __ are Kafka's own")
	}
	if name == c.cfg.CheckpointTopic {
		return fmt.Errorf("it is the checkpoint topic")
	}
	for _, prefix := range c.cfg.ReservedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("topics beginning with %s are Relay's own", prefix)
		}
	}
	return nil
}

func refusedTopic(code sarama.KError) string {
	switch code {
	case sarama.ErrUnknownTopicOrPartition:
		return "the topic does not exist"
	case sarama.ErrInvalidTopic:
		return "the name is no valid topic name"
	case sarama.ErrTopicAuthorizationFailed:
		return "not authorised: need Describe and Write on the topic"
	}
	return codeName(code)
}

// bad says that all records for a topic cannot be published.
func (p *Plan) bad(name string, cause Cause, reason string, err error) *EventError {
	e := &EventError{Topic: name, Partition: -1, Cause: cause, Reason: reason, Err: err}
	for i := range p.records {
		if p.batch.Topic(i) == name {
			e.Records = append(e.Records, i)
		}
	}
	return e
}

// sort fills lanes and order: count the records of each lane, lay the lanes out one after another, fill them.
func (p *Plan) sort(partition partitioner) error {
	if p.records == 0 {
		return nil
	}
	if err := p.assign(partition); err != nil {
		return err
	}
	at := int32(0)
	for i := range p.lanes {
		l := &p.lanes[i]
		n := l.to
		l.from, l.to = at, at
		at += n
	}
	if cap(p.order) < p.records {
		p.order = make([]int32, p.records)
	}
	p.order = p.order[:p.records]
	for i, lane := range p.lane {
		l := &p.lanes[lane]
		p.order[l.to] = int32(i)
		l.to++
	}
	return nil
}

// assign decides each record's lane; a lane's to counts its records. Those that have none are named together.
func (p *Plan) assign(partition partitioner) error {
	var refused []*EventError
	var slot *topicSlot
	last := ""
	for i := range p.records {
		if name := p.batch.Topic(i); slot == nil || name != last {
			slot, last = p.slots[name], name
		}
		n := slot.topic.partitions()
		key, to := p.batch.Route(i)
		switch {
		case p.batch.Timestamp(i) > maxTimestamp:
			refused = append(refused, &EventError{
				Records: []int{i}, Topic: last, Partition: -1, Cause: CauseTimestamp, Reason: "the timestamp is after the year 2262",
			})
			continue
		case to == outbox.PartitionByKey && key == nil:
			to = slot.sticky
		case to == outbox.PartitionByKey:
			to = partition(key, n)
		case to < 0 || to >= n:
			refused = append(refused, &EventError{
				Records: []int{i}, Topic: last, Partition: to, Cause: CausePartition,
				Reason: fmt.Sprintf("the topic has partitions 0 to %d", n-1),
			})
			continue
		}
		if slot.lanes[to] == 0 {
			p.lanes = append(p.lanes, planLane{topic: slot.topic, partition: to})
			slot.lanes[to] = int32(len(p.lanes))
		}
		lane := slot.lanes[to] - 1
		p.lanes[lane].to++
		p.lane = append(p.lane, lane)
	}
	return joined(refused)
}
