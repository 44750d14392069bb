package check

import "cmp"

// inbox compares with 0002_inbox.sql.
func (c *comparison) inbox() error {
	return c.inboxTable(neededTable{
		name: "event",
		columns: []neededColumn{
			{name: "consumer", typ: "text", notNull: true},
			{name: "event_id", typ: "uuid", notNull: true},
			{name: "handled_at", typ: "timestamp with time zone", notNull: true, defaults: []string{"now()"}},
		},
		checks: []constraint{{"event_pkey", "PRIMARY KEY (consumer, event_id)"}},
	})
}

// inboxProgress compares with 0004_inbox_progress.sql.
func (c *comparison) inboxProgress() error {
	return c.inboxTable(neededTable{
		name: "progress",
		columns: []neededColumn{
			{name: "consumer", typ: "text", notNull: true},
			{name: "topic", typ: "text", notNull: true},
			{name: "partition", typ: "integer", notNull: true},
			{name: "relay", typ: "text", notNull: true},
			{name: "generation", typ: "bigint", notNull: true},
			{name: "seq", typ: "bigint", notNull: true},
			{name: "handled_at", typ: "timestamp with time zone", notNull: true, defaults: []string{"now()"}},
		},
		checks: []constraint{{"progress_pkey", "PRIMARY KEY (consumer, topic, partition, relay, generation)"}},
	}, "seq", "handled_at")
}

// inboxTable compares a table of the inbox, and the application's rights on it: updates are those of the named columns.
func (c *comparison) inboxTable(need neededTable, updated ...string) error {
	name := cmp.Or(c.opts.Inbox, "inbox")
	live, err := c.catalog.schema(name)
	if err != nil {
		return err
	}
	c.schema = live.Quoted
	if !c.schemaExists(live) {
		return nil
	}
	c.table(live, need)
	rights := []privilege{
		{"schema", name, "", "USAGE"},
		{"table", name, need.name, "SELECT"},
		{"table", name, need.name, "INSERT"},
		{"table", name, need.name, "DELETE"},
	}
	for _, col := range updated {
		rights = append(rights, privilege{"column", name, need.name + "." + col, "UPDATE"})
	}
	return c.grants(c.opts.AppRole, rights)
}
