package replication

import (
	"fmt"
	"log/slog"
	"time"
)

// Limits and default of Config.SenderTimeout.
const (
	DefaultSenderTimeout = 10 * time.Second
	MinSenderTimeout     = 250 * time.Millisecond
	MaxSenderTimeout     = 24 * time.Hour
)

// Config says which server, slot and publication to read.
type Config struct {
	// ConnString is a URL or keyword/value string as libpq takes it; the PG* variables and the passfile fill in what
	// it leaves out. It may name several hosts.
	ConnString string
	// Password, when set, is asked again for every connection and wins over the connection string.
	Password func() (string, error)
	// Slot is the name of the logical replication slot.
	Slot string
	// Publication is the name of the publication that pgoutput filters by.
	Publication string
	// Messages asks for what pg_logical_emit_message wrote. Postgres 14 or newer.
	Messages bool
	// SenderTimeout is the wal_sender_timeout of our own session: after this long without a status the server hangs up
	// and frees the slot. A longer one survives longer network pauses; a shorter one lets a standby take over sooner.
	// Default 10 s.
	SenderTimeout time.Duration
	// Logger gets notices of the server. nil discards.
	Logger *slog.Logger
}

// withDefaults fills in what is unset and refuses what cannot work.
func (c Config) withDefaults() (Config, error) {
	if c.SenderTimeout == 0 {
		c.SenderTimeout = DefaultSenderTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Slot == "":
		return c, &configError{"slot is empty: name the replication slot to read"}
	case c.Publication == "":
		return c, &configError{"publication is empty: name the publication to read"}
	case c.SenderTimeout < MinSenderTimeout || c.SenderTimeout > MaxSenderTimeout:
		return c, &configError{fmt.Sprintf("sender timeout %v is outside %v to %v: the server would hang up between two statuses or never free the slot",
			c.SenderTimeout, MinSenderTimeout, MaxSenderTimeout)}
	}
	return c, nil
}
