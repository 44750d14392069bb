package guard

import (
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
)

// ForRepair gives the verdicts that comparing the table with Kafka can mend, all of them, and the first one that must be
// taken out of the way before. Facts.Slot may be nil.
func ForRepair(f *Facts) (mend []*Refusal, blocked *Refusal) {
	if f.Checkpoint == nil {
		if f.Slot == nil {
			return nil, slotExists(f)
		}
		return nil, noCheckpoint(f)
	}
	for _, rule := range []func(*Facts) *Refusal{
		serverSuits, notSplitBrain, barrierIsOurs, initFinished, checkpointIsOurs, outboxUsable, kafkaSuits, kafkaKept, replicationSafe,
	} {
		if r := rule(f); r != nil {
			return nil, r
		}
	}
	slot := slotExists(f)
	if slot == nil {
		slot = slotUsable(f)
	}
	found := []*Refusal{onServersHistory(f), slot, samePublication(f)}
	if slot == nil {
		found = append(found, slotNotAhead(f))
	}
	for _, r := range found {
		if r != nil {
			mend = append(mend, r)
		}
	}
	return mend, nil
}

// SharedHistory is the LSN up to which this server has lived through what the checkpoint covers, as far as that can be told
// without the stream: beyond it lies what is published and may not be in the database.
func SharedHistory(f *Facts) outbox.LSN {
	reached := reachedOf(f)
	if f.Slot != nil && f.Slot.ConfirmedFlush != nil {
		return min(reached, *f.Slot.ConfirmedFlush)
	}
	return reached
}

// reachedOf is how far the server has come on the checkpoint's timeline; 0 when it never was on it.
func reachedOf(f *Facts) outbox.LSN {
	reached := f.Server.FlushLSN
	if f.Checkpoint.Timeline == f.Server.Timeline {
		return reached
	}
	for _, t := range f.Server.History {
		if t.Timeline == f.Checkpoint.Timeline {
			return min(reached, t.LSN)
		}
	}
	return 0
}

// repairHint names the command that mends a verdict.
const repairHint = "`relay repair` shows which rows of the outbox table are not in Kafka, and with --apply publishes them and goes on. Nothing has been changed."

// Untrusted is a verdict of the stream in a person's mouth: it cannot be found without reading the stream again.
func Untrusted(f *Facts, code fault.Code) *Refusal {
	what := "the stream is not the one that was published"
	if code == fault.PublicationDiffers {
		what = "the WAL to be sent next cannot be decoded with the publication"
	}
	r := refuse(code, []Fact{FactServer, FactSlot, FactCheckpoint}, what+", as you say", repairHint)
	r.Details = checkpointLine(f)
	return r
}
