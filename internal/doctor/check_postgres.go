package doctor

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
)

func postgresChecks() []aCheck {
	return []aCheck{
		{Postgres, "reachable", nothing, postgresReachable},
		{Postgres, "server", needsPostgres, serverSuits},
		{Postgres, "encryption", needsPostgres, encryption},
		{Postgres, "role", needsPostgres, superuser},
		{Postgres, "walsenders", needsPostgres, walsenders},
		{Postgres, "durability", needsPostgres, durability},
		{Postgres, "clock", needsPostgres, clock},
	}
}

func postgresReachable(f *facts) []Finding {
	if f.Postgres != nil {
		return []Finding{unreachable(f.Postgres)}
	}
	s := f.Facts.Server
	return []Finding{found(OK, "reachable: Postgres %s, database %s, role %s", versionText(s.Version), s.Database, s.Role)}
}

func versionText(v int) string { return fmt.Sprintf("%d.%d", v/10000, v%10000) }

// ofServer are the guard's codes that this category is about.
func ofServer(r *guard.Refusal) bool {
	return codeOf(r.Code, fault.ServerUnsuitable, fault.InRecovery)
}

func serverSuits(f *facts) []Finding {
	if bad := refusals(guard.OfPostgres(&f.Facts), ofServer); bad != nil {
		return bad
	}
	return []Finding{found(OK, "primary on timeline %d, wal_level = %s", f.Facts.Server.Timeline, f.Facts.Server.WALLevel)}
}

func encryption(f *facts) []Finding {
	switch {
	case f.server.encrypted:
		return []Finding{found(OK, "the connection is encrypted")}
	case f.server.ours:
		return []Finding{found(OK, "the connection is not encrypted and does not leave this host")}
	}
	return []Finding{found(Warn, "the connection is not encrypted: whoever is on the way reads the events").
		hint("Add sslmode=verify-full (and sslrootcert) to source.url.")}
}

func superuser(f *facts) []Finding {
	role := f.Facts.Server.Role
	if f.server.superuser {
		return []Finding{found(Warn, "role %s is a superuser: Relay needs LOGIN, REPLICATION and what the migration grants", role).
			hint("Create a role of its own (CREATE ROLE relay LOGIN REPLICATION), grant with `relay migrate print --role-relay`, and name it in source.url.")}
	}
	return []Finding{found(OK, "role %s may replicate and is no superuser", role)}
}

// walsenders counts those that are free. One that works for the relay is in use already.
func walsenders(f *facts) []Finding {
	most, known := f.server.number("max_wal_senders")
	if !known {
		return nil
	}
	var all []Finding
	free := int(most) - f.server.senders
	switch {
	case free <= 0 && (f.Row == nil || !f.Row.Active):
		all = append(all, found(Fail, "all %d walsenders are in use: the relay cannot connect", most).
			sql(fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d;", most+10)).hint("Restart Postgres then."))
	case free <= 1:
		all = append(all, found(Warn, "%d of %d walsenders are in use: a second relay that stands by may find none", f.server.senders, most).
			sql(fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d;", most+10)).hint("Restart Postgres then."))
	default:
		all = append(all, found(OK, "%d of %d walsenders are in use", f.server.senders, most))
	}
	if slots, known := f.server.number("max_replication_slots"); known && f.Row == nil && f.server.slots >= int(slots) {
		all = append(all, found(Fail, "all %d replication slots are in use: `relay init` cannot create one", slots).
			sql(fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d;", slots+10)).hint("Restart Postgres then."))
	}
	return all
}

// durability: an event is published when its commit was flushed. A server that only says so loses it afterwards.
func durability(f *facts) []Finding {
	var all []Finding
	for _, s := range []struct{ name, consequence string }{
		{"fsync", "a crash of the machine loses commits whose events are published"},
		{"full_page_writes", "a crash of the machine can damage tables"},
	} {
		if f.server.settings[s.name] == "off" {
			all = append(all, found(f.unlessDevelopment(), "%s = off: %s", s.name, s.consequence).
				sql("ALTER SYSTEM SET "+s.name+" = on;", reloadConf))
		}
	}
	if all == nil {
		all = append(all, found(OK, "commits are durable: fsync and full_page_writes are on"))
	}
	return all
}

const reloadConf = "SELECT pg_reload_conf();"

// clockTolerance is how far clocks may be apart before ages and lag are wrong by more than one looks for.
const clockTolerance = time.Second

// clock compares the server with this host. The clocks of Kafka's brokers cannot be asked.
func clock(f *facts) []Finding {
	off := f.server.clock
	direction := "ahead of"
	if off < 0 {
		off, direction = -off, "behind"
	}
	if off-f.server.clockBy <= clockTolerance {
		return []Finding{found(OK, "the clocks of Postgres and this host agree within %s", max(f.server.clockBy, off).Round(time.Millisecond))}
	}
	return []Finding{found(Warn, "the clock of Postgres is %s %s this host's: lag, ages and what is cleaned up when are wrong by as much", off.Round(100*time.Millisecond), direction).
		hint("Run a time service (chrony, systemd-timesyncd) on both. Exactly once does not rest on clocks.")}
}

// refusals are those that some test picks, as findings.
func refusals(all []*guard.Refusal, pick func(*guard.Refusal) bool) []Finding {
	var bad []Finding
	for _, r := range all {
		if pick(r) {
			bad = append(bad, refused(r))
		}
	}
	return bad
}
