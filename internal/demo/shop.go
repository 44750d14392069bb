package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

const clerks = 4 // connections

// shop places orders. It knows Postgres and nothing of Kafka or Relay.
type shop struct {
	url    string
	ledger *ledger
}

// open lets the clerks work, together at most perSecond orders a second, until ctx ends. Each finishes the order it has
// begun, so the outcome of every order is known.
func (s *shop) open(ctx context.Context, perSecond int) error {
	group, ctx := errgroup.WithContext(ctx)
	for range clerks {
		group.Go(func() error {
			if err := s.work(ctx, time.Second*clerks/time.Duration(perSecond)); err != nil {
				return fmt.Errorf("place order: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// work is what one clerk does.
func (s *shop) work(ctx context.Context, pause time.Duration) (err error) {
	finish := context.WithoutCancel(ctx)
	conn, err := pgx.Connect(finish, s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(finish)) }()
	next := time.NewTicker(pause)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		outcome, err := randomOrder().place(finish, conn)
		if err != nil {
			return err
		}
		s.ledger.sold(outcome)
	}
}

// order is what a customer wants, and what will come of it.
type order struct {
	sku      string
	quantity int
	coupon   bool // tried, and taken back with a savepoint
	declined bool // the payment: everything is rolled back
}

func randomOrder() order {
	return order{
		sku:      fmt.Sprintf("sku-%d", 1+rand.IntN(24)),
		quantity: 1 + rand.IntN(3),
		coupon:   rand.IntN(5) == 0,
		declined: rand.IntN(10) == 0,
	}
}

// errDeclined takes an order back.
var errDeclined = errors.New("payment declined")

// place writes the order and its two events in one transaction: all of it becomes true, or nothing.
func (o order) place(ctx context.Context, conn *pgx.Conn) (sales, error) {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var id int64
		const insert = "INSERT INTO orders (sku, quantity) VALUES ($1, $2) RETURNING id"
		if err := tx.QueryRow(ctx, insert, o.sku, o.quantity).Scan(&id); err != nil {
			return err
		}
		key := fmt.Sprintf("order-%d", id)
		payload := fmt.Sprintf(`{"sku": "%s", "quantity": %d}`, o.sku, o.quantity)
		if err := emit(ctx, tx, "order", key, 1, "OrderPlaced", payload); err != nil {
			return err
		}
		if o.coupon {
			if err := tryCoupon(ctx, tx, key); err != nil {
				return err
			}
		}
		if err := o.reserveStock(ctx, tx, key); err != nil {
			return err
		}
		if o.declined {
			return errDeclined
		}
		return nil
	})
	if errors.Is(err, errDeclined) {
		err = nil
	}
	return o.outcome(), err
}

// outcome is what the order adds to the sales.
func (o order) outcome() (s sales) {
	if o.coupon {
		s.savepoints, s.rolledBack = 1, 1
	}
	if o.declined {
		s.declined = 1
		s.rolledBack += 2
	} else {
		s.orders = 1
	}
	return s
}

// reserveStock changes the product. Its row stays locked until the end of the transaction, so its versions follow each
// other in commit order, and so must its events in Kafka.
func (o order) reserveStock(ctx context.Context, tx pgx.Tx, order string) error {
	var version int64
	const update = "UPDATE product SET stock = stock - $2, version = version + 1 WHERE sku = $1 RETURNING version"
	if err := tx.QueryRow(ctx, update, o.sku, o.quantity).Scan(&version); err != nil {
		return err
	}
	return emit(ctx, tx, "product", o.sku, version, "StockReserved", fmt.Sprintf(`{"order": "%s", "quantity": %d}`, order, o.quantity))
}

// errExpired takes a coupon back.
var errExpired = errors.New("coupon expired")

// tryCoupon writes an event inside a savepoint and takes it back: the order goes on without it.
func tryCoupon(ctx context.Context, tx pgx.Tx, order string) error {
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		if err := emit(ctx, savepoint, "order", order, 2, "CouponRedeemed", `{"percent": 10}`); err != nil {
			return err
		}
		return errExpired
	})
	if errors.Is(err, errExpired) {
		return nil
	}
	return err
}

// delivered is the payload of the last event of an order.
const delivered = `{"delivered": true}`

// deliver writes one more event for each of these orders, in one transaction.
func (s *shop) deliver(ctx context.Context, orders []string) (err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, key := range orders {
			if err := emit(ctx, tx, "order", key, 2, "OrderDelivered", delivered); err != nil {
				return err
			}
		}
		return nil
	})
}

// emit writes an event. That is all an application has to do.
func emit(ctx context.Context, tx pgx.Tx, aggregate, id string, version int64, event, payload string) error {
	_, err := tx.Exec(ctx, `SELECT outbox.emit(aggregate_type => $1, aggregate_id => $2, aggregate_version => $3,
		event_type => $4, payload => $5)`, aggregate, id, version, event, payload)
	return err
}
