package publisher

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/outbox"
)

func TestMain(m *testing.M) {
	os.Exit(devstacktest.Main(m, func() error {
		// sarama registers a meter for each topic it fetches in a global registry, whatever its own configuration says.
		return goleak.Find(goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
	}))
}

// relayUnderTest is a relay's Kafka side on a shared cluster, with topics of its own.
type relayUnderTest struct {
	t       testing.TB
	brokers []string
	cfg     Config
	prefix  string
	log     *protocolLog
	last    *Producer // of the newest session
}

// newRelay makes the internal topics of a relay that nobody else has.
func newRelay(t testing.TB, change ...func(*Config)) *relayUnderTest {
	t.Helper()
	k := devstacktest.Kafka(t)
	r := &relayUnderTest{t: t, brokers: k.Brokers, prefix: k.Prefix, log: &protocolLog{}}
	r.cfg = Config{
		Brokers: k.Brokers, Relay: k.Prefix, CheckpointTopic: k.Prefix + ".checkpoints",
		ReservedPrefixes: []string{k.Prefix + ".checkpoints", k.Prefix + ".parked"}, Protocol: slog.New(r.log),
	}
	for _, f := range change {
		f(&r.cfg)
	}
	_, err := r.connect().CreateInternalTopics(t.Context(), InternalTopics{
		CheckpointTopic: r.cfg.CheckpointTopic, ReplicationFactor: 1, MinInSync: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *relayUnderTest) connect() *Client {
	r.t.Helper()
	c, err := Connect(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// topic makes an event topic and gives its name.
func (r *relayUnderTest) topic(name string, partitions int32, settings ...string) string {
	r.t.Helper()
	name = r.prefix + "." + name
	d := detail(TopicSpec{Partitions: partitions, ReplicationFactor: 1}, nil)
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		d.ConfigEntries[key] = &value
	}
	c := r.connect()
	defer c.Close()
	if _, err := c.createTopics(r.t.Context(), map[string]*sarama.TopicDetail{name: d}); err != nil {
		r.t.Fatal(err)
	}
	return name
}

// set changes a setting of a topic.
func (r *relayUnderTest) set(c *Client, topic, name, value string) {
	r.t.Helper()
	answer, err := anyBroker(r.t.Context(), c, "alter topic", func(b *sarama.Broker) (*sarama.IncrementalAlterConfigsResponse, error) {
		return b.IncrementalAlterConfigs(&sarama.IncrementalAlterConfigsRequest{
			Version: 1,
			Resources: []*sarama.IncrementalAlterConfigsResource{{
				Type: sarama.TopicResource, Name: topic,
				ConfigEntries: map[string]sarama.IncrementalAlterConfigsEntry{name: {Value: &value}},
			}},
		})
	})
	if err != nil || answer.Resources[0].ErrorCode != 0 {
		r.t.Fatal(err, answer)
	}
}

func (r *relayUnderTest) identity() Identity {
	return Identity{Relay: r.cfg.Relay, Generation: 1700000000000, Of: max(1, r.cfg.Of), Shard: r.cfg.Shard}
}

func (r *relayUnderTest) checkpoint(seq uint64) *Checkpoint {
	return &Checkpoint{Identity: r.identity(), Timeline: 1, ResumeLSN: outbox.LSN(0x1000 + seq), Seq: seq, Phase: PhaseStream}
}

// session connects, fences, commits a barrier and reads the checkpoint. Like a relay it tries again: a cluster that has
// just begun does not know all its coordinators and leaders. The producer of the session before has come to rest by then:
// what its last bump could do to this one is a test of its own.
func (r *relayUnderTest) session() (*Client, *Producer, *Checkpoint) {
	r.t.Helper()
	if r.last != nil {
		r.last.rest()
	}
	for wait := newPause(20*time.Millisecond, 200*time.Millisecond); ; {
		c := r.connect()
		p, cp, err := r.start(c)
		if err == nil {
			r.last = p
			return c, p, cp
		}
		_ = c.Close()
		if wait.next(r.t.Context()) != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *relayUnderTest) start(c *Client) (*Producer, *Checkpoint, error) {
	p, err := c.Fence(r.t.Context(), always)
	if err != nil {
		return nil, nil, err
	}
	if err := p.Barrier(r.t.Context(), Barrier{Identity: r.identity(), Timeline: 1}); err != nil {
		return nil, nil, err
	}
	found, err := p.ReadCheckpoint(r.t.Context())
	return p, found.Checkpoint, err
}

func always(context.Context) error { return nil }

// rest waits until the work behind the last commit is done.
func (p *Producer) rest() {
	p.turn.Lock()
	defer p.turn.Unlock()
	<-p.ready
}

// publish commits a batch with checkpoint seq, and fails the test when it cannot.
func (r *relayUnderTest) publish(p *Producer, seq uint64, batch *outbox.Batch) Result {
	r.t.Helper()
	result, err := p.Publish(r.t.Context(), Commit{Batch: batch, FirstSeq: 1, Checkpoint: r.checkpoint(seq)})
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// events makes a batch of n records with keys k0, k1, ... and values v0, v1, ...
func events(topic string, n int) *outbox.Batch {
	b := &outbox.Batch{}
	for i := range n {
		b.Append(&outbox.Record{
			Topic: topic, Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d", i), Partition: outbox.PartitionByKey,
			Timestamp: time.Now().UnixMilli(), Position: outbox.Position{Timeline: 1, CommitLSN: 0x2000, Index: uint32(i)},
		})
	}
	return b
}

// read gives all committed records of a topic, partition after partition.
func (r *relayUnderTest) read(topic string) []committed {
	r.t.Helper()
	c := r.connect()
	defer c.Close()
	found, err := c.lookUp(r.t.Context(), []string{topic})
	if err != nil {
		r.t.Fatal(err)
	}
	var all []committed
	for partition := range found.topics[topic].leaders {
		log, err := c.openLog(found.topics[topic], int32(partition))
		if err != nil {
			r.t.Fatal(err)
		}
		end, err := log.offset(r.t.Context(), sarama.OffsetNewest, sarama.ReadCommitted)
		if err != nil {
			r.t.Fatal(err)
		}
		records, _, err := log.window(r.t.Context(), 0, end)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}

// eventually reads until n records are visible: a commit is decided before it is visible.
func (r *relayUnderTest) eventually(topic string, n int) []committed {
	r.t.Helper()
	for {
		records := r.read(topic)
		if len(records) >= n {
			return records
		}
		if err := r.t.Context().Err(); err != nil {
			r.t.Fatalf("%d of %d records visible: %v", len(records), n, err)
		}
	}
}

func header(r *sarama.Record, name string) string {
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return string(h.Value)
		}
	}
	return ""
}

// protocolLog keeps the messages of the protocol log with their attributes as text.
type protocolLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *protocolLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *protocolLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *protocolLog) WithGroup(string) slog.Handler            { return l }

func (l *protocolLog) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	line.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&line, " %s=%v", a.Key, a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line.String())
	return nil
}

func (l *protocolLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// of gives the lines of one action.
func (l *protocolLog) of(action string) []string {
	return slices.DeleteFunc(l.all(), func(line string) bool { return !strings.HasPrefix(line, action+" ") })
}
