package replication

import (
	"context"
	"fmt"

	"github.com/jackc/pglogrepl"
)

// Plugin is the output plugin whose slots this package reads.
const Plugin = "pgoutput"

// Slot is a row of pg_replication_slots. Columns that the server's version does not have stay zero.
type Slot struct {
	Name                string
	Plugin              string // "" for a physical slot
	Database            string
	Temporary           bool
	TwoPhase            bool // 14+
	Active              bool
	ActivePID           uint32 // 0 when nobody reads it
	RestartLSN          LSN
	ConfirmedFlush      LSN
	ConfirmedFlushValid bool   // false: NULL in the catalogue
	WALStatus           string // reserved, extended, unreserved, lost
	InvalidationReason  string // 17+
	Failover            bool   // 17+
	Synced              bool   // 17+: copied from a primary
	SafeWALSize         int64  // bytes that may still be written before the slot can be lost
	SafeWALSizeValid    bool   // false: no limit is set, or the slot is lost already
}

// Slot looks at a replication slot, in one row: who reads it and where it stands belong together. nil when there is
// none of that name.
func (c *Catalog) Slot(ctx context.Context, name string) (*Slot, error) {
	rows, err := c.query(ctx, slotQuery(c.version)+quoteLiteral(name))
	if err != nil {
		return nil, fmt.Errorf("look at slot %q: %w", name, err)
	}
	if len(rows[0]) == 0 {
		return nil, nil
	}
	r := rows[0][0]
	s := &Slot{
		Name:       r.text(),
		Plugin:     r.text(),
		Database:   r.text(),
		Temporary:  r.bool(),
		Active:     r.bool(),
		ActivePID:  r.uint32(),
		RestartLSN: r.lsn(),
	}
	s.ConfirmedFlushValid = r.bool()
	s.ConfirmedFlush = r.lsn()
	s.WALStatus = r.text()
	s.SafeWALSize, s.SafeWALSizeValid = r.int64()
	s.TwoPhase = r.bool()
	s.InvalidationReason = r.text()
	s.Failover = r.bool()
	s.Synced = r.bool()
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("look at slot %q: %w", name, err)
	}
	return s, nil
}

func slotQuery(version int) string {
	twoPhase, reason, failover, synced := "false", "NULL", "false", "false"
	if version >= 140000 {
		twoPhase = "two_phase"
	}
	if version >= 170000 {
		reason, failover, synced = "invalidation_reason", "failover", "synced"
	}
	return `
SELECT slot_name, plugin, database, temporary, active, active_pid, restart_lsn, confirmed_flush_lsn IS NOT NULL,
 confirmed_flush_lsn, wal_status, safe_wal_size, ` + twoPhase + `, ` + reason + `, ` + failover + `, ` + synced + `
FROM pg_replication_slots WHERE slot_name = `
}

// CreateSlot creates a logical slot for pgoutput and returns the position from which it streams. The server waits for
// every transaction of the cluster that runs now. failover asks for a failover slot and needs Postgres 17.
func (c *Conn) CreateSlot(ctx context.Context, name string, failover bool) (LSN, error) {
	created, err := pglogrepl.ParseCreateReplicationSlot(c.pg.Exec(ctx, createSlotCommand(c.version, name, failover)))
	if err != nil {
		return 0, fmt.Errorf("create slot %q: %w", name, err)
	}
	lsn, err := pglogrepl.ParseLSN(created.ConsistentPoint)
	if err != nil {
		return 0, fmt.Errorf("create slot %q: %w", name, err)
	}
	return lsn, nil
}

// createSlotCommand is in the grammar of the server's version: options in parentheses came with 15. The snapshot that
// the command would export otherwise is not wanted.
func createSlotCommand(version int, name string, failover bool) string {
	command := "CREATE_REPLICATION_SLOT " + quoteIdentifier(name) + " LOGICAL " + Plugin
	switch {
	case version < 150000:
		return command + " NOEXPORT_SNAPSHOT"
	case failover:
		return command + " (SNAPSHOT 'nothing', FAILOVER true)"
	}
	return command + " (SNAPSHOT 'nothing')"
}

// Snapshot is what ordinary transactions can take with SET TRANSACTION SNAPSHOT.
type Snapshot struct {
	Name string
	// At divides commits: the snapshot shows exactly the transactions with a commit LSN below it.
	At LSN
}

// ExportSnapshot makes a snapshot of which the place in the WAL is known: that of a temporary slot's consistent point,
// which is how Postgres's own subscriptions copy tables. It is valid, and the slot there, until anything else is done with
// the connection. The server waits for every transaction of the cluster that runs now.
func (c *Conn) ExportSnapshot(ctx context.Context, temporarySlot string) (Snapshot, error) {
	options := " (SNAPSHOT 'export')"
	if c.version < 150000 {
		options = " EXPORT_SNAPSHOT"
	}
	command := "CREATE_REPLICATION_SLOT " + quoteIdentifier(temporarySlot) + " TEMPORARY LOGICAL " + Plugin + options
	created, err := pglogrepl.ParseCreateReplicationSlot(c.pg.Exec(ctx, command))
	if err != nil {
		return Snapshot{}, fmt.Errorf("export a snapshot with temporary slot %q: %w", temporarySlot, err)
	}
	at, err := pglogrepl.ParseLSN(created.ConsistentPoint)
	if err != nil {
		return Snapshot{}, fmt.Errorf("export a snapshot: %w", err)
	}
	return Snapshot{Name: created.SnapshotName, At: at}, nil
}
