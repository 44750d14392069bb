package export

// down is what a tool runs to take a migration back: it refuses. An empty one would let the tool believe that the
// migration is gone.
func down(name string) string {
	return `DO $do$
BEGIN
    RAISE EXCEPTION 'Relay''s migration ` + name + ` goes forward only: taking it back would lose what its tables hold'
        USING HINT = 'Nothing was changed. To retire it, drop the relay and its replication slot first, then write a migration that drops what this one made.';
END
$do$;
`
}

// verify is a query that fails when the migration was not applied.
func verify(name string) string {
	switch name {
	case "outbox":
		return "SELECT id, aggregate_type, aggregate_id, event_type, payload FROM {{.Schema}}.event WHERE false;\n"
	case "inbox":
		return "SELECT consumer, event_id FROM {{.Inbox}}.event WHERE false;\n"
	case "inbox_progress":
		return "SELECT consumer, seq FROM {{.Inbox}}.progress WHERE false;\n"
	}
	return ""
}
