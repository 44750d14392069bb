package publisher

import (
	"context"
	"time"
)

// await waits until the producer may begin a transaction.
func (p *Producer) await(ctx context.Context) error {
	select {
	case <-p.ready:
	case <-ctx.Done():
		return p.fail(context.Cause(ctx))
	}
	return p.Err()
}

// transact runs one transaction: add, produce, end. It has committed if the error is nil; any error ends the producer.
func (p *Producer) transact(ctx context.Context, j *job) (bytes int64, err error) {
	ctx, cancel := p.merge(ctx)
	defer cancel()
	if p.opened.at.IsZero() {
		p.opened.at = time.Now()
	}
	ctx, cancelLate := context.WithDeadlineCause(ctx, p.opened.at.Add(p.c.cfg.TransactionTimeout/2), errTooLong)
	defer cancelLate()

	who := p.identity()
	p.lay(j)
	if j.plan == nil || p.opened.plan != j.plan.id || len(j.own.lanes) > 0 {
		if err := p.add(ctx, who, j.plan, j.own.lanes...); err != nil {
			return 0, p.fail(err)
		}
	}
	bytes, err = p.produce(ctx, who, j)
	if err != nil {
		return 0, p.fail(err)
	}
	if err := p.commit(ctx, who, j); err != nil {
		return 0, p.fail(err)
	}
	for i := range p.lanes {
		l := &p.lanes[i]
		p.ends[topicPartition{l.topic.name, l.partition}] = l.end
	}
	p.renew() //nolint:contextcheck // it goes on when this call has returned, and ends with the producer
	return bytes, nil
}

// lay makes the lanes: first that of the control record, then those of the events, then those of own records.
func (p *Producer) lay(j *job) {
	events := 0
	if j.plan != nil {
		events = len(j.plan.lanes)
	}
	n := 1 + events + len(j.own.lanes)
	if cap(p.lanes) < n {
		p.lanes = make([]lane, n, n+n/2)
	}
	p.lanes = p.lanes[:n]
	p.lanes[0].reset(p.checkpoint, p.c.cfg.CheckpointPartition())
	p.lanes[0].control = j.control
	for i := range events {
		from := &j.plan.lanes[i]
		p.lanes[1+i].reset(from.topic, from.partition)
		p.lanes[1+i].order = j.plan.order[from.from:from.to]
	}
	for i, from := range j.own.lanes {
		l := &p.lanes[1+events+i]
		l.reset(from.topic, from.partition)
		l.order, l.own = from.order, j.own.batch
	}
	for i := range p.lanes {
		l := &p.lanes[i]
		if end, ok := p.ends[topicPartition{l.topic.name, l.partition}]; ok {
			l.end = end
		}
	}
}
