package replication_test

import (
	"errors"
	"testing"

	"github.com/outbox-relay/relay/replication"
)

func TestCloseUnblocksNext(t *testing.T) {
	f := setup(t, 17)
	r := f.start(t)
	reading, ended := make(chan struct{}), make(chan error)
	go func() {
		for first := true; ; first = false {
			_, err := r.Next()
			if first {
				close(reading) // and soon blocked in the next one
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	<-reading
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, replication.ErrClosed) {
		t.Errorf("Next returns %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := r.Acknowledge(r.Received()); err == nil {
		t.Error("a closed stream acknowledges")
	}
}

func TestCloseInTheMiddleOfALargeTransaction(t *testing.T) {
	onVersions(t, []int{13, 18}, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.event SELECT i, repeat('x', 500) FROM generate_series(1, 100000) i")
		n := 0
		r.until(t, func(m *replication.Message) bool {
			if m.Kind == replication.Insert {
				n++
			}
			return n == 10
		})
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "the slot is free", func() bool {
			stream, err := f.connect(t).Start(t.Context())
			if err == nil {
				_ = stream.Close()
			}
			return err == nil
		})
	})
}
