package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/replication"
)

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
