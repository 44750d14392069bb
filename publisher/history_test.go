package publisher

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHistoryReadsBackwards(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	const n = 400 // more than one window
	for seq := range uint64(n) {
		r.publish(p, seq+1, nil)
	}
	c := r.connect()
	var h History
	for len(h.Records) == 0 || h.Records[0].Checkpoint == nil || h.Records[0].Checkpoint.Seq != n { // a commit is decided before it is visible
		var err error
		if h, err = c.History(t.Context(), c.Place(), 3); err != nil {
			t.Fatal(err)
		}
	}
	seqs := func(h History) (seqs []uint64) {
		for _, r := range h.Records {
			if r.Checkpoint != nil {
				seqs = append(seqs, r.Checkpoint.Seq)
			}
		}
		return seqs
	}
	if diff := cmp.Diff([]uint64{n, n - 1, n - 2}, seqs(h)); diff != "" || h.Complete || h.LogStart != 0 || h.Oldest.IsZero() {
		t.Errorf("history %+v: %s", h, diff)
	}
	all, err := c.History(t.Context(), c.Place(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	got := seqs(all)
	if len(got) != n || !slices.IsSortedFunc(got, func(a, b uint64) int { return int(b) - int(a) }) || !all.Complete {
		t.Errorf("%d checkpoints, complete %v", len(got), all.Complete)
	}
	oldest := all.Records[len(all.Records)-1]
	if oldest.Barrier == nil || oldest.Barrier.Relay != r.cfg.Relay || !oldest.Time.Equal(all.Oldest) {
		t.Errorf("the oldest record is %+v, of %s", oldest, all.Oldest)
	}
}

// What lies in a checkpoint topic and is no checkpoint of the relay is told, and hides nothing else.
func TestHistoryTellsWhatItCannotRead(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	r.publish(p, 1, nil)
	p.rest()
	o, foreign := r.other(r.cfg.CheckpointTopic)
	o.publish(foreign, 1, nil)
	foreign.rest()
	c := r.connect()
	var h History
	for len(h.Records) < 3 {
		var err error
		if h, err = c.History(t.Context(), c.Place(), 10); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := errors.AsType[*ForeignRecordError](h.Records[0].Err); !ok || h.Records[0].Checkpoint != nil {
		t.Errorf("record of another relay: %+v", h.Records[0])
	}
	if h.Records[1].Checkpoint == nil || h.Records[2].Barrier == nil {
		t.Errorf("our own: %+v", h.Records[1:])
	}
}

func TestPlacesOfAllRelays(t *testing.T) {
	r := newRelay(t)
	r.topic("checkpoints2.x", 2) // another prefix
	r.topic("checkpoints.payments", 2)
	r.topic("checkpoints.sharded", 4)
	r.topic("checkpoints.strange", 1) // nobody's format, but it is there
	c := r.connect()
	places, err := c.Places(t.Context(), r.prefix+".checkpoints")
	if err != nil {
		t.Fatal(err)
	}
	topic := func(relay string) string { return r.prefix + ".checkpoints." + relay }
	want := []Place{
		{Relay: "payments", Topic: topic("payments")},
		{Relay: "sharded", Topic: topic("sharded")},
		{Relay: "sharded", Topic: topic("sharded"), Shard: 1},
		{Relay: "strange", Topic: topic("strange")},
	}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Error(diff)
	}
	for _, at := range places {
		if look, err := c.LookAt(t.Context(), at); err != nil || !cmp.Equal(look, Look{TopicID: look.TopicID}) || look.TopicID == "" {
			t.Errorf("%v: looked at nothing and saw %+v, %v", at, look, err)
		}
	}
	if _, err := c.LookAt(t.Context(), Place{Relay: "none", Topic: topic("none")}); !errors.Is(err, ErrNoTopic) {
		t.Errorf("error %v, want ErrNoTopic", err)
	}
}

// TestLookAtAnotherRelay: one client sees what the others have committed, and does not take one for the other.
func TestLookAtAnotherRelay(t *testing.T) {
	r := newRelay(t)
	_, p, _ := r.session()
	r.publish(p, 7, nil)
	p.rest()
	o, other := r.other(r.topic("elsewhere", 2, "cleanup.policy=compact"))
	o.publish(other, 9, nil)
	other.rest()
	c := r.connect()
	for { // visible a little later
		look, err := c.LookAt(t.Context(), o.connect().Place())
		if err != nil {
			t.Fatal(err)
		}
		if look.Checkpoint != nil && look.Checkpoint.Seq == 9 && look.Checkpoint.Relay == o.cfg.Relay {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	at := c.Place()
	at.Topic = o.cfg.CheckpointTopic
	var foreign *ForeignRecordError
	if _, err := c.LookAt(t.Context(), at); !errors.As(err, &foreign) {
		t.Errorf("error %v, want a foreign record", err)
	}
}
