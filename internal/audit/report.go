package audit

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// Report is what an audit found. Its JSON never loses a field within v1.
type Report struct {
	Relay string    `json:"relay"`
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`

	// Checkpoint is the one that was audited: everything before ResumeLSN is decided, events 1 to EventsTotal of the
	// generation are published.
	Checkpoint struct {
		ResumeLSN   outbox.LSN `json:"resume_lsn"`
		Generation  int64      `json:"generation"` // milliseconds since the Unix epoch
		EventsTotal uint64     `json:"events_total"`
		Written     time.Time  `json:"written"`
	} `json:"checkpoint"`

	Rows       *Rows       `json:"rows"` // null: there is no table
	Events     Events      `json:"events"`
	Partitions []Partition `json:"partitions"`

	// Findings are what is wrong, Unproved what cannot be told, each kind once, in a fixed order, also those that were not
	// found.
	Findings []Finding `json:"findings"`
	Unproved []Finding `json:"unproved"`
	// Reach says in sentences how far the proof goes.
	Reach []string `json:"reach"`
}

// Rows of the outbox table.
type Rows struct {
	Tables []string `json:"tables"`
	Read   uint64   `json:"read"`
	// Asked are those that must be in Kafka: all, or those since a time.
	Asked  uint64 `json:"asked"`
	Once   uint64 `json:"once"`   // in Kafka exactly once, as they were written
	Parked uint64 `json:"parked"` // in the parked topic instead
	// Oldest is the created_at of the oldest row, where the table has that column.
	Oldest *time.Time `json:"oldest"`
}

// Events are the records of event topics.
type Events struct {
	Read    uint64 `json:"read"` // of this relay
	Foreign uint64 `json:"foreign"`
	// First and Last are the numbers of this generation within which relay-seq was looked at.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	// Gone are those whose row is not in the table any more: older than all that it holds.
	Gone uint64 `json:"gone"`
	// Later are those whose row was written after the table was read.
	Later uint64 `json:"later"`
}

// Partition is what was read of one partition.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"` // first offset that Kafka still has
	From      int64  `json:"from"`
	To        int64  `json:"to"` // exclusive
	Events    uint64 `json:"events"`
	Foreign   uint64 `json:"foreign"`
	Compacted bool   `json:"compacted"`
}

// Kind says what is wrong, or why it cannot be told.
type Kind string

// What can be wrong.
const (
	Missing     Kind = "missing"          // a row that was decided is not in Kafka
	MoreThan    Kind = "more_than_once"   // an event is in Kafka several times
	OutOfOrder  Kind = "out_of_order"     // an event stands behind one of the same key that committed later
	Differs     Kind = "payload_differs"  // topic, key, value or headers are not what the row becomes
	NotInTable  Kind = "not_in_table"     // a record of which no row is left, although older rows are
	SeqGap      Kind = "seq_gap"          // numbers that no record carries
	SeqRepeated Kind = "seq_repeated"     // a number that several records carry
	SeqDisorder Kind = "seq_out_of_order" // a number that does not grow in its partition
	SeqBeyond   Kind = "seq_beyond"       // a number that the checkpoint has not counted
	LogLost     Kind = "log_lost"         // Kafka's log ends before what the checkpoint remembers
	ParkedTwice Kind = "parked_and_published"
)

// Why it cannot be told.
const (
	Waiting     Kind = "waiting"          // the checkpoint has not passed the rows that were read
	BeforeRelay Kind = "before_relay"     // written before the relay began
	Deleted     Kind = "deleted"          // retention has taken the part of the log where it would be
	Compacted   Kind = "compacted"        // compaction may have taken it
	Unsendable  Kind = "unpublishable"    // cannot become a record, and is not parked (any more)
	Skipped     Kind = "skipped"          // was parked, and somebody skipped it
	Undatable   Kind = "undatable"        // nothing tells whether it was written before the relay began
	GapUntold   Kind = "seq_gap_unproved" // numbers that may have been where retention or compaction has been
)

func findingKinds() []Kind {
	return []Kind{Missing, MoreThan, OutOfOrder, Differs, NotInTable, SeqGap, SeqRepeated, SeqDisorder, SeqBeyond, LogLost, ParkedTwice}
}

func unprovedKinds() []Kind {
	return []Kind{Waiting, BeforeRelay, Deleted, Compacted, Unsendable, Skipped, Undatable, GapUntold}
}

// Finding is one kind with how often it was found.
type Finding struct {
	Kind  Kind   `json:"kind"`
	Count uint64 `json:"count"`
	// Items are the first of them; MaxItems bounds their number.
	Items []Item `json:"items"`
}

// Item names one event, or one run of numbers.
type Item struct {
	ID string `json:"id,omitempty"`
	// At are places in Kafka, as topic/partition@offset.
	At     []string  `json:"at,omitempty"`
	Seq    *SeqRange `json:"seq,omitempty"`
	Detail string    `json:"detail,omitempty"`
}

// Wrong is how many things are wrong.
func (r *Report) Wrong() uint64 { return total(r.Findings) }

// Undecided is how many rows nothing can be said of before the relay has gone further.
func (r *Report) Undecided() uint64 {
	for _, f := range r.Unproved {
		if f.Kind == Waiting {
			return f.Count
		}
	}
	return 0
}

func total(findings []Finding) (n uint64) {
	for _, f := range findings {
		n += f.Count
	}
	return n
}

// note counts a finding and keeps it while there is room.
func note(findings []Finding, kind Kind, count uint64, most int, item Item) {
	for i := range findings {
		if f := &findings[i]; f.Kind == kind {
			f.Count += count
			if len(f.Items) < most {
				f.Items = append(f.Items, item)
			}
		}
	}
}

func none(kinds []Kind) []Finding {
	findings := make([]Finding, len(kinds))
	for i, kind := range kinds {
		findings[i] = Finding{Kind: kind, Items: []Item{}}
	}
	return findings
}

// String puts an item on one line.
func (i Item) String() string {
	parts := []string{}
	if i.ID != "" {
		parts = append(parts, i.ID)
	}
	if i.Seq != nil && i.ID == "" {
		parts = append(parts, i.Seq.String())
	}
	if len(i.At) > 0 {
		parts = append(parts, strings.Join(i.At, ", "))
	}
	if i.Detail != "" {
		parts = append(parts, i.Detail)
	}
	return strings.Join(parts, "  ")
}

// String prints one number or both ends.
func (r SeqRange) String() string {
	if r.First == r.Last {
		return strconv.FormatUint(r.First, 10)
	}
	return fmt.Sprintf("%d to %d", r.First, r.Last)
}
