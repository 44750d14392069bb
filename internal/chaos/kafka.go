package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/outbox-relay/relay/internal/pause"
)

// Reader reads event topics as a read_committed consumer does, over another client library than the publisher's: what
// the publisher believes to have committed is not asked.
type Reader struct {
	client *kgo.Client
	topics []string
}

// NewReader reads topics from the cluster at brokers.
func NewReader(brokers []string, topics ...string) (*Reader, error) {
	return openReader(topics, kgo.SeedBrokers(brokers...))
}

// reader reads the event topics of the place.
func (p *Place) reader() (*Reader, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(p.Brokers...)}
	if p.Dial != nil {
		opts = append(opts, kgo.Dialer(p.Dial))
	}
	return openReader(p.topics(), opts...)
}

func openReader(topics []string, opts ...kgo.Opt) (*Reader, error) {
	client, err := kgo.NewClient(append(opts, kgo.MetadataMinAge(50*time.Millisecond))...)
	if err != nil {
		return nil, fmt.Errorf("read kafka: %w", err)
	}
	return &Reader{client: client, topics: topics}, nil
}

// Close ends the connections.
func (r *Reader) Close() { r.client.Close() }

// Partition of a topic.
type Partition struct {
	Topic string
	Index int32
}

// String names the partition as Kafka's tools do.
func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// place is where a partition is found.
type place struct {
	leader int32
	id     [16]byte // of the topic
}

// partitions finds those of the topics that exist.
func (r *Reader) partitions(ctx context.Context) (map[Partition]place, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, topic := range r.topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topic)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("ask kafka for metadata: %w", err)
	}
	found := make(map[Partition]place)
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("ask kafka for topic %s: %w", *t.Topic, err)
		}
		for _, p := range t.Partitions {
			found[Partition{*t.Topic, p.Partition}] = place{leader: p.Leader, id: t.TopicID}
		}
	}
	return found, nil
}

// Offsets is a place in each partition.
type Offsets map[Partition]int64

// StableEnds are the last stable offsets: a read_committed reader sees what lies below.
func (r *Reader) StableEnds(ctx context.Context) (Offsets, error) {
	known, err := r.partitions(ctx)
	if err != nil || len(known) == 0 {
		return Offsets{}, err
	}
	resp, err := listOffsetsRequest(known).RequestWith(ctx, r.client)
	if err != nil {
		return nil, fmt.Errorf("ask kafka for offsets: %w", err)
	}
	ends := make(Offsets)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("ask kafka for offsets of %s: %w", t.Topic, err)
			}
			ends[Partition{t.Topic, p.Partition}] = p.Offset
		}
	}
	return ends, nil
}

func listOffsetsRequest(partitions map[Partition]place) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	req.IsolationLevel = readCommitted
	byTopic := make(map[string][]kmsg.ListOffsetsRequestTopicPartition)
	for p := range partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p.Index, latest
		byTopic[p.Topic] = append(byTopic[p.Topic], rp)
	}
	for topic, list := range byTopic {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic, rt.Partitions = topic, list
		req.Topics = append(req.Topics, rt)
	}
	return req
}

const (
	readCommitted = 1
	latest        = -1 // timestamp that stands for the end
)

// Read hands over the committed records from the given place up to the last stable offsets of now, in order within each
// partition, and moves the place there. Kafka is asked again while it cannot answer.
func (r *Reader) Read(ctx context.Context, from Offsets, each func(*kgo.Record) error) error {
	for {
		err := r.readOnce(ctx, from, each)
		if _, ours := errors.AsType[*recordError](err); err == nil || ours {
			return err
		}
		if late := pause.For(ctx, readEvery); late != nil {
			return errors.Join(late, err)
		}
	}
}

// recordError is what was wrong with a record, not with Kafka.
type recordError struct{ err error }

func (e *recordError) Error() string { return e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

func (r *Reader) readOnce(ctx context.Context, from Offsets, each func(*kgo.Record) error) error {
	ends, err := r.StableEnds(ctx)
	if err != nil {
		return err
	}
	known, err := r.partitions(ctx)
	if err != nil {
		return err
	}
	for p, end := range ends {
		if err := r.readPartition(ctx, p, known[p], from, end, each); err != nil {
			return fmt.Errorf("read %s at offset %d: %w", p, from[p], err)
		}
	}
	return nil
}

func (r *Reader) readPartition(ctx context.Context, p Partition, at place, from Offsets, end int64, each func(*kgo.Record) error) error {
	for from[p] < end {
		next, records, err := r.fetch(ctx, p, at, from[p])
		if err != nil {
			return err
		}
		for _, rec := range records {
			if rec.Offset >= end {
				break
			}
			if err := each(rec); err != nil {
				return &recordError{err}
			}
		}
		from[p] = min(next, end)
	}
	return nil
}

const (
	fetchBytes = 4 << 20
	fetchWait  = 500 // milliseconds
)

// fetch asks the leader once. The next offset lies behind everything that was looked at: control records and aborted
// ones are left out.
func (r *Reader) fetch(ctx context.Context, p Partition, at place, offset int64) (next int64, records []*kgo.Record, err error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = fetchWait, 1, fetchBytes, readCommitted
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p.Index, offset, fetchBytes
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID, rt.Partitions = p.Topic, at.id, []kmsg.FetchRequestTopicPartition{rp}
	req.Topics = []kmsg.FetchRequestTopic{rt}
	resp, err := req.RequestWith(ctx, r.client.Broker(int(at.leader)))
	if err != nil {
		return 0, nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return 0, nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, nil, errors.New("the answer is not about this partition alone")
	}
	opts := kgo.ProcessFetchPartitionOpts{Offset: offset, IsolationLevel: kgo.ReadCommitted(), Topic: p.Topic, Partition: p.Index}
	got, next := kgo.ProcessFetchPartition(opts, &resp.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	return next, got.Records, got.Err
}
