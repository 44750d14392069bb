package devstack

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// askKafka sends one request to a broker on a connection of its own and reads the answer into resp. The caller sets a
// version of the request that both broker and kmsg know, before flexible headers.
func askKafka(ctx context.Context, broker string, req kmsg.Request, resp kmsg.Response) error {
	name := kmsg.NameForKey(req.Key())
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(30 * time.Second)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	const correlation = 1
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, req, correlation)); err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	body, err := readFrame(conn)
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", name, err)
	}
	if len(body) < 4 || binary.BigEndian.Uint32(body) != correlation {
		return fmt.Errorf("read the answer to %s: it belongs to another request", name)
	}
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body[4:]); err != nil {
		return fmt.Errorf("decode the answer to %s: %w", name, err)
	}
	return nil
}

// readFrame reads a size and as many bytes.
func readFrame(r io.Reader) ([]byte, error) {
	const most = 64 << 20
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > most {
		return nil, errors.New("frame too large")
	}
	body := make([]byte, n)
	_, err := io.ReadFull(r, body)
	return body, err
}

// KafkaMetadata is what a broker knows of its cluster.
type KafkaMetadata struct {
	ClusterID  string
	Controller bool    // one is known
	Brokers    []int32 // node.id of those that are registered and not fenced
	Topics     []string
}

// AskMetadata asks one broker.
func AskMetadata(ctx context.Context, broker string) (KafkaMetadata, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 8
	req.Topics = nil // all
	var resp kmsg.MetadataResponse
	if err := askKafka(ctx, broker, req, &resp); err != nil {
		return KafkaMetadata{}, fmt.Errorf("ask %s for metadata: %w", broker, err)
	}
	m := KafkaMetadata{Controller: resp.ControllerID >= 0}
	for _, b := range resp.Brokers {
		m.Brokers = append(m.Brokers, b.NodeID)
	}
	if resp.ClusterID != nil {
		m.ClusterID = *resp.ClusterID
	}
	for _, t := range resp.Topics {
		if t.Topic != nil {
			m.Topics = append(m.Topics, *t.Topic)
		}
	}
	return m, nil
}

// DeleteTopics asks one broker to remove topics. Topics that are not there are left out in silence.
func DeleteTopics(ctx context.Context, broker string, topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	const unknownTopic = 3
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version = 3
	req.TopicNames = topics
	req.TimeoutMillis = 10_000
	var resp kmsg.DeleteTopicsResponse
	if err := askKafka(ctx, broker, req, &resp); err != nil {
		return fmt.Errorf("delete topics %v: %w", topics, err)
	}
	var errs []error
	for _, t := range resp.Topics {
		if t.ErrorCode != 0 && t.ErrorCode != unknownTopic {
			errs = append(errs, fmt.Errorf("delete topic %s: kafka error %d", *t.Topic, t.ErrorCode))
		}
	}
	return errors.Join(errs...)
}
