package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/model"
)

// action is a record of the protocol log, and when it was read.
type action struct {
	model.Action
	at time.Time
}

// String is the action's name and state.
func (a action) String() string {
	if a.State == "" {
		return a.Name
	}
	return a.Name + " " + a.State
}

// granted tells that Kafka has done what it was asked for.
func (a action) granted() bool {
	return a.State == model.StateAnswered && strings.HasPrefix(a.Answer, "NONE")
}

// commits tells that a transaction with a checkpoint, so not that of a barrier, was committed.
func (a action) commits() bool { return a.Name == model.ActionEnd && a.granted() && a.Seq != nil }

// fences tells that the transactional id was taken, from whoever had it.
func (a action) fences() bool { return a.Name == model.ActionInit && a.granted() }

func parseAction(line journalLine) (action, error) {
	a := action{at: line.at}
	if err := json.Unmarshal([]byte(line.text), &a.Action); err != nil {
		return a, fmt.Errorf("read protocol log: %w: %s", err, line.text)
	}
	return a, nil
}

// actions are those that the process has taken by now. A line that was cut by the death of the process is left out.
func (p *Process) actions() ([]action, error) {
	var list []action
	for _, l := range p.protocol.all() {
		if !strings.HasSuffix(l.text, "\n") {
			continue
		}
		a, err := parseAction(l)
		if err != nil {
			return nil, fmt.Errorf("relay %s: %w", p.Name, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// awaitAction waits for an action after the first from of them.
func (p *Process) awaitAction(ctx context.Context, from int, match func(action) bool) (action, error) {
	line, err := p.protocol.await(ctx, from, func(text string) bool {
		a, err := parseAction(journalLine{text: text})
		return err == nil && match(a)
	})
	if err != nil {
		return action{}, fmt.Errorf("relay %s: %w", p.Name, err)
	}
	return parseAction(line)
}

// count says how many actions match.
func count(list []action, match func(action) bool) int {
	n := 0
	for _, a := range list {
		if match(a) {
			n++
		}
	}
	return n
}

// momentNames are the actions after which a relay may be killed, in the order in which they come: all that there are.
func momentNames() []string {
	return []string{
		"own", "init sent", "init answered", "barrier", "read", "guard", "skip", "add", "produce", "end sent", "end answered",
		"bump sent", "bump answered", "acknowledge",
	}
}

// oncePerSession tells which actions do not come again while a session lasts.
func oncePerSession(action string) bool {
	return slices.Contains([]string{"own", "barrier", "read", "guard", "skip"}, action)
}

func lastAction(list []action) string {
	if len(list) == 0 {
		return beforeOwn
	}
	return list[len(list)-1].String()
}

// beforeOwn is where a process is that has no protocol log yet.
const beforeOwn = "start"
