package replication

import (
	"context"
	"errors"
)

// Publication is a row of pg_publication, with the tables that were asked for.
type Publication struct {
	Name                             string
	OID                              uint32
	Xmin                             uint32 // changes with every ALTER PUBLICATION of an option
	AllTables                        bool
	Insert, Update, Delete, Truncate bool
	ViaRoot                          bool // publish_via_partition_root
	Tables                           []Table
}

// Table is what the catalogue says of one table that was asked for.
type Table struct {
	Asked     string // the name as it was asked for
	Schema    string
	Name      string
	OID       uint32 // 0: there is no such table
	Published bool   // itself, through an ancestor, its schema, or FOR ALL TABLES
	// MembershipOID and MembershipXmin are those of the row in pg_publication_rel, or in pg_publication_namespace, that
	// publishes the table; 0 for FOR ALL TABLES. A table that is taken out and put back has new ones.
	MembershipOID  uint32
	MembershipXmin uint32
	RelKind        byte     // r: table, p: partitioned, v: view, ...
	Unlogged       []string // the table itself, and those of its leaf partitions, that do not write WAL
	Leaves         int      // leaf partitions
	RowFilter      string   // 15+; "" without
	ColumnList     bool     // 15+: the publication lists columns
	Columns        []TableColumn
}

// TableColumn is one column of a Table.
type TableColumn struct {
	Name      string
	TypeOID   uint32
	Type      string // as format_type prints it
	Published bool   // in the column list, if there is one, and not a generated column that is left out
}

// Publication looks at a publication and at the named tables; nil when there is no such publication. Names are read as
// SQL does ("Outbox"."Event" keeps its case); one without a schema means public.
func (c *Catalog) Publication(ctx context.Context, name string, tables []string) (*Publication, error) {
	return nil, errors.ErrUnsupported
}
