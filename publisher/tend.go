package publisher

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/IBM/sarama"
)

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
