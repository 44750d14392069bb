package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/devstack"
)

// brokers of a storm's cluster: topics have three replicas, of which two must have a record.
const brokers = 3

// World is the servers of a storm: three brokers, each behind a proxy, and a Postgres server behind two. The doors stay
// where they are when another server takes over, as the name of a primary does.
type World struct {
	Kafka    *devstack.Kafka
	Primary  *devstack.Postgres // the one that survives so far
	version  string             // of Postgres
	relays   *devstack.Proxy    // the door of the relays
	everyone *devstack.Proxy    // that of applications and of the oracle: no network fault befalls it
	direct   map[string]string  // address of each broker's proxy: that of the broker
}

// StartWorld starts the servers.
func StartWorld(ctx context.Context, postgres, kafka int, say devstack.Progress) (*World, error) {
	w := &World{direct: make(map[string]string)}
	group, starting := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		w.Primary, err = devstack.StartPostgres(starting, devstack.PostgresOptions{Major: postgres, Progress: say})
		return err
	})
	group.Go(func() (err error) {
		w.Kafka, err = devstack.StartKafka(starting, devstack.KafkaOptions{Major: kafka, Nodes: brokers, Proxied: true, Progress: say})
		return err
	})
	err := group.Wait()
	if err == nil {
		err = w.openDoors()
	}
	if err == nil {
		w.version, err = ask(ctx, w.Primary.URL(devstack.Superuser, "postgres"), "SHOW server_version")
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) openDoors() (err error) {
	for i := range brokers {
		p := w.Kafka.Proxy(i)
		w.direct[p.Addr()] = p.Target()
	}
	if w.relays, err = devstack.NewProxy(w.Primary.Address()); err != nil {
		return err
	}
	w.everyone, err = devstack.NewProxy(w.Primary.Address())
	return err
}

// dial goes around the proxies, so that the oracle sees what Kafka has whatever befalls the network.
func (w *World) dial(ctx context.Context, network, host string) (net.Conn, error) {
	if direct, ok := w.direct[host]; ok {
		host = direct
	}
	return new(net.Dialer).DialContext(ctx, network, host)
}

// place makes a database on the surviving server.
func (w *World) place(ctx context.Context, name string) (*Place, error) {
	p, err := MakePlace(ctx, w.Primary, w.Kafka.Brokers(), name)
	if err != nil {
		return nil, fmt.Errorf("make database %s: %w", name, err)
	}
	p.Door, p.RelayDoor, p.Replicas, p.Dial = w.everyone.Addr(), w.relays.Addr(), brokers, w.dial
	return p, nil
}

// moveTo makes another server the one that survives. The old one is killed for good.
func (w *World) moveTo(server *devstack.Postgres) error { return w.pointTo(server).Close() }

// pointTo lets all doors lead to another server. It gives the one that they led to.
func (w *World) pointTo(server *devstack.Postgres) (old *devstack.Postgres) {
	old, w.Primary = w.Primary, server
	for _, door := range []*devstack.Proxy{w.relays, w.everyone} {
		door.Retarget(server.Address())
		door.Cut()
	}
	return old
}

// sweep drops what earlier lives have left on the server: their slots would keep the log for ever.
func (w *World) sweep(ctx context.Context, database string) error {
	return execute(ctx, w.Primary.URL(devstack.Superuser, "postgres"),
		"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active",
		"DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
}

// Close ends all servers.
func (w *World) Close() error {
	var errs []error
	for _, p := range []*devstack.Proxy{w.relays, w.everyone} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if w.Kafka != nil {
		errs = append(errs, w.Kafka.Close())
	}
	if w.Primary != nil {
		errs = append(errs, w.Primary.Close())
	}
	return errors.Join(errs...)
}

// ask gives the one text that a query returns.
func ask(ctx context.Context, url, query string) (answer string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := conn.QueryRow(ctx, query).Scan(&answer); err != nil {
		return "", fmt.Errorf("%s: %w", query, err)
	}
	return answer, nil
}
