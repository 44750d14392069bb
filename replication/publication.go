package replication

import (
	"context"
	"fmt"
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
	RelKind        byte     // pg_class.relkind: r table, p partitioned table, v view, ...; 0 without a table
	Unlogged       []string // the table itself, and those of its leaf partitions, that do not write WAL
	Leaves         int      // leaf partitions
	RowFilter      string   // 15+; "" without
	ColumnList     bool     // 15+: the publication lists columns
	Columns        []TableColumn
}

// TableColumn is one column of a Table.
type TableColumn struct {
	Name      string `json:"name"`
	TypeOID   uint32 `json:"type_oid"`  // of pg_type; of a domain, what it is made of
	TypeMod   int32  `json:"type_mod"`  // pg_attribute.atttypmod, or that of the domain; -1 without one
	Domain    uint32 `json:"domain"`    // OID of the domain; 0: the type is none
	Type      string `json:"type"`      // as format_type prints it
	Published bool   `json:"published"` // in the column list if there is one, and not a generated column that is left out
}

// Publication looks at a publication and at the named tables; nil when there is no such publication. Names are read as
// SQL does ("Outbox"."Event" keeps its case); one without a schema means public. It needs no right on the tables or
// their schemas.
func (c *Catalog) Publication(ctx context.Context, name string, tables []string) (*Publication, error) {
	sql := publicationQuery(name)
	for _, asked := range tables {
		sql += ";\n" + tableQuery(c.version, name, asked)
	}
	results, err := c.query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("look at publication %q and its tables: %w", name, err)
	}
	if len(results[0]) == 0 {
		return nil, nil
	}
	p, err := readPublication(name, results[0][0])
	if err != nil {
		return nil, fmt.Errorf("look at publication %q: %w", name, err)
	}
	for i, asked := range tables {
		t, err := readTable(asked, results[i+1])
		if err != nil {
			return nil, fmt.Errorf("look at table %s: %w", asked, err)
		}
		p.Tables = append(p.Tables, t)
	}
	return p, nil
}

func publicationQuery(name string) string {
	return `
SELECT oid, xmin, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot
FROM pg_publication WHERE pubname = ` + quoteLiteral(name)
}

func readPublication(name string, r *row) (*Publication, error) {
	p := &Publication{
		Name:      name,
		OID:       r.uint32(),
		Xmin:      r.uint32(),
		AllTables: r.bool(),
		Insert:    r.bool(),
		Update:    r.bool(),
		Delete:    r.bool(),
		Truncate:  r.bool(),
		ViaRoot:   r.bool(),
	}
	return p, r.err()
}

func readTable(asked string, rows []*row) (Table, error) {
	t := Table{Asked: asked}
	if len(rows) == 0 {
		return t, nil
	}
	r := rows[0]
	t.Schema, t.Name, t.OID = r.text(), r.text(), r.uint32()
	if kind := r.text(); kind != "" {
		t.RelKind = kind[0]
	}
	t.MembershipOID, t.MembershipXmin = r.uint32(), r.uint32()
	t.Published = r.bool()
	t.RowFilter = r.text()
	t.ColumnList = r.bool()
	r.json(&t.Unlogged)
	leaves, _ := r.int64()
	t.Leaves = int(leaves)
	r.json(&t.Columns)
	return t, r.err()
}
