// Command demo shows Relay at work and at its worst moment. A shop writes orders and their events in one Postgres
// transaction, Relay publishes the events to Kafka and is killed three times with kill -9, and in the end every event is
// counted. The exit code is 0 when the count is even, 1 when it is not, 130 when the demo was interrupted.
//
// Nothing is simulated: Postgres and Kafka (package devstack), the relay program, and Kafka's own console consumer, which
// reads what is committed and knows nothing of Relay.
//
//	play.go      the demo from beginning to end
//	stage.go     servers and the relay program
//	database.go  roles, migrations, the shop's tables
//	shop.go      orders: one transaction, two events
//	relay.go     the relay's process
//	consumer.go  the console consumer's process
//	ledger.go    what has been seen so far
//	kills.go     kill -9, and how long until the next event
//	oracle.go    what was written against what was read
//	report.go    the table
//	narrator.go  what is told meanwhile
//	stay.go      what there is to look at
//	tour.go      what there is to type
//	guide.go     typing it, and writing down what comes: docs/tour.md
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitEven        = 0
	exitFailed      = 1
	exitInterrupted = 130
)

func main() {
	stay := flag.Bool("stay", false, "keep everything running after the count, until interrupted")
	tourFile := flag.String("tour", "", "after the count, take the tour and write it to this `file`")
	flag.Parse()
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the demo at once. Even then nothing is left behind: see package devstack.
	context.AfterFunc(ctx, release)
	os.Exit(run(ctx, newNarrator(os.Stdout), after{stay: *stay, tour: *tourFile}))
}

// after is what comes after the count.
type after struct {
	stay bool
	tour string // file
}

// run gives the exit code.
func run(interrupt context.Context, say *narrator, then after) int {
	// Whatever ends unasked, as the relay's process, ends the demo: the cause of ctx says why.
	ctx, fail := context.WithCancelCause(interrupt)
	defer fail(nil)
	v, err := play(ctx, fail, say, then)
	if interrupt.Err() != nil {
		say.step("interrupted", "")
	}
	switch {
	case then.stay && v.even() && interrupt.Err() != nil:
		return exitEven // counted before the interrupt
	case interrupt.Err() != nil:
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		return exitFailed
	case !v.even():
		return exitFailed
	}
	return exitEven
}
