package publisher

import (
	"context"
	"fmt"
	"time"
)

// renew gets the epoch of the next transaction, and adds its partitions when it was announced, while the caller goes
// on. One epoch for each transaction makes a late duplicate of this one's COMMIT marker powerless: brokers refuse a
// marker of an older epoch (KAFKA-17754 and the like). The call also waits out CONCURRENT_TRANSACTIONS.
func (p *Producer) renew() {
	p.opened = opened{}
	ready := make(chan struct{})
	p.ready = ready
	started := p.c.background(func() {
		defer close(ready)
		if err := p.bump(); err != nil {
			_ = p.fail(err)
			return
		}
		if err := p.addAhead(p.takeAnnounced()); err != nil {
			_ = p.fail(err)
		}
	})
	if !started {
		_ = p.fail(errClosed)
		close(ready)
	}
}

func (p *Producer) bump() error {
	old := p.identity()
	who, err := p.c.newIdentity(p.ctx, p.coordinator, actionBump, old, func(context.Context) error { return nil })
	if err != nil {
		return err
	}
	return p.become(old, who)
}

// become takes the new identity: the next epoch, or a new producer id when the epochs of the old one are used up. An
// epoch that grows by two would say that a transaction was open, which after an answered commit none can be.
func (p *Producer) become(old, who identity) error {
	if who.producerID == old.producerID && who.epoch != old.epoch+1 {
		return fmt.Errorf("%s: epoch went from %d to %d", actionBump, old.epoch, who.epoch)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.who = who
	return nil
}

func (p *Producer) addAhead(plan *Plan) error {
	if plan == nil || plan.records == 0 {
		return nil
	}
	at := time.Now()
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.c.cfg.TransactionTimeout/2, errTooLong)
	defer cancel()
	if err := p.add(ctx, p.identity(), plan); err != nil {
		return err
	}
	p.opened = opened{plan: plan.id, at: at}
	return nil
}
