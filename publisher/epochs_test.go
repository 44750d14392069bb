package publisher

import (
	"flag"
	"math"
	"testing"
)

var allEpochs = flag.Bool("epochs", false, "walk a producer through all of its epochs")

// When the epochs of a producer id are used up the coordinator gives another id, and transactions go on.
func TestAProducerIDWithoutEpochsIsReplaced(t *testing.T) {
	if !*allEpochs {
		t.Skip("32,767 calls; -epochs makes them")
	}
	r := newRelay(t)
	r.cfg.Protocol = nil
	topic := r.topic("orders", 1)
	_, p, _ := r.session()
	first, _ := awaitEpoch(t, p)
	for {
		if err := p.bump(); err != nil {
			t.Fatal(err)
		}
		id, epoch := p.Epoch()
		if id != first {
			t.Logf("producer id %d was followed by %d, epoch %d", first, id, epoch)
			break
		}
		if epoch == math.MaxInt16 {
			t.Fatal("the last epoch is that of the coordinator's own fencing")
		}
	}
	r.publish(p, 1, events(topic, 5))
	leaveOpen(t, r, p, events(topic, 5), 2)
	if _, _, cp := r.session(); cp == nil || cp.Seq != 1 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
	gapless(t, r.eventually(topic, 5), r.cfg.Relay, 1, 5)
}
