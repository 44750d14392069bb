package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/pause"
	"github.com/outbox-relay/relay/migrations"
)

// messagesFrom is the first major version whose WAL messages can be published.
const messagesFrom = 14

// Place is where a campaign happens: a database with an outbox on a server of its own, and names on a Kafka cluster that
// nobody else uses.
type Place struct {
	Name    string // of the relay, its slot and the database; every topic begins with it or ends with it
	Server  *devstack.Postgres
	Brokers []string

	// What follows is for servers whose network fails, or which another takes the place of. Empty: there is no such thing.

	Door      string // where applications and the oracle reach the database, host:port
	RelayDoor string // where relays reach it
	Replicas  int    // of each topic; 0: one, which relays accept in development only
	// Dial is how the oracle reaches a broker; nil: as everybody does.
	Dial func(ctx context.Context, network, host string) (net.Conn, error)
}

// MakePlace creates the database, its roles, the outbox and the tables of the workload. The server should be the
// campaign's own: transactions that stay open for long hold up whoever creates a slot on it.
func MakePlace(ctx context.Context, server *devstack.Postgres, brokers []string, name string) (*Place, error) {
	p := &Place{Name: name, Server: server, Brokers: brokers}
	statements, err := p.schema()
	if err != nil {
		return nil, err
	}
	maintenance := server.URL(devstack.Superuser, "postgres")
	for _, role := range []string{p.app() + " LOGIN", p.relay() + " LOGIN REPLICATION"} {
		if err := execute(ctx, maintenance, fmt.Sprintf("CREATE ROLE %s PASSWORD '%s'", role, devstack.Password)); err != nil {
			return nil, err
		}
	}
	if err := execute(ctx, maintenance, "CREATE DATABASE "+p.Name); err != nil {
		return nil, err
	}
	return p, execute(ctx, p.SuperuserURL(), statements...)
}

// schema is the outbox as people get it, and beside it what the application of the workload keeps for itself.
func (p *Place) schema() ([]string, error) {
	names := []string{"outbox"}
	if p.Messages() {
		names = append(names, "wal_messages")
	}
	outbox, err := migrations.Print(migrations.Options{AppRole: p.app(), RelayRole: p.relay()}, names...)
	if err != nil {
		return nil, err
	}
	return []string{outbox, fmt.Sprintf(applicationSchema, p.app())}, nil
}

// applicationSchema: a row of counter is locked by whoever writes an event of that key, so the order of commits is the
// order of its numbers. message has the events that go through the write-ahead log alone, which leave no row in the
// outbox to compare with.
const applicationSchema = `
	CREATE SCHEMA chaos AUTHORIZATION %[1]s;
	SET ROLE %[1]s;
	CREATE TABLE chaos.counter (key text PRIMARY KEY, n bigint NOT NULL);
	CREATE TABLE chaos.message (id uuid, aggregate_type text, aggregate_id text, value bytea, headers jsonb);
	CREATE TABLE chaos.business (tx text);
	RESET ROLE`

func (p *Place) app() string   { return p.Name + "_app" }
func (p *Place) relay() string { return p.Name + "_relay" }

// slot is the name that Relay gives it by default.
func (p *Place) slot() string { return "relay_" + p.Name }

// Messages tells whether the server's WAL messages can be published.
func (p *Place) Messages() bool { return p.Server.Major >= messagesFrom }

// SuperuserURL and AppURL lead to the database.
func (p *Place) SuperuserURL() string {
	return through(p.Door, p.Server.URL(devstack.Superuser, p.Name))
}

// AppURL leads to the database as the application.
func (p *Place) AppURL() string { return through(p.Door, p.Server.URL(p.app(), p.Name)) }

// through puts another host into a URL that is known to be one; empty: none.
func through(door, to string) string {
	u, err := url.Parse(to)
	if err != nil || door == "" {
		return to
	}
	u.Host = door
	return u.String()
}

// messagePrefix is that of WAL messages which are events.
const messagePrefix = "event"

// Settings are what tests change in the configuration of a relay. The zero value of each means Relay's default.
type Settings struct {
	WalSenderTimeout time.Duration `json:"wal_sender_timeout_ns"`
	MaxEvents        int           `json:"max_events"` // of a Kafka transaction
	Memory           int           `json:"memory"`     // bytes
	Compression      string        `json:"compression"`
	// Park sets events aside that cannot be published: tombstones, and what is too large for an event topic that somebody
	// has made and limited.
	Park bool `json:"park"`
}

// String tells what campaigns change.
func (s Settings) String() string {
	most := "the default number of events"
	if s.MaxEvents > 0 {
		most = fmt.Sprintf("at most %d events", s.MaxEvents)
	}
	return fmt.Sprintf("compression %s, %s in a Kafka transaction", cmp.Or(s.Compression, "none"), most)
}

// RandomSettings are those of a campaign: some cut every large transaction into pieces, and any compression may be used.
func RandomSettings(seed uint64) Settings {
	rng := rand.New(rand.NewPCG(seed, settingsStream))
	maxEvents := []int{0, 5000, 1000}
	compressions := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	return Settings{MaxEvents: maxEvents[rng.IntN(len(maxEvents))], Compression: compressions[rng.IntN(len(compressions))]}
}

// WriteConfig writes the configuration file of a relay.
func (p *Place) WriteConfig(path string, s Settings) error {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\n", p.Name)
	fmt.Fprintf(&b, "source:\n  url: %s\n", through(p.RelayDoor, p.Server.URL(p.relay(), p.Name)))
	if s.WalSenderTimeout != 0 {
		fmt.Fprintf(&b, "  wal_sender_timeout: %s\n", s.WalSenderTimeout)
	}
	if p.Messages() {
		fmt.Fprintf(&b, "outbox:\n  wal_messages: %s\n", messagePrefix)
	}
	fmt.Fprintf(&b, "routing:\n  topic: %s\n", p.topic("${aggregate_type}"))
	if s.Park {
		b.WriteString("  tombstone: never\n") // so that one event in twenty-five cannot be mapped
	}
	fmt.Fprintf(&b, "kafka:\n  brokers: [%s]\n", strings.Join(p.Brokers, ", "))
	create := "all"
	if s.Park {
		create = "internal"
	}
	fmt.Fprintf(&b, "  create_topics: %s\n  partitions: %d\n  replication_factor: %d\n  development: %t\n", create, partitions, max(p.Replicas, 1), p.Replicas == 0)
	if s.Compression != "" {
		fmt.Fprintf(&b, "  compression: %s\n", s.Compression)
	}
	if s.MaxEvents != 0 || s.Memory != 0 {
		b.WriteString("batch:\n")
	}
	if s.MaxEvents != 0 {
		fmt.Fprintf(&b, "  max_events: %d\n", s.MaxEvents)
	}
	if s.Memory != 0 {
		fmt.Fprintf(&b, "  max_bytes: %dB\n  memory: %dB\n", s.Memory/4, s.Memory)
	}
	if s.Park {
		b.WriteString("failure:\n  on_unpublishable: park\n  max_held: 100000\n")
	}
	b.WriteString("server:\n  listen: 127.0.0.1:0\nlog:\n  format: json\n")
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// partitions of each event topic.
const partitions = 3

// topic is where events of an aggregate type go.
func (p *Place) topic(aggregateType string) string { return p.Name + "." + aggregateType }

// aggregateTypes of the workload's events, each with a topic of its own.
func aggregateTypes() []string { return []string{"order", "payment"} }

// topics are those that events go to.
func (p *Place) topics() []string {
	var topics []string
	for _, t := range aggregateTypes() {
		topics = append(topics, p.topic(t))
	}
	return topics
}

// checkpointEvery is more often than a server that is left alone.
const checkpointEvery = time.Second

// checkpoint has the server write down, again and again until ctx is done, which transactions run. Otherwise it does so
// every 15 s, and until then decodes for each relay that starts all that was ever written to it: relays would be killed
// while they wait.
func (p *Place) checkpoint(ctx context.Context) {
	for pause.For(ctx, checkpointEvery) == nil {
		// A server that is down has nothing to decode.
		_ = execute(ctx, p.SuperuserURL(), "CHECKPOINT")
	}
}

// execute runs statements on a connection of their own.
func execute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}
