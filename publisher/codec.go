package publisher

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// formatVersion is the version of the checkpoint and barrier records that this code writes and the only one it reads.
const formatVersion = 1

// Keys of the records in a relay's checkpoint partition.
const (
	keyBarrier    = "barrier"
	keyCheckpoint = "checkpoint"
)

// checkpointRecord is a checkpoint as it lies in Kafka. BarrierOffset is where the barrier of the session that wrote it
// lies; compaction keeps the newest barrier at its offset, so a look from outside finds it in one read.
type checkpointRecord struct {
	Format        int   `json:"format"`
	BarrierOffset int64 `json:"barrier_offset"`
	Checkpoint
}

type barrierRecord struct {
	Format int `json:"format"`
	Barrier
}

func encodeCheckpoint(c *Checkpoint, barrierOffset int64) ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("encode checkpoint: %w", err)
	}
	return json.Marshal(checkpointRecord{Format: formatVersion, BarrierOffset: barrierOffset, Checkpoint: *c})
}

func encodeBarrier(b *Barrier) ([]byte, error) {
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("encode barrier: %w", err)
	}
	return json.Marshal(barrierRecord{Format: formatVersion, Barrier: *b})
}

func decodeCheckpoint(value []byte) (*checkpointRecord, error) {
	r := new(checkpointRecord)
	if err := decodeRecord(value, r, checkpointFields()); err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w: %w", ErrUndecodable, err)
	}
	return r, nil
}

func decodeBarrier(value []byte) (*Barrier, error) {
	r := new(barrierRecord)
	if err := decodeRecord(value, r, identityFields()); err != nil {
		return nil, fmt.Errorf("decode barrier: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, fmt.Errorf("decode barrier: %w: %w", ErrUndecodable, err)
	}
	return &r.Barrier, nil
}

// decodeRecord is strict: a field that is missing or unknown, or bytes behind the record, mean that we do not know what
// the writer meant, and a checkpoint that is read wrongly loses or repeats events.
func decodeRecord(value []byte, into any, required []string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	var format int
	if err := json.Unmarshal(fields["format"], &format); err != nil {
		return fmt.Errorf("%w: no format version", ErrUndecodable)
	}
	if format != formatVersion {
		return fmt.Errorf("%w: format version %d, this release reads %d only", ErrUndecodable, format, formatVersion)
	}
	for _, name := range required {
		if _, ok := fields[name]; !ok {
			return fmt.Errorf("%w: field %q is missing", ErrUndecodable, name)
		}
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: bytes behind the record", ErrUndecodable)
	}
	return nil
}

// identityFields are in every record.
func identityFields() []string {
	return []string{
		"relay", "generation", "shard", "of", "system_id", "database_oid", "database", "slot", "kafka_cluster_id",
		"topic_id", "timeline", "version", "host", "time",
	}
}

func checkpointFields() []string {
	return append(identityFields(), "barrier_offset", "resume_lsn", "floor", "publication", "fingerprint", "seq", "events_total",
		"holds", "phase")
}

// validate refuses what no relay can mean, on both ways: zero values of the fields that everything else rests on.
func (id *Identity) validate() error {
	switch {
	case id.Relay == "":
		return fmt.Errorf("relay is empty")
	case id.Of < 1 || id.Shard < 0 || id.Shard >= id.Of:
		return fmt.Errorf("shard is %d of %d", id.Shard, id.Of)
	}
	return nil
}

func (b *Barrier) validate() error {
	if b.Epoch < 0 {
		return fmt.Errorf("epoch is %d", b.Epoch)
	}
	return b.Identity.validate()
}

func (c *Checkpoint) validate() error {
	switch {
	case c.Generation <= 0:
		return fmt.Errorf("generation is %d, want a time", c.Generation)
	case c.Phase != PhaseCreating && c.Phase != PhaseStream:
		return fmt.Errorf("phase is %q, want %q or %q", c.Phase, PhaseCreating, PhaseStream)
	case c.Phase == PhaseStream && c.ResumeLSN == 0:
		return fmt.Errorf("resume_lsn is 0/0 in phase %q", c.Phase)
	case c.Partial == nil && c.Pieces > 0:
		return fmt.Errorf("pieces is %d without a partial transaction", c.Pieces)
	case len(c.Ends) > MaxEnds:
		return fmt.Errorf("%d ends, want at most %d", len(c.Ends), MaxEnds)
	}
	return c.Identity.validate()
}
