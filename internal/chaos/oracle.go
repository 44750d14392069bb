package chaos

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/outbox-relay/relay/internal/pause"
)

// Row is an event that the surviving database has.
type Row struct {
	ID    string
	Topic string
	Key   string
	N     int64  // counts the events of the key
	Tx    string // name of its transaction
	Size  int    // events of the transaction
	Value uint64 // hash of the value; a tombstone has its own
}

// Published is an event that a read_committed reader sees.
type Published struct {
	Row
	Fate       string // what the workload meant to become of it
	At         Partition
	Offset     int64
	ProducerID int64
	Epoch      int16
	Relay      string // of relay-seq: relay and generation
	Seq        uint64 // of relay-seq
	Position   string // relay-position; sorts as text
	Piece      int    // relay-piece, 0 for an event of a transaction that was not cut
	Late       bool   // it was parked, and published when what it waited for was mended
}

// rows reads what should have been published.
func (p *Place) rows(ctx context.Context) ([]Row, error) {
	conn, err := pgx.Connect(ctx, p.SuperuserURL())
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	found, err := conn.Query(ctx, `
		SELECT id::text, aggregate_type, aggregate_id, headers->>'n', headers->>'tx', headers->>'size',
			coalesce(convert_to(payload::text, 'UTF8'), payload_bytes) FROM outbox.event
		UNION ALL
		SELECT id::text, aggregate_type, aggregate_id, headers->>'n', headers->>'tx', headers->>'size', value FROM chaos.message`)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	names := make(interned)
	rows, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (Row, error) {
		var r Row
		var aggregateType, key, n, tx, size string
		var value []byte
		if err := row.Scan(&r.ID, &aggregateType, &key, &n, &tx, &size, &value); err != nil {
			return r, err
		}
		r.Topic, r.Key, r.Tx, r.Value = names.one(p.topic(aggregateType)), names.one(key), names.one(tx), hash(value)
		return r, r.parse(n, size)
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return rows, nil
}

func (r *Row) parse(n, size string) (err error) {
	if r.N, err = strconv.ParseInt(n, 10, 64); err != nil {
		return fmt.Errorf("read number of event %s: %w", r.ID, err)
	}
	if r.Size, err = strconv.Atoi(size); err != nil {
		return fmt.Errorf("read transaction size of event %s: %w", r.ID, err)
	}
	return nil
}

// hash tells a tombstone from an empty value.
func hash(value []byte) uint64 {
	if value == nil {
		return 0
	}
	return xxhash.Sum64(value) | 1
}

// interned keeps one copy of each string: a million events have few keys.
type interned map[string]string

func (names interned) one(s string) string {
	if kept, ok := names[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	names[s] = s
	return s
}

// Headers that Relay adds, as its documentation names them: what reads them here is not the code that writes them.
const (
	headerSeq      = "relay-seq"
	headerPosition = "relay-position"
	headerPiece    = "relay-piece"
)

// read takes an event from a record.
func (names interned) read(rec *kgo.Record) (Published, error) {
	e := Published{
		Row: Row{Topic: names.one(rec.Topic), Key: names.one(string(rec.Key)), Value: hash(rec.Value)},
		At:  Partition{names.one(rec.Topic), rec.Partition}, Offset: rec.Offset,
		ProducerID: rec.ProducerID, Epoch: rec.ProducerEpoch,
	}
	header := func(name string) string {
		for _, h := range rec.Headers {
			if h.Key == name {
				return string(h.Value)
			}
		}
		return ""
	}
	e.ID, e.Tx, e.Fate, e.Position = header(headerID), names.one(header(headerTx)), names.one(header(headerFate)), header(headerPosition)
	if err := e.parse(header(headerN), header(headerSize)); err != nil {
		return e, err
	}
	if err := e.parseSeq(names, header(headerSeq)); err != nil {
		return e, err
	}
	if piece := header(headerPiece); piece != "" {
		var err error
		if e.Piece, err = strconv.Atoi(piece); err != nil || e.Piece < 1 {
			return e, fmt.Errorf("read %s of event %s: %q is not a number from 1 on", headerPiece, e.ID, piece)
		}
	}
	return e, nil
}

// parseSeq reads <relay>/<generation>/<n>.
func (e *Published) parseSeq(names interned, seq string) error {
	slash := strings.LastIndexByte(seq, '/')
	n, err := strconv.ParseUint(seq[slash+1:], 10, 64)
	if err != nil || slash < 0 {
		return fmt.Errorf("read %s of event %s: %q is not relay/generation/n", headerSeq, e.ID, seq)
	}
	e.Relay, e.Seq = names.one(seq[:slash]), n
	return nil
}

// published reads all that is committed now.
func (r *Reader) published(ctx context.Context) ([]Published, error) {
	var events []Published
	names := make(interned)
	err := r.Read(ctx, Offsets{}, func(rec *kgo.Record) error {
		e, err := names.read(rec)
		events = append(events, e)
		return err
	})
	return events, err
}

// awaitEvents reads until an event is visible and gives all that was read. from is where to begin, and moves to where to
// go on.
func (r *Reader) awaitEvents(ctx context.Context, from Offsets, id string) (seen []Published, err error) {
	names := make(interned)
	for found := false; !found && err == nil; {
		err = r.Read(ctx, from, func(rec *kgo.Record) error {
			e, err := names.read(rec)
			found = found || e.ID == id
			seen = append(seen, e)
			return err
		})
		if !found && err == nil {
			err = pause.For(ctx, readEvery)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("wait for event %s: %w", id, err)
	}
	return seen, nil
}

// awaitEvent reads from the beginning until an event is visible.
func (r *Reader) awaitEvent(ctx context.Context, id string) error {
	_, err := r.awaitEvents(ctx, Offsets{}, id)
	return err
}
