package chaos

import (
	"fmt"
	"math/rand/v2"
)

// step is one thing that a transaction does.
type step struct {
	kind stepKind
	keys []string // an event for each; a bulk insert spreads its rows over them
	rows int      // of a bulk insert
	kept bool     // false when a savepoint takes it back
}

type stepKind int

const (
	insertOne  stepKind = iota // one statement, one row
	insertMany                 // one statement, several rows
	copyIn                     // COPY
	emit                       // the outbox's own function
	bulk                       // one statement, very many rows
	message                    // a transactional WAL message
	loose                      // a WAL message that ignores the transaction: it must never be published
	business                   // a row of a table that is not published
	wait                       // nothing: the others go on meanwhile
	savepoint                  // begins what the next one ends
	rollbackTo                 //
	release                    //
	commit                     // the last step is one of these
	rollback                   //
	commitPrepared
	rollbackPrepared
	stepKinds
)

func (k stepKind) String() string {
	return [stepKinds]string{
		"insert", "insert of several rows", "COPY", "emit()", "bulk insert", "WAL message", "loose WAL message",
		"business row", "wait", "savepoint", "rollback to savepoint", "release", "commit", "rollback",
		"commit prepared", "rollback prepared",
	}[k]
}

// plan is a whole transaction, laid out before it begins, so that each of its events can say how many there are.
type plan struct {
	tx    string
	steps []step
	size  int // events that remain when it commits
}

// commits tells whether the transaction is to be committed.
func (p *plan) commits() bool {
	last := p.steps[len(p.steps)-1].kind
	return last == commit || last == commitPrepared
}

// keys are those that the transaction writes, each once.
func (p *plan) keys() []string {
	var keys []string
	seen := make(map[string]bool)
	for _, s := range p.steps {
		for _, k := range s.keys {
			if !seen[k] {
				keys = append(keys, k)
			}
			seen[k] = true
		}
	}
	return keys
}

// planner makes up transactions. It is pure: a seed gives one sequence of them.
type planner struct {
	rng      *rand.Rand
	name     string // begins the transactions' names
	made     int
	messages bool
	bulkRows int // of the occasional large transaction; 0: none
}

// bulkEvery is how many transactions of a writer there are to a large one; the first comes early.
const bulkEvery = 120

// next lays out a transaction that writes to some of the free keys, of which there is at least one.
func (pl *planner) next(free []string) *plan {
	pl.made++
	p := &plan{tx: fmt.Sprintf("%s-%d", pl.name, pl.made)}
	switch n := pl.rng.IntN(100); {
	case pl.bulkRows > 0 && pl.made%bulkEvery == bulkEvery/4:
		p.steps = append(p.steps, pl.bulk(free))
	case n < 8:
		p.steps = append(p.steps, step{kind: business, kept: true})
	default:
		pl.fill(p, pl.some(free))
	}
	p.steps = append(p.steps, step{kind: pl.end(), kept: true})
	p.size = size(p.steps)
	return p
}

// some are a few of the free keys in random order.
func (pl *planner) some(free []string) []string {
	keys := make([]string, 0, 4)
	for _, i := range pl.rng.Perm(len(free))[:min(len(free), 1+pl.rng.IntN(4))] {
		keys = append(keys, free[i])
	}
	return keys
}

func (pl *planner) bulk(free []string) step {
	keys := pl.some(free)
	return step{kind: bulk, keys: keys, rows: len(keys) * (pl.bulkRows / len(keys)), kept: true}
}

// fill adds one to eight steps. Savepoints do not nest and end before the transaction.
func (pl *planner) fill(p *plan, keys []string) {
	inside := -1 // index of the open savepoint
	for range 1 + pl.rng.IntN(8) {
		switch n := pl.rng.IntN(10); {
		case n == 0 && inside < 0:
			inside = len(p.steps)
			p.steps = append(p.steps, step{kind: savepoint, kept: true})
		case n < 3 && inside >= 0:
			p.close(inside, pl.rng.IntN(2) == 0)
			inside = -1
		default:
			p.steps = append(p.steps, pl.write(keys))
		}
	}
	if inside >= 0 {
		p.close(inside, pl.rng.IntN(2) == 0)
	}
}

// close ends the savepoint at an index; undo takes back what came after it.
func (p *plan) close(at int, undo bool) {
	if !undo {
		p.steps = append(p.steps, step{kind: release, kept: true})
		return
	}
	for i := at + 1; i < len(p.steps); i++ {
		p.steps[i].kept = false
	}
	p.steps = append(p.steps, step{kind: rollbackTo, kept: true})
}

func (pl *planner) write(keys []string) step {
	one := func() string { return keys[pl.rng.IntN(len(keys))] }
	several := func() []string {
		list := make([]string, 2+pl.rng.IntN(4))
		for i := range list {
			list[i] = one()
		}
		return list
	}
	switch n := pl.rng.IntN(100); {
	case n < 35:
		return step{kind: insertOne, keys: []string{one()}, kept: true}
	case n < 50:
		return step{kind: emit, keys: []string{one()}, kept: true}
	case n < 62:
		return step{kind: insertMany, keys: several(), kept: true}
	case n < 72:
		return step{kind: copyIn, keys: several(), kept: true}
	case n < 82 && pl.messages:
		return step{kind: message, keys: []string{one()}, kept: true}
	case n < 85 && pl.messages:
		return step{kind: loose, keys: []string{one()}, kept: true}
	case n < 92:
		return step{kind: business, kept: true}
	}
	return step{kind: wait, kept: true}
}

func (pl *planner) end() stepKind {
	switch n := pl.rng.IntN(100); {
	case n < 80:
		return commit
	case n < 92:
		return rollback
	case n < 97:
		return commitPrepared
	}
	return rollbackPrepared
}

// size counts the events that steps leave behind.
func size(steps []step) int {
	n := 0
	for _, s := range steps {
		switch {
		case !s.kept:
		case s.kind == bulk:
			n += s.rows
		case s.kind <= message:
			n += len(s.keys)
		}
	}
	return n
}
