package relay

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// parkingRig is a rig whose relay parks, with a topic for events that are fine.
func parkingRig(t *testing.T) *rig {
	t.Helper()
	r := sharedRig(t)
	r.cfg.Failure = Failure{Park: true, HoldKey: true}
	r.cfg.Kafka.CreateTopics = nil
	r.createTopic(t, r.topic("order"), nil)
	return r
}

func (r *rig) topic(aggregateType string) string { return r.cfg.Kafka.Relay + "." + aggregateType }

// insertKey commits one event with a key in a transaction of its own.
func (r *rig) insertKey(t *testing.T, aggregateType, id, key, payload string) {
	t.Helper()
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox VALUES ('%s', '%s', '%s', 'made', '%s')`, id, aggregateType, key, payload))
}

// parked gives what is parked now, in order, as "id reason".
func (r *rig) parked(t *testing.T) []string {
	t.Helper()
	r.settled(t, r.cfg.Parked)
	events, err := LookParked(t.Context(), r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range events {
		list = append(list, e.ID+" "+e.Reason)
	}
	return list
}

func (r *rig) wantParked(t *testing.T, want ...string) {
	t.Helper()
	if got := r.parked(t); !slices.Equal(got, want) {
		t.Errorf("parked are %q\nwant       %q", got, want)
	}
}

// parkedCount waits until the checkpoint counts n parked events and m held keys.
func (d *daemonRun) parkedCount(t *testing.T, n, m uint64) {
	t.Helper()
	var last status.CheckpointView
	defer func() {
		if t.Failed() {
			t.Logf("parked %d, held keys %d, state %+v", last.Parked, last.HeldKeys, d.status.Ready())
		}
	}()
	eventually(t, fmt.Sprintf("%d events parked, %d keys held", n, m), func() bool {
		last = d.status.View().Checkpoint
		return last.Parked == n && last.HeldKeys == m
	})
}

// release runs a retry or skip that must work.
func (r *rig) release(t *testing.T, what Release) Outcome {
	t.Helper()
	o, err := ReleaseParked(t.Context(), r.cfg, what, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestBadEventIsParked: each kind of event that cannot be published goes to the parked topic with its reason; later ones
// of its topic and key wait behind it where they could go; everything else is published and the relay stays ready.
func TestBadEventIsParked(t *testing.T) {
	limit := "2000"
	for _, tc := range []struct {
		name  string
		setup func(*testing.T, *rig)
		bad   [3]string // aggregate type, key, payload
		want  string    // reason
		next  string    // reason of the next event of that topic and key
		mend  func(*testing.T, *rig)
		after []string // parked after mending and retrying
	}{
		{
			name: "topic name that Kafka refuses", bad: [3]string{"no blanks please", "k", "{}"}, want: "bad_topic", next: "bad_topic",
			mend: func(_ *testing.T, r *rig) { r.cfg.Outbox.Routing.Topic = r.topic("order") },
		},
		{
			name: "topic that does not exist", bad: [3]string{"missing", "k", "{}"}, want: "unknown_topic", next: "held",
			mend: func(t *testing.T, r *rig) { r.createTopic(t, r.topic("missing"), nil) },
		},
		{
			name: "larger than the topic takes",
			setup: func(t *testing.T, r *rig) {
				r.createTopic(t, r.topic("small"), map[string]*string{"max.message.bytes": &limit})
			},
			bad: [3]string{"small", "k", strings.Repeat("x", 3000)}, want: "too_large", next: "held",
			mend: func(t *testing.T, r *rig) { r.alterTopic(t, r.topic("small"), "max.message.bytes", "100000") },
		},
		{
			name: "larger than a batch", bad: [3]string{"order", "k", strings.Repeat("x", 2<<20)}, want: "too_large", next: "held",
			mend: func(t *testing.T, r *rig) { r.alterTopic(t, r.topic("order"), "max.message.bytes", "3000000") },
		},
		{
			name: "tombstone where none may be", setup: func(_ *testing.T, r *rig) { r.cfg.Outbox.Routing.Tombstone = outbox.TombstoneNever },
			bad: [3]string{"order", "k", "NULL"}, want: "null", next: "held",
			mend: func(_ *testing.T, r *rig) { r.cfg.Outbox.Routing.Tombstone = outbox.TombstoneNull },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := parkingRig(t)
			if tc.setup != nil {
				tc.setup(t, r)
			}
			r.init(t)
			d := r.run(t)
			r.insertKey(t, "order", "good-1", "other", "{}")
			payload := "'" + tc.bad[2] + "'"
			if tc.bad[2] == "NULL" {
				payload = "NULL"
			}
			r.exec(t, fmt.Sprintf(`INSERT INTO outbox VALUES ('good-2', 'order', 'other', 'made', '{}'), ('bad', '%s', '%s', 'made', %s)`, tc.bad[0], tc.bad[1], payload))
			published, parked, held := uint64(3), []string{"bad " + tc.want, "next " + tc.next}, uint64(0)
			if tc.next == "held" {
				held = 1
			}
			d.parkedCount(t, 1, held)
			r.insertKey(t, tc.bad[0], "next", tc.bad[1], "{}")
			r.insertKey(t, "order", "good-3", "other", "{}")
			r.published(t, d, published)
			d.parkedCount(t, uint64(len(parked)), held)
			d.wantState(t, status.Streaming, 0)
			r.wantParked(t, parked...)
			if n := d.log.count("event parked"); n != strings.Count(strings.Join(parked, " "), tc.want) {
				t.Errorf("said %d times that an event is parked", n)
			}
			if err := d.stop(); err != nil {
				t.Fatal(err)
			}
			tc.mend(t, r)
			o := r.release(t, Release{Selection: Selection{All: true}})
			if o.Published != len(parked) || len(o.Left) != 0 {
				t.Errorf("outcome is %+v, left %v", o, o.Left)
			}
			r.wantParked(t)
			d = r.run(t)
			r.insertKey(t, "order", "good-4", tc.bad[1], "{}")
			r.published(t, d, published+uint64(len(parked))+1)
			d.parkedCount(t, 0, 0)
		})
	}
}
