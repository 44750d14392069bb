package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/pause"
)

// notCopied is what a base backup leaves out: what belongs to the running server, its slots, and its write-ahead log,
// which a standby fetches for itself (pg_basebackup leaves out the same).
var notCopied = [...]string{
	"postmaster.pid", "postmaster.opts", "pg_replslot", "pg_wal", "pg_dynshmem", "pg_notify", "pg_serial",
	"pg_snapshots", "pg_stat_tmp", "pg_subtrans",
}

// CopyDataDir copies a stopped server, as a storage snapshot does: identifier, timeline and replication slots are the
// same. The copy has a port of its own and is not started.
func (p *Postgres) CopyDataDir() (*Postgres, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process.running() {
		return nil, errors.New("copy the data directory: the server runs; stop it first")
	}
	c, err := newPostgres(p.Major, p.install, p.settings)
	if err != nil {
		return nil, fmt.Errorf("copy the data directory: %w", err)
	}
	if err := copyTree(p.DataDir, c.DataDir, serverUser(), "postmaster.pid"); err != nil {
		return nil, errors.Join(fmt.Errorf("copy the data directory: %w", err), c.Close())
	}
	return c, nil
}

// Standby starts a streaming hot standby with its own physical slot on p, named standby_<port>, which is also its
// application_name. From 17 on it keeps failover slots in step: those made after it, an older one only when its restart
// LSN has passed the place where the standby began. settings come on top of p's.
func (p *Postgres) Standby(ctx context.Context, settings map[string]string) (*Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s, err := newPostgres(p.Major, p.install, p.settings)
	if err != nil {
		return nil, fmt.Errorf("start standby: %w", err)
	}
	name := fmt.Sprintf("standby_%d", s.Port)
	s.Set("primary_slot_name", name)
	s.Set("primary_conninfo", fmt.Sprintf("host=127.0.0.1 port=%d user=%s password=%s dbname=postgres application_name=%s",
		p.Port, Superuser, Password, name))
	s.Set("hot_standby_feedback", "on")
	if p.Major >= 17 {
		s.Set("sync_replication_slots", "on")
	}
	for key, value := range settings {
		s.Set(key, value)
	}
	if err := p.backup(ctx, s, name); err != nil {
		return nil, errors.Join(fmt.Errorf("start standby: %w", err), s.Close())
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// backup copies the running server p to s, which will begin as a standby that uses slot.
func (p *Postgres) backup(ctx context.Context, s *Postgres, slot string) error {
	conn, err := pgx.Connect(ctx, p.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// The slot keeps the log from here on, so the standby finds all it needs however late it comes.
	if _, err := conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", slot); err != nil {
		return fmt.Errorf("create the standby's slot: %w", err)
	}
	start, stop := "SELECT pg_backup_start('standby', true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if p.Major < 15 {
		start, stop = "SELECT pg_start_backup('standby', true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	if _, err := conn.Exec(ctx, start); err != nil {
		return fmt.Errorf("begin the backup: %w", err)
	}
	if err := copyTree(p.DataDir, s.DataDir, serverUser(), notCopied[:]...); err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	var label string
	if err := conn.QueryRow(ctx, stop).Scan(&label); err != nil {
		return fmt.Errorf("end the backup: %w", err)
	}
	return errors.Join(s.write("backup_label", label), s.write("standby.signal", ""))
}

// write makes a file of the data directory.
func (p *Postgres) write(name, text string) error {
	path := filepath.Join(p.DataDir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return serverUser().own(path)
}

// Promote makes a standby a primary and waits until it takes writes.
func (p *Postgres) Promote(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var done bool
	if err := conn.QueryRow(ctx, "SELECT pg_promote(true, 60)").Scan(&done); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	if !done {
		return errors.New("promote: the standby is still in recovery after a minute")
	}
	return nil
}

// CaughtUp waits until the standby s has replayed all that p has written so far.
func (p *Postgres) CaughtUp(ctx context.Context, s *Postgres) error {
	here, err := pgx.Connect(ctx, p.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("ask the primary: %w", err)
	}
	defer here.Close(context.WithoutCancel(ctx))
	there, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("ask the standby: %w", err)
	}
	defer there.Close(context.WithoutCancel(ctx))
	var end string
	if err := here.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&end); err != nil {
		return fmt.Errorf("ask the primary: %w", err)
	}
	for {
		var reached bool
		err := there.QueryRow(ctx, "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)", end).Scan(&reached)
		if err != nil {
			return fmt.Errorf("ask the standby: %w", err)
		}
		if reached {
			return nil
		}
		if err := pause.For(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the standby to reach %s: %w", end, err)
		}
	}
}
