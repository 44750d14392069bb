package connector

import (
	"cmp"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
)

// source carries the connection, the slot and the publication over.
func (t *translation) source() {
	host, okHost := t.take("database.hostname")
	port, _ := t.take("database.port")
	user, okUser := t.take("database.user")
	database, okDatabase := t.take("database.dbname")
	mode, _ := t.take("database.sslmode")
	for option, ok := range map[string]bool{"database.hostname": okHost, "database.user": okUser, "database.dbname": okDatabase} {
		if !ok {
			t.note(Look, option, "is not known; write it into source.url")
		}
	}
	at := url.URL{Scheme: "postgres", User: url.User(cmp.Or(user, "relay")), Path: "/" + database}
	at.Host = net.JoinHostPort(cmp.Or(host, "localhost"), cmp.Or(port, "5432"))
	at.RawQuery = url.Values{"sslmode": {strings.ToLower(cmp.Or(mode, "prefer"))}}.Encode()
	t.c.Source.URL = at.String()
	t.slot()
	t.c.Source.Publication = "dbz_publication"
	if name, ok := t.take("publication.name"); ok {
		t.c.Source.Publication = name
	}
}

// slot carries the slot over if Relay can read it.
func (t *translation) slot() {
	name, _ := t.take("slot.name")
	plugin, ok := t.take("plugin.name")
	if plugin == "pgoutput" {
		t.c.Source.Slot = cmp.Or(name, "debezium")
		return
	}
	why := "is"
	if !ok {
		why = "is not in the file, so it is"
		plugin = "decoderbufs"
	}
	t.c.Source.Slot = config.DefaultSlot(t.c.Name)
	t.note(Look, "plugin.name", "%s %s, whose slots Relay cannot read: make the publication %s and a slot of pgoutput before you stop the connector (docs/moving-from-debezium.md)",
		why, plugin, cmp.Or(t.options["publication.name"], "dbz_publication"))
}

// table carries the one table over that the connector reads.
func (t *translation) table(w Wanted) {
	const option = "table.include.list"
	list, ok := t.take(option)
	if t.c.Outbox.Table = w.Table; w.Table != "" {
		return
	}
	t.c.Outbox.Table = "public.outbox"
	if !ok {
		t.note(Unsupported, option, "is missing, and Relay has to know the table; --table names it")
		return
	}
	var tables []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			tables = append(tables, item)
		}
	}
	if len(tables) != 1 {
		t.note(Unsupported, option, "names %d tables, and Relay reads one; --table names it", len(tables))
		return
	}
	table, ok := literalTable(tables[0])
	if !ok {
		t.note(Unsupported, option, "is an expression that may match several tables, and Relay reads one; --table names it")
		return
	}
	t.c.Outbox.Table = table
	if strings.Contains(table, `"`) {
		t.note(Look, option, "Debezium compares names without regard to case, Relay does not: %s must be exact", table)
	}
}

// literalTable is the table of an expression that has nothing special in it, as SQL writes it.
func literalTable(expression string) (string, bool) {
	schema, table, ok := strings.Cut(strings.ReplaceAll(expression, `\.`, "."), ".")
	if !ok || schema == "" || table == "" || strings.ContainsAny(schema+table, `.*+?[](){}|^$\"`) {
		return "", false
	}
	return sqlName(schema) + "." + sqlName(table), true
}

func sqlName(name string) string {
	if regexp.MustCompile(`^[a-z_][a-z0-9_]*$`).MatchString(name) {
		return name
	}
	return `"` + name + `"`
}
