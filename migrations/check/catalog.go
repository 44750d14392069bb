package check

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// catalog asks the server, in one transaction; ctx is that of the one call that makes it.
type catalog struct {
	ctx  context.Context
	conn *pgconn.PgConn
}

// begin starts the transaction. Without a schema in search_path each name is printed with its own.
func begin(ctx context.Context, conn *pgconn.PgConn) (*catalog, error) {
	c := &catalog{ctx: ctx, conn: conn}
	return c, c.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL quote_all_identifiers = off")
}

func (c *catalog) end() error { return c.run("ROLLBACK") }

func (c *catalog) run(sql string) error {
	return c.conn.Exec(c.ctx, sql).Close()
}

// ask reads the one JSON value of a query.
func (c *catalog) ask(into any, sql string, args ...string) error {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	result := c.conn.ExecParams(c.ctx, sql, values, nil, nil, nil).Read()
	switch {
	case result.Err != nil:
		return result.Err
	case len(result.Rows) != 1:
		return errors.New("the server gave no answer")
	}
	return json.Unmarshal(result.Rows[0][0], into)
}

// schema is what a schema holds, as Postgres prints it.
type schema struct {
	Quoted    string // its name as SQL has it
	Exists    bool
	Domains   []domain
	Functions []function
	Tables    []table
}

type domain struct {
	Name, Base, Collation string
	NotNull               bool
	Constraints           []constraint
}

type constraint struct{ Name, Definition string }

type function struct {
	Name, Identity, Arguments, Result, Source string // Identity: the arguments as DROP FUNCTION takes them
}

type table struct {
	Name        string
	Kind        string // r or p
	Unlogged    bool
	RowSecurity bool
	Key         string // of partitioning; "" without
	Parent      string // whose partition it is; "" without
	Bound       string // of a partition
	Columns     []column
	Checks      []constraint // and keys
	IndexDefs   []string
}

type column struct {
	Name, Type, Default string
	NotNull             bool
}

//go:embed schema.sql
var schemaSQL string

func (c *catalog) schema(name string) (*schema, error) {
	s := new(schema)
	return s, c.ask(s, schemaSQL, name)
}

// publication is a publication, seen from one table.
type publication struct {
	Exists                           bool
	Insert, Update, Delete, Truncate bool
	ViaRoot                          bool
	Published                        bool     // the table
	Filtered                         bool     // by a row filter
	Unlisted                         []string // columns that a column list leaves out
}

//go:embed publication.sql
var publicationSQL string

//go:embed role.sql
var roleSQL string

//go:embed messages.sql
var messagesSQL string

func (c *catalog) publication(name, schema, table string) (*publication, error) {
	p := new(publication)
	return p, c.ask(p, publicationSQL, name, schema, table)
}
