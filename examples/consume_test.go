package examples

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/migrations"
)

const (
	kills            = 12
	paymentsPerRound = 40
	accounts         = 12

	patience = 2 * time.Minute // with a consumer that does nothing, on a busy machine
)

// TestConsumersBookOnce kills each consumer at many moments, while payments come, and looks at the balances.
func TestConsumersBookOnce(t *testing.T) {
	s := openShop(t)
	program := filepath.Join(s.companions.Dir(), "consume")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./consume").CombinedOutput(); err != nil {
		t.Fatalf("build the consumer: %v\n%s", err, out)
	}
	python, err := devstack.Python(t.Context())
	check(t, err)
	t.Run("", func(t *testing.T) { // ends when all that is parallel in it has ended
		for _, inbox := range []string{"id", "seq"} {
			t.Run("Go by "+inbox, func(t *testing.T) {
				t.Parallel()
				newBank(t, s, "go-"+inbox, inbox, func() *exec.Cmd { return exec.Command(program) }).test(t)
			})
			t.Run("Python by "+inbox, func(t *testing.T) {
				t.Parallel()
				ctx := context.WithoutCancel(t.Context()) // kill ends it
				newBank(t, s, "python-"+inbox, inbox, func() *exec.Cmd { return python.Command(ctx, "consume/consume.py") }).test(t)
			})
		}
	})
}

// bank is a consumer with its database, and what its balances must be.
type bank struct {
	shop    *shop
	kind    string // of the payments that it books
	command func() *exec.Cmd
	url     string
	role    string
	conn    *pgx.Conn
	locker  *pgx.Conn

	balances map[string]int // in cents
	bookings int
}

func newBank(t *testing.T, s *shop, kind, inbox string, command func() *exec.Cmd) *bank {
	pg := devstacktest.Postgres(t, 0)
	role := pg.Role(t, "LOGIN")
	ddl, err := migrations.Print(migrations.Options{AppRole: role}, "inbox", "inbox_progress")
	check(t, err)
	schema, err := os.ReadFile("consume/schema.sql")
	check(t, err)
	pg.Exec(t, ddl, string(schema), "GRANT SELECT, INSERT, UPDATE ON account TO "+role)
	b := &bank{shop: s, kind: kind, url: pg.URL(role), role: role, conn: pg.Connect(t), locker: pg.Connect(t), balances: map[string]int{}}
	b.command = func() *exec.Cmd {
		cmd := command()
		cmd.Env = append(os.Environ(), "DATABASE_URL="+b.url, "KAFKA="+s.kafka.Brokers[0], "TOPIC="+b.topic(),
			"GROUP="+s.kafka.Prefix+kind, "INSTANCE=1", "INBOX="+inbox)
		return cmd
	}
	return b
}

func (b *bank) topic() string { return b.shop.kafka.Prefix + "." + b.kind }

func (b *bank) test(t *testing.T) {
	moments := []func(*testing.T) *process{b.connected, b.hasBooked, b.isBooking, b.wasFrozen}
	for n := range kills {
		b.pay(t, paymentsPerRound)
		moments[n%len(moments)](t).kill(t)
		if n == 1 {
			b.forge(t)
		}
	}
	// Payments of every account come last: whoever has booked them has seen all that came before in their partitions.
	b.pay(t, accounts)
	p := b.shop.start(t, b.command())
	b.until(t, p, "books everything", `SELECT count(*) = $1 AND sum(bookings) >= $2 FROM account`, accounts, b.bookings)
	p.kill(t)
	rows, err := b.conn.Query(t.Context(), `SELECT id, (balance * 100)::int FROM account`)
	check(t, err)
	got := map[string]int{}
	var id string
	var balance int
	_, err = pgx.ForEachRow(rows, []any{&id, &balance}, func() error { got[id] = balance; return nil })
	check(t, err)
	if diff := cmp.Diff(b.balances, got); diff != "" {
		t.Errorf("balances in cents (-want +got):\n%s", diff)
	}
}

// pay books payments, n of them, of accounts in turn.
func (b *bank) pay(t *testing.T, n int) {
	t.Helper()
	payments := make([]payment, n)
	for i := range payments {
		amount := 1 + rand.IntN(100_00)
		account := fmt.Sprintf("acc_%d", i%accounts)
		b.balances[account] += amount
		payments[i] = payment{account, cents(amount)}
	}
	b.bookings += n
	b.shop.book(t, b.kind, payments)
}

// The moments start a consumer and come back with it when it may be killed.

// connected is a moment before the first booking, when the consumer may still join its group.
func (b *bank) connected(t *testing.T) *process {
	p := b.shop.start(t, b.command())
	b.until(t, p, "connects", `SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = $1`, b.role)
	return p
}

// hasBooked is a moment after some booking, mostly before its offset is committed.
func (b *bank) hasBooked(t *testing.T) *process {
	var before int
	check(t, b.conn.QueryRow(t.Context(), `SELECT coalesce(sum(bookings), 0) FROM account`).Scan(&before))
	p := b.shop.start(t, b.command())
	b.until(t, p, "books", `SELECT sum(bookings) > $1 FROM account`, before+rand.IntN(paymentsPerRound/2))
	return p
}

// isBooking is a moment between note and booking: a lock on the accounts holds the consumer there. When it is killed its
// transaction waits on, in the server, and its successor comes upon that.
func (b *bank) isBooking(t *testing.T) *process {
	tx, err := b.locker.Begin(t.Context()) // in a transaction b.conn would see pg_stat_activity as it was at first
	check(t, err)
	defer func() { check(t, tx.Rollback(t.Context())) }()
	_, err = tx.Exec(t.Context(), `LOCK TABLE account IN EXCLUSIVE MODE`)
	check(t, err)
	const waiting = `SELECT count(*) = $2 FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'`
	p := b.shop.start(t, b.command())
	b.until(t, p, "begins to book", waiting, b.role, 1)
	p.kill(t)
	p = b.shop.start(t, b.command())
	b.until(t, p, "waits for the one before it", waiting, b.role, 2)
	return p
}

// wasFrozen is a moment when one that was taken for dead has come back, in the middle of its work, beside its successor.
func (b *bank) wasFrozen(t *testing.T) *process {
	frozen := b.hasBooked(t)
	check(t, frozen.cmd.Process.Signal(syscall.SIGSTOP))
	p := b.shop.start(t, b.command())
	b.until(t, p, "comes upon the frozen one, or books", `SELECT (SELECT sum(bookings) = $1 FROM account)
		OR EXISTS (SELECT FROM pg_stat_activity WHERE usename = $2 AND wait_event_type = 'Lock')`, b.bookings, b.role)
	check(t, frozen.cmd.Process.Signal(syscall.SIGCONT))
	b.until(t, p, "books everything", `SELECT sum(bookings) >= $1 FROM account`, b.bookings)
	frozen.end(t)
	return p
}

// until waits for a condition in the bank's database.
func (b *bank) until(t *testing.T, p *process, what, condition string, args ...any) {
	t.Helper()
	limit := time.After(patience)
	for {
		var is *bool
		check(t, b.conn.QueryRow(t.Context(), condition, args...).Scan(&is))
		if is != nil && *is {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("the consumer has ended before it %s:\n%s", what, p.log)
		case <-limit:
			p.kill(t)
			t.Fatalf("the consumer never %s:\n%s", what, p.log)
		case <-time.After(time.Millisecond):
		}
	}
}

// forge writes payments in a Kafka transaction that is aborted: only a consumer that does not read committed sees them.
func (b *bank) forge(t *testing.T) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.shop.kafka.Brokers...), kgo.TransactionalID(b.topic()+".forger"))
	check(t, err)
	defer client.Close()
	check(t, client.BeginTransaction())
	for i, account := range slices.Sorted(maps.Keys(b.balances)) {
		check(t, client.ProduceSync(t.Context(), &kgo.Record{
			Topic: b.topic(), Key: []byte(account), Value: fmt.Appendf(nil, `{"account": %q, "amount": "1000000.00"}`, account),
			Headers: []kgo.RecordHeader{
				{Key: "id", Value: fmt.Appendf(nil, "0197a5b2-6c1e-7d11-9f5e-%012d", i)},
				{Key: "relay-seq", Value: fmt.Appendf(nil, "forger/1/%d", i+1)},
			},
		}).FirstErr())
	}
	check(t, client.EndTransaction(t.Context(), kgo.TryAbort))
}
