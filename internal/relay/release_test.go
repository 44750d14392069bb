package relay

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// ids gives the ids of the events of one key in a topic, in order, and checks that each is there once.
func (r *rig) ids(t *testing.T, topic, key string) []string {
	t.Helper()
	client, err := publisher.Connect(t.Context(), r.cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ids := []string{}
	for partition := range int32(3) {
		reader, err := client.Reader(t.Context(), topic, partition)
		if err != nil {
			t.Fatal(err)
		}
		for more := true; more; more, err = reader.More(t.Context()) {
			events, err := reader.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if id, _ := e.Header("id"); string(e.Key) == key {
					ids = append(ids, string(id))
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// wantOrder waits until the events of a key are these.
func (r *rig) wantOrder(t *testing.T, topic, key string, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if t.Failed() {
			t.Logf("key %s of %s has %v, want %v", key, topic, got, want)
		}
	}()
	eventually(t, "all events are visible", func() bool {
		got = r.ids(t, topic, key)
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("order is wrong")
	}
}

// TestHoldOutlivesRelays: what waits behind a parked event waits after a restart too; retry publishes all of it in order
// while a relay runs, which steps aside and goes on by itself.
func TestHoldOutlivesRelays(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "missing", "1", "k", "{}")
	r.insertKey(t, "missing", "other", "another key", "{}")
	d.parkedCount(t, 2, 2)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.createTopic(t, r.topic("missing"), nil) // the cause is gone, the hold is not
	r.insertKey(t, "missing", "2", "k", "{}")
	d = r.run(t)
	r.insertKey(t, "missing", "free", "a third", "{}")
	r.published(t, d, 1)
	d.parkedCount(t, 3, 2)
	r.insertKey(t, "missing", "3", "k", "{}")
	d.parkedCount(t, 4, 2)

	if o := r.release(t, Release{Selection: Selection{Events: []string{"1"}}}); o.Published != 3 {
		t.Errorf("outcome is %+v", o)
	}
	r.insertKey(t, "missing", "4", "k", "{}")
	d.parkedCount(t, 1, 1)
	r.published(t, d, 5)
	d.wantState(t, status.Streaming, 0)
	r.wantOrder(t, r.topic("missing"), "k", "1", "2", "3", "4")
	r.wantParked(t, "other unknown_topic")
}

// TestRetryGoesAsFarAsKafkaTakesIt: what it does not take stays with the new reason, and what waits behind that goes on
// waiting.
func TestRetryGoesAsFarAsKafkaTakesIt(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "missing", "1", "k", "{}")
	d.parkedCount(t, 1, 1)
	for id, payload := range map[string]string{"2": "{}", "3": strings.Repeat("x", 3000), "4": "{}"} {
		r.exec(t, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS parts (id text, payload text); INSERT INTO parts VALUES ('%s', '%s')`, id, payload))
	}
	r.exec(t, `INSERT INTO outbox SELECT id, 'missing', 'k', 'made', payload FROM parts ORDER BY id`)
	d.parkedCount(t, 4, 1)
	limit := "2000"
	r.createTopic(t, r.topic("missing"), map[string]*string{"max.message.bytes": &limit})
	o := r.release(t, Release{Selection: Selection{All: true}})
	if o.Published != 2 || len(o.Left) != 1 || o.Left[0].ID != "3" {
		t.Errorf("outcome is %+v", o)
	}
	var became []string
	for _, e := range o.Events {
		became = append(became, e.ID+" "+string(e.Fate)+" "+e.Reason)
	}
	if want := []string{"1 published unknown_topic", "2 published held", "3 parked too_large", "4 parked held"}; !slices.Equal(became, want) {
		t.Errorf("events became %v, want %v", became, want)
	}
	r.wantParked(t, "3 too_large", "4 held")
	o = r.release(t, Release{Selection: Selection{All: true}, Skip: true})
	if o.Published != 1 || o.Skipped != 1 {
		t.Errorf("outcome of skip is %+v", o)
	}
	r.insertKey(t, "missing", "5", "k", "{}")
	r.wantOrder(t, r.topic("missing"), "k", "1", "2", "4", "5")
	d.parkedCount(t, 0, 0)
	if o := r.release(t, Release{Selection: Selection{All: true}}); o.Published+o.Skipped+len(o.Left) != 0 {
		t.Errorf("with nothing parked: %+v", o)
	}
}

// TestSkipOfAHeldEvent gives up one that only waits; what stands before and behind it stays.
func TestSkipOfAHeldEvent(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.run(t)
	for i := range 3 {
		r.insertKey(t, "missing", fmt.Sprint(i), "k", "{}")
		d.parkedCount(t, uint64(i+1), 1)
	}
	if o := r.release(t, Release{Selection: Selection{Events: []string{"1"}}, Skip: true}); o.Skipped != 1 || o.Published != 0 {
		t.Errorf("outcome is %+v", o)
	}
	r.wantParked(t, "0 unknown_topic", "2 held")
}

// TestRetryElsewhere publishes to another topic what could not be routed.
func TestRetryElsewhere(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.cfg.Outbox.ReservedTopics = []string{"checkpoints", "parked"}
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "no blanks please", "row", "k", "{}")
	r.insertKey(t, "missing", "record", "k", "{}")
	d.parkedCount(t, 2, 1)
	_, err := ReleaseParked(t.Context(), r.cfg, Release{Selection: Selection{All: true}, ToTopic: r.cfg.Kafka.CheckpointTopic}, io.Discard)
	if fault.Exit(err) == fault.ExitDone {
		t.Errorf("an event was published to the checkpoint topic: %v", err)
	}
	if o := r.release(t, Release{Selection: Selection{All: true}, ToTopic: r.topic("order")}); o.Published != 2 {
		t.Errorf("outcome is %+v", o)
	}
	r.wantOrder(t, r.topic("order"), "k", "row", "record")
	d.parkedCount(t, 0, 0)
}

// TestOneCommandAtATime: the second operator is told who is at it.
func TestOneCommandAtATime(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	first, err := newCommand(r.cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	for _, step := range []func(context.Context) error{first.reach, first.lock} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err = ReleaseParked(t.Context(), r.cfg, Release{Selection: Selection{All: true}}, io.Discard)
	if fault.Exit(err) != fault.ExitRefused || !strings.Contains(err.Error(), "is in use by") || !strings.Contains(err.Error(), "pid") {
		t.Errorf("the second one ended with %v", err)
	}
}

// TestOnceWaitsForACommand: a relay that is to stop when it has caught up does not fail because a command is at work.
func TestOnceWaitsForACommand(t *testing.T) {
	t.Parallel()
	r := sharedRig(t)
	r.init(t)
	r.emit(t, 3)
	command, err := newCommand(r.cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context) error{command.reach, command.lock} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.cfg.Status = status.New("once")
	ended := make(chan error, 1)
	go func() { ended <- Run(t.Context(), r.cfg, RunOptions{Once: true}) }()
	eventually(t, "the relay stands by", func() bool { return r.cfg.Status.Ready().State == status.Standby })
	command.close()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if n := r.cfg.Status.View().Checkpoint.EventsTotal; n != 3 {
		t.Errorf("%d events published", n)
	}
}

// TestParkingThatCannotBe halts, saying why, and goes on by itself when it can.
func TestParkingThatCannotBe(t *testing.T) {
	small := "2000"
	for _, tc := range []struct {
		name  string
		spoil func(*testing.T, *rig)
		says  string
		mend  func(*testing.T, *rig)
	}{
		{
			"no parked topic", func(t *testing.T, r *rig) { r.deleteTopics(t, r.cfg.Parked) }, "the topic does not exist",
			func(t *testing.T, r *rig) { r.init(t) },
		},
		{
			"too small", func(t *testing.T, r *rig) { r.alterTopic(t, r.cfg.Parked, "max.message.bytes", small) }, "larger than the topic's max.message.bytes",
			func(t *testing.T, r *rig) { r.alterTopic(t, r.cfg.Parked, "max.message.bytes", "100000") },
		},
		{
			"as many as may be", func(_ *testing.T, r *rig) { r.cfg.Failure.MaxHeld = 1 }, "failure.max_held",
			func(t *testing.T, r *rig) {
				r.release(t, Release{Selection: Selection{Events: []string{"first"}}, Skip: true})
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := parkingRig(t)
			r.init(t)
			if tc.name == "as many as may be" {
				d := r.run(t)
				r.insertKey(t, "missing", "first", "x", "{}")
				d.parkedCount(t, 1, 1)
				if err := d.stop(); err != nil {
					t.Fatal(err)
				}
			}
			tc.spoil(t, r)
			r.insertKey(t, "order", "good", "k", "{}")
			r.insertKey(t, "missing", "bad", "k", strings.Repeat("x", 3000))
			r.insertKey(t, "order", "behind", "k", "{}")
			d := r.run(t)
			d.wantState(t, status.Halted, fault.Unpublishable)
			r.published(t, d, 1)
			d.wantReason(t, tc.says)
			if !d.log.contains("bad") || !d.log.contains("relay parked") && !d.log.contains("parked topic") {
				t.Error("the log does not name the event or the remedy")
			}
			tc.mend(t, r)
			d.wantState(t, status.Streaming, 0)
			r.published(t, d, 2)
			d.parkedCount(t, 1, 1)
			r.wantParked(t, "bad unknown_topic")
		})
	}
}

// TestParkingInPieces: a transaction larger than a batch, with events that cannot be published and more behind them, is
// published in pieces all the same.
func TestParkingInPieces(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	r.exec(t, `INSERT INTO outbox SELECT i::text, CASE WHEN i % 5 = 0 THEN 'missing' ELSE 'order' END, 'k' || i % 7, 'made', '{}' FROM generate_series(1, 5000) i`)
	d := r.run(t)
	r.published(t, d, 4000)
	d.parkedCount(t, 1000, 7)
	r.createTopic(t, r.topic("missing"), nil)
	if o := r.release(t, Release{Selection: Selection{Topic: r.topic("missing")}}); o.Published != 1000 {
		t.Errorf("outcome is %+v", o)
	}
	var want []string
	for i := 5; i <= 5000; i += 5 {
		if i%7 == 3 {
			want = append(want, fmt.Sprint(i))
		}
	}
	r.wantOrder(t, r.topic("missing"), "k3", want...)
	d.parkedCount(t, 0, 0)
	r.published(t, d, 5000)
}

// TestWithoutHolds: later events of the key overtake the parked one when that is wanted.
func TestWithoutHolds(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.cfg.Failure.HoldKey = false
	r.cfg.Outbox.Routing.Tombstone = outbox.TombstoneNever
	r.init(t)
	d := r.run(t)
	r.exec(t, `INSERT INTO outbox VALUES ('bad', 'order', 'k', 'made', NULL)`, `INSERT INTO outbox VALUES ('later', 'order', 'k', 'made', '{}')`)
	r.published(t, d, 1)
	d.parkedCount(t, 1, 0)
	o := r.release(t, Release{Selection: Selection{All: true}})
	if o.Published != 0 || len(o.Left) != 1 {
		t.Errorf("a row that still cannot be mapped: outcome is %+v", o)
	}
	r.wantParked(t, "bad null")
	r.cfg.Outbox.Routing.Tombstone = outbox.TombstoneNull
	if o := r.release(t, Release{Selection: Selection{All: true}}); o.Published != 1 {
		t.Errorf("outcome is %+v", o)
	}
	r.wantOrder(t, r.topic("order"), "k", "later", "bad")
}

// TestWALMessageIsParked: one without the frame of an event is parked as it came, and given up.
func TestWALMessageIsParked(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.cfg.Outbox.WALMessages, r.cfg.Source.Messages = "event", true
	r.init(t)
	d := r.run(t)
	r.exec(t, `SELECT pg_logical_emit_message(true, 'event', 'no frame')`)
	r.insertKey(t, "order", "good", "k", "{}")
	r.published(t, d, 1)
	d.parkedCount(t, 1, 0)
	r.settled(t, r.cfg.Parked)
	events, err := LookParked(t.Context(), r.cfg)
	if err != nil || len(events) != 1 || events[0].Reason != "bad_frame" {
		t.Fatalf("parked are %v, error %v", events, err)
	}
	whole, err := ShowParked(t.Context(), r.cfg, events[0].Position.String())
	if err != nil || len(whole) != 1 || string(whole[0].Value) != "no frame" || whole[0].Kind != publisher.ParkedMessage {
		t.Errorf("shown is %+v, error %v", whole, err)
	}
	if o := r.release(t, Release{Selection: Selection{Reason: "bad_frame"}, Skip: true}); o.Skipped != 1 {
		t.Errorf("outcome is %+v", o)
	}
	d.parkedCount(t, 0, 0)
}

// TestAdoptCountsWhatIsParked: a new generation knows what was parked in the one before, also when its checkpoint is gone
// or counts wrongly.
func TestAdoptCountsWhatIsParked(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "missing", "1", "k", "{}")
	d.parkedCount(t, 1, 1)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.rewriteCheckpoint(t, func(cp *publisher.Checkpoint) { cp.Holds.Count, cp.Holds.Parked = 5, 7 })
	d = r.run(t)
	d.wantState(t, status.Refused, fault.KafkaLostData)
	d.wantReason(t, "counts 5 held keys, but 1 are found")
	_, err := ReleaseParked(t.Context(), r.cfg, Release{Selection: Selection{All: true}}, io.Discard)
	if fault.Exit(err) != fault.ExitRefused {
		t.Errorf("retry with a wrong count: %v", err)
	}
	if err := Adopt(t.Context(), r.cfg, AdoptOptions{From: r.inspect(t).Checkpoint.ResumeLSN}, io.Discard); err != nil {
		t.Fatal(err)
	}
	d.wantState(t, status.Streaming, 0)
	r.insertKey(t, "missing", "2", "k", "{}")
	d.parkedCount(t, 2, 1)
	r.createTopic(t, r.topic("missing"), nil)
	if o := r.release(t, Release{Selection: Selection{All: true}}); o.Published != 2 {
		t.Errorf("outcome is %+v", o)
	}
	r.wantOrder(t, r.topic("missing"), "k", "1", "2")
}

// TestTenThousandHeldKeys: as many keys as may be held, each by one event, and then one event more. The relay says so,
// starts again with them, and goes on when they are published.
func TestTenThousandHeldKeys(t *testing.T) {
	t.Parallel()
	const many = 10_000
	r := parkingRig(t)
	r.cfg.Failure.MaxHeld = many
	r.init(t)
	d := r.run(t)
	r.exec(t, fmt.Sprintf(`INSERT INTO outbox SELECT i::text, 'missing', 'k' || i, 'made', '{}' FROM generate_series(1, %d) i`, many))
	d.parkedCount(t, many, many)
	r.insertKey(t, "order", "fine", "k", "{}")
	r.published(t, d, 1)
	r.insertKey(t, "missing", "one more", "k1", "{}")
	d.wantState(t, status.Halted, fault.Unpublishable)
	d.wantReason(t, "failure.max_held")
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d = r.run(t)
	d.wantState(t, status.Halted, fault.Unpublishable)
	r.createTopic(t, r.topic("missing"), nil)
	if o := r.release(t, Release{Selection: Selection{Reason: "unknown_topic"}}); o.Published != many {
		t.Errorf("outcome is %+v", o)
	}
	r.published(t, d, many+2)
	r.wantOrder(t, r.topic("missing"), "k1", "1", "one more")
}

// TestAdoptFreesKeysWhoseEventsAreGone: with the parked topic its events are lost. The relay refuses to go on as if nothing
// had happened, until a person accepts it by adopting;
// their keys are not held for ever.
func TestAdoptFreesKeysWhoseEventsAreGone(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "missing", "lost", "k", "{}")
	d.parkedCount(t, 1, 1)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.deleteTopics(t, r.cfg.Parked)
	d = r.run(t)
	d.wantState(t, status.Refused, fault.KafkaLostData)
	if err := Init(t.Context(), r.cfg, io.Discard); fault.Exit(err) != fault.ExitRefused || !strings.Contains(err.Error(), "1 parked events") {
		t.Errorf("init beside what is lost: %v", err)
	}
	d.looksAgain(t)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	_, err := ReleaseParked(t.Context(), r.cfg, Release{Selection: Selection{All: true}}, io.Discard)
	if fault.Exit(err) != fault.ExitRefused {
		t.Errorf("retry of what is lost: %v", err)
	}
	var said strings.Builder
	if err := Adopt(t.Context(), r.cfg, AdoptOptions{From: r.inspect(t).Checkpoint.ResumeLSN}, &said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "key k is held no more") {
		t.Errorf("adopt says %q", said.String())
	}
	r.createTopic(t, r.topic("missing"), nil)
	d = r.run(t)
	r.insertKey(t, "missing", "next", "k", "{}")
	r.published(t, d, 1)
	r.wantOrder(t, r.topic("missing"), "k", "next")
	d.parkedCount(t, 0, 0)
}

// TestTopicThatIsDeletedMeanwhile: its events are parked although a relay at work knew it.
func TestTopicThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	r := parkingRig(t)
	r.cfg.IdleEvery = time.Hour // an idle checkpoint would record where the topic ended, and the relay rightly refuse
	r.createTopic(t, r.topic("brief"), nil)
	r.init(t)
	d := r.run(t)
	r.insertKey(t, "brief", "1", "k", "{}")
	r.published(t, d, 1)
	r.deleteTopics(t, r.topic("brief"))
	r.insertKey(t, "brief", "2", "k", "{}")
	r.insertKey(t, "order", "fine", "k", "{}")
	d.parkedCount(t, 1, 1)
	r.published(t, d, 2)
	r.wantParked(t, "2 unknown_topic")
}
