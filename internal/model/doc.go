// Package model walks through everything that can happen to two relays, a Postgres server and Kafka, in worlds small
// enough to walk through them all, and checks that no event is lost, published twice, out of order or by mistake. It is
// the protocol of start-up, recovery and publishing as states and steps; it has no goroutine, clock or connection.
//
// # How to read it
//
// A [Scenario] is a world: what the database commits, and how often each fault may happen. From its first state every
// step that anybody can take is taken, in every order (explore.go), so what holds afterwards holds in all interleavings
// of that world. When something does not hold, the shortest way there is printed, one step a line.
//
// Each rule of the protocol is a [Rule]; the table of [Rules] says what it is, and names a scenario that breaks without
// it. Taking a rule out is its mutation. Some rules guard against the same thing as another one; they name it, and the
// scenario breaks when both are out. So nobody has to believe that a rule is needed, nor that the model could see it
// missing.
//
//	explore.go progress.go                the walk; cycles
//	state.go machine.go                   the whole world, and its step
//	postgres.go history.go                WAL, slot; promotions and restored disks
//	coordinator.go partition.go checkpointlog.go network.go   Kafka
//	relay.go startup.go reading.go guard.go                   a relay up to the guard, and how it ends
//	stream.go batch.go publish.go idle.go                     a relay at work
//	initjob.go                            relay init
//	fault.go kafkafault.go                what goes wrong
//	property.go rest.go                   what must hold
//	rule.go rules.go scenario.go scenarios.go                 the tables
//	action.go replay.go replayworld.go replaysession.go       the log of a real relay, checked
//
// # What is in it
//
// Postgres: the WAL is a list of commits. An LSN is an index into it, and one commit ends where the next begins, which
// is the hard case. The slot has confirmed_flush and one owner; a crash throws it back; others may advance, drop or
// recreate it. A promotion begins a timeline, with or without the last entry, with or without the slot, with or without
// the old primary going on. A cold copy of the disk can be started later: the same timeline, other commits.
//
// Kafka: one transactional id, so one coordinator state with its epoch; transactions are opened, decided, and then
// marked partition by partition. Leaders refuse old epochs and ask the coordinator before a first batch. Any request may
// stay without answer, and then be executed at once, later or never; EndTxn, AddPartitionsToTxn and markers may come
// twice. Readers are given aborted records too, and sometimes an older end of the log than there is.
//
// Relays: each takes one step at a time, and may crash between any two; or sleep until Postgres has given its slot away,
// and go on without knowing. A relay that is merely slow is one that takes no step for a while.
//
// # What must hold
//
// In every state: no event is visible twice, or behind a later one of its partition; what is visible is a beginning of
// what the server in charge has committed, transactions whole unless the checkpoint says how far; nothing rolled back;
// the slot is not ahead of the checkpoint; nobody refuses without a cause, which the model knows from what really
// happened and the relay does not. Where no step but a fault is left: everything committed is published and
// acknowledged, or a relay refuses. And steps without faults lead nowhere in a circle: when faults stop, it gets there.
//
// # What is left out
//
// Time: time-outs may happen at any moment, or never. So "back off longer than a start-up" is taken for "not while the
// other one starts", and what is said of periods (idle every 10 s, a transaction open for half of its time-out) is not
// here. Producer ids and their wrap, sequence numbers, offsets, replication between brokers: a broker's log is taken to
// be what was acknowledged, unless a fault says otherwise. Rows, digests and options of the stream: a transaction has an
// identity that the witness compares, fingerprints are always equal. One transactional id: no shards. Parking, retry (a
// replay checks that nobody miscounts what is parked and held), repair, adopt and the identity of anything but the topic.
// Configuration, rights, topic settings: they are checked against real servers.
//
// # What it cannot promise
//
// Events that a fail-over takes back, while no relay works on the promoted server yet, are public already; the relay
// there refuses, and that is all. An event partition that loses just its newest transaction shows it only when the next
// one is written: a checkpoint knows the ends of the transaction before. With two primaries at once, a relay may take
// the other's events for a stranger's and name the wrong cause; it refuses or is fenced, and publishes nothing.
//
// # Replay
//
// A real relay writes a log of its protocol actions. [Replay] checks such logs, of several instances together, against
// the rules that can be seen in them. The model writes the same logs, which ties the two: Replay accepts every log of
// the model, and refuses those of its mutations.
//
// # Running
//
// The tests walk small worlds in seconds. `go test ./internal/model -deep -timeout 2h` walks larger ones.
package model
