package publisher

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"
)

// produce sends all lanes and waits until every batch is acknowledged.
func (p *Producer) produce(ctx context.Context, who identity, j *job) (bytes int64, err error) {
	if !who.valid() {
		return 0, fmt.Errorf("produce: producer id %d, epoch %d", who.producerID, who.epoch)
	}
	w := &work{
		who: who, txnID: &p.txnID, codec: codec(p.c.cfg.Compression), batch: j.batch(), stamp: j.stamp, packers: p.packers,
	}
	senders, err := p.assign()
	if err != nil {
		return 0, err
	}
	if len(senders) == 1 {
		err = senders[0].run(ctx, w)
	} else {
		group, ctx := errgroup.WithContext(ctx)
		for _, s := range senders {
			group.Go(func() error { return s.run(ctx, w) })
		}
		err = group.Wait()
	}
	for _, s := range senders {
		bytes += s.bytes
	}
	if err == nil {
		err = p.allAcknowledged()
	}
	if p.c.proto.on() {
		p.c.proto.write(actionProduce, append([]slog.Attr{
			slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch)), slog.Int("partitions", len(p.lanes)),
			slog.Int("records", w.records()), slog.Int64("bytes", bytes), slog.Int64("offset", p.lanes[0].end),
			slog.String(keyAnswer, answerOf(err)),
		}, j.about...)...)
	}
	return bytes, err
}

// allAcknowledged is the condition for the commit, looked at once more. Records that were taken out are the reason not
// to commit: all of them are known now.
func (p *Producer) allAcknowledged() error {
	var refused []*EventError
	for i := range p.lanes {
		refused = append(refused, p.lanes[i].refused...)
	}
	if err := joined(refused); err != nil {
		return err
	}
	for i := range p.lanes {
		if l := &p.lanes[i]; !l.done() {
			return fmt.Errorf("produce to %s partition %d: only %d of %d records acknowledged",
				l.topic.name, l.partition, l.acked, l.count())
		}
	}
	return nil
}

// assign gives each lane to the sender of its leader.
func (p *Producer) assign() ([]*sender, error) {
	var used []*sender
	for i := range p.lanes {
		l := &p.lanes[i]
		s, err := p.senderOf(l)
		if err != nil {
			return nil, err
		}
		if s.waiting() == 0 {
			s.begin()
			used = append(used, s)
		}
		s.push(l)
	}
	return used, nil
}

func (p *Producer) senderOf(l *lane) (*sender, error) {
	leaders := l.topic.leaders
	if t := p.c.known(l.topic.name); t != nil && int(l.partition) < len(t.leaders) {
		leaders = t.leaders
	}
	leader := leaders[l.partition]
	if leader < 0 {
		return nil, fmt.Errorf("produce to %s partition %d: partition has no leader", l.topic.name, l.partition)
	}
	if s := p.senders[leader]; s != nil {
		return s, nil
	}
	addr, err := p.c.address(leader)
	if err != nil {
		return nil, err
	}
	conn, err := p.c.dial(p.c.data, addr)
	if err != nil {
		return nil, err
	}
	s := newSender(conn)
	p.senders[leader] = s
	return s, nil
}
