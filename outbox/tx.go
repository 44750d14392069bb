package outbox

import "context"

// Tx is an open transaction of the application, through which Emit writes. Pgx and SQL make one; for another driver it
// is a method to write. Whoever began the transaction ends it.
type Tx interface {
	// Exec runs one statement with its arguments, which are strings, []byte, int64 and nil only, and gives the number of
	// rows that it wrote.
	Exec(ctx context.Context, statement string, args ...any) (rows int64, err error)
}

// PgxTx is what Emit needs of a transaction of pgx: pgx.Tx and *pgxpool.Tx have it. A connection and a pool have not,
// since they cannot commit: an event that is written outside the transaction that makes it true may be published
// although that one rolls back.
type PgxTx[R PgxResult] interface {
	Exec(ctx context.Context, sql string, args ...any) (R, error)
	Commit(ctx context.Context) error // never called
}

// PgxResult is what Emit needs of pgconn.CommandTag, which would bring pgx along.
type PgxResult interface{ RowsAffected() int64 }

// Pgx makes a Tx of a transaction of pgx.
func Pgx[R PgxResult](tx PgxTx[R]) Tx { return pgxTx[R]{tx} }

type pgxTx[R PgxResult] struct{ tx PgxTx[R] }

func (t pgxTx[R]) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return tag.RowsAffected(), nil
}

// SQLTx is what Emit needs of a transaction of database/sql: *sql.Tx has it, and what is built around one. *sql.DB and
// *sql.Conn have not, for the reason that PgxTx gives.
type SQLTx[R SQLResult] interface {
	ExecContext(ctx context.Context, query string, args ...any) (R, error)
	Commit() error // never called
}

// SQLResult is what Emit needs of sql.Result.
type SQLResult interface{ RowsAffected() (int64, error) }

// SQL makes a Tx of a transaction of database/sql.
func SQL[R SQLResult](tx SQLTx[R]) Tx { return sqlTx[R]{tx} }

type sqlTx[R SQLResult] struct{ tx SQLTx[R] }

func (t sqlTx[R]) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
