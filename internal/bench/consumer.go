package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	// fetchWait is how long a broker may hold back an answer when there is nothing to see. It answers at once when there
	// is.
	fetchWait  = 100 * time.Millisecond
	fetchBytes = 1 << 20
	// consumerTimeout bounds one call.
	consumerTimeout = 10 * time.Second
)

// consumer reads a topic as a read_committed consumer does, with plain Fetch calls, one connection to each leader, and
// says which event became visible when.
type consumer struct {
	topic string
	seen  func(event int, at time.Time) // called from one goroutine a leader
	stop  context.CancelFunc
	ended sync.WaitGroup
	mu    sync.Mutex
	err   error
}

// consume begins at the present ends of the partitions.
func (c *cluster) consume(ctx context.Context, topic string, seen func(int, time.Time)) (*consumer, error) {
	at := map[*sarama.Broker]map[int32]int64{}
	list, err := c.client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", topic, err)
	}
	for _, p := range list {
		leader, err := c.client.Leader(topic, p)
		if err != nil {
			return nil, fmt.Errorf("consume %s: %w", topic, err)
		}
		end, err := c.client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			return nil, fmt.Errorf("consume %s: %w", topic, err)
		}
		if at[leader] == nil {
			at[leader] = map[int32]int64{}
		}
		at[leader][p] = end
	}
	k := &consumer{topic: topic, seen: seen}
	ctx, k.stop = context.WithCancel(ctx)
	for leader, offsets := range at {
		conn, err := dialBroker(leader.Addr())
		if err != nil {
			return nil, errors.Join(err, k.close())
		}
		k.ended.Go(func() {
			defer conn.Close()
			k.fail(k.read(ctx, conn, offsets))
		})
	}
	return k, nil
}

// dialBroker opens a connection that is ours alone: calls on a shared one wait for each other.
func dialBroker(addr string) (*sarama.Broker, error) {
	config := newSaramaConfig()
	config.Net.ReadTimeout, config.Net.WriteTimeout = consumerTimeout, consumerTimeout
	conn := sarama.NewBroker(addr)
	if err := conn.Open(config); err != nil {
		return nil, fmt.Errorf("connect to broker %s: %w", addr, err)
	}
	if _, err := conn.Connected(); err != nil {
		return nil, fmt.Errorf("connect to broker %s: %w", addr, err)
	}
	return conn, nil
}

func (k *consumer) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = errors.Join(k.err, err)
}

func (k *consumer) read(ctx context.Context, conn *sarama.Broker, offsets map[int32]int64) error {
	for ctx.Err() == nil {
		request := &sarama.FetchRequest{
			Version: 11, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchBytes,
			Isolation: sarama.ReadCommitted, SessionEpoch: -1,
		}
		for p, offset := range offsets {
			request.AddBlock(k.topic, p, offset, fetchBytes, -1)
		}
		answer, err := conn.Fetch(request)
		if err != nil {
			return fmt.Errorf("fetch %s: %w", k.topic, err)
		}
		now := time.Now()
		for p, offset := range offsets {
			block := answer.GetBlock(k.topic, p)
			if block == nil {
				return fmt.Errorf("fetch %s: no answer for partition %d", k.topic, p)
			}
			if !errors.Is(block.Err, sarama.ErrNoError) {
				return fmt.Errorf("fetch %s partition %d: %w", k.topic, p, block.Err)
			}
			values, next := committedValues(block, offset)
			offsets[p] = next
			for _, value := range values {
				event, err := eventNumber(value)
				if err != nil {
					return err
				}
				k.seen(event, now)
			}
		}
	}
	return nil
}

// eventNumber reads the number out of a payload.
func eventNumber(value []byte) (int, error) {
	if len(value) < numberAt+numberLength {
		return 0, fmt.Errorf("read event: %q is none of ours", value)
	}
	n, err := strconv.Atoi(string(value[numberAt : numberAt+numberLength]))
	if err != nil {
		return 0, fmt.Errorf("read event: %q is none of ours", value)
	}
	return n, nil
}

// close ends the reading and says what went wrong with it.
func (k *consumer) close() error {
	k.stop()
	k.ended.Wait()
	return k.err
}
