package publisher

import (
	"context"
	"log/slog"
)

// Actions of the protocol log.
const (
	actionInit    = "init"
	actionAdd     = "add"
	actionProduce = "produce"
	actionEnd     = "end"
	actionBump    = "bump"
	actionBarrier = "barrier"
	actionRead    = "read"
)

// protocol is the log of what was done to the transaction. What changes state at the coordinator is written twice, with
// state "sent" before and "answered" after: a process killed between the two may have done it.
type protocol struct{ log *slog.Logger }

const (
	keyState  = "state"
	sent      = "sent"
	answered  = "answered"
	keyAnswer = "answer"
)

func (p protocol) write(action string, attrs ...slog.Attr) {
	p.log.LogAttrs(context.Background(), slog.LevelInfo, action, attrs...)
}

// on is whether anybody reads the log, to spare the work of making attributes.
func (p protocol) on() bool { return p.log.Enabled(context.Background(), slog.LevelInfo) }
