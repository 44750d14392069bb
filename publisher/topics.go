package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// TopicSpec says how to create a topic.
type TopicSpec struct {
	Partitions        int32
	ReplicationFactor int16
	MinInSync         int32 // 0: the broker's default
}

// InternalTopics names the topics that a relay keeps for itself and how many replicas they get.
type InternalTopics struct {
	CheckpointTopic, ParkedTopic string // full names; an empty one is not created
	ReplicationFactor            int16
	MinInSync                    int32
}

// createTimeout is how long a topic may take to be created and to get its leaders.
const createTimeout = 15 * time.Second

// CreateInternalTopics creates the checkpoint and parked topics with the settings that the protocol wants, and waits
// for their leaders. Topics that exist are left as they are; created names those that did not.
func (c *Client) CreateInternalTopics(ctx context.Context, t InternalTopics) (created []string, err error) {
	topics := map[string]*sarama.TopicDetail{}
	if t.CheckpointTopic != "" {
		topics[t.CheckpointTopic] = checkpointTopicDetail(c.cfg.Of, t)
	}
	if t.ParkedTopic != "" {
		topics[t.ParkedTopic] = parkedTopicDetail(t)
	}
	return c.createTopics(ctx, topics)
}

// checkpointTopicDetail: small segments and a short compaction lag keep what a look from outside has to read small.
// Compaction can leave an empty batch behind, which cannot be decoded when it claims to be compressed: so never is.
func checkpointTopicDetail(of int32, t InternalTopics) *sarama.TopicDetail {
	return detail(TopicSpec{Partitions: 2 * of, ReplicationFactor: t.ReplicationFactor, MinInSync: t.MinInSync}, map[string]string{
		"cleanup.policy":        "compact",
		"segment.bytes":         strconv.Itoa(16 << 20),
		"segment.ms":            milli(time.Hour),
		"max.compaction.lag.ms": milli(time.Hour),
		"compression.type":      "uncompressed",
	})
}

// ParkedRecordBytes is the largest record that a parked topic of our making takes: far more than event topics do, for an
// event that is too large for those must be parked whole.
const ParkedRecordBytes = 32 << 20

func parkedTopicDetail(t InternalTopics) *sarama.TopicDetail {
	return detail(TopicSpec{Partitions: 1, ReplicationFactor: t.ReplicationFactor, MinInSync: t.MinInSync}, map[string]string{
		"cleanup.policy":    "compact",
		"max.message.bytes": strconv.Itoa(ParkedRecordBytes),
		"compression.type":  "uncompressed", // as the checkpoint topic
	})
}

func detail(s TopicSpec, settings map[string]string) *sarama.TopicDetail {
	d := &sarama.TopicDetail{
		NumPartitions: s.Partitions, ReplicationFactor: s.ReplicationFactor, ConfigEntries: map[string]*string{},
	}
	for name, value := range settings {
		d.ConfigEntries[name] = &value
	}
	if s.MinInSync > 0 {
		value := strconv.Itoa(int(s.MinInSync))
		d.ConfigEntries["min.insync.replicas"] = &value
	}
	return d
}

func milli(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// createTopics creates what is missing and waits until every topic has its leaders.
func (c *Client) createTopics(ctx context.Context, topics map[string]*sarama.TopicDetail) (created []string, err error) {
	if len(topics) == 0 {
		return nil, nil
	}
	c.mu.Lock()
	controller := c.controller
	c.mu.Unlock()
	conn, err := c.connTo(controller)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, conn, "create topics", func() (*sarama.CreateTopicsResponse, error) {
		return conn.CreateTopics(sarama.NewCreateTopicsRequest(sarama.V3_9_0_0, topics, produceTimeout, false))
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range topics {
		names = append(names, name)
		switch e := answer.TopicErrors[name]; {
		case e == nil:
			return nil, fmt.Errorf("create topic %s: broker does not answer for it", name)
		case e.Err == sarama.ErrNoError:
			created = append(created, name)
		case e.Err == sarama.ErrTopicAlreadyExists:
		case e.Err == sarama.ErrTopicAuthorizationFailed || e.Err == sarama.ErrClusterAuthorizationFailed:
			return nil, &AuthorizationError{ACL: "Create on Topic " + name, Err: e.Err}
		default:
			return nil, &createError{topic: name, code: e.Err, text: message(e.ErrMsg)}
		}
	}
	refused, err := c.resolve(ctx, names, createTimeout)
	if err != nil {
		return nil, err
	}
	for name, code := range refused {
		return nil, fmt.Errorf("create topic %s: created, but then: %w", name, refusal(apiMetadata, code))
	}
	for name := range topics {
		if err := c.awaitLeaders(ctx, name); err != nil {
			return nil, fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	slices.Sort(created)
	return created, nil
}

// awaitLeaders waits until the leaders of a new topic know that they are: metadata tells before they do, and a produce
// in between would be answered NOT_LEADER_OR_FOLLOWER.
func (c *Client) awaitLeaders(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	requests := map[int32]*sarama.OffsetRequest{}
	for partition, leader := range c.known(name).leaders {
		if requests[leader] == nil {
			requests[leader] = sarama.NewOffsetRequest(sarama.V3_9_0_0)
		}
		requests[leader].AddBlock(name, int32(partition), sarama.OffsetNewest, 1)
	}
	for leader, request := range requests {
		for wait := newPause(5*time.Millisecond, fetchWait); ; {
			err := c.leads(ctx, leader, name, request)
			if err == nil {
				break
			}
			if late := wait.next(ctx); late != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) leads(ctx context.Context, leader int32, name string, request *sarama.OffsetRequest) error {
	conn, err := c.connTo(leader)
	if err != nil {
		return err
	}
	answer, err := call(ctx, conn, string(apiOffsets), func() (*sarama.OffsetResponse, error) {
		return conn.GetAvailableOffsets(request)
	})
	if err != nil {
		return err
	}
	for _, block := range answer.Blocks[name] {
		if block.Err != sarama.ErrNoError {
			return refusal(apiOffsets, block.Err)
		}
	}
	return nil
}

func message(m *string) string {
	if m == nil || *m == "" {
		return ""
	}
	return ": " + *m
}

// createError is a broker's refusal to create a topic.
type createError struct {
	topic string
	code  sarama.KError
	text  string
}

func (e *createError) Error() string {
	return fmt.Sprintf("create topic %s: %s%s", e.topic, codeName(e.code), e.text)
}
func (e *createError) Unwrap() error { return e.code }

// createMissing creates the event topics that a batch names first, all at once. If that cannot be, one by one: why says of
// those that cannot be created what the broker has said. Others that are still refused are so for another reason.
func (c *Client) createMissing(ctx context.Context, refused map[string]sarama.KError) (still map[string]sarama.KError, why map[string]string, err error) {
	still, why = map[string]sarama.KError{}, map[string]string{}
	topics := map[string]*sarama.TopicDetail{}
	for name, code := range refused {
		if code == sarama.ErrUnknownTopicOrPartition {
			topics[name] = detail(*c.cfg.CreateTopics, nil)
		} else {
			still[name] = code
		}
	}
	if err := c.createEventTopics(ctx, topics); !cannotBeCreated(err) {
		return still, why, err
	}
	for name, t := range topics {
		switch err := c.createEventTopics(ctx, map[string]*sarama.TopicDetail{name: t}); {
		case cannotBeCreated(err):
			still[name], why[name] = sarama.ErrUnknownTopicOrPartition, err.Error()
		case err != nil:
			return nil, nil, err
		}
	}
	return still, why, nil
}

func (c *Client) createEventTopics(ctx context.Context, topics map[string]*sarama.TopicDetail) error {
	created, err := c.createTopics(ctx, topics)
	for _, name := range created {
		c.cfg.Logger.Info("topic created", "topic", name, "partitions", c.cfg.CreateTopics.Partitions)
	}
	return err
}

// cannotBeCreated tells a definite answer about a topic from doubt.
func cannotBeCreated(err error) bool {
	code, answered := errors.AsType[sarama.KError](err)
	return answered && classify(apiCreate, code) == badEvent
}
