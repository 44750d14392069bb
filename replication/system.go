package replication

import (
	"context"
	"errors"
)

// System is what a server says of itself.
type System struct {
	SystemID      string
	Timeline      uint32
	FlushLSN      LSN
	Database      string
	DatabaseOID   uint32
	ServerVersion int // server_version_num: 170011
	InRecovery    bool
	WALLevel      string
	Role          string // the role we are
	Replication   bool   // that role has REPLICATION or is a superuser
}

// TimelineSwitch is one line of a timeline history: the server left Timeline at SwitchLSN.
type TimelineSwitch struct {
	Timeline  uint32
	SwitchLSN LSN
}

// Identify asks the server who it is.
func (c *Conn) Identify(ctx context.Context) (System, error) {
	return System{}, errors.ErrUnsupported
}

// TimelineHistory lists the timelines that lead to the given one, oldest first. Timeline 1 has none.
func (c *Conn) TimelineHistory(ctx context.Context, timeline uint32) ([]TimelineSwitch, error) {
	return nil, errors.ErrUnsupported
}
