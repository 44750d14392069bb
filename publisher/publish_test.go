package publisher

import (
	"testing"
)

func TestCommittedEventsAndCheckpointAreRead(t *testing.T) {
	r := newRelay(t)
	topic := r.topic("orders", 3)
	_, p, cp := r.session()
	if cp != nil {
		t.Fatalf("checkpoint of a new relay is %+v", cp)
	}
	r.publish(p, 1, events(topic, 100))
	if got := r.eventually(topic, 100); len(got) != 100 {
		t.Errorf("%d records, want 100", len(got))
	}
	for _, l := range r.log.all() {
		t.Log(l)
	}
	_, _, cp = r.session()
	if cp == nil || cp.Seq != 1 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
}
