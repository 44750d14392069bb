package replication

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pglogrepl"
)

// System is what a server says of itself.
type System struct {
	SystemID      string
	Timeline      uint32
	FlushLSN      LSN // how far WAL is flushed; on a standby, replayed
	Database      string
	DatabaseOID   uint32
	ServerVersion int // server_version_num: 170011
	InRecovery    bool
	WALLevel      string // Relay needs logical
	Role          string // the role we are
	Replication   bool   // that role has REPLICATION or is a superuser; false on clouds that grant it another way
}

// Identify asks the server who it is.
func (c *Conn) Identify(ctx context.Context) (System, error) {
	id, err := pglogrepl.IdentifySystem(ctx, c.pg)
	if err != nil {
		return System{}, fmt.Errorf("identify system: %w", err)
	}
	rows, err := c.query(ctx, `
SELECT d.oid, pg_is_in_recovery(), current_setting('wal_level'), r.rolname, r.rolreplication OR r.rolsuper
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user`)
	if err != nil {
		return System{}, fmt.Errorf("identify system: %w", err)
	}
	if len(rows[0]) != 1 {
		return System{}, fmt.Errorf("identify system: %d rows instead of one", len(rows[0]))
	}
	r := rows[0][0]
	s := System{
		SystemID:      id.SystemID,
		Timeline:      uint32(id.Timeline),
		FlushLSN:      id.XLogPos,
		Database:      id.DBName,
		DatabaseOID:   r.uint32(),
		ServerVersion: c.version,
		InRecovery:    r.bool(),
		WALLevel:      r.text(),
		Role:          r.text(),
		Replication:   r.bool(),
	}
	if err := r.err(); err != nil {
		return System{}, fmt.Errorf("identify system: %w", err)
	}
	return s, nil
}

// TimelineSwitch is one line of a timeline history: the server left Timeline at SwitchLSN.
type TimelineSwitch struct {
	Timeline  uint32
	SwitchLSN LSN
}

// TimelineHistory lists the timelines that lead to the given one, oldest first. Timeline 1 has none.
func (c *Conn) TimelineHistory(ctx context.Context, timeline uint32) ([]TimelineSwitch, error) {
	if timeline == 1 {
		return nil, nil // and no file that says so
	}
	history, err := pglogrepl.TimelineHistory(ctx, c.pg, int32(timeline))
	if err != nil {
		return nil, fmt.Errorf("ask for the history of timeline %d: %w", timeline, err)
	}
	switches, err := parseHistory(string(history.Content))
	if err != nil {
		return nil, fmt.Errorf("read the history of timeline %d: %w", timeline, err)
	}
	return switches, nil
}

// parseHistory reads a timeline history file: a timeline, where it was left, and why, on each line that is not empty or
// a comment. https://github.com/postgres/postgres/blob/master/src/backend/access/transam/timeline.c
func parseHistory(content string) ([]TimelineSwitch, error) {
	var switches []TimelineSwitch
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("line %q has no switch point", line)
		}
		timeline, err := parseUint32(fields[0])
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		lsn, err := pglogrepl.ParseLSN(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		if n := len(switches); n > 0 && timeline <= switches[n-1].Timeline {
			return nil, fmt.Errorf("line %q: timeline %d comes after %d", line, timeline, switches[n-1].Timeline)
		}
		switches = append(switches, TimelineSwitch{Timeline: timeline, SwitchLSN: lsn})
	}
	return switches, nil
}

// FlushLSN asks how far WAL is flushed. It fails on a standby.
func (c *Catalog) FlushLSN(ctx context.Context) (LSN, error) {
	rows, err := c.query(ctx, `SELECT pg_current_wal_flush_lsn()`)
	if err != nil {
		return 0, fmt.Errorf("ask for the WAL end: %w", err)
	}
	r := rows[0][0]
	return r.lsn(), r.err()
}
