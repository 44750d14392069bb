package chaos

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/internal/status"
)

// outage takes servers away from a relay that works, and gives them back.
type outage struct {
	*Fleet
	kafka  *devstack.Kafka
	relay  *Process
	reader *Reader
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{})
	server := devstacktest.OwnPostgres(t, devstack.PostgresOptions{})
	place, err := MakePlace(t.Context(), server, kafka.Brokers(), "outage")
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, place, Settings{})
	o := &outage{Fleet: f, kafka: kafka, reader: newReader(t, place), relay: launch(t, f, status.Streaming)}
	awaitMark(t, place, o.reader)
	return o
}

// absence is a time without servers.
type absence struct {
	what string
	// failures is how many sessions must have failed before the servers come back: that many times the relay has waited,
	// each time for longer.
	failures   uint64
	take, give func() error
}

// during takes something away, waits until the relay has failed to go on without it, or for -outage, gives it back, and
// waits until an event that is committed then is published. Meanwhile the relay must neither spin nor flood its log.
func (o *outage) during(t *testing.T, a absence) {
	t.Helper()
	began, before, lines := time.Now(), o.usage(t), o.relay.log.len()
	failed := o.failed(t)
	if err := a.take(); err != nil {
		t.Fatal(err)
	}
	err := o.relay.AwaitStatus(bounded(t, limit), "unreachable and not ready", func(v *Status) bool {
		return v.State == status.Unreachable && !v.Ready && v.Ended() >= failed+a.failures
	})
	if err != nil {
		t.Fatal(err)
	}
	if *outageFlag > 0 {
		if err := pause.For(t.Context(), *outageFlag); err != nil {
			t.Fatal(err)
		}
	}
	took, cpu := time.Since(began), o.usage(t)-before
	said := o.relay.log.len() - lines
	t.Logf("%s: %v away, %d sessions failed, %v of CPU time, %d lines in the log", a.what, took.Round(time.Millisecond), o.failed(t)-failed, cpu, said)
	if most := took/4 + 250*time.Millisecond; cpu > most {
		t.Errorf("%s: the relay took %v of CPU time within %v, want at most %v", a.what, cpu, took, most)
	}
	if said > mostLines {
		t.Errorf("%s: %d lines in the log, want at most %d, however long it lasts", a.what, said, mostLines)
	}
	if err := a.give(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	awaitMark(t, o.Place, o.reader)
	t.Logf("%s: published again after %v", a.what, time.Since(back).Round(time.Millisecond))
	awaitState(t, o.relay, status.Streaming)
}

// mostLines may stand in the log about one outage: what it was, and what the sessions before it did.
const mostLines = 5

func (o *outage) usage(t *testing.T) time.Duration {
	t.Helper()
	u, err := o.relay.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u.CPU
}

// failed counts the sessions that have ended by now.
func (o *outage) failed(t *testing.T) uint64 {
	t.Helper()
	v, err := o.relay.Status(bounded(t, limit))
	if err != nil {
		t.Fatal(err)
	}
	return v.Ended()
}

func (o *outage) killKafka() error { return o.kafka.Kill(0) }

func (o *outage) startKafka() error { return o.kafka.Start(context.Background(), 0) }

func (o *outage) startPostgres() error { return o.Place.Server.Start(context.Background()) }

// stopPostgres stops as an administrator does; the server waits for its walsenders, and these for the relay.
func (o *outage) stopPostgres(t *testing.T) error {
	began := time.Now()
	err := o.Place.Server.Stop(bounded(t, limit), devstack.Fast)
	t.Logf("stop -m fast took %v", time.Since(began).Round(time.Millisecond))
	return err
}

// TestOutages: whatever goes away and for how long, the relay comes back by itself.
func TestOutages(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	writing := startLoad(t, o.Place, Workload{Rate: 60})
	o.during(t, absence{"Kafka crashed", 3, o.killKafka, o.startKafka})
	o.during(t, absence{"Postgres crashed", 3, o.Place.Server.Kill, o.startPostgres})
	o.during(t, absence{"Postgres stopped while Kafka was down", 3, func() error {
		if err := o.killKafka(); err != nil {
			return err
		}
		if err := o.relay.AwaitState(t.Context(), status.Unreachable); err != nil {
			return err
		}
		return o.stopPostgres(t)
	}, func() error { return errors.Join(o.startPostgres(), o.startKafka()) }})
	// A broker that hangs leaves the relay on the slot with events that it cannot publish: the server has sent them, and
	// would wait for ever for a client that repeats an old flush position.
	o.during(t, absence{"Postgres stopped while Kafka hung", 1, func() error {
		if err := o.kafka.Pause(0); err != nil {
			return err
		}
		if _, err := o.Place.mark(t.Context()); err != nil {
			return err
		}
		return o.stopPostgres(t)
	}, func() error { return errors.Join(o.kafka.Resume(0), o.startPostgres()) }})
	writing.stop(t)
	expectClean(t, o.Fleet)
}
