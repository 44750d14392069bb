package publisher

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/IBM/sarama"
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
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.c.cfg.TransactionTimeout, errStillBusy)
	defer cancel()
	old := p.identity()
	for wait := shortPause(); ; {
		p.c.logInit(actionBump, old)
		who, code, err := initProducerID(ctx, p.coordinator, &p.c.cfg, old)
		p.c.logInitAnswer(actionBump, who, code, err)
		if err != nil {
			return err
		}
		switch classify(apiInit, code) {
		case fine:
			return p.become(old, who)
		case again:
			if err := wait.next(ctx); err != nil {
				return fmt.Errorf("%w: %w", refusal(apiInit, code), err)
			}
		case denied:
			return p.c.needWrite(code)
		default:
			return refusal(apiInit, code)
		}
	}
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

const (
	// tendEvery is how often the producer looks after its connections and what it knows of topics.
	tendEvery = 30 * time.Second
	// metadataAge is how old the knowledge of leaders, partitions and settings may get.
	metadataAge = 2 * time.Minute
)

// tend keeps idle connections alive, brokers close them after ten minutes, and notices while nothing is published that
// one has died, so that the next event does not pay for it.
func (p *Producer) tend() {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	looked := time.Now()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		if err := p.touch(); err != nil {
			_ = p.fail(err)
			return
		}
		if time.Since(looked) < metadataAge {
			continue
		}
		looked = time.Now()
		if err := p.lookAgain(); err != nil {
			_ = p.fail(err)
			return
		}
	}
}

// touch asks something harmless over every connection that was idle. A coordinator that is gone needs a new session; a
// leader's connection is made again when it is needed.
func (p *Producer) touch() error {
	p.turn.Lock()
	senders := maps.Clone(p.senders)
	p.turn.Unlock()
	if err := p.keepAlive(p.coordinator); err != nil {
		return err
	}
	for leader, s := range senders {
		if p.keepAlive(s.conn) == nil {
			continue
		}
		p.turn.Lock()
		if p.senders[leader] == s {
			delete(p.senders, leader)
		}
		p.turn.Unlock()
		p.c.drop(s.conn)
	}
	return nil
}

func (p *Producer) keepAlive(conn *conn) error {
	if conn.idle() < tendEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, controlTimeout)
	defer cancel()
	_, err := call(ctx, conn, "keep alive", func() (*sarama.ApiVersionsResponse, error) {
		return conn.ApiVersions(&sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "relay", ClientSoftwareVersion: "1"})
	})
	return err
}

// lookAgain refreshes the topics. A cluster that cannot be asked now is no reason to stop publishing; a checkpoint
// topic with another id is.
func (p *Producer) lookAgain() error {
	if err := p.c.refreshTopics(p.ctx); err != nil {
		p.c.cfg.Logger.Warn("cannot refresh topics", "error", err)
		return nil
	}
	if now := p.c.known(p.checkpoint.name); now != nil && now.id != p.checkpoint.id {
		return fmt.Errorf("checkpoint topic %s was recreated: id was %s, is %s", now.name, p.checkpoint.id, now.id)
	}
	return nil
}
