package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/outbox-relay/relay/internal/audit"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// RepairOptions are what a person has decided.
type RepairOptions struct {
	// AssumeMissing publishes rows of which it cannot be known whether they were published before: Kafka has lost records.
	AssumeMissing bool
	// AcceptLoss gives up what no table can tell: WAL messages of the range.
	AcceptLoss bool
	// Verdict is one that only the stream finds: PublicationDiffers, for WAL that cannot be decoded with the publication, or
	// WitnessDiffers, for a database that is not the one that was published. 0: what the guard finds.
	Verdict fault.Code
	// Seq of the checkpoint that the plan was made for; another one means that somebody was quicker. 0: any.
	Seq uint64
}

// RepairPlan is what a repair would do, and what it cannot know.
type RepairPlan struct {
	Relay      string
	Checkpoint *publisher.Checkpoint
	Found      []*guard.Refusal // none: there is nothing to repair
	// From is where the range at risk begins: what committed before is decided.
	From, End   outbox.LSN
	ReplaceSlot bool
	SlotExists  bool
	Slot        string
	Messages    bool // WAL messages are published too, and cannot be repaired
	Gap         *audit.Gap
	// Consent says what stands against carrying it out; nil: nothing.
	Consent error
}

// Repaired is what a repair has done.
type Repaired struct {
	Published, Held int
	Resume          outbox.LSN
	Nothing         bool // there was nothing to repair
}

// PlanRepair looks what a repair would do. It fences nobody, owns nothing and writes nothing.
func PlanRepair(ctx context.Context, cfg Config, o RepairOptions) (plan RepairPlan, err error) {
	err = persist(ctx, func(ctx context.Context) error {
		c, err := newCommand(cfg, io.Discard)
		if err != nil {
			return err
		}
		defer c.close()
		if err := c.reach(ctx); err != nil {
			return err
		}
		if c.side, err = c.pg.Sibling(ctx); err != nil {
			return postgresTrouble(c.cfg, err)
		}
		plan, err = c.planRepair(ctx, o)
		return err
	})
	return plan, err
}

func (c *command) planRepair(ctx context.Context, o RepairOptions) (RepairPlan, error) {
	plan, err := c.diagnose(o)
	if err != nil || len(plan.Found) == 0 {
		return plan, err
	}
	src := c.sources()
	if c.cfg.Parked != "" {
		src.Parked = c.parkedNow
	}
	if err := c.compare(ctx, &plan, src); err != nil {
		return plan, err
	}
	plan.Consent = plan.consent(o)
	return plan, nil
}

// diagnose judges the facts at hand.
func (c *command) diagnose(o RepairOptions) (RepairPlan, error) {
	f := &c.facts
	plan := RepairPlan{
		Relay: f.Want.Relay, Slot: f.Want.Slot, SlotExists: f.Slot != nil, Checkpoint: f.Checkpoint, End: f.Server.FlushLSN, Messages: f.Want.Messages,
	}
	found, blocked := guard.ForRepair(f)
	if blocked != nil {
		return plan, blocked
	}
	if o.Verdict != 0 && !slices.ContainsFunc(found, func(r *guard.Refusal) bool { return r.Code == o.Verdict }) {
		found = append(found, guard.Untrusted(f, o.Verdict))
	}
	plan.Found, plan.From = found, f.Checkpoint.ResumeLSN
	for _, r := range found {
		plan.ReplaceSlot = plan.ReplaceSlot || r.Code == fault.SlotUnusable || r.Code == fault.PublicationDiffers
	}
	return plan, nil
}

// otherHistory tells whether events may be public that the database does not have.
func (p *RepairPlan) otherHistory() bool {
	for _, r := range p.Found {
		if r.Code == fault.HistoryLost || r.Code == fault.WitnessDiffers {
			return true
		}
	}
	return false
}

// compare fills the plan with what the table has and Kafka has not.
func (c *command) compare(ctx context.Context, plan *RepairPlan, src audit.Sources) error {
	if src.Postgres == nil {
		plan.Gap = &audit.Gap{}
		return nil
	}
	var o audit.GapOptions
	if plan.otherHistory() {
		o.NoRowSince = max(1, guard.SharedHistory(&c.facts))
	}
	var err error
	plan.Gap, err = audit.FindGap(ctx, src, c.facts.Checkpoint, o)
	if errors.Is(err, audit.ErrBeyond) {
		return refusal(fault.KafkaLostData, err.Error(), nil,
			"The checkpoint topic was restored or lost its tail, or another writer uses this relay's name. A repair would give their numbers away again.",
			guard.FactCheckpoint, guard.FactTopics)
	}
	return auditTrouble(c.cfg, err)
}

// consent is what a person must decide before the plan may be carried out.
func (p *RepairPlan) consent(o RepairOptions) error {
	deny := func(summary, hint string) error {
		return &fault.Error{Code: fault.RepairRefused, Summary: summary, Hint: hint}
	}
	switch gap := p.Gap; {
	case len(gap.Bad) > 0:
		return deny(fmt.Sprintf("row %s cannot be mapped to an event (and %d more)", gap.Bad[0].ID, len(gap.Bad)-1),
			"Mend the mapping in the configuration; or give the row up: copy it, delete it from the outbox table, and repeat.")
	case len(gap.Doubtful) > 0 && !o.AssumeMissing:
		return deny(fmt.Sprintf("of %d rows it cannot be known whether they were published: %s", len(gap.Doubtful), whyDoubtful(gap)),
			"If they were, publishing them would repeat them. --assume-missing publishes them with the others.")
	case p.Messages && !o.AcceptLoss:
		return deny(fmt.Sprintf("WAL messages that were written in [%s, %s) cannot be read again, and no table has them", p.From, p.End),
			"Whoever wrote them must write them again. --accept-loss repairs what is in the table and goes on without them.")
	}
	return nil
}

func whyDoubtful(gap *audit.Gap) string {
	if gap.LostNumbers > 0 {
		return fmt.Sprintf("the topics do not hold %d events any more that this relay has published (retention, compaction or a deleted topic)", gap.LostNumbers)
	}
	return "they do not say when they were written, or several rows have one id"
}
