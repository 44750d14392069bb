package replication

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Conn is a replication connection before START_REPLICATION.
type Conn struct {
	Catalog
	config Config
}

// Connect opens a replication connection to the database that the connection string names.
func Connect(ctx context.Context, config Config) (*Conn, error) {
	return nil, errors.ErrUnsupported
}

// Fingerprint tells whether two sessions get the same bytes for the same rows: stream options, pinned settings and the
// server's major version.
func (c *Conn) Fingerprint() string { return "" }

// Start sends START_REPLICATION at 0/0, which is the slot's confirmed_flush. It owns the slot when it returns nil. After
// an error that the server answered, as *SlotActiveError, the connection can be used again.
func (c *Conn) Start(ctx context.Context) (*Stream, error) { return nil, errors.ErrUnsupported }

// Close ends the connection. After Start has succeeded it does nothing: the stream owns the connection then.
func (c *Conn) Close() error { return errors.ErrUnsupported }

// Sibling is an ordinary connection to the very server that a replication connection talks to.
type Sibling struct {
	*pgx.Conn
	Catalog
}

// Sibling opens an ordinary connection to the same address that answered, and checks that the same server process
// answers there: a pooler or a name that resolves to several servers must not answer for another one. It may be called
// after Start.
func (c *Conn) Sibling(ctx context.Context) (*Sibling, error) { return nil, errors.ErrUnsupported }
