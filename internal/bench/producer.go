package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// producer makes bare transactions with plain broker calls, one connection to the coordinator and one to the leader of
// every partition it writes to.
type producer struct {
	cluster     *cluster
	id          string
	coordinator *sarama.Broker
	leaders     map[place]*sarama.Broker
	opened      map[string]*sarama.Broker // by address
	pid         int64
	epoch       int16
	sequences   map[place]int32
}

func (c *cluster) newProducer(ctx context.Context, id string) (*producer, error) {
	p := &producer{cluster: c, id: id, leaders: map[place]*sarama.Broker{}, opened: map[string]*sarama.Broker{}, sequences: map[place]int32{}}
	begun := time.Now()
	for {
		err := p.begin()
		if err == nil {
			return p, nil
		}
		// A fresh cluster makes the log of transactions first.
		if time.Since(begun) > consumerTimeout || sleepUntil(ctx, time.Now().Add(50*time.Millisecond)) != nil {
			return nil, errors.Join(fmt.Errorf("begin transactions: %w", err), p.close())
		}
	}
}

func (p *producer) begin() error {
	ask, err := p.cluster.client.Controller()
	if err != nil {
		return err
	}
	found, err := ask.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorType: sarama.CoordinatorTransaction, CoordinatorKey: p.id})
	if err != nil {
		return err
	}
	if !errors.Is(found.Err, sarama.ErrNoError) {
		return found.Err
	}
	if p.coordinator, err = p.dial("coordinator", found.Coordinator.Addr()); err != nil {
		return err
	}
	answer, err := p.coordinator.InitProducerID(&sarama.InitProducerIDRequest{
		Version: 4, TransactionalID: &p.id, TransactionTimeout: 30 * time.Second, ProducerID: -1, ProducerEpoch: -1,
	})
	if err != nil {
		return err
	}
	if !errors.Is(answer.Err, sarama.ErrNoError) {
		return answer.Err
	}
	p.pid, p.epoch = answer.ProducerID, answer.ProducerEpoch
	return nil
}

// dial opens one connection for a purpose and an address.
func (p *producer) dial(purpose, addr string) (*sarama.Broker, error) {
	key := purpose + " " + addr
	if conn := p.opened[key]; conn != nil {
		return conn, nil
	}
	conn, err := dialBroker(addr)
	if err == nil {
		p.opened[key] = conn
	}
	return conn, err
}

// transact commits one record to each place.
func (p *producer) transact(ctx context.Context, records map[place][]byte) error {
	if err := p.add(ctx, records); err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	if err := p.produce(records); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	answer, err := p.coordinator.EndTxn(&sarama.EndTxnRequest{
		Version: 3, TransactionalID: p.id, ProducerID: p.pid, ProducerEpoch: p.epoch, TransactionResult: true,
	})
	if err == nil && !errors.Is(answer.Err, sarama.ErrNoError) {
		err = answer.Err
	}
	if err != nil {
		return fmt.Errorf("end transaction: %w", err)
	}
	return nil
}

func (p *producer) add(ctx context.Context, records map[place][]byte) error {
	topics := map[string][]int32{}
	for to := range records {
		topics[to.topic] = append(topics[to.topic], to.partition)
	}
	for {
		answer, err := p.coordinator.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: p.id, ProducerID: p.pid, ProducerEpoch: p.epoch, TopicPartitions: topics,
		})
		if err != nil {
			return err
		}
		code := firstError(answer)
		if errors.Is(code, sarama.ErrNoError) {
			return nil
		}
		if !errors.Is(code, sarama.ErrConcurrentTransactions) { // the markers of the last one are being written
			return code
		}
		if err := sleepUntil(ctx, time.Now().Add(300*time.Microsecond)); err != nil {
			return err
		}
	}
}

func firstError(answer *sarama.AddPartitionsToTxnResponse) sarama.KError {
	for _, list := range answer.Errors {
		for _, e := range list {
			if !errors.Is(e.Err, sarama.ErrNoError) {
				return e.Err
			}
		}
	}
	return sarama.ErrNoError
}

// produce sends one request to each leader, all at once.
func (p *producer) produce(records map[place][]byte) error {
	requests := map[*sarama.Broker]map[place][]byte{}
	for to, value := range records {
		leader, err := p.leader(to)
		if err != nil {
			return err
		}
		if requests[leader] == nil {
			requests[leader] = map[place][]byte{}
		}
		requests[leader][to] = value
	}
	var group errgroup.Group
	for leader, batches := range requests {
		group.Go(func() error { return p.send(leader, batches) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for to := range records {
		p.sequences[to]++
	}
	return nil
}

func (p *producer) send(leader *sarama.Broker, batches map[place][]byte) error {
	now, id := time.Now(), p.id
	request := &sarama.ProduceRequest{Version: 10, TransactionalID: &id, RequiredAcks: sarama.WaitForAll, Timeout: int32(consumerTimeout.Milliseconds())}
	for to, value := range batches {
		request.AddBatch(to.topic, to.partition, &sarama.RecordBatch{
			Version: 2, CompressionLevel: sarama.CompressionLevelDefault, ProducerID: p.pid, ProducerEpoch: p.epoch,
			FirstSequence: p.sequences[to], IsTransactional: true, FirstTimestamp: now, MaxTimestamp: now,
			Records: []*sarama.Record{{Key: []byte("key-1"), Value: value}},
		})
	}
	answer, err := leader.Produce(request)
	if err != nil {
		return err
	}
	for to := range batches {
		block := answer.GetBlock(to.topic, to.partition)
		if block == nil {
			return fmt.Errorf("no answer for %s partition %d", to.topic, to.partition)
		}
		if !errors.Is(block.Err, sarama.ErrNoError) {
			return block.Err
		}
	}
	return nil
}

func (p *producer) leader(to place) (*sarama.Broker, error) {
	if conn := p.leaders[to]; conn != nil {
		return conn, nil
	}
	leader, err := p.cluster.client.Leader(to.topic, to.partition)
	if err != nil {
		return nil, err
	}
	conn, err := p.dial("produce", leader.Addr())
	if err == nil {
		p.leaders[to] = conn
	}
	return conn, err
}

func (p *producer) close() error {
	var errs []error
	for _, conn := range p.opened {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
