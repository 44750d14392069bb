package status

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/outbox-relay/relay/outbox"
)

// Tracker holds what a relay knows of itself. All methods may be called from any goroutine.
type Tracker struct {
	relay, version, host string
	now                  func() time.Time
	started              time.Time

	readyMaxLag  atomic.Int64 // nanoseconds; 0: any
	memoryBudget atomic.Int64

	// For every Postgres transaction, hence without a lock.
	received       atomic.Uint64 // LSN
	commitReceived atomic.Int64  // commit time of the newest transaction received, microseconds since the Unix epoch
	pendingEvents  atomic.Int64
	pendingBytes   atomic.Int64
	pendingSince   atomic.Int64 // when pendingEvents left 0, nanoseconds since the Unix epoch
	pendingCommit  atomic.Int64 // commitReceived at that time
	skipped        atomic.Uint64

	histograms histograms
	metrics    *prometheus.Registry

	mu           sync.Mutex // guards the rest
	state        stateNow
	haltedCommit int64 // commit time of the event before which the relay halted, microseconds since the Unix epoch; 0: none
	pause        pause
	resumed      time.Time // when the last pause ended
	checkpoint   Checkpoint
	checkpointAt time.Time // when it was written, by this or an older process
	progress     time.Time // when the checkpoint moved in this process; zero: not yet
	acknowledged outbox.LSN
	commitTime   int64 // of the newest publication's oldest event, microseconds since the Unix epoch
	totals       totals
	slot         Slot
	slotAt       time.Time
	elsewhere    time.Time // when the slot was seen held by another relay
	epoch        int64
	ignored      map[string]uint64
	parked       map[string]uint64 // by reason, since the process started
	sessions     sessions
	topics       map[string]*topic
	outbox       []Partition
	outboxAt     time.Time
	truncations  truncations
	commits      durations
	history      history
}

// totals count since the process started.
type totals struct {
	events, bytes, kafka, postgres uint64
}

// Checkpoint is the part of a checkpoint record that is shown.
type Checkpoint struct {
	ResumeLSN   outbox.LSN
	Timeline    uint32
	Seq         uint64
	EventsTotal uint64 // since init or adopt
	Parked      uint64 // events in the parked topic, held ones included
	HeldKeys    uint64
}

// Commit describes one committed Kafka transaction.
type Commit struct {
	Events       int           // 0: the checkpoint alone
	Bytes        int64         // keys, values and headers
	Transactions int           // Postgres transactions that ended in it
	Duration     time.Duration // from its first request to the answer to the last
	CommitTime   int64         // of its oldest event in Postgres, microseconds since the Unix epoch; 0 without events
	Checkpoint   Checkpoint
}

// Slot is what the server says of the replication slot.
type Slot struct {
	Flush     outbox.LSN
	WALEnd    outbox.LSN // of the server
	WALStatus string     // reserved, extended, unreserved or lost
	// SafeBytes is how much WAL can be written before the slot is lost; -1 when there is no limit.
	SafeBytes int64
}

// Option changes a new Tracker.
type Option func(*Tracker)

// WithBuild names the program and the machine.
func WithBuild(version, host string) Option {
	return func(t *Tracker) { t.version, t.host = version, host }
}

// WithMemoryBudget tells the limit of what is pending, in bytes.
func WithMemoryBudget(bytes int64) Option { return func(t *Tracker) { t.memoryBudget.Store(bytes) } }

// WithReadyMaxLag makes a relay that is further behind not ready; 0 allows any lag.
func WithReadyMaxLag(lag time.Duration) Option {
	return func(t *Tracker) { t.readyMaxLag.Store(int64(lag)) }
}

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option { return func(t *Tracker) { t.now = now } }

// New makes the Tracker of one relay, in state Starting.
func New(relay string, options ...Option) *Tracker {
	t := &Tracker{
		relay: relay, now: time.Now, ignored: map[string]uint64{}, parked: map[string]uint64{}, topics: map[string]*topic{},
		histograms: newHistograms(relay),
	}
	t.slot.SafeBytes = -1
	t.sessions.ends = map[string]uint64{}
	for _, option := range options {
		option(t)
	}
	t.started = t.now()
	t.history.begin(t.started)
	t.state = stateNow{state: Starting, since: t.started}
	t.metrics = newRegistry(t)
	return t
}

// Configure changes options of a Tracker that is in use: the configuration was loaded again.
func (t *Tracker) Configure(options ...Option) {
	for _, option := range options {
		option(t)
	}
}

// Received says how far the stream has come: lsn is the end of a transaction or a keepalive's WAL end, commitTime that
// of the transaction, in microseconds since the Unix epoch, 0 for a keepalive. Call it before Pending.
func (t *Tracker) Received(lsn outbox.LSN, commitTime int64) {
	t.received.Store(uint64(lsn))
	if commitTime != 0 {
		t.commitReceived.Store(commitTime)
	}
}

// Pending adds to what is between the sockets of Postgres and Kafka, bytes as they lie in memory; negative numbers take
// away. The end of a session
// sets both to 0. Only one goroutine adds; take away after Committed.
//
// When waiting begins is stored before it is visible that anything waits, else a reader in between would see an event
// that has waited since the last time. If a commit empties the pipeline between the look and the addition, that time is
// older than true, but the commit has just moved the checkpoint, and readers take the later of the two.
func (t *Tracker) Pending(events, bytes int64) {
	if events > 0 && t.pendingEvents.Load() <= 0 {
		t.pendingCommit.Store(t.commitReceived.Load())
		t.pendingSince.Store(t.now().UnixNano())
	}
	t.pendingEvents.Add(events)
	t.pendingBytes.Add(bytes)
}

// HaltedBefore says which event waits until the relay streams again: the one with that commit time, in microseconds since
// the Unix epoch. Between the sessions that try it nothing is in the pipeline, and still it is late.
func (t *Tracker) HaltedBefore(commitTime int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.haltedCommit = commitTime
}

// Skipped counts rows that were received again although they are decided.
func (t *Tracker) Skipped(rows uint64) { t.skipped.Add(rows) }

// Ignored counts a message that is never published. what is one of a few fixed words: it becomes a label.
func (t *Tracker) Ignored(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ignored[what]++
}

// Parked counts an event that was parked. reason is one of a few fixed words: it becomes a label.
func (t *Tracker) Parked(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parked[reason]++
}

// CheckpointRead notes the checkpoint that a session found, and when it had been written.
func (t *Tracker) CheckpointRead(c Checkpoint, written time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkpoint, t.checkpointAt = c, written
}

// Committed notes a Kafka transaction that has committed. What it took from the pipeline is told by Pending.
func (t *Tracker) Committed(c Commit) {
	now := t.now()
	t.histograms.observe(c, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkpoint, t.checkpointAt, t.progress = c.Checkpoint, now, now
	t.totals.kafka++
	t.totals.events += uint64(c.Events)
	t.totals.bytes += uint64(c.Bytes)
	t.totals.postgres += uint64(c.Transactions)
	t.commits.add(c.Duration)
	if c.CommitTime != 0 {
		t.commitTime = c.CommitTime
		t.history.late(now.Sub(time.UnixMicro(c.CommitTime)))
	}
}

// Acknowledged notes the flush position that was sent to Postgres.
func (t *Tracker) Acknowledged(lsn outbox.LSN) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acknowledged = lsn
}

// SlotSeen notes what the server says of the slot.
func (t *Tracker) SlotSeen(s Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slot, t.slotAt = s, t.now()
}

// SlotHeldElsewhere notes that another relay was just seen to have the slot: the proof that a standby's partner lives.
func (t *Tracker) SlotHeldElsewhere() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.elsewhere = t.now()
}

// Fenced notes the epoch with which the transactional id was taken.
func (t *Tracker) Fenced(epoch int16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch = int64(epoch)
}
