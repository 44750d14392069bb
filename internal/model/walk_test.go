package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/outbox-relay/relay/outbox"
)

// writer writes the protocol log that the real relay would write for the steps of the model.
type writer struct {
	log  []Action
	seqs map[checkpoint]uint64
	last [numRelays]uint64 // seq of the newest durable checkpoint that a relay knows of
}

func (w *writer) add(r uint8, a Action) {
	a.Instance = fmt.Sprintf("relay-%d", r+1)
	w.log = append(w.log, a)
}

// step writes what one step leaves in the log.
func (w *writer) step(l label, from, to *state) {
	if l.do == noDeed {
		return
	}
	was, is := &from.relays[l.who], &to.relays[l.who]
	a := Action{Name: l.do.String(), PID: 1, Epoch: int32(was.epoch)}
	switch l.do {
	case initDeed:
		w.request(l, Action{Name: ActionInit, PID: -1, Epoch: -1}, int32(is.epoch))
	case bumpDeed:
		w.request(l, a, int32(is.epoch))
	case endDeed:
		w.end(l, was)
	case produceDeed:
		w.produce(l, was, is)
	case readDeed:
		w.read(l, is)
	case guardDeed:
		a.Verdict = "refused"
		if l.answer == answerOK {
			a.Verdict = VerdictRun
		}
		w.add(l.who, a)
	case skipDeed:
		a.ResumeLSN = outbox.LSN(was.fill.ck.resume)
		w.add(l.who, a)
	case acknowledgeDeed:
		a.ResumeLSN = outbox.LSN(to.servers[is.server].slot.confirmed)
		w.add(l.who, a)
	default:
		a.Answer = answerText(l.answer)
		w.add(l.who, a)
	}
}

func answerText(a deedAnswer) string {
	return [...]string{"NONE", "CONCURRENT_TRANSACTIONS", "PRODUCER_FENCED", "MESSAGE_TOO_LARGE", "NONE", "", "i/o timeout"}[a]
}

// request writes one that is sent and answered; without an answer the process may have died before it could write one.
func (w *writer) request(l label, a Action, epoch int32) {
	a.State = StateSent
	w.add(l.who, a)
	if l.answer == answerNone {
		return
	}
	a.State, a.Answer = StateAnswered, answerText(l.answer)
	if l.answer == answerOK {
		a.PID, a.Epoch = 1, epoch
	}
	w.add(l.who, a)
}

func (w *writer) end(l label, was *relay) {
	a := Action{Name: ActionEnd, PID: 1, Epoch: int32(was.epoch)}
	if was.tx.kind != barrierTx {
		w.about(&a, was.tx.ck)
	}
	w.request(l, a, a.Epoch)
	switch {
	case l.answer != answerOK:
	case was.tx.kind == barrierTx:
		w.add(l.who, Action{Name: ActionBarrier, PID: 1, Epoch: a.Epoch})
	default:
		w.last[l.who] = w.seqs[was.tx.ck]
	}
}

func (w *writer) about(a *Action, ck checkpoint) {
	seq := w.seqs[ck]
	a.Seq, a.ResumeLSN = &seq, outbox.LSN(ck.resume)
}

// produce writes one record when all partitions have answered.
func (w *writer) produce(l label, was, is *relay) {
	if l.answer == answerOK && is.tx.step == producing {
		return
	}
	a := Action{Name: ActionProduce, PID: 1, Epoch: int32(was.epoch), Answer: answerText(l.answer)}
	if was.tx.kind != barrierTx {
		w.seqs[was.tx.ck] = w.last[l.who] + 1
		w.about(&a, was.tx.ck)
	}
	w.add(l.who, a)
}

func (w *writer) read(l label, is *relay) {
	a := Action{Name: ActionRead}
	if is.durable.phase != noCheckpoint {
		w.about(&a, is.durable)
	}
	w.last[l.who] = w.seqs[is.durable]
	w.add(l.who, a)
}

// stroll takes random steps and returns the protocol log of them.
func stroll(m *machine, seed uint64) []Action {
	m.raw = true
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &writer{seqs: map[checkpoint]uint64{m.look(&m.first): 0}}
	type choice struct {
		label label
		to    state
	}
	at := m.initial()
	for range 300 {
		var choices []choice
		m.next(&at, func(l label, _ bool, to *state) {
			if *to != at && at.kafka.coordinator.epoch < 60 {
				choices = append(choices, choice{l, *to})
			}
		})
		if len(choices) == 0 {
			break
		}
		c := choices[rng.IntN(len(choices))]
		w.step(c.label, &at, &c.to)
		at = c.to
	}
	return w.log
}

// TestModelAndReplayAgree: every log that the model can write is one that Replay accepts.
func TestModelAndReplayAgree(t *testing.T) {
	actions := 0
	for _, sc := range Scenarios() {
		if sc.Init {
			continue // a session without a slot; Replay does not know `relay init`
		}
		for seed := range uint64(200) {
			log := stroll(newMachine(&sc, true, 0), seed)
			actions += len(log)
			if err := Replay(log); err != nil {
				t.Fatalf("scenario %q, seed %d: %v\n%s", sc.Name, seed, err, text(log))
			}
		}
	}
	t.Logf("%d actions", actions)
}

func text(log []Action) string {
	var s string
	for i, a := range log {
		seq := "-"
		if a.Seq != nil {
			seq = fmt.Sprint(*a.Seq)
		}
		s += fmt.Sprintf("%4d %s %s %s epoch %d seq %s resume %s %s %s\n", i+1, a.Instance, a.Name, a.State, a.Epoch, seq, a.ResumeLSN, a.Answer, a.Verdict)
	}
	return s
}

// TestReplaySeesMutations: where a rule can be seen in the log of a relay, a model without it writes logs that Replay
// refuses.
func TestReplaySeesMutations(t *testing.T) {
	for i, info := range Rules() {
		if !info.InLog {
			continue
		}
		t.Run(info.Name, func(t *testing.T) {
			sc := scenario(t, info.Scenario)
			for seed := range uint64(3000) {
				if err := Replay(stroll(newMachine(sc, true, setOf(Rule(i))), seed)); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("every log is accepted")
		})
	}
}
