package replication

import "fmt"

// Domains tells what the domains among the types of these columns are made of, which the stream does not. It has to be
// called before the first Next. A domain that is not among them, of a table that was altered since, stays as it is.
func (s *Stream) Domains(columns []TableColumn) {
	domains := make(map[uint32]TableColumn)
	for _, c := range columns {
		if c.Domain != 0 {
			domains[c.Domain] = c
		}
	}
	s.decoder.domains = domains
}

// relation remembers a table's description. It is always a new Relation, even when nothing in it has changed: whoever
// keeps something per Relation looks again after any change, and compares one pointer otherwise.
func (d *decoder) relation(c *cursor) error {
	r := &Relation{OID: c.uint32()}
	r.Namespace = string(c.text())
	if r.Namespace == "" {
		r.Namespace = "pg_catalog" // sent as an empty string
	}
	r.Name = string(c.text())
	r.ReplicaIdentity = c.byte()
	n := c.uint16()
	for range n {
		column := Column{Key: c.byte()&1 != 0}
		column.Name = string(c.text())
		column.TypeOID = c.uint32()
		column.TypeMod = int32(c.uint32())
		if c.short {
			return nil
		}
		if base, ok := d.domains[column.TypeOID]; ok {
			column.TypeOID, column.TypeMod = base.TypeOID, base.TypeMod
		}
		r.Columns = append(r.Columns, column)
	}
	if c.short {
		return nil
	}
	if r.OID == 0 {
		return fmt.Errorf("relation %q has no OID", r.Name)
	}
	d.relations[r.OID] = r
	if d.last != nil && d.last.OID == r.OID {
		d.last = r
	}
	return nil
}
