package publisher

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

const (
	// tailWindow is how many offsets before the end of a partition are searched for records of ours.
	tailWindow = 16
	// tailRounds bounds how often a leader is asked for what is left of its tails.
	tailRounds = 64
)

// tail is one partition whose end is compared with what the checkpoint remembers.
type tail struct {
	fact   *EndFacts
	short  bool  // only the end matters: records of the parked topic may be large, and have no relay-seq
	at     int64 // next offset to read
	stable int64 // last stable offset
}

// endFacts compares partitions with the offsets that the checkpoint remembers. All partitions of a leader are asked for
// together, so that it costs round trips by the number of brokers.
func (c *Client) endFacts(ctx context.Context, f *Facts, r FactsRequest) error {
	ends := r.Ends
	if r.Parked > 0 {
		ends = append(slices.Clone(ends), End{Topic: r.ParkedTopic, Offset: int64(r.Parked) - 1})
	}
	if len(ends) == 0 {
		return nil
	}
	var names []string
	for _, e := range ends {
		names = append(names, e.Topic)
	}
	found, err := c.lookUp(ctx, names)
	if err != nil {
		return err
	}
	f.Ends = make([]EndFacts, len(ends))
	leaders := map[int32][]*tail{}
	for i, e := range ends {
		f.Ends[i] = EndFacts{End: e}
		t := found.topics[e.Topic]
		switch {
		case t == nil && found.refused[e.Topic] == sarama.ErrTopicAuthorizationFailed:
			f.deny("Describe on Topic " + e.Topic)
		case t == nil || e.Partition < 0 || int(e.Partition) >= len(t.leaders):
			f.Ends[i].Known = true // it is gone, and with it all records: the log ends at 0
		default:
			leader := t.leaders[e.Partition]
			leaders[leader] = append(leaders[leader], &tail{fact: &f.Ends[i], short: i >= len(r.Ends)})
		}
	}
	prefix := []byte(seqPrefix(c.cfg.Name(), r.Generation))
	for leader, tails := range leaders {
		if err := c.lookAtTails(ctx, f, leader, tails, prefix); err != nil {
			return fmt.Errorf("look at ends of partitions: %w", err)
		}
	}
	return nil
}

func (c *Client) lookAtTails(ctx context.Context, f *Facts, leader int32, tails []*tail, prefix []byte) error {
	conn, err := c.connTo(leader)
	if err != nil {
		return err
	}
	tails, err = c.tailOffsets(ctx, f, conn, tails, sarama.OffsetNewest, sarama.ReadUncommitted, func(t *tail, end int64) {
		t.fact.Known, t.fact.LogEnd = true, end
	})
	if err != nil {
		return err
	}
	tails, err = c.tailOffsets(ctx, f, conn, tails, sarama.OffsetNewest, sarama.ReadCommitted, func(t *tail, end int64) {
		t.stable = end
		t.at = max(t.fact.Offset+1, end-tailWindow)
		if t.short {
			t.at = end
		}
	})
	if err != nil {
		return err
	}
	// Retention may have deleted all that was behind the offset, where a fetch would be out of range.
	tails, err = c.tailOffsets(ctx, f, conn, tails, sarama.OffsetOldest, sarama.ReadUncommitted, func(t *tail, start int64) {
		t.at = max(t.at, start)
	})
	if err != nil {
		return err
	}
	return c.readTails(ctx, f, conn, tails, prefix)
}

// tailOffsets asks for the end or the beginning of each partition and drops those that may not be looked at.
func (c *Client) tailOffsets(
	ctx context.Context, f *Facts, conn *conn, tails []*tail, which int64, isolation sarama.IsolationLevel, set func(*tail, int64),
) (allowed []*tail, err error) {
	if len(tails) == 0 {
		return nil, nil
	}
	r := sarama.NewOffsetRequest(sarama.V3_9_0_0)
	r.IsolationLevel = isolation
	for _, t := range tails {
		r.AddBlock(t.fact.Topic, t.fact.Partition, which, 1)
	}
	for wait := newPause(10*time.Millisecond, fetchWait); ; {
		answer, err := call(ctx, conn, string(apiOffsets), func() (*sarama.OffsetResponse, error) {
			return conn.GetAvailableOffsets(r)
		})
		if err != nil {
			return nil, err
		}
		allowed = allowed[:0]
		asked := false
		for _, t := range tails {
			block := answer.GetBlock(t.fact.Topic, t.fact.Partition)
			if block == nil {
				return nil, fmt.Errorf("%s: no answer for %s partition %d", apiOffsets, t.fact.Topic, t.fact.Partition)
			}
			switch classify(apiOffsets, block.Err) {
			case fine:
				set(t, block.Offset)
				allowed = append(allowed, t)
			case denied:
				f.deny("Describe on Topic " + t.fact.Topic)
			case again:
				asked = true
			default:
				return nil, fmt.Errorf("%s partition %d: %w", t.fact.Topic, t.fact.Partition, refusal(apiOffsets, block.Err))
			}
		}
		if !asked {
			return allowed, nil
		}
		if err := wait.next(ctx); err != nil {
			return nil, err
		}
	}
}

// readTails reads the committed records of the windows and notes the highest relay-seq of ours.
func (c *Client) readTails(ctx context.Context, f *Facts, conn *conn, tails []*tail, prefix []byte) error {
	for range tailRounds {
		r := &sarama.FetchRequest{
			Version: 11, MinBytes: 0, MaxBytes: 8 * fetchBytes, Isolation: sarama.ReadCommitted, SessionEpoch: -1,
		}
		open := 0
		for _, t := range tails {
			if t.at < t.stable {
				r.AddBlock(t.fact.Topic, t.fact.Partition, t.at, fetchBytes, -1)
				open++
			}
		}
		if open == 0 {
			return nil
		}
		answer, err := call(ctx, conn, string(apiFetch), func() (*sarama.FetchResponse, error) { return conn.Fetch(r) })
		if err != nil {
			return err
		}
		for _, t := range tails {
			if t.at >= t.stable {
				continue
			}
			if err := t.take(f, answer.GetBlock(t.fact.Topic, t.fact.Partition), prefix); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tail) take(f *Facts, block *sarama.FetchResponseBlock, prefix []byte) error {
	if block == nil {
		return fmt.Errorf("%s: no answer for %s partition %d", apiFetch, t.fact.Topic, t.fact.Partition)
	}
	switch classify(apiFetch, block.Err) {
	case fine:
	case again:
		return nil
	case denied:
		f.deny("Read on Topic " + t.fact.Topic)
		t.at = t.stable
		return nil
	default:
		return fmt.Errorf("%s partition %d: %w", t.fact.Topic, t.fact.Partition, refusal(apiFetch, block.Err))
	}
	records, next, err := committedRecords(block)
	if err != nil {
		return err
	}
	for _, r := range records {
		if seq, ok := ourSeq(r.record, prefix); ok && r.offset > t.fact.Offset && seq > t.fact.TailSeq {
			t.fact.TailSeq, t.fact.TailOffset = seq, r.offset
		}
	}
	// An answer has no room for every partition, so one without progress is asked for again.
	t.at = max(t.at, next)
	return nil
}

// ourSeq is the n of a relay-seq header with our prefix.
func ourSeq(r *sarama.Record, prefix []byte) (uint64, bool) {
	for _, h := range r.Headers {
		if string(h.Key) != HeaderSeq {
			continue
		}
		if text, ok := bytes.CutPrefix(h.Value, prefix); ok {
			n, err := strconv.ParseUint(string(text), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
