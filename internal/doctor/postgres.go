package doctor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is what Postgres says of itself. No right is needed but to log in.
type server struct {
	clock     time.Duration // of the server, ahead of this host's
	clockBy   time.Duration // how far clock may be wrong: half of the round trip
	encrypted bool
	ours      bool // the server takes connections from this very host and network: its disks may be ours
	superuser bool
	senders   int // walsenders at work
	slots     int // replication slots of the cluster
	standbys  []standby
	inactive  *time.Time // since when nobody reads the slot; 17 and newer
	wal       rate
	settings  map[string]string
	reads     bool // the role may read the outbox table
}

// standby is a physical slot, which a standby that is meant to stay has.
type standby struct {
	Name   string
	Active bool
}

// rate is how much WAL is written, on average since some time.
type rate struct {
	bytes float64
	over  time.Duration // 0: not known
}

// perHour is 0 when there is no telling: in the first minutes of statistics the rate is anything.
func (r rate) perHour() float64 {
	if r.over < 10*time.Minute {
		return 0
	}
	return r.bytes / r.over.Hours()
}

const serverQuery = `SELECT clock_timestamp(),
	coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
	coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true),
	(SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
	(SELECT count(*) FROM pg_stat_replication),
	(SELECT count(*) FROM pg_replication_slots)`

func settingNames() []string {
	return []string{
		"data_directory", "fsync", "full_page_writes", "idle_replication_slot_timeout", "max_replication_slots", "max_slot_wal_keep_size",
		"max_wal_senders", "synchronized_standby_slots",
	}
}

func askServer(ctx context.Context, conn *pgx.Conn, version int, now func() time.Time) (server, error) {
	var s server
	if err := conn.Ping(ctx); err != nil { // so that the next round trip is only that
		return s, err
	}
	var clock time.Time
	asked := now()
	err := conn.QueryRow(ctx, serverQuery, pgx.QueryExecModeSimpleProtocol).Scan(&clock, &s.encrypted, &s.ours, &s.superuser, &s.senders, &s.slots)
	if err != nil {
		return s, fmt.Errorf("ask the server about itself: %w", err)
	}
	s.clockBy = now().Sub(asked) / 2
	s.clock = clock.Sub(asked) - s.clockBy
	for _, ask := range []func(context.Context, *pgx.Conn, int) error{s.askSettings, s.askStandbys, s.askRate} {
		if err := ask(ctx, conn, version); err != nil {
			return s, err
		}
	}
	return s, nil
}

// askSettings leaves out what the version does not have and what the role may not see.
func (s *server) askSettings(ctx context.Context, conn *pgx.Conn, _ int) error {
	rows, err := conn.Query(ctx, "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", settingNames())
	if err != nil {
		return fmt.Errorf("ask for settings: %w", err)
	}
	s.settings = map[string]string{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		s.settings[name] = value
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask for settings: %w", err)
	}
	return nil
}

func (s *server) askStandbys(ctx context.Context, conn *pgx.Conn, _ int) error {
	rows, err := conn.Query(ctx, "SELECT slot_name::text, active FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary ORDER BY slot_name")
	if err == nil {
		s.standbys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[standby])
	}
	if err != nil {
		return fmt.Errorf("ask for slots of standbys: %w", err)
	}
	return nil
}

func (s *server) askRate(ctx context.Context, conn *pgx.Conn, version int) error {
	if version < 140000 {
		return nil // no pg_stat_wal
	}
	var seconds float64
	err := conn.QueryRow(ctx, `SELECT wal_bytes::float8, extract(epoch FROM clock_timestamp() - coalesce(stats_reset, pg_postmaster_start_time()))::float8
		FROM pg_stat_wal`).Scan(&s.wal.bytes, &seconds)
	if err != nil {
		return fmt.Errorf("ask how much WAL is written: %w", err)
	}
	s.wal.over = time.Duration(seconds * float64(time.Second))
	return nil
}

// number is a setting that is one; ok is false where it is not there.
func (s *server) number(name string) (n int64, ok bool) {
	n, err := strconv.ParseInt(s.settings[name], 10, 64)
	return n, err == nil
}

// askSlotIdle asks since when nobody reads a slot.
func (s *server) askSlotIdle(ctx context.Context, conn *pgx.Conn, slot string) error {
	err := conn.QueryRow(ctx, "SELECT inactive_since FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&s.inactive)
	if err != nil {
		return fmt.Errorf("ask since when slot %q is idle: %w", slot, err)
	}
	return nil
}

// askReads asks whether the role may read the outbox table.
func (s *server) askReads(ctx context.Context, conn *pgx.Conn, oid uint32) error {
	err := conn.QueryRow(ctx, "SELECT has_table_privilege($1::oid, 'SELECT') AND has_schema_privilege(relnamespace, 'USAGE') FROM pg_class WHERE oid = $1::oid", oid).Scan(&s.reads)
	if err != nil {
		return fmt.Errorf("ask whether the outbox table may be read: %w", err)
	}
	return nil
}
