package status

import (
	"maps"
	"slices"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// snapshot is what a Tracker held at one moment.
type snapshot struct {
	now                  time.Time
	relay, version, host string
	started              time.Time

	state        stateNow
	pause        pause
	resumed      time.Time
	checkpoint   Checkpoint
	checkpointAt time.Time
	progress     time.Time
	acknowledged outbox.LSN
	commitTime   int64
	totals       totals
	slot         Slot
	slotAt       time.Time
	elsewhere    time.Time
	epoch        int64
	ignored      map[string]uint64
	parked       map[string]uint64
	sessions     sessions

	received                    outbox.LSN
	pendingEvents, pendingBytes int64
	pendingSince                time.Time
	pendingCommit               int64
	haltedCommit                int64
	skipped                     uint64
	memoryBudget                int64
	readyMaxLag                 time.Duration

	topics      []TopicView
	outbox      OutboxView
	truncations truncations
	recent      RecentView
}

func (t *Tracker) snapshot() *snapshot {
	s := &snapshot{
		now: t.now(), relay: t.relay, version: t.version, host: t.host, started: t.started,
		received:      outbox.LSN(t.received.Load()),
		pendingEvents: max(0, t.pendingEvents.Load()), pendingBytes: max(0, t.pendingBytes.Load()),
		pendingSince: time.Unix(0, t.pendingSince.Load()), pendingCommit: t.pendingCommit.Load(),
		skipped: t.skipped.Load(), memoryBudget: t.memoryBudget.Load(), readyMaxLag: time.Duration(t.readyMaxLag.Load()),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.state, s.pause, s.resumed = t.effective(), t.pause, t.resumed
	if s.haltedCommit = t.haltedCommit; s.haltedCommit != 0 {
		s.pendingEvents = max(1, s.pendingEvents)
	}
	s.checkpoint, s.checkpointAt, s.progress = t.checkpoint, t.checkpointAt, t.progress
	s.acknowledged, s.commitTime, s.totals, s.epoch = t.acknowledged, t.commitTime, t.totals, t.epoch
	s.slot, s.slotAt, s.elsewhere = t.slot, t.slotAt, t.elsewhere
	s.ignored, s.parked = maps.Clone(t.ignored), maps.Clone(t.parked)
	s.topics, s.recent = t.topicViews(), t.recent()
	s.truncations = t.truncations
	s.outbox = OutboxView{Partitions: append([]Partition{}, t.outbox...), Seen: known(t.outboxAt)}
	s.sessions = t.sessions
	s.sessions.ends, s.sessions.recent = maps.Clone(t.sessions.ends), slices.Clone(t.sessions.recent)
	return s
}
