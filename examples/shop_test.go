package examples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/outbox"
)

// shop takes payments, which a relay publishes: those of kind "refund" reach topic "<prefix>.refund".
type shop struct {
	kafka      *devstacktest.KafkaCluster
	companions *devstack.Companions

	mu   sync.Mutex
	conn *pgx.Conn
}

// openShop starts the real relay, which works until the test ends.
func openShop(t *testing.T) *shop {
	t.Helper()
	pg := devstacktest.Postgres(t, 0)
	role := pg.Role(t, "LOGIN REPLICATION")
	ddl, err := migrations.Print(migrations.Options{RelayRole: role})
	check(t, err)
	pg.Exec(t, ddl)
	companions, err := devstack.NewCompanions("relay-examples-")
	check(t, err)
	s := &shop{kafka: devstacktest.Kafka(t), companions: companions, conn: pg.Connect(t)}

	program := filepath.Join(companions.Dir(), "relay")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/relay").CombinedOutput(); err != nil {
		t.Fatalf("build relay: %v\n%s", err, out)
	}
	server, err := url.Parse(pg.URL(role))
	check(t, err)
	config := filepath.Join(companions.Dir(), "relay.yaml")
	check(t, os.WriteFile(config, fmt.Appendf(nil, `name: %s
source: {url: %q, slot: %s}
routing: {topic: "%s.${aggregate_type}"}
kafka: {brokers: [%q], development: true, replication_factor: 1, create_topics: all, partitions: 3}
server: {listen: ""}
`, s.kafka.Prefix, server, pg.Database, s.kafka.Prefix, strings.Join(s.kafka.Brokers, `", "`)), 0o600))
	if out, err := exec.CommandContext(t.Context(), program, "init", "-c", config).CombinedOutput(); err != nil {
		t.Fatalf("relay init: %v\n%s", err, out)
	}
	relay := s.start(t, exec.CommandContext(context.WithoutCancel(t.Context()), program, "run", "-c", config))
	t.Cleanup(func() {
		relay.kill(t)
		if err := companions.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// payment is what a consumer is told.
type payment struct {
	Account string `json:"account"`
	Amount  string `json:"amount"`
}

// book writes the events of payments.
func (s *shop) book(t *testing.T, kind string, payments []payment) {
	t.Helper()
	events := make([]outbox.Event, len(payments))
	for i, p := range payments {
		text, err := json.Marshal(p)
		check(t, err)
		events[i] = outbox.Event{AggregateType: kind, AggregateID: p.Account, Type: "PaymentBooked", Payload: text}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	check(t, pgx.BeginFunc(t.Context(), s.conn, func(tx pgx.Tx) error {
		return outbox.Emit(t.Context(), outbox.Pgx(tx), events...)
	}))
}

// process is one that outlives neither its kill nor the test.
type process struct {
	shop *shop
	cmd  *exec.Cmd
	log  *strings.Builder
	done chan struct{} // closed when it has ended
}

func (s *shop) start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{shop: s, cmd: cmd, log: new(strings.Builder), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	check(t, s.companions.Start(cmd))
	go func() {
		defer close(p.done)
		_ = s.companions.Wait(cmd) // it is killed
	}()
	return p
}

// kill is kill -9. A process that has ended before is an error.
func (p *process) kill(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
		t.Errorf("%s has ended by itself:\n%s", p.cmd.Path, p.log)
	default:
		p.end(t)
	}
}

// end is kill -9 of a process that may have ended.
func (p *process) end(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		check(t, err)
	}
	<-p.done
}

// cents writes an amount.
func cents(n int) string { return strconv.Itoa(n/100) + fmt.Sprintf(".%02d", n%100) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
