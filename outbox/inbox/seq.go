package inbox

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/outbox-relay/relay/outbox"
)

// Place is where the consumer read a record.
type Place struct {
	Topic     string
	Partition int32
	Seq       string // the header relay-seq
}

// OnceBySeq calls handle unless consumer has handled the record, or a later one of the same relay in the same partition,
// before. It needs no row for each event, but it rests on order: the consumer must handle the records of a partition one
// after the other as Kafka gives them, and begin anew under another name to handle old ones again.
//
// On an error the transaction must be rolled back: with a commit the event would count as handled.
func OnceBySeq(ctx context.Context, tx outbox.Tx, consumer string, at Place, handle Handler) error {
	return Store{}.OnceBySeq(ctx, tx, consumer, at, handle)
}

// OnceBySeq is the package's OnceBySeq with the Store's options.
func (s Store) OnceBySeq(ctx context.Context, tx outbox.Tx, consumer string, at Place, handle Handler) error {
	relay, generation, seq, err := parseSeq(at.Seq)
	if err != nil {
		return fmt.Errorf("handle event of %s/%d once: %w", at.Topic, at.Partition, err)
	}
	return s.once(ctx, tx, consumer, handle, advance, at.Topic, int64(at.Partition), relay, generation, seq)
}

// advance also waits for whoever handles a record of the partition at this moment, such as the owner before a rebalance,
// since the row is locked whatever the condition says.
const advance = `INSERT INTO %s.progress AS p (consumer, topic, partition, relay, generation, seq)
VALUES ($1::text, $2::text, $3::integer, $4::text, $5::bigint, $6::bigint)
ON CONFLICT (consumer, topic, partition, relay, generation) DO UPDATE SET seq = excluded.seq, handled_at = now()
WHERE p.seq < excluded.seq`

// parseSeq takes <relay>/<generation>/<seq> apart.
func parseSeq(text string) (relay string, generation, seq int64, err error) {
	relay, numbers, _ := strings.Cut(text, "/")
	first, second, _ := strings.Cut(numbers, "/")
	generation, err1 := strconv.ParseInt(first, 10, 64)
	seq, err2 := strconv.ParseInt(second, 10, 64)
	if relay == "" || err1 != nil || err2 != nil {
		return "", 0, 0, fmt.Errorf("parse relay-seq %q: want <relay>/<generation>/<number>", text)
	}
	return relay, generation, seq, nil
}
