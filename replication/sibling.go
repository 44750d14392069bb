package replication

import (
	"context"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
)

// Sibling is an ordinary connection to the very server that a replication connection talks to. Its search_path is
// pg_catalog: other names need their schema.
type Sibling struct {
	*pgx.Conn
	Catalog
}

// Sibling opens an ordinary connection to the same address that answered, and checks that the same server process
// answers there: a pooler or a name that resolves to several servers must not answer for another one. It may be called
// after Start.
func (c *Conn) Sibling(ctx context.Context) (*Sibling, error) {
	parsed, err := c.config.parse()
	if err != nil {
		return nil, err
	}
	// Every host and TLS variant of the connection string is tried as usual, but all of them at this one address: that
	// of another host fails on its certificate, or is let in where nothing is verified anyway.
	parsed.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.server.address}, nil }
	parsed.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial(ctx, c.server.network, c.server.address, c.config.SenderTimeout)
	}
	conn, err := pgx.ConnectConfig(ctx, parsed)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	s := &Sibling{Conn: conn, Catalog: Catalog{pg: conn.PgConn()}}
	if err := s.sameAs(ctx, c.server); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *Sibling) sameAs(ctx context.Context, want server) error {
	got, err := s.ask(ctx)
	if err != nil {
		return fmt.Errorf("ask the server who it is: %w", err)
	}
	if got.systemID != want.systemID || got.started != want.started {
		return fmt.Errorf("connect to Postgres: %s answers as another server (system %s, started %s) than before (system %s, started %s): relay needs a direct connection, without a pooler between",
			want.address, got.systemID, got.started, want.systemID, want.started)
	}
	return nil
}
