package doctor

import (
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/guard"
)

func checkpointChecks() []aCheck {
	return []aCheck{
		{Checkpoint, "checkpoint", needsKafka, checkpointReadable},
		{Checkpoint, "verdict", needsBoth, position},
		{Checkpoint, "progress", needsBoth, progress},
		{Checkpoint, "parked", needsKafka, parkedEvents},
		{Checkpoint, "development", nothing, development},
	}
}

func checkpointReadable(f *facts) []Finding {
	switch {
	case f.Refusal != nil:
		return []Finding{refused(f.Refusal)}
	case f.Checkpoint == nil:
		return nil // the verdict says what that means
	}
	cp := f.Checkpoint
	return []Finding{found(OK, "checkpoint %s, event %d, written %s ago", cp.ResumeLSN, cp.EventsTotal, duration(f.cfg.Now().Sub(cp.Time)))}
}

// position is what the guard says of checkpoint, slot and servers together.
func position(f *facts) []Finding {
	if f.Refusal != nil {
		return []Finding{found(Skip, "checkpoint, slot and database cannot be compared before the checkpoint can be read")}
	}
	if bad := refusals(guard.OfPosition(&f.Facts), func(*guard.Refusal) bool { return true }); bad != nil {
		return bad
	}
	return []Finding{found(OK, "checkpoint, slot, publication and topics agree: a relay can go on")}
}

// standstill is how long a checkpoint may rest while a relay works and WAL grows: an idle one moves every ten seconds.
const standstill = 2 * time.Minute

func progress(f *facts) []Finding {
	if f.Checkpoint == nil || f.Row == nil || !f.Row.Active || f.WALEnd <= f.Checkpoint.ResumeLSN {
		return nil
	}
	age := f.cfg.Now().Sub(f.Checkpoint.Time)
	if age <= standstill {
		return []Finding{found(OK, "the relay is %s of WAL behind", size(uint64(f.WALEnd-f.Checkpoint.ResumeLSN)))}
	}
	return []Finding{found(Warn, "a relay has the slot, but its checkpoint has not moved for %s, with %s of WAL to read", duration(age), size(uint64(f.WALEnd-f.Checkpoint.ResumeLSN))).
		hint("It is halted, paused, or works on a long transaction: `relay status` and its log tell.")}
}

func parkedEvents(f *facts) []Finding {
	switch n := len(f.parked); {
	case f.noParked != nil:
		return []Finding{found(Skip, "parked events cannot be read: %s", f.noParked)}
	case f.cfg.Relay.Parked == "":
		return nil
	case n == 0:
		return []Finding{found(OK, "no event is parked")}
	default:
		finding := found(Warn, "%s parked: not published until somebody decides", isAre(n, "event")).command("relay parked list").
			hint("`relay parked retry` publishes them when the cause is mended, `relay parked skip` gives them up.")
		if most := f.cfg.Relay.Failure.MaxHeld; most > 0 && n >= most {
			finding.Level = Fail
			finding.Summary += fmt.Sprintf("; failure.max_held is %d, so the relay halts", most)
		}
		return []Finding{finding}
	}
}

func isAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

func development(f *facts) []Finding {
	if !f.cfg.Relay.Development {
		return nil
	}
	return []Finding{found(Warn, "kafka.development is true: topics that one lost disk loses are accepted").hint("Take it out of the configuration where events matter.")}
}
