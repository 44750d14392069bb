package main

import (
	"context"
	"sync"
)

// ledger is what has been seen so far, by the shop and by the consumer.
type ledger struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced when records grow
	records []record
	sales   sales
}

// sales is the shop's side.
type sales struct {
	orders     int // committed
	declined   int // rolled back
	savepoints int // rolled back inside an order that went on
	rolledBack int // events written and taken back, by either
}

func newLedger() *ledger { return &ledger{changed: make(chan struct{})} }

// sold counts the end of an order: what it adds to the sales.
func (l *ledger) sold(s sales) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sales.orders += s.orders
	l.sales.declined += s.declined
	l.sales.savepoints += s.savepoints
	l.sales.rolledBack += s.rolledBack
}

func (l *ledger) total() sales {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sales
}

// read adds what the consumer has read.
func (l *ledger) read(r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	close(l.changed)
	l.changed = make(chan struct{})
}

// since gives the records from number n on, and a channel that is closed when more come.
func (l *ledger) since(n int) ([]record, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[n:len(l.records):len(l.records)], l.changed
}

func (l *ledger) count() int {
	all, _ := l.since(0)
	return len(all)
}

// await waits for the first record that matches.
func (l *ledger) await(ctx context.Context, matches func(record) bool) (record, error) {
	for n := 0; ; {
		more, changed := l.since(n)
		for _, r := range more {
			if matches(r) {
				return r, nil
			}
		}
		n += len(more)
		select {
		case <-changed:
		case <-ctx.Done():
			return record{}, context.Cause(ctx)
		}
	}
}
