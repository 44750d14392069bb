package main

import (
	"context"
	"errors"
	"testing"
)

func TestAwait(t *testing.T) {
	l := newLedger()
	l.read(record{id: "past"})
	third := func(r record) bool { return r.id == "third" }
	found := make(chan record)
	go func() {
		r, err := l.await(t.Context(), third)
		if err != nil {
			t.Error(err)
		}
		found <- r
	}()
	for _, id := range []string{"first", "second", "third", "fourth"} {
		l.read(record{id: id})
	}
	if r := <-found; r.id != "third" {
		t.Errorf("found %q, want the third", r.id)
	}
	if r, err := l.await(t.Context(), third); err != nil || r.id != "third" {
		t.Errorf("found %q, %v, want the third in what was there before", r.id, err)
	}

	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := l.await(ctx, func(record) bool { return false }); !errors.Is(err, why) {
		t.Errorf("error is %v, want the cause", err)
	}
}
