package model

import (
	"fmt"
	"strings"
)

// String is a state on one line, for traces.
func (s state) String() string {
	var b strings.Builder
	srv := &s.servers[s.survivor]
	fmt.Fprintf(&b, "wal %s slot %s epoch %d %s", walText(srv), slotText(&srv.slot), s.kafka.coordinator.epoch,
		[...]string{"", "open", "prepared"}[s.kafka.coordinator.state])
	fmt.Fprintf(&b, " log %s visible %s", logText(&s.kafka.log), eventsText(s.kafka.visible()))
	for r := range s.relays {
		fmt.Fprintf(&b, " | %s", relayText(&s.relays[r]))
	}
	return b.String()
}

func walText(srv *server) string {
	var b strings.Builder
	for _, e := range srv.wal[:srv.n] {
		switch {
		case e == otherWAL:
			b.WriteByte('.')
		case e&rolledBack != 0:
			b.WriteByte('r')
		default:
			fmt.Fprintf(&b, "%d", e)
		}
	}
	return fmt.Sprintf("%d:[%s]", srv.timeline, b.String())
}

func slotText(v *slot) string {
	if !v.exists {
		return "none"
	}
	return fmt.Sprintf("%d/%d", v.confirmed, v.owner)
}

func eventsText(e events) string {
	var b strings.Builder
	for tx := uint8(1); tx < 8; tx++ {
		for row := range uint8(2) {
			if e&event(tx, row) != 0 {
				fmt.Fprintf(&b, "%d%c", tx, 'a'+row)
			}
		}
	}
	return "{" + b.String() + "}"
}

func logText(l *checkpointLog) string {
	var parts []string
	for _, e := range l.entries[:l.n] {
		text := "barrier"
		if e.kind == aCheckpoint {
			text = checkpointText(&e.ck)
		}
		parts = append(parts, text+[...]string{"?", "", "-"}[e.status])
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func checkpointText(c *checkpoint) string {
	switch {
	case c.phase == noCheckpoint:
		return "none"
	case c.phase == creating:
		return "creating"
	case c.partial != 0:
		return fmt.Sprintf("%d+%d", c.resume, c.rows)
	}
	return fmt.Sprintf("%d", c.resume)
}

func relayText(rl *relay) string {
	phase := [...]string{"starting", "fencing", "asking", "reading", "guarding", "judging", "streaming", "making slot", "owning slot", "refused"}[rl.phase]
	if rl.phase < reading || rl.phase == refused {
		return phase
	}
	return fmt.Sprintf("%s e%d at %d ck %s fill %s tx %d%s", phase, rl.epoch, rl.pos, checkpointText(&rl.durable), eventsText(rl.fill.events), rl.tx.step, eventsText(rl.tx.events))
}
