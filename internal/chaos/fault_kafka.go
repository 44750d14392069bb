package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/pause"
)

func kafkaFaults() []*Fault {
	any := func(_ context.Context, _ *life, pick int) ([]int, error) { return []int{pick % brokers}, nil }
	two := func(_ context.Context, _ *life, pick int) ([]int, error) {
		return []int{pick % brokers, (pick + 1) % brokers}, nil
	}
	all := func(context.Context, *life, int) ([]int, error) { return []int{0, 1, 2}, nil }
	coordinator := func(ctx context.Context, l *life, _ int) ([]int, error) {
		i, err := l.reader.coordinator(ctx, "relay-"+l.place.Name)
		return []int{i}, err
	}
	return []*Fault{
		brokerFault("broker-kill", "kill -9 of a broker", any, kill),
		brokerFault("coordinator-kill", "kill -9 of the transaction coordinator", coordinator, kill),
		brokerFault("broker-kill-two", "kill -9 of two brokers: nobody can write", two, kill),
		brokerFault("broker-kill-all", "kill -9 of all brokers", all, kill),
		brokerFault("broker-stop", "controlled restart of a broker", any, stop),
		brokerFault("coordinator-stop", "controlled restart of the transaction coordinator", coordinator, stop),
		brokerFault("broker-freeze", "SIGSTOP of a broker", any, freeze),
		brokerFault("coordinator-freeze", "SIGSTOP of the transaction coordinator", coordinator, freeze),
	}
}

// choice says which brokers a fault befalls.
type choice func(ctx context.Context, l *life, pick int) ([]int, error)

// harm is what is done to a broker, and gives how it is mended.
type harm func(ctx context.Context, w *World, broker int) (Mend, error)

func brokerFault(name, what string, which choice, do harm) *Fault {
	return &Fault{Name: name, What: what, Hits: hitsKafka, Strike: func(ctx context.Context, l *life, pick int) (Mend, error) {
		list, err := which(ctx, l, pick)
		if err != nil {
			return nil, err
		}
		var mends []Mend
		for _, i := range list {
			mend, err := do(ctx, l.World, i)
			if err != nil {
				return nil, err
			}
			mends = append(mends, mend)
		}
		return together(mends), nil
	}}
}

// together mends at once: a broker alone is not ready before a majority is there.
func together(mends []Mend) Mend {
	return func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, mend := range mends {
			group.Go(func() error { return mend(ctx) })
		}
		return group.Wait()
	}
}

func kill(_ context.Context, w *World, i int) (Mend, error) {
	return func(ctx context.Context) error { return w.Kafka.Start(ctx, i) }, w.Kafka.Kill(i) //nolint:contextcheck // nothing to wait for
}

func stop(ctx context.Context, w *World, i int) (Mend, error) {
	return func(ctx context.Context) error { return w.Kafka.Start(ctx, i) }, w.Kafka.Stop(ctx, i)
}

func freeze(_ context.Context, w *World, i int) (Mend, error) {
	return func(context.Context) error { return w.Kafka.Resume(i) }, w.Kafka.Pause(i)
}

// coordinator finds the broker that coordinates a transactional id.
func (r *Reader) coordinator(ctx context.Context, id string) (int, error) {
	for {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = 1, id, []string{id} // newer versions take many
		resp, err := req.RequestWith(ctx, r.client)
		if err == nil {
			node, code := resp.NodeID, resp.ErrorCode
			if len(resp.Coordinators) > 0 {
				node, code = resp.Coordinators[0].NodeID, resp.Coordinators[0].ErrorCode
			}
			if err = kerr.ErrorForCode(code); err == nil {
				return int(node) - 1, nil // brokers count from 1
			}
		}
		if late := pause.For(ctx, readEvery); late != nil {
			return 0, fmt.Errorf("find the coordinator of %s: %w", id, errors.Join(late, err))
		}
	}
}
