package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	ordersPerSecond = 300
	// arrivalLimit is when the demo no longer waits for the first event, and after the last one counts what is there.
	arrivalLimit = 30 * time.Second
)

// play is the demo from beginning to end.
func play(ctx context.Context, fail context.CancelCauseFunc, say *narrator, then after) (v verdict, err error) {
	s, err := setStage(ctx, say)
	defer func() {
		if failed := s.close(); failed != nil {
			say.step("clean-up", "%v", failed) // an interrupt would hide it
			err = errors.Join(err, failed)
		}
	}()
	if err != nil {
		return v, err
	}
	l := newLedger()
	c := &consumer{ledger: l}
	if err := c.start(ctx, s, fail); err != nil {
		return v, err
	}
	say.step("consumer", "kafka-console-consumer waits for events: a process of its own, read_committed")
	r := &relay{stage: s, fail: fail}
	if err := prepare(ctx, s, r, say); err != nil {
		return v, err
	}
	day := &shop{url: s.postgres.URL(appRole, database), ledger: l}
	recoveries, err := openDay(ctx, day, r, say)
	if err != nil {
		return v, err
	}
	if v, err = countAll(ctx, s, day); err != nil {
		return v, err
	}
	say.show(report(v, l.total(), recoveries))
	if v.even() {
		if err := prove(ctx, r, say); err != nil {
			return v, err
		}
	}
	say.step("verdict", "%s", conclusion(v))
	if then.tour != "" {
		if err := newGuide(s, r).show(ctx, day, then.tour); err != nil {
			return v, err
		}
		say.step("tour", "is written to %s", then.tour)
	}
	if then.stay {
		return v, linger(ctx, s, r, day, say)
	}
	return v, r.stop(ctx)
}

// prove lets Relay prove by its own means what was counted here by others.
func prove(ctx context.Context, r *relay, say *narrator) error {
	summary, err := r.audit(ctx)
	if err != nil {
		return err
	}
	say.step("relay audit", "finds nothing wrong")
	say.show(summary + "\n")
	return nil
}

// countAll waits for the last events and judges.
func countAll(ctx context.Context, s *stage, day *shop) (verdict, error) {
	if err := lastEvents(ctx, day); err != nil {
		return verdict{}, err
	}
	written, err := writtenEvents(ctx, s.postgres)
	if err != nil {
		return verdict{}, err
	}
	read, _ := day.ledger.since(0)
	return judge(written, read), nil
}

// prepare makes the database and configures Relay.
func prepare(ctx context.Context, s *stage, r *relay, say *narrator) error {
	if err := migrate(ctx, s.postgres); err != nil {
		return err
	}
	say.step("migrations", "applied: the outbox belongs to %s, %s writes to it, %s publishes it", ownerRole, appRole, relayRole)
	text, err := s.configure()
	if err != nil {
		return err
	}
	say.step("relay.yaml", "")
	say.show(text)
	out, err := r.init(ctx)
	if err != nil {
		return err
	}
	say.step("relay init", "")
	say.show(out)
	if err := r.start(ctx); err != nil {
		return err
	}
	say.step("relay run", "pid %d", r.pid())
	return nil
}

// openDay runs the shop while the relay is killed.
func openDay(ctx context.Context, day *shop, r *relay, say *narrator) ([]time.Duration, error) {
	open, closing := context.WithCancel(ctx)
	defer closing()
	closed := make(chan error, 1)
	go func() {
		err := day.open(open, ordersPerSecond)
		if err != nil {
			r.fail(err)
		}
		closed <- err
	}()
	say.step("shop", "opens: %d connections, %d orders a second, each with two events; some roll back", clerks, ordersPerSecond)
	limited, cancel := context.WithTimeout(ctx, arrivalLimit)
	defer cancel()
	if _, err := day.ledger.await(limited, func(record) bool { return true }); err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("no event could be read within %v: %s", arrivalLimit, r.logTail())
		}
		return nil, errors.Join(err, wait(closing, closed))
	}
	say.step("consumer", "reads the first event")
	recoveries, err := killAgain(ctx, r, day.ledger, say)
	if err = errors.Join(err, wait(closing, closed)); err != nil {
		return nil, err
	}
	total := day.ledger.total()
	say.step("shop", "closes: %s orders committed, %s rolled back; %s savepoints rolled back",
		count(total.orders), count(total.declined), count(total.savepoints))
	return recoveries, nil
}

func wait(closing context.CancelFunc, closed <-chan error) error {
	closing()
	return <-closed
}

// lastEvents writes one event into each partition and waits until it is read: so is everything before it. It does not
// matter whether they come: what is missing is counted.
func lastEvents(ctx context.Context, day *shop) error {
	orders := make(map[int32]string) // an order by partition
	read, _ := day.ledger.since(0)
	for _, r := range read {
		if strings.HasPrefix(r.key, "order-") {
			orders[r.partition] = r.key
		}
	}
	if err := day.deliver(ctx, slices.Collect(maps.Values(orders))); err != nil {
		return fmt.Errorf("write the last events: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, arrivalLimit)
	defer cancel()
	for _, key := range orders {
		_, err := day.ledger.await(limited, func(r record) bool { return r.key == key && r.payload == delivered })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			break
		}
	}
	return nil
}
