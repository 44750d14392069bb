package publisher

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
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
	if j.plan == nil || p.opened.plan != j.plan.id {
		if err := p.add(ctx, who, j.plan); err != nil {
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
	p.renew()
	return bytes, nil
}

// lay makes the lanes: first that of the control record, then those of the events.
func (p *Producer) lay(j *job) {
	n := 1
	if j.plan != nil {
		n += len(j.plan.lanes)
	}
	if cap(p.lanes) < n {
		p.lanes = make([]lane, n, n+n/2)
	}
	p.lanes = p.lanes[:n]
	p.lanes[0].reset(p.checkpoint, p.c.cfg.CheckpointPartition())
	p.lanes[0].control = j.control
	for i := 1; i < n; i++ {
		from := &j.plan.lanes[i-1]
		p.lanes[i].reset(from.topic, from.partition)
		p.lanes[i].order = j.plan.order[from.from:from.to]
	}
	for i := range p.lanes {
		l := &p.lanes[i]
		if end, ok := p.ends[topicPartition{l.topic.name, l.partition}]; ok {
			l.end = end
		}
	}
}

// add adds the partitions of a plan and that of the checkpoint to the transaction.
func (p *Producer) add(ctx context.Context, who identity, plan *Plan) error {
	partitions := map[string][]int32{p.checkpoint.name: {p.c.cfg.CheckpointPartition()}}
	count := 1
	if plan != nil {
		count += len(plan.lanes)
		for _, l := range plan.lanes {
			partitions[l.topic.name] = append(partitions[l.topic.name], l.partition)
		}
	}
	err := p.addPartitions(ctx, who, plan, partitions)
	if p.c.proto.on() {
		p.c.proto.write(actionAdd, slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch)),
			slog.Int("topics", len(partitions)), slog.Int("partitions", count), slog.String(keyAnswer, answerOf(err)))
	}
	return err
}

func (p *Producer) addPartitions(ctx context.Context, who identity, plan *Plan, partitions map[string][]int32) error {
	for wait := shortPause(); ; {
		answer, err := call(ctx, p.coordinator, string(apiAdd), func() (*sarama.AddPartitionsToTxnResponse, error) {
			return p.coordinator.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
				Version: 3, TransactionalID: p.txnID, ProducerID: who.producerID, ProducerEpoch: who.epoch,
				TopicPartitions: partitions,
			})
		})
		if err != nil {
			return err
		}
		topic, code, err := worst(answer, partitions)
		if err != nil {
			return err
		}
		switch classify(apiAdd, code) {
		case fine:
			return nil
		case again:
			if err := wait.next(ctx); err != nil {
				return fmt.Errorf("%w: %w", refusal(apiAdd, code), err)
			}
		case badEvent:
			return p.badTopic(plan, topic, code)
		case denied:
			return p.c.needWrite(code)
		default:
			return refusal(apiAdd, code)
		}
	}
}

// worst finds the answer that decides. When one partition is refused for a reason, all the others answer
// OPERATION_NOT_ATTEMPTED; otherwise all answer the same.
func worst(answer *sarama.AddPartitionsToTxnResponse, asked map[string][]int32) (topic string, code sarama.KError, err error) {
	for name, partitions := range asked {
		if len(answer.Errors[name]) != len(partitions) {
			return "", 0, fmt.Errorf("%s: broker does not answer for %s", apiAdd, name)
		}
		for _, a := range answer.Errors[name] {
			if a.Err != sarama.ErrNoError && (code == sarama.ErrNoError || code == sarama.ErrOperationNotAttempted) {
				topic, code = name, a.Err
			}
		}
	}
	return topic, code, nil
}

func (p *Producer) badTopic(plan *Plan, topic string, code sarama.KError) error {
	if topic == p.checkpoint.name {
		return fmt.Errorf("add checkpoint partition: %w", refusal(apiAdd, code))
	}
	return plan.bad(topic, -1, refusedTopic(code), code)
}

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

// allAcknowledged is the condition for the commit, looked at once more.
func (p *Producer) allAcknowledged() error {
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

// commit ends the transaction. The call is sent once; only the two answers that say "not yet" are asked again.
func (p *Producer) commit(ctx context.Context, who identity, j *job) error {
	for wait := shortPause(); ; {
		p.logEnd(sent, who, j, nil)
		answer, err := call(ctx, p.coordinator, string(apiEnd), func() (*sarama.EndTxnResponse, error) {
			return p.coordinator.EndTxn(&sarama.EndTxnRequest{
				Version: 3, TransactionalID: p.txnID, ProducerID: who.producerID, ProducerEpoch: who.epoch, TransactionResult: true,
			})
		})
		if err == nil && answer.Err != sarama.ErrNoError {
			err = refusal(apiEnd, answer.Err)
		}
		p.logEnd(answered, who, j, err)
		switch {
		case err == nil:
			return nil
		case answer == nil || classify(apiEnd, answer.Err) != again:
			return err
		}
		if late := wait.next(ctx); late != nil {
			return fmt.Errorf("%w: %w", err, late)
		}
	}
}

func (p *Producer) logEnd(state string, who identity, j *job, err error) {
	if !p.c.proto.on() {
		return
	}
	attrs := []slog.Attr{slog.String(keyState, state), slog.Int64("pid", who.producerID), slog.Int("epoch", int(who.epoch))}
	if state == answered {
		attrs = append(attrs, slog.String(keyAnswer, answerOf(err)))
	}
	p.c.proto.write(actionEnd, append(attrs, j.about...)...)
}
