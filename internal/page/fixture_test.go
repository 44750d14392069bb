package page

import (
	"math"
	"net/http"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// noon is the present of the fixtures.
func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// clock is what a fixture's tracker thinks the time is.
type clock struct{ now time.Time }

// fixtures are relays in every state that looks different.
func fixtures() map[string]*status.Tracker {
	return map[string]*status.Tracker{
		"streaming": streaming(), "standby": standby(), "halted": halted(), "refused": refused(), "paused": paused(), "new": status.New("payments", status.WithClock(noon)),
	}
}

// handlerOf serves a fixture at its own present.
func handlerOf(t *status.Tracker) http.Handler { return Handler(t, noon) }

// streaming has run for three days; the last hour had a burst and two sessions that ended.
func streaming() *status.Tracker {
	c := &clock{noon().Add(-76 * time.Hour)}
	t := status.New("payments", status.WithBuild("1.0.0", "relay-7c9f-0"), status.WithMemoryBudget(48<<20), status.WithClock(func() time.Time { return c.now }))
	lastHour(t, c)
	oldest := noon().Add(-69 * time.Hour)
	next := noon().Add(2*time.Hour + 18*time.Minute)
	t.OutboxSeen([]status.Partition{
		{Name: "outbox.event_mon", Bytes: 211 << 20, Oldest: &oldest, NextTruncate: &next},
		{Name: "outbox.event_tue", Bytes: 401 << 20, Oldest: &oldest, Kept: &status.Kept{Reason: "other_slot_behind", Detail: "slot relay_ledger has not confirmed its rows"}},
		{Name: "outbox.event_wed", Bytes: 0},
	})
	c.now = noon()
	return t
}

const (
	firstLSN  = outbox.LSN(0x7A00000)
	eventsNow = 1_904_417
)

// lastHour lives through an hour in steps of ten seconds.
func lastHour(t *status.Tracker, c *clock) {
	t.SessionStarted()
	c.now = noon().Add(-70 * time.Minute)
	t.SessionEnded("stopped")
	begin(t, c)
	at := firstLSN
	for i := range 360 {
		c.now = noon().Add(time.Duration(i-360) * 10 * time.Second)
		if i == 150 || i == 250 {
			t.SessionEnded([]string{"doubt", "command"}[i/200])
			begin(t, c)
		}
		burst := math.Exp(-math.Pow(float64(i-200)/12, 2))
		events := int(40*(2+math.Sin(float64(i)/17)) + 3000*burst)
		at += outbox.LSN(events * 180)
		duration := time.Duration((4 + 2*math.Sin(float64(i)/5) + 20*burst) * float64(time.Millisecond))
		for range 4 {
			t.Committed(commit(at, events/4, duration, c.now.Add(-time.Duration((0.2+9*burst)*float64(time.Second)))))
		}
		t.Written(func(yield func(string, int32, int)) {
			yield("payment.events", int32(i%6), events/2)
			yield("ledger.events", int32(i%3), events-events/2)
		})
		t.SlotSeen(status.Slot{Flush: at - 0x6A70, WALEnd: at + 0x3200, WALStatus: "reserved", SafeBytes: 50<<30 - 16<<20})
		t.Sample()
	}
	c.now = noon().Add(-200 * time.Millisecond)
	t.Received(at+0x2000, c.now.UnixMicro())
	t.Committed(commit(at, 4, 4*time.Millisecond, c.now))
	t.Acknowledged(at - 0x6A70)
}

func begin(t *status.Tracker, c *clock) {
	t.SessionStarted()
	t.CheckpointRead(status.Checkpoint{ResumeLSN: firstLSN, Timeline: 1, Seq: 9}, c.now)
	t.Fenced(18)
	t.Recovered(212 * time.Millisecond)
	t.SetState(status.Streaming, "", 0)
}

func commit(at outbox.LSN, events int, duration time.Duration, written time.Time) status.Commit {
	return status.Commit{
		Events: events, Bytes: int64(events) * 300, Transactions: events / 2, Duration: duration, CommitTime: written.UnixMicro(),
		Checkpoint: status.Checkpoint{ResumeLSN: at, Timeline: 1, Seq: 10, EventsTotal: eventsNow, Parked: 2, HeldKeys: 1},
	}
}

func standby() *status.Tracker {
	t := status.New("payments", status.WithBuild("1.0.0", "relay-7c9f-1"), status.WithMemoryBudget(48<<20), status.WithClock(noon))
	t.SessionStarted()
	t.CheckpointRead(status.Checkpoint{ResumeLSN: firstLSN + 0x41C98, Timeline: 1, Seq: 10, EventsTotal: eventsNow}, noon().Add(-3*time.Second))
	t.SlotSeen(status.Slot{Flush: firstLSN + 0x3F2B8, WALEnd: firstLSN + 0x42000, WALStatus: "reserved", SafeBytes: -1})
	t.SetState(status.Standby, "slot relay_payments is active for PID 4711", 0)
	t.SlotHeldElsewhere()
	return t
}

func halted() *status.Tracker {
	t := streaming()
	t.SessionEnded("halted")
	t.SetState(status.Halted, `stopped before an event that cannot be published: topic "no blanks please" is not a name that Kafka takes`, fault.Unpublishable)
	return t
}

func refused() *status.Tracker {
	t := status.New("payments", status.WithBuild("1.0.0", "relay-7c9f-0"), status.WithMemoryBudget(48<<20), status.WithClock(noon))
	t.SessionStarted()
	t.CheckpointRead(status.Checkpoint{ResumeLSN: firstLSN + 0x41C98, Timeline: 1, Seq: 10, EventsTotal: eventsNow}, noon().Add(-3*time.Minute))
	t.SlotSeen(status.Slot{Flush: firstLSN + 0x100128, WALEnd: firstLSN + 0x100200, WALStatus: "reserved", SafeBytes: 50 << 30})
	t.SessionEnded("refused")
	t.SetState(status.Refused, `slot "relay_payments" is ahead of the checkpoint`, fault.SlotAhead)
	return t
}

func paused() *status.Tracker {
	t := streaming()
	t.Paused("alice")
	return t
}
