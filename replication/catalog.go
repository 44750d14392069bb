package replication

import "github.com/jackc/pgx/v5/pgconn"

// Catalog asks the catalogue, over a replication connection or an ordinary one: the same text, in the simple protocol,
// which is all that a replication connection speaks.
type Catalog struct {
	pg      *pgconn.PgConn
	version int // server_version_num
}
