package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
)

func slotChecks() []aCheck {
	return []aCheck{
		{Slot, "slot", needsPostgres, slotUsable},
		{Slot, "reader", needsPostgres, slotReader},
		{Slot, "wal", needsPostgres, slotWAL},
		{Slot, "idle-timeout", needsPostgres, slotIdleTimeout},
		{Slot, "failover", needsPostgres, slotFailover},
		{Slot, "standbys", needsPostgres, synchronizedStandbys},
	}
}

func ofSlot(r *guard.Refusal) bool { return codeOf(r.Code, fault.SlotUnusable) }

// slotUsable leaves a slot that is missing to the position: whether that is a loss depends on the checkpoint.
func slotUsable(f *facts) []Finding {
	if bad := refusals(guard.OfPostgres(&f.Facts), ofSlot); bad != nil {
		return bad
	}
	switch {
	case f.Row == nil && f.Kafka != nil:
		return []Finding{found(Fail, "slot %q does not exist", f.SlotName).hint("Look again when Kafka answers: whether that loses events depends on the checkpoint.")}
	case f.Row == nil:
		return nil
	}
	return []Finding{found(OK, "slot %q is usable, confirmed up to %s", f.SlotName, f.Row.ConfirmedFlush)}
}

// idleTolerance is how long a slot may be without a reader before somebody should look: restarts and fail-overs take less.
const idleTolerance = 5 * time.Minute

func slotReader(f *facts) []Finding {
	switch {
	case f.Row == nil:
		return nil
	case f.Row.Active:
		return []Finding{found(OK, "a relay reads it (pid %d on the server)", f.Row.ActivePID)}
	}
	since := f.server.inactive
	if since == nil && f.Checkpoint != nil { // before 17 nobody notes it; the checkpoint moved when somebody last read
		since = &f.Checkpoint.Time
	}
	if since == nil {
		return []Finding{found(Warn, "nobody reads the slot, and Postgres keeps WAL for it").hint("`relay run` reads it; `relay status` tells what it does.")}
	}
	idle := f.cfg.Now().Sub(*since)
	if idle <= idleTolerance {
		return []Finding{found(OK, "nobody reads the slot since %s", duration(idle))}
	}
	return []Finding{found(Warn, "nobody has read the slot for %s, and Postgres keeps all WAL since then", duration(idle)).
		hint("Start the relay, or look why it does not run. If it is not wanted any more, drop the slot.")}
}

const megabyte = 1 << 20

// slotWAL judges how much WAL a relay that stands still may keep: without a limit it fills the disk, with one it loses the
// slot.
func slotWAL(f *facts) []Finding {
	limit, known := f.server.number("max_slot_wal_keep_size")
	if !known {
		return nil
	}
	kept := f.retained()
	if f.Row != nil && (f.Row.WALStatus == "extended" && limit >= 0 || f.Row.WALStatus == "unreserved") {
		return []Finding{found(Warn, "the slot keeps %s of WAL (%s): it is lost after %s more", size(kept), f.Row.WALStatus, f.safe()).
			hint("Let the relay catch up now; a larger max_slot_wal_keep_size gives it time.").
			sql("ALTER SYSTEM SET max_slot_wal_keep_size = '"+fmt.Sprint(max(2*limit, 1024))+"MB';", reloadConf)}
	}
	if limit < 0 {
		return []Finding{f.noWALLimit(kept)}
	}
	allowed := uint64(limit) * megabyte
	finding := found(OK, "max_slot_wal_keep_size = %s; the slot keeps %s%s", size(allowed), size(kept), f.lasts(allowed-min(kept, allowed)))
	if hours := f.hours(allowed); hours > 0 && hours < 24 {
		finding.Level = Warn
		finding = finding.hint("A relay that is down over a night loses its slot. Allow what is written in a day or more, if the disk has it.").
			sql(fmt.Sprintf("ALTER SYSTEM SET max_slot_wal_keep_size = '%dMB';", int64(f.server.wal.perHour()*48/megabyte)+1), reloadConf)
	}
	if f.disk.known && allowed > f.disk.free+kept {
		finding.Level = Warn
		finding.Summary += fmt.Sprintf(", but only %s are free", size(f.disk.free))
		finding = finding.hint("The disk is full before the limit is reached. Make it smaller than what is free.").
			sql(fmt.Sprintf("ALTER SYSTEM SET max_slot_wal_keep_size = '%dMB';", max(1024, f.disk.free/2/megabyte)), reloadConf)
	}
	return []Finding{finding}
}

func (f *facts) noWALLimit(kept uint64) Finding {
	var known []string
	if f.disk.known {
		known = append(known, "free "+size(f.disk.free))
	}
	if rate := f.server.wal.perHour(); rate > 0 {
		known = append(known, "WAL "+size(uint64(rate))+"/h")
	}
	suffix := ""
	if len(known) > 0 {
		suffix = " (" + strings.Join(known, ", ") + ")"
	}
	if f.disk.known {
		suffix += f.lasts(f.disk.free)
	}
	limit := uint64(50 << 10) // MB
	if f.disk.known {
		limit = max(1024, f.disk.free/2/megabyte)
	}
	return found(Warn, "max_slot_wal_keep_size = -1: a relay that is stopped can fill this disk%s; the slot keeps %s now", suffix, size(kept)).
		hint("With a limit a relay that is down for too long loses its slot instead, and says which events are at risk.").
		sql(fmt.Sprintf("ALTER SYSTEM SET max_slot_wal_keep_size = '%dMB';", limit), reloadConf)
}

// hours is how long it takes to write so many bytes of WAL; 0: not known.
func (f *facts) hours(bytes uint64) float64 {
	if rate := f.server.wal.perHour(); rate > 0 {
		return float64(bytes) / rate
	}
	return 0
}

func (f *facts) lasts(bytes uint64) string {
	if hours := f.hours(bytes); hours > 0 {
		return fmt.Sprintf(", reached in about %s", duration(time.Duration(min(hours, 1e6)*float64(time.Hour))))
	}
	return ""
}

func (f *facts) retained() uint64 {
	if f.WAL.RestartLSN == 0 || f.WALEnd < f.WAL.RestartLSN {
		return 0
	}
	return uint64(f.WALEnd - f.WAL.RestartLSN)
}

func (f *facts) safe() string {
	if f.WAL.SafeBytes == nil {
		return "an unknown amount"
	}
	return size(uint64(max(0, *f.WAL.SafeBytes)))
}

// slotIdleTimeout: the setting came with 18.
func slotIdleTimeout(f *facts) []Finding {
	seconds, known := f.server.number("idle_replication_slot_timeout")
	switch {
	case !known:
		return nil
	case seconds == 0:
		return []Finding{found(OK, "idle_replication_slot_timeout = 0: a slot without a reader stays")}
	}
	return []Finding{found(Warn, "idle_replication_slot_timeout = %s: a relay that is down for longer loses its slot, and events with it", duration(time.Duration(seconds)*time.Second)).
		sql("ALTER SYSTEM SET idle_replication_slot_timeout = 0;", reloadConf).
		hint("max_slot_wal_keep_size limits what a slot costs without losing it on a quiet night.")}
}

const oldestFailoverServer = 170000

// slotFailover: without standbys there is nothing to fail over to, as far as slots of standbys tell.
func slotFailover(f *facts) []Finding {
	switch {
	case f.Row == nil || !f.cfg.Relay.Failover:
		return nil
	case f.Row.Failover:
		return []Finding{found(OK, "it is a failover slot")}
	case f.Version < oldestFailoverServer && len(f.server.standbys) > 0:
		return []Finding{found(Warn, "Postgres %d has no failover slots: after a promotion the slot is gone", f.Version/10000).
			hint("After a promotion create the slot and `relay adopt`; Postgres 17 keeps it. Set source.failover: never to be told no more.")}
	case f.Version < oldestFailoverServer:
		return nil
	}
	level := OK
	if len(f.server.standbys) > 0 {
		level = Warn
	}
	finding := found(level, "it is no failover slot: after a promotion it is gone")
	if level == Warn {
		finding = finding.command(`psql "$REPLICATION_URL" -c 'ALTER_REPLICATION_SLOT %s (FAILOVER true)'`, f.SlotName).
			hint("Stop the relay first. REPLICATION_URL is source.url with replication=database. Or set source.failover: never.")
	}
	return []Finding{finding}
}

// synchronizedStandbys: a walsender does not wait for standbys, so what is published may be lost by a promotion, unless
// the server is told to wait for those of synchronized_standby_slots. One that is named and absent stops the stream.
func synchronizedStandbys(f *facts) []Finding {
	if f.Version < oldestFailoverServer {
		return nil
	}
	named := splitNames(f.server.settings["synchronized_standby_slots"])
	var names, connected []string
	for _, s := range f.server.standbys {
		names = append(names, s.Name)
		if s.Active {
			connected = append(connected, s.Name)
		}
	}
	if len(named) == 0 && len(names) == 0 {
		return []Finding{found(OK, "no standby has a slot here, so there is none to wait for")}
	}
	if len(named) == 0 && len(connected) == 0 {
		return []Finding{found(OK, "no standby is connected (slots %s)", strings.Join(names, ", "))}
	}
	if len(named) == 0 {
		return []Finding{found(Warn, "synchronized_standby_slots is empty: events of commits that no standby has are published, and a promotion loses the commits").
			sql("ALTER SYSTEM SET synchronized_standby_slots = '"+strings.Join(connected, ", ")+"';", reloadConf).
			hint("Only failover slots wait. A standby that is down then holds the events back.")}
	}
	var all []Finding
	for _, name := range named {
		at := slices.IndexFunc(f.server.standbys, func(s standby) bool { return s.Name == name })
		if at >= 0 && f.server.standbys[at].Active {
			continue
		}
		what := "has no standby that reads it"
		if at < 0 {
			what = "does not exist"
		}
		rest := slices.DeleteFunc(slices.Clone(named), func(n string) bool { return n == name })
		all = append(all, found(Fail, "synchronized_standby_slots names %q, which %s: failover slots get nothing until it does", name, what).
			sql("ALTER SYSTEM SET synchronized_standby_slots = '"+strings.Join(rest, ", ")+"';", reloadConf).
			hint("Bring the standby back, or wait for it no more: then what a promotion loses may be published."))
	}
	if all == nil {
		all = append(all, found(OK, "events wait for the standbys of %s", strings.Join(named, ", ")))
	}
	return all
}

// splitNames reads a list as Postgres prints it.
func splitNames(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
			names = append(names, name)
		}
	}
	return names
}
