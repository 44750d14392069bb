package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/outbox-relay/relay/migrations"
)

// Request says what is compared.
type Request struct {
	// Names are those of the migrations; none: those that belong to every outbox.
	Names []string
	// Options are the names that the migrations were applied with. Without a role its grants are not looked at.
	Options migrations.Options
}

// Result is what was found about one object.
type Result struct {
	Migration string `json:"migration"`
	Object    string `json:"object"`            // as in column outbox.event.id
	Problem   string `json:"problem,omitempty"` // what is not as it must be; "": nothing
	SQL       string `json:"sql,omitempty"`     // what mends it
}

// OK tells whether the object is as it must be.
func (r Result) OK() bool { return r.Problem == "" }

// ErrUnreachable is in the chain of an error when Postgres could not be asked.
var ErrUnreachable = errors.New("cannot ask Postgres")

// Database connects to a database, compares and leaves. connString is a URL or a list of keywords as libpq takes it;
// password wins over what it says, unless it is empty.
func Database(ctx context.Context, connString, password string, req Request) ([]Result, error) {
	cfg, err := pgconn.ParseConfig(connString)
	if err != nil {
		return nil, err
	}
	if password != "" {
		cfg.Password = password
	}
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	results, err := Run(ctx, conn, req)
	if err != nil && conn.IsClosed() {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return results, err
}

// User is the role that a connection string connects as.
func User(connString string) (string, error) {
	cfg, err := pgconn.ParseConfig(connString)
	if err != nil {
		return "", err
	}
	return cfg.User, nil
}

// Run compares, with a connection that nobody else uses meanwhile and that is good for nothing else after an error. An
// object with several problems gives several results.
func Run(ctx context.Context, conn *pgconn.PgConn, req Request) ([]Result, error) {
	selected, err := migrations.Select(req.Names...)
	if err != nil {
		return nil, err
	}
	catalog, err := begin(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("look at the catalogue: %w", err)
	}
	var results []Result
	for _, m := range selected {
		c, err := newComparison(catalog, m, req.Options)
		if err == nil {
			err = c.compare()
		}
		if err != nil {
			return nil, fmt.Errorf("compare with migration %s: %w", m.Name, err)
		}
		results = append(results, c.results...)
	}
	return results, catalog.end()
}

// comparison is the work on one migration.
type comparison struct {
	catalog   *catalog
	migration migrations.Migration
	opts      migrations.Options
	sql       script
	schema    string // as SQL names it
	results   []Result
}

func newComparison(catalog *catalog, m migrations.Migration, opts migrations.Options) (*comparison, error) {
	sql, err := m.Render(opts)
	if err != nil {
		return nil, err
	}
	return &comparison{catalog: catalog, migration: m, opts: opts, sql: split(sql)}, nil
}

// ours is the schema as the migration names it, with quotes where they are not needed, too.
func (c *comparison) ours() string {
	name, err := c.opts.Fill("{{.Schema}}")
	if strings.HasPrefix(c.migration.Name, "inbox") {
		name, err = c.opts.Fill("{{.Inbox}}")
	}
	if err != nil {
		panic(err) // the migration was rendered with the same options
	}
	return name
}

// compare knows each migration by its name.
func (c *comparison) compare() error {
	switch c.migration.Name {
	case "outbox":
		return c.outbox()
	case "inbox":
		return c.inbox()
	case "inbox_progress":
		return c.inboxProgress()
	case "wal_messages":
		return c.walMessages()
	}
	return fmt.Errorf("what it makes is not known to this check")
}

// problem is one thing that is not as it must be.
type problem struct{ text, sql string }

// found notes an object with its problems.
func (c *comparison) found(object string, problems ...problem) {
	if len(problems) == 0 {
		problems = []problem{{}}
	}
	for _, p := range problems {
		c.results = append(c.results, Result{Migration: c.migration.Name, Object: object, Problem: p.text, SQL: p.sql})
	}
}

// schemaExists notes the schema. Without one there is nothing else to say: the migration was not applied.
func (c *comparison) schemaExists(live *schema) bool {
	if live.Exists {
		c.found("schema " + c.schema)
		return true
	}
	c.found("schema "+c.schema, problem{"does not exist: the migration was not applied here", c.sql.whole})
	return false
}

// named finds what has a name.
func named[T any](all []T, name func(T) string, wanted string) (T, bool) {
	i := slices.IndexFunc(all, func(v T) bool { return name(v) == wanted })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}
