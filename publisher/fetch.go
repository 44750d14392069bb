package publisher

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

const (
	fetchBytes = 1 << 20
	// fetchWait is how long a broker may wait for something to become visible.
	fetchWait = 250 * time.Millisecond
)

// partitionLog is one partition as a read_committed consumer sees it.
type partitionLog struct {
	c         *Client
	topic     string
	partition int32
	conn      *conn // to the leader
}

func (c *Client) openLog(t *topic, partition int32) (*partitionLog, error) {
	if int(partition) >= len(t.leaders) {
		return nil, fmt.Errorf("read %s: it has %d partitions, want partition %d", t.name, t.partitions(), partition)
	}
	conn, err := c.connTo(t.leaders[partition])
	if err != nil {
		return nil, fmt.Errorf("read %s partition %d: %w", t.name, partition, err)
	}
	return &partitionLog{c: c, topic: t.name, partition: partition, conn: conn}, nil
}

// offset asks for the first offset of the log (sarama.OffsetOldest) or the one behind its last (sarama.OffsetNewest):
// the last stable offset with ReadCommitted, the high watermark with ReadUncommitted.
func (l *partitionLog) offset(ctx context.Context, which int64, isolation sarama.IsolationLevel) (int64, error) {
	for wait := newPause(10*time.Millisecond, fetchWait); ; {
		r := sarama.NewOffsetRequest(sarama.V3_9_0_0)
		r.IsolationLevel = isolation
		r.AddBlock(l.topic, l.partition, which, 1)
		answer, err := call(ctx, l.conn, string(apiOffsets), func() (*sarama.OffsetResponse, error) {
			return l.conn.GetAvailableOffsets(r)
		})
		if err != nil {
			return 0, err
		}
		block := answer.GetBlock(l.topic, l.partition)
		if block == nil {
			return 0, fmt.Errorf("%s: no answer for %s partition %d", apiOffsets, l.topic, l.partition)
		}
		done, err := l.judge(ctx, apiOffsets, block.Err, wait)
		if err != nil {
			return 0, err
		}
		if done {
			return block.Offset, nil
		}
	}
}

// fetch reads committed records from an offset on, in one call. next is the offset behind the last batch that came; it
// is not above from when nothing is visible yet.
func (l *partitionLog) fetch(ctx context.Context, from int64) (records []committed, next int64, err error) {
	for wait := newPause(10*time.Millisecond, fetchWait); ; {
		r := &sarama.FetchRequest{
			Version: 11, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchBytes,
			Isolation: sarama.ReadCommitted, SessionEpoch: -1,
		}
		r.AddBlock(l.topic, l.partition, from, fetchBytes, -1)
		answer, err := call(ctx, l.conn, string(apiFetch), func() (*sarama.FetchResponse, error) {
			return l.conn.Fetch(r)
		})
		if err != nil {
			return nil, 0, err
		}
		block := answer.GetBlock(l.topic, l.partition)
		if block == nil {
			return nil, 0, fmt.Errorf("%s: no answer for %s partition %d", apiFetch, l.topic, l.partition)
		}
		done, err := l.judge(ctx, apiFetch, block.Err, wait)
		if err != nil {
			return nil, 0, err
		}
		if done {
			return committedRecords(block)
		}
	}
}

// judge says whether an answer stands; it waits when it is to be asked for again.
func (l *partitionLog) judge(ctx context.Context, what api, code sarama.KError, wait *pause) (bool, error) {
	switch classify(what, code) {
	case fine:
		return true, nil
	case again:
		if err := wait.next(ctx); err != nil {
			return false, fmt.Errorf("%w: %w", refusal(what, code), err)
		}
		return false, nil
	case denied:
		return false, &AuthorizationError{ACL: "Read and Describe on Topic " + l.topic, Err: code}
	}
	return false, fmt.Errorf("read %s partition %d: %w", l.topic, l.partition, refusal(what, code))
}

// window reads the committed records with offsets from from up to before to. It ends early, with the offset it came to,
// when nothing more is visible.
func (l *partitionLog) window(ctx context.Context, from, to int64) (records []committed, reached int64, err error) {
	for at := from; at < to; {
		some, next, err := l.fetch(ctx, at)
		if err != nil {
			return nil, 0, err
		}
		if next <= at {
			return records, at, nil
		}
		for _, r := range some {
			// A fetch begins with the batch that holds the offset, which may begin before it.
			if r.offset >= at && r.offset < to {
				records = append(records, r)
			}
		}
		at = next
	}
	return records, to, nil
}
