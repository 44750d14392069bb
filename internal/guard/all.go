package guard

import (
	"slices"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/publisher"
)

// OfPostgres gives every verdict that rests on Postgres alone, not only the first: for who mends all at once. What
// BeforeFence and AfterRead ask is asked by the same rules.
func OfPostgres(f *Facts) []*Refusal {
	return append(standing(f, serverSuits, slotUsable), unusable(f)...)
}

// OfKafka gives every verdict that rests on Kafka alone. Topics that are not safe are among them where
// kafka.development allows them too.
func OfKafka(f *Facts) []*Refusal {
	return append(standing(f, kafkaSuits), unsafeTopics(f)...)
}

// OfPosition gives every verdict on what was read behind checkpoint and barrier, for which both must have been asked.
func OfPosition(f *Facts) []*Refusal {
	all := standing(f, notSplitBrain, barrierIsOurs, slotExists)
	switch {
	case f.Checkpoint == nil:
		if len(all) == 0 {
			all = append(all, noCheckpoint(f))
		}
		return all
	case f.Checkpoint.Phase == publisher.PhaseCreating:
		return append(all, initFinished(f))
	}
	if !slices.ContainsFunc(all, func(r *Refusal) bool { return r.Code == fault.IdentityDiffers }) {
		all = append(all, standing(f, checkpointIsOurs)...)
	}
	all = append(all, standing(f, onServersHistory)...)
	if f.Slot != nil && f.Slot.ConfirmedFlush != nil {
		all = append(all, standing(f, slotNotAhead)...)
	}
	if f.Publication != nil {
		all = append(all, standing(f, samePublication)...)
	}
	return append(all, standing(f, kafkaKept)...)
}

// standing are the refusals that some rules give.
func standing(f *Facts, rules ...func(*Facts) *Refusal) []*Refusal {
	var all []*Refusal
	for _, rule := range rules {
		if r := rule(f); r != nil {
			all = append(all, r)
		}
	}
	return all
}

func first(refusals []*Refusal) *Refusal {
	if len(refusals) == 0 {
		return nil
	}
	return refusals[0]
}
