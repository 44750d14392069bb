package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/internal/relay"
)

func outboxChecks() []aCheck {
	return []aCheck{
		{Outbox, "publication", needsPostgres, publication},
		{Outbox, "schema", needsPostgres, schema},
		{Outbox, "read", needsPostgres, readable},
		{Outbox, "messages", needsPostgres, messages},
	}
}

func ofOutbox(r *guard.Refusal) bool {
	return codeOf(r.Code, fault.OutboxUnusable, fault.PublicationDiffers)
}

// noteAltering stands beside SQL that alters the publication: a relay takes that for what it may be, a loss.
const noteAltering = "A relay that is initialised refuses once its publication was altered and names the range to compare: stop it before."

func publication(f *facts) []Finding {
	all := refusals(guard.OfPostgres(&f.Facts), ofOutbox)
	for i := range all {
		if slices.ContainsFunc(all[i].SQL, func(sql string) bool { return strings.HasPrefix(sql, "ALTER PUBLICATION") }) {
			all[i].Hint = strings.TrimSpace(all[i].Hint + " " + noteAltering)
		}
	}
	p, name := f.Publication, f.cfg.Relay.Source.Publication
	if p == nil {
		return all
	}
	var more []string
	for _, o := range []struct {
		on   bool
		name string
	}{{p.Insert, "insert"}, {p.Update, "update"}, {p.Delete, "delete"}, {p.Truncate, "truncate"}} {
		if o.on {
			more = append(more, o.name)
		}
	}
	insertOnly := "ALTER PUBLICATION " + guard.SQLName(name) + " SET (publish = 'insert');"
	switch {
	case p.Update && f.cfg.Relay.OnUpdate == relay.OnUpdateHalt:
		all = append(all, found(Warn, "publication %q publishes %s, and outbox.on_update is halt: an UPDATE of an outbox row stops the relay", name, strings.Join(more, ", ")).
			sql(insertOnly).hint(noteAltering))
	case len(more) > 1 && p.Insert:
		all = append(all, found(Fail, "publication %q publishes %s: only inserts are events, and clean-up that deletes rows would go through the stream (and reach Kafka with other tools)", name, strings.Join(more, ", ")).
			sql(insertOnly).hint(noteAltering))
	}
	if all == nil {
		all = append(all, found(OK, "publication %q publishes inserts of %s", name, strings.Join(f.Facts.Want.Tables, ", ")))
	}
	return all
}

// schema is what migrations/check found; publications are judged above, for tables of others too.
func schema(f *facts) []Finding {
	var all []Finding
	objects := map[string]bool{}
	for _, r := range f.schema {
		if r.Migration == "wal_messages" || strings.HasPrefix(r.Object, "publication ") {
			continue
		}
		objects[r.Object] = true
		if !r.OK() {
			all = append(all, found(Fail, "%s %s", r.Object, r.Problem).sql(strings.TrimSpace(r.SQL)))
		}
	}
	if all == nil && len(objects) > 0 {
		all = append(all, found(OK, "%d objects of the migrations are as they were made", len(objects)))
	}
	return all
}

// readable: publishing needs no right on the table; lag, audit and clean-up do.
func readable(f *facts) []Finding {
	var all []Finding
	for _, t := range f.Facts.Want.Tables {
		if f.Publication == nil || !slices.ContainsFunc(f.Facts.Publication.Tables, func(p guard.Table) bool { return p.Name == t && p.OID != 0 }) {
			continue
		}
		if f.server.reads {
			all = append(all, found(OK, "role %s may read %s", f.Facts.Server.Role, t))
			continue
		}
		schema, _, _ := strings.Cut(t, ".")
		role := guard.SQLName(f.Facts.Server.Role)
		all = append(all, found(Warn, "role %s may not read %s: `relay lag` can only estimate, and `relay audit` cannot work", f.Facts.Server.Role, t).
			sql(fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s;", schema, role), fmt.Sprintf("GRANT SELECT ON %s TO %s;", t, role)))
	}
	return all
}

// messages: nothing in a WAL message tells who wrote it.
func messages(f *facts) []Finding {
	if f.cfg.Relay.Outbox.WALMessages == "" {
		return nil
	}
	var all []Finding
	for _, r := range f.messages {
		if !r.OK() {
			all = append(all, found(Fail, "%s %s, and outbox.wal_messages is set: what others write with it would be published", r.Object, r.Problem).
				sql(r.SQL).hint("Run it as a superuser in this database, and GRANT EXECUTE to the application's role (`relay migrate print wal_messages`)."))
		}
	}
	if all == nil {
		all = append(all, found(OK, "WAL messages can only be written by roles that were granted it"))
	}
	return all
}
