package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	if waited == 0 || waited > 2500 {
		t.Errorf("of more than 5000 messages %d were waited for", waited)
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

func TestPasswordIsAskedForEveryConnection(t *testing.T) {
	f := setup(t, 17)
	asked := 0
	f.config.ConnString = strings.Replace(f.config.ConnString, ":"+devstack.Password, ":stale", 1)
	f.config.Password = func() (string, error) { asked++; return devstack.Password, nil }
	conn := f.connect(t)
	sibling, err := conn.Sibling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = sibling.Conn.Close(t.Context())
	if asked != 2 {
		t.Errorf("asked %d times for 2 connections", asked)
	}
	unreadable := errors.New("open /run/secret: permission denied")
	f.config.Password = func() (string, error) { return "", unreadable }
	if _, err := replication.Connect(t.Context(), f.config); !errors.Is(err, unreadable) || replication.Classify(err) != replication.Authentication {
		t.Errorf("%v", err)
	}
}

func TestSibling(t *testing.T) {
	f := setup(t, 17)
	f.config.Slot = f.pg.Database
	address := strings.Split(strings.Split(f.config.ConnString, "@")[1], "/")[0]
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nobody.Close()
	// Of two hosts the second one answers.
	f.config.ConnString = strings.Replace(f.config.ConnString, address, nobody.Addr().String()+","+address, 1)
	conn := f.connect(t)
	if _, err := conn.CreateSlot(t.Context(), f.config.Slot, false); err != nil {
		t.Fatal(err)
	}
	stream, err := conn.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	sibling, err := conn.Sibling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer sibling.Conn.Close(context.WithoutCancel(t.Context()))
	var name string
	if err := sibling.QueryRow(t.Context(), "SELECT current_setting('application_name')").Scan(&name); err != nil || name != "relay-"+f.config.Slot {
		t.Errorf("application_name %q: %v", name, err)
	}
	if slot, err := sibling.Slot(t.Context(), f.config.Slot); err != nil || slot.ActivePID != stream.PID() {
		t.Errorf("walsender %d: %+v, %v", stream.PID(), slot, err)
	}
}

// TestSiblingOfAnotherServerIsRefused puts a balancer between, which leads each connection to another server.
func TestSiblingOfAnotherServerIsRefused(t *testing.T) {
	f := setup(t, 17)
	other := devstacktest.OwnPostgres(t, devstack.PostgresOptions{})
	address := strings.Split(strings.Split(f.config.ConnString, "@")[1], "/")[0]
	balancer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer balancer.Close()
	targets := []string{address, fmt.Sprintf("127.0.0.1:%d", other.Port)}
	go func() {
		for i := 0; ; i++ {
			from, err := balancer.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", targets[i%2])
			if err != nil {
				return
			}
			go splice(from, to)
			go splice(to, from)
		}
	}()
	f.config.ConnString = strings.Replace(f.pg.URL(devstack.Superuser), address, balancer.Addr().String(), 1)
	f.config.ConnString = strings.Replace(f.config.ConnString, f.pg.Database, "postgres", 1)
	conn := f.connect(t)
	if sibling, err := conn.Sibling(t.Context()); err == nil {
		_ = sibling.Conn.Close(t.Context())
		t.Error("another server is taken for the same one")
	} else if !strings.Contains(err.Error(), "another server") {
		t.Errorf("%v", err)
	}
}

func splice(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestUnixSocket(t *testing.T) {
	server, f := own(t, devstack.PostgresOptions{})
	f.config.ConnString = fmt.Sprintf("host=%s port=%d user=postgres dbname=%s", server.SocketDir, server.Port, f.pg.Database)
	r := f.start(t)
	f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a')")
	r.withRows(t)
	sibling, err := f.connect(t).Sibling(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = sibling.Conn.Close(t.Context())
}

// TestTimelineHistory makes a standby of a server, which nobody feeds, and promotes it, twice.
func TestTimelineHistory(t *testing.T) {
	for _, major := range []int{13, 17, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			server, f := own(t, devstack.PostgresOptions{Major: major})
			var want []replication.TimelineSwitch
			for timeline := uint32(2); timeline <= 3; timeline++ {
				if err := server.Stop(t.Context(), devstack.Fast); err != nil {
					t.Fatal(err)
				}
				signal := filepath.Join(server.DataDir, "standby.signal")
				if err := errors.Join(os.WriteFile(signal, nil, 0o666), os.Chmod(signal, 0o666)); err != nil { // for another user's server
					t.Fatal(err)
				}
				if err := server.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				conn := f.connect(t)
				before, err := conn.Identify(t.Context())
				if err != nil || !before.InRecovery || before.Timeline != timeline-1 {
					t.Fatalf("a standby says %+v, %v", before, err)
				}
				f.pg.Exec(t, "SELECT pg_promote()") // and waits for it
				after, err := conn.Identify(t.Context())
				if err != nil || after.InRecovery || after.Timeline != timeline || after.SystemID != before.SystemID {
					t.Errorf("promoted it says %+v, %v", after, err)
				}
				got, err := conn.TimelineHistory(t.Context(), timeline)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) || got[len(want)].Timeline != timeline-1 || got[len(want)].SwitchLSN < before.FlushLSN {
					t.Errorf("history of timeline %d, left after %s: %v", timeline, before.FlushLSN, got)
				}
				want = got
			}
		})
	}
}
