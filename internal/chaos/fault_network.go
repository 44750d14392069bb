package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

// far is a way that makes a round trip of 50 ms.
const far = 25 * time.Millisecond

// networkFaults befall the relays' connections to all brokers, or to Postgres.
func networkFaults() []*Fault {
	var faults []*Fault
	for _, to := range []struct {
		name, hits string
		proxies    func(*World) []*devstack.Proxy
	}{{"kafka", hitsKafka, (*World).toKafka}, {"postgres", hitsPostgres, func(w *World) []*devstack.Proxy { return []*devstack.Proxy{w.relays} }}} {
		for _, f := range []struct {
			name, what   string
			harm, relent func(*devstack.Proxy) // relent may be nil
		}{
			{"cut", "every connection to %s reset", (*devstack.Proxy).Cut, nil},
			{"half-open", "every connection to %s silent for ever, new ones work", (*devstack.Proxy).HalfOpen, nil},
			{"refused", "%s refuses connections", (*devstack.Proxy).Down, (*devstack.Proxy).Up},
			{"lost", "the network to %s loses every packet", (*devstack.Proxy).Pause, (*devstack.Proxy).Resume},
			{"deaf", "answers of %s do not arrive, requests do", (*devstack.Proxy).PauseAnswers, (*devstack.Proxy).Resume},
			{"far", "%s is a round trip of 50 ms away", func(p *devstack.Proxy) { p.Delay(far) }, func(p *devstack.Proxy) { p.Delay(0) }},
		} {
			faults = append(faults, networkFault(to.name+"-"+f.name, fmt.Sprintf(f.what, to.name), to.hits, to.proxies, f.harm, f.relent))
		}
	}
	return faults
}

func networkFault(name, what, hits string, proxies func(*World) []*devstack.Proxy, harm, relent func(*devstack.Proxy)) *Fault {
	return &Fault{Name: name, What: what, Hits: hits, Strike: func(_ context.Context, l *life, _ int) (Mend, error) {
		list := proxies(l.World)
		for _, p := range list {
			harm(p)
		}
		if relent == nil {
			return nil, nil
		}
		return func(context.Context) error {
			for _, p := range list {
				relent(p)
			}
			return nil
		}, nil
	}}
}

func (w *World) toKafka() []*devstack.Proxy {
	list := make([]*devstack.Proxy, brokers)
	for i := range list {
		list[i] = w.Kafka.Proxy(i)
	}
	return list
}
