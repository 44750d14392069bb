package replication

import (
	"context"
	"errors"
)

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

// Slot looks at a replication slot; nil when there is none of that name.
func (c *Catalog) Slot(ctx context.Context, name string) (*Slot, error) {
	return nil, errors.ErrUnsupported
}

// CreateSlot creates a logical slot for pgoutput and returns the position from which it streams. The server waits for
// every transaction of the cluster that runs now. failover asks for a failover slot and needs Postgres 17.
func (c *Conn) CreateSlot(ctx context.Context, name string, failover bool) (LSN, error) {
	return 0, errors.ErrUnsupported
}
