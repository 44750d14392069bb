package replication_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/replication"
)

// own is a fixture on a server of its own.
func own(t *testing.T, opts devstack.PostgresOptions) (*devstack.Postgres, *fixture) {
	t.Helper()
	server := devstacktest.OwnPostgres(t, opts)
	t.Setenv(devstacktest.PostgresEnv(server.Major), server.URL(devstack.Superuser, "postgres"))
	return server, setup(t, server.Major)
}

// TestStatusesGoOutWhileNobodyReads fills every buffer between server and reader, so that the server's keepalives lie
// unread behind rows, and waits until several wal_sender_timeouts have passed by the server's clock.
func TestStatusesGoOutWhileNobodyReads(t *testing.T) {
	onVersions(t, []int{13, 18}, func(t *testing.T, f *fixture) {
		f.config.SenderTimeout = time.Second // less, and a busy machine alone could miss it
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.event SELECT 1, repeat('x', 1000) FROM generate_series(1, 30000)")
		eventually(t, "the server has sent until nobody took more", func() bool {
			var blocked bool
			err := f.admin.QueryRow(t.Context(), "SELECT wait_event = 'WalSenderWriteData' FROM pg_stat_activity WHERE pid = $1", r.PID()).Scan(&blocked)
			return err == nil && blocked
		})
		var start, now float64
		clock := "SELECT extract(epoch FROM clock_timestamp())::float8"
		if err := f.admin.QueryRow(t.Context(), clock).Scan(&start); err != nil {
			t.Fatal(err)
		}
		eventually(t, "time passes", func() bool {
			if err := f.admin.QueryRow(t.Context(), clock).Scan(&now); err != nil {
				t.Fatal(err)
			}
			return now-start > 2.5*f.config.SenderTimeout.Seconds()
		})
		if _, rows := r.withRows(t); len(rows) != 30000 {
			t.Errorf("%d rows", len(rows))
		}
	})
}

// TestServerStopsWhileNothingIsAcknowledged stops the server under a stream that has received rows and acknowledged
// none, or not all. A stopping server waits for its walsenders, and they for what the client has said of itself.
func TestServerStopsWhileNothingIsAcknowledged(t *testing.T) {
	for _, major := range versions {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			server, f := own(t, devstack.PostgresOptions{Major: major})
			r := f.start(t)
			f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
			first, _ := r.withRows(t)
			if err := r.Acknowledge(first.EndLSN); err != nil {
				t.Fatal(err)
			}
			f.exec(t, "INSERT INTO outbox.event VALUES (2, 'b')")
			r.withRows(t)

			ended := make(chan error)
			go func() {
				for {
					if _, err := r.Next(); err != nil {
						ended <- err
						return
					}
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := server.Stop(ctx, devstack.Fast); err != nil {
				t.Fatalf("the server does not stop: %v", err)
			}
			if err := <-ended; !errors.Is(err, replication.ErrStopped) || replication.Classify(err) != replication.Doubt {
				t.Errorf("the stream ends with %v", err)
			}
			if err := server.Start(t.Context()); err != nil { // for the clean-up
				t.Fatal(err)
			}
		})
	}
}

func TestLostConnectionEndsTheStream(t *testing.T) {
	f := setup(t, 17)
	address := strings.Split(strings.Split(f.config.ConnString, "@")[1], "/")[0]
	proxy, err := devstack.NewProxy(address)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	direct := *f
	f.config.ConnString = strings.Replace(f.config.ConnString, address, proxy.Addr(), 1)
	r := f.start(t)
	f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
	r.withRows(t)
	proxy.Cut()
	for {
		_, err := r.Next()
		if err == nil {
			continue
		}
		if replication.Classify(err) != replication.Doubt || !strings.Contains(err.Error(), "connection lost") {
			t.Errorf("%v", err)
		}
		break
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	// The next session gets the same row: nothing was acknowledged.
	var next *reader
	eventually(t, "the server has noticed", func() bool {
		stream, err := direct.connect(t).Start(t.Context())
		if err == nil {
			next = &reader{stream}
		}
		return err == nil
	})
	defer next.Close()
	if _, rows := next.withRows(t); !cmp.Equal(rows, []string{"insert outbox.event id=1 payload=a"}) {
		t.Errorf("%q", rows)
	}
}

func TestWalsenderThatIsEndedSaysWhy(t *testing.T) {
	f := setup(t, 17)
	r := f.start(t)
	f.exec(t, fmt.Sprintf("SELECT pg_terminate_backend(%d)", r.PID()))
	for {
		_, err := r.Next()
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "57P01") {
			t.Errorf("%v", err)
		}
		break
	}
}

func TestBufferedTellsWhetherNextBlocks(t *testing.T) {
	f := setup(t, 17)
	r := f.start(t)
	f.exec(t, "INSERT INTO outbox.event SELECT i, 'x' FROM generate_series(1, 5000) i")
	waited, rows := 0, 0
	for rows < 5000 {
		buffered := r.Buffered()
		if !buffered {
			waited++
		}
		m, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == replication.Insert {
			rows++
		}
	}
	if waited == 0 { // how many is a matter of who is quicker
		t.Error("no message was waited for")
	}
	for r.Buffered() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !r.Buffered() {
		t.Error("a closed stream would block")
	}
}
