package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/internal/fault"
)

// Daemons and commands share a slot by courtesy: a daemon holds a shared advisory lock while it has the slot, a command
// asks for the exclusive one, and the daemon's watcher steps aside when it sees that. Safety does not rest on it: that
// is what slot and fence are for.

// lockClass is the first of the two keys of the advisory locks, "rela" in ASCII.
const lockClass int32 = 0x72656c61

// lockWait is how long a command waits for the daemon to step aside.
const lockWait = 30 * time.Second

func (s *session) lockKey() int32 { return int32(xxhash.Sum64String(s.cfg.Source.Slot)) }

// commandBusyError says that a command has the slot, or waits for it.
type commandBusyError struct{ slot string }

func (e *commandBusyError) Error() string {
	return fmt.Sprintf("a command works on slot %q", e.slot)
}

// lockShared takes the daemon's lock. It fails at once while a command has the exclusive one or waits for it.
func (s *session) lockShared(ctx context.Context) error {
	var ok bool
	if err := s.side.QueryRow(ctx, "SELECT pg_try_advisory_lock_shared($1, $2)", lockClass, s.lockKey()).Scan(&ok); err != nil {
		return fmt.Errorf("take shared lock: %w", err)
	}
	if !ok {
		return &commandBusyError{slot: s.cfg.Source.Slot}
	}
	return nil
}

// commandWaits looks for a command that waits for the exclusive lock.
func (s *session) commandWaits(ctx context.Context) (bool, error) {
	var waits bool
	err := s.side.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks
		WHERE locktype = 'advisory' AND classid = $1::oid AND objid = $2::oid AND objsubid = 2
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND mode = 'ExclusiveLock' AND NOT granted)`, uint32(lockClass), uint32(s.lockKey())).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look for waiting commands: %w", err)
	}
	return waits, nil
}

// lockExclusive takes the command's lock, which ends with the connection. A daemon that has the slot sees the waiting
// request and steps aside; another command does not, and is named at once.
func (s *session) lockExclusive(ctx context.Context) error {
	if holder, err := s.lockHolder(ctx, "ExclusiveLock"); err != nil || holder != "" {
		return cmp.Or(err, busy(s.cfg.Source.Slot, holder))
	}
	if _, err := s.side.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", lockWait.Milliseconds())); err != nil {
		return fmt.Errorf("limit the wait for the lock: %w", err)
	}
	_, err := s.side.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockClass, s.lockKey())
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == lockNotAvailable {
		holder, err := s.lockHolder(ctx, "ShareLock")
		return cmp.Or(err, busy(s.cfg.Source.Slot, cmp.Or(holder, "another session")))
	}
	if err != nil {
		return fmt.Errorf("take exclusive lock: %w", err)
	}
	return nil
}

// lockNotAvailable is the SQLSTATE of a lock_timeout.
const lockNotAvailable = "55P03"

// lockHolder describes who has the lock in a mode, or is empty.
func (s *session) lockHolder(ctx context.Context, mode string) (string, error) {
	var holder string
	err := s.side.QueryRow(ctx, `SELECT coalesce(max(format('%s (pid %s, from %s, since %s)', coalesce(nullif(a.application_name, ''), a.usename::text), a.pid,
			coalesce(a.client_addr::text, 'local'), to_char(a.backend_start AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"'))), '')
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.classid = $1::oid AND l.objid = $2::oid AND l.objsubid = 2 AND l.granted
		AND l.mode = $3 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		uint32(lockClass), uint32(s.lockKey()), mode).Scan(&holder)
	if err != nil {
		return "", fmt.Errorf("look who has the slot: %w", err)
	}
	return holder, nil
}

// stillAlone checks, for a command that must do without a slot, that there still is none and that the lock is held.
func (s *session) stillAlone(ctx context.Context) error {
	slot, err := s.side.Slot(ctx, s.cfg.Source.Slot)
	if err != nil {
		return err
	}
	held, err := s.holdsLock(ctx)
	switch {
	case err != nil:
		return err
	case slot != nil || !held:
		return errSlotLost
	}
	return nil
}

// holdsLock tells whether the exclusive lock is ours.
func (s *session) holdsLock(ctx context.Context) (held bool, err error) {
	err = s.side.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::oid
		AND objid = $2::oid AND objsubid = 2 AND granted AND mode = 'ExclusiveLock' AND pid = pg_backend_pid())`,
		uint32(lockClass), uint32(s.lockKey())).Scan(&held)
	if err != nil {
		return false, fmt.Errorf("look at our lock: %w", err)
	}
	return held, nil
}

func busy(slot, holder string) error {
	return &fault.Error{Code: fault.Busy, Summary: fmt.Sprintf("slot %q is in use by %s", slot, holder), Hint: "Wait until it has finished, or stop it."}
}
