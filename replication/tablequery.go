package replication

import "strings"

// tableQuery looks at one table and at what a publication makes of it, in one statement, so that all of it is of one
// moment. It reads only what every role may read: to_regclass, for one, wants USAGE on the schema.
//
// A table is published by the nearest of itself and its ancestors that is a member, else through the schema of one of
// them (15+), else by FOR ALL TABLES.
func tableQuery(version int, publication, asked string) string {
	filter, list, schemas := "NULL", "NULL::int2vector", "SELECT NULL::oid AS oid, NULL::xid AS xmin, NULL::oid AS pnnspid WHERE false"
	if version >= 150000 {
		filter, list = "pg_get_expr(pr.prqual, pr.prrelid)", "pr.prattrs"
		schemas = "SELECT pn.oid, pn.xmin, pn.pnnspid FROM pg_publication_namespace pn JOIN publication p ON pn.pnpubid = p.oid"
	}
	generated := "a.attgenerated = ''"
	if version >= 180000 {
		generated = "(a.attgenerated = '' OR a.attgenerated = 's' AND p.pubgencols = 's')"
	}
	return strings.NewReplacer(
		"$publication", quoteLiteral(publication),
		"$asked", quoteLiteral(asked),
		"$filter", filter,
		"$list", list,
		"$schemas", schemas,
		"$generated", generated,
	).Replace(tableTemplate)
}

const tableTemplate = `
WITH RECURSIVE publication AS (SELECT * FROM pg_publication WHERE pubname = $publication),
name AS (SELECT parse_ident($asked) AS parts),
tab AS (
 SELECT c.oid, n.nspname, c.relname, c.relkind, c.relnamespace, c.relpersistence
 FROM name JOIN pg_namespace n ON n.nspname = CASE cardinality(parts) WHEN 1 THEN 'public' WHEN 2 THEN parts[1] END
 JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = parts[cardinality(parts)]),
ancestors AS (
 SELECT oid, 0 AS level, relnamespace FROM tab
 UNION ALL
 SELECT i.inhparent, level + 1, c.relnamespace FROM ancestors a
 JOIN pg_class self ON self.oid = a.oid AND self.relispartition
 JOIN pg_inherits i ON i.inhrelid = a.oid JOIN pg_class c ON c.oid = i.inhparent),
descendants AS (
 SELECT oid, relkind, relpersistence, nspname, relname FROM tab
 UNION ALL
 SELECT c.oid, c.relkind, c.relpersistence, n.nspname, c.relname FROM descendants d
 JOIN pg_inherits i ON i.inhparent = d.oid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
 JOIN pg_namespace n ON n.oid = c.relnamespace),
schemas AS ($schemas),
memberships AS (
 SELECT 0 AS kind, level, pr.oid, pr.xmin, pr.prrelid, $filter AS filter, $list AS list
 FROM ancestors a JOIN pg_publication_rel pr ON pr.prrelid = a.oid JOIN publication p ON pr.prpubid = p.oid
 UNION ALL
 SELECT 1, level, s.oid, s.xmin, NULL, NULL, NULL FROM ancestors a JOIN schemas s ON s.pnnspid = a.relnamespace),
membership AS (SELECT * FROM memberships ORDER BY kind, level LIMIT 1)
SELECT t.nspname, t.relname, t.oid, t.relkind, m.oid, m.xmin,
 t.relkind IN ('r', 'p') AND (p.puballtables OR m.oid IS NOT NULL), m.filter, m.list IS NOT NULL,
 (SELECT json_agg(quote_ident(nspname) || '.' || quote_ident(relname) ORDER BY nspname, relname) FROM descendants WHERE relpersistence <> 'p'),
 (SELECT count(*) FROM descendants d WHERE d.oid <> t.oid AND d.relkind <> 'p'),
 (SELECT json_agg(json_build_object('name', a.attname, 'type_oid', base.oid::int8, 'type_mod', base.typmod,
   'domain', CASE WHEN base.oid <> a.atttypid THEN a.atttypid::int8 ELSE 0 END, 'type', format_type(a.atttypid, a.atttypmod),
   'published', CASE WHEN m.list IS NULL THEN $generated
    ELSE EXISTS (SELECT FROM pg_attribute l WHERE l.attrelid = m.prrelid AND l.attnum = ANY (m.list) AND l.attname = a.attname) END) ORDER BY a.attnum)
  FROM pg_attribute a CROSS JOIN LATERAL (
   WITH RECURSIVE made_of AS (
    SELECT a.atttypid AS oid, a.atttypmod AS typmod
    UNION ALL
    SELECT d.typbasetype, d.typtypmod FROM made_of JOIN pg_type d ON d.oid = made_of.oid AND d.typtype = 'd')
   SELECT made_of.oid, typmod FROM made_of JOIN pg_type b ON b.oid = made_of.oid AND b.typtype <> 'd') base
  WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM tab t CROSS JOIN publication p LEFT JOIN membership m ON true`
