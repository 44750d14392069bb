package replication

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a replication connection before START_REPLICATION.
type Conn struct {
	Catalog
	config Config
	server server
}

// server is what tells one server from another that answers at the same name.
type server struct {
	network, address string // as dialled, after name resolution
	systemID         string
	started          string // when its postmaster started: tells apart servers with one system id, as a standby has
	version          int
}

// closeTimeout bounds the good-bye to a server that may not listen any more.
const closeTimeout = time.Second

// Connect opens a replication connection to the database that the connection string names.
func Connect(ctx context.Context, config Config) (*Conn, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configure replication: %w", err)
	}
	parsed, err := config.parse()
	if err != nil {
		return nil, err
	}
	parsed.RuntimeParams["replication"] = "database"
	parsed.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(ctx, network, address, config.SenderTimeout)
	}
	pg, err := pgconn.ConnectConfig(ctx, &parsed.Config)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	c := &Conn{Catalog: Catalog{pg: pg}, config: config}
	if c.server, err = c.ask(ctx); err != nil {
		_ = pg.Close(ctx)
		return nil, fmt.Errorf("ask the server who it is: %w", err)
	}
	remote := pg.Conn().RemoteAddr()
	c.server.network, c.server.address = remote.Network(), remote.String()
	return c, nil
}

// parse reads the connection string, the PG* variables, the files they name, and the password.
func (c Config) parse() (*pgx.ConnConfig, error) {
	parsed, err := pgx.ParseConfig(c.ConnString)
	if err != nil {
		return nil, &configError{parseReason(err)}
	}
	if c.Password != nil {
		password, err := c.Password()
		if err != nil {
			return nil, &passwordError{err}
		}
		parsed.Password = password
	}
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = "relay-" + c.Slot
	}
	applySettings(parsed.RuntimeParams, textSettings())
	applySettings(parsed.RuntimeParams, sessionSettings(c.SenderTimeout))
	return parsed, nil
}

// Fingerprint tells whether two sessions get the same bytes for the same rows: stream options, pinned settings and the
// server's major version.
func (c *Conn) Fingerprint() string { return fingerprint(c.config.Messages, c.version) }

// Close ends the connection. After Start has succeeded it does nothing: the stream owns the connection then.
func (c *Conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := c.pg.Close(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close replication connection: %w", err)
	}
	return nil
}
