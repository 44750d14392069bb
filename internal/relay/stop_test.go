package relay

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// TestAskedToEnd: a session that is asked to end finishes the Kafka transaction that has begun and acknowledges it, with
// a limit; in doubt nothing is waited for.
func TestAskedToEnd(t *testing.T) {
	doubt := errors.New("a connection was lost")
	for _, tt := range []struct {
		name  string
		cause error
		takes time.Duration // of the Kafka transaction, from then on
		want  outbox.LSN    // acknowledged
	}{
		{"signal", ErrStopped, 9 * time.Second, 200},
		{"signal, and Kafka takes too long", ErrStopped, 11 * time.Second, 0},
		{"reload", errReload, time.Second, 200},
		{"command", errCommandWaits, time.Second, 200},
		{"doubt", doubt, time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				kafka := &slowKafka{begun: make(chan struct{}), takes: tt.takes}
				stream := &acknowledged{}
				c := &committer{
					pipe: newPipeline(2), planner: kafka, producer: kafka, gate: newGate(), stream: stream, protocol: slog.New(slog.DiscardHandler),
					status: status.New("payments"), log: slog.New(slog.DiscardHandler), now: time.Now, idleEvery: time.Hour, acknowledged: 100,
					badReports: func(badEvents) {},
				}
				u, err := c.pipe.fresh(ctx)
				if err != nil {
					t.Fatal(err)
				}
				u.resume = 200
				c.pipe.hand(u)
				ended := make(chan error)
				go func() { ended <- c.run(ctx) }()
				<-kafka.begun
				cancel(tt.cause)
				if err := <-ended; !errors.Is(err, tt.cause) {
					t.Errorf("ends with %v", err)
				}
				if stream.lsn != tt.want {
					t.Errorf("acknowledged %s, want %s", stream.lsn, tt.want)
				}
			})
		})
	}
}

// slowKafka commits a transaction some time after it has begun, unless it is given up.
type slowKafka struct {
	begun chan struct{}
	takes time.Duration
}

func (*slowKafka) Plan(context.Context, *outbox.Batch, *publisher.Plan) (*publisher.Plan, error) {
	return nil, nil
}

func (k *slowKafka) Publish(ctx context.Context, _ publisher.Commit) (publisher.Result, error) {
	close(k.begun)
	select {
	case <-time.After(k.takes):
		return publisher.Result{HoldsOffset: -1}, nil
	case <-ctx.Done():
		return publisher.Result{}, context.Cause(ctx)
	}
}

// acknowledged is a stream that notes what it was told.
type acknowledged struct{ lsn outbox.LSN }

func (a *acknowledged) Acknowledge(lsn outbox.LSN) error {
	a.lsn = lsn
	return nil
}

// TestStoppedRelayHasAcknowledged: after a stop the slot stands where the checkpoint does, so the next start receives
// nothing twice.
func TestStoppedRelayHasAcknowledged(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	for range 20 {
		r.emit(t, 10)
	}
	eventually(t, "something is published", func() bool { return d.status.View().Published.Events > 0 })
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	in := r.inspect(t)
	if in.Slot == nil || in.Slot.ConfirmedFlush == nil || *in.Slot.ConfirmedFlush != in.Checkpoint.ResumeLSN {
		t.Errorf("slot %+v, checkpoint at %s", in.Slot, in.Checkpoint.ResumeLSN)
	}
}
